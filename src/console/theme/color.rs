//! Colours: how they are written, how well one is read on another, and what is left of them where a terminal has fewer.

use ratatui::style::Color;

/// How many colours a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// None: bold, underlined and reversed only.
    Mono,
    /// The sixteen named ones.
    Sixteen,
    /// The sixteen, a cube of 216, and a ramp of 24 greys.
    TwoFiftySix,
    /// Every one.
    True,
}

/// The sixteen colours that have names, in the order of their numbers. What they look like is for the terminal to say.
pub const NAMED: [(&str, Color); 16] = [
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("gray", Color::Gray),
    ("dark_gray", Color::DarkGray),
    ("light_red", Color::LightRed),
    ("light_green", Color::LightGreen),
    ("light_yellow", Color::LightYellow),
    ("light_blue", Color::LightBlue),
    ("light_magenta", Color::LightMagenta),
    ("light_cyan", Color::LightCyan),
    ("white", Color::White),
];

/// How xterm shows the sixteen: a stand-in for what the terminal shows, which nobody can know.
const NAMED_RGB: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The levels of the cube, for each of its three directions.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Read a colour: `#rrggbb`, one of the sixteen names (`bright-red` and `light_red` are the same), a number from 0 to 255, or `default`.
#[must_use]
pub fn parse(text: &str) -> Option<Color> {
    let text = text.trim();
    if let Some(digits) = text.strip_prefix('#') {
        let is_hex = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        let [_, red, green, blue] = number.to_be_bytes();
        return Some(Color::Rgb(red, green, blue));
    }
    if !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) {
        return text.parse().ok().map(Color::Indexed);
    }
    let name = text.to_ascii_lowercase().replace('-', "_").replace("bright_", "light_").replace("grey", "gray");
    if name == "default" {
        return Some(Color::Reset);
    }
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, color)| *color)
}

/// The colour on a terminal that has only so many; nothing where it has none.
#[must_use]
pub fn degrade(color: Color, depth: Depth) -> Option<Color> {
    match (depth, color) {
        (Depth::Mono, _) => None,
        (Depth::TwoFiftySix, Color::Rgb(red, green, blue)) => Some(Color::Indexed(nearest_index((red, green, blue)))),
        (Depth::Sixteen, Color::Indexed(index)) if index < 16 => Some(NAMED[usize::from(index)].1),
        (Depth::Sixteen, Color::Indexed(_) | Color::Rgb(..)) => rgb(color).map(nearest_named).or(Some(color)),
        _ => Some(color),
    }
}

/// The colour in red, green and blue; nothing for the terminal's own default. The sixteen are taken as xterm shows them.
#[must_use]
pub fn rgb(color: Color) -> Option<(u8, u8, u8)> {
    match color {
        Color::Reset => None,
        Color::Rgb(red, green, blue) => Some((red, green, blue)),
        Color::Indexed(index) => Some(indexed_rgb(index)),
        named => NAMED.iter().position(|(_, color)| *color == named).map(|at| NAMED_RGB[at]),
    }
}

fn indexed_rgb(index: u8) -> (u8, u8, u8) {
    match index {
        0..=15 => NAMED_RGB[usize::from(index)],
        16..=231 => {
            let at = usize::from(index - 16);
            (LEVELS[at / 36], LEVELS[at / 6 % 6], LEVELS[at % 6])
        }
        232..=255 => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

/// The entry of the cube or of the ramp that looks most like it. The sixteen are no candidates: a terminal's user may have changed them.
/// What is no grey does not become one, though for a dark green a grey is nearest: what it says is "green".
fn nearest_index(wanted: (u8, u8, u8)) -> u8 {
    let fits = |index: &u8| is_grey(wanted) || !is_grey(indexed_rgb(*index));
    (16..=255).filter(fits).min_by_key(|index| distance(wanted, indexed_rgb(*index))).unwrap_or(16)
}

/// Whether the eye sees no hue in it: too pale or too dark.
fn is_grey((red, green, blue): (u8, u8, u8)) -> bool {
    let most = red.max(green).max(blue);
    let spread = most - red.min(green).min(blue);
    spread < 36 || u32::from(spread) * 5 < u32::from(most) || most < 48
}

/// How different two colours look, by the "redmean" approximation: the eye is most exact in green, and in red where there is much of it.
fn distance(one: (u8, u8, u8), other: (u8, u8, u8)) -> i64 {
    let mean = (i64::from(one.0) + i64::from(other.0)) / 2;
    let square = |a: u8, b: u8| (i64::from(a) - i64::from(b)).pow(2);
    (512 + mean) * square(one.0, other.0) + 1024 * square(one.1, other.1) + (767 - mean) * square(one.2, other.2)
}

/// One of the sixteen, by hue rather than by distance: a pale green is nearest to grey, but what it says is "green".
fn nearest_named((red, green, blue): (u8, u8, u8)) -> Color {
    let most = red.max(green).max(blue);
    let spread = most - red.min(green).min(blue);
    let light = (u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114) / 1000;
    if is_grey((red, green, blue)) {
        return match light {
            0..=40 => Color::Black,
            41..=150 => Color::DarkGray,
            151..=235 => Color::Gray,
            _ => Color::White,
        };
    }
    let (r, g, b, span) = (i32::from(red), i32::from(green), i32::from(blue), i32::from(spread));
    let degrees = match most {
        _ if most == red => 60 * (g - b) / span,
        _ if most == green => 120 + 60 * (b - r) / span,
        _ => 240 + 60 * (r - g) / span,
    };
    let is_light = light > 115;
    let of = |normal, lighter| if is_light { lighter } else { normal };
    match degrees.rem_euclid(360) {
        25..=74 => of(Color::Yellow, Color::LightYellow),
        75..=164 => of(Color::Green, Color::LightGreen),
        165..=194 => of(Color::Cyan, Color::LightCyan),
        195..=269 => of(Color::Blue, Color::LightBlue),
        270..=334 => of(Color::Magenta, Color::LightMagenta),
        _ => of(Color::Red, Color::LightRed),
    }
}

/// Contrast of two colours as WCAG 2 defines it, 1 to 21; nothing when one of them is for the terminal to say. 4.5 is enough for text
/// (level AA), 7 is good (AAA).
#[must_use]
pub fn contrast(one: Color, other: Color) -> Option<f64> {
    let (one, other) = (luminance(rgb(one)?), luminance(rgb(other)?));
    Some((one.max(other) + 0.05) / (one.min(other) + 0.05))
}

fn luminance((red, green, blue): (u8, u8, u8)) -> f64 {
    let linear = |channel: u8| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_way_to_write_a_colour_is_read_and_nothing_else() {
        assert_eq!(parse("#0a10FF"), Some(Color::Rgb(10, 16, 255)));
        assert_eq!((parse("255"), parse("256")), (Some(Color::Indexed(255)), None));
        assert_eq!((parse("Bright-Red"), parse("light_red")), (Some(Color::LightRed), Some(Color::LightRed)));
        assert_eq!((parse("grey"), parse("default")), (Some(Color::Gray), Some(Color::Reset)));
        for wrong in ["", "#", "#fff", "#12345g", "#+12345", "#1234567", "gren", "-1", "1.5", "#ééé"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_colour_keeps_its_meaning_with_fewer_colours() {
        let sixteen = |text| degrade(parse(text).unwrap(), Depth::Sixteen).unwrap();
        assert_eq!(sixteen("#8fbf7f"), Color::LightGreen);
        assert_eq!(sixteen("#2e6b2e"), Color::Green);
        assert_eq!(sixteen("#e0b15e"), Color::LightYellow);
        assert_eq!(sixteen("#f08080"), Color::LightRed);
        assert_eq!(sixteen("#8c2f39"), Color::Red);
        assert_eq!(sixteen("#000000"), Color::Black);
        assert_eq!(sixteen("#ffffff"), Color::White);
        assert_eq!(degrade(Color::Rgb(255, 0, 0), Depth::TwoFiftySix), Some(Color::Indexed(196)));
        assert_eq!(degrade(Color::Rgb(44, 105, 44), Depth::TwoFiftySix), Some(Color::Indexed(22)), "a dark green, no grey");
        assert_eq!(degrade(Color::Rgb(8, 8, 8), Depth::TwoFiftySix), Some(Color::Indexed(232)));
        assert_eq!(degrade(Color::Green, Depth::Mono), None);
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        let of = |one, other| contrast(parse(one).unwrap(), parse(other).unwrap());
        assert!((of("#000000", "#ffffff").unwrap() - 21.0).abs() < 1e-9);
        assert!((of("#777777", "#ffffff").unwrap() - 4.48).abs() < 0.01);
        assert_eq!(of("default", "#ffffff"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,12}|#.{0,8}|[0-9]{0,4}") {
            if let Some(color) = parse(&text) {
                for depth in [Depth::Mono, Depth::Sixteen, Depth::TwoFiftySix, Depth::True] {
                    let _ = degrade(color, depth);
                }
            }
        }

        #[test]
        fn what_was_written_as_hex_is_read_back(red: u8, green: u8, blue: u8) {
            prop_assert_eq!(parse(&format!("#{red:02x}{green:02x}{blue:02X}")), Some(Color::Rgb(red, green, blue)));
        }

        #[test]
        fn fewer_colours_are_among_those_there_are(red: u8, green: u8, blue: u8, index: u8) {
            for color in [Color::Rgb(red, green, blue), Color::Indexed(index)] {
                let few = degrade(color, Depth::Sixteen).unwrap();
                prop_assert!(NAMED.iter().any(|(_, named)| *named == few));
                let many = degrade(color, Depth::TwoFiftySix).unwrap();
                prop_assert!(matches!(many, Color::Indexed(_)));
                // Once degraded it stays what it is.
                prop_assert_eq!(degrade(many, Depth::TwoFiftySix), Some(many));
                prop_assert_eq!(degrade(few, Depth::Sixteen), Some(few));
            }
        }

        #[test]
        fn a_colour_of_the_cube_or_the_ramp_is_its_own_nearest(index in 16u8..) {
            let (red, green, blue) = indexed_rgb(index);
            let Some(Color::Indexed(found)) = degrade(Color::Rgb(red, green, blue), Depth::TwoFiftySix) else { panic!("no index") };
            prop_assert_eq!(indexed_rgb(found), indexed_rgb(index));
        }
    }
}
