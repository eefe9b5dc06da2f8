//! The few signs that stand beside words and colours, in Unicode or, where a terminal cannot be trusted with it, in ASCII.

use super::detect::Environment;
use ratatui::symbols::border;

/// A set of signs. All but the ellipsis are one column wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// The lines of borders.
    pub border: border::Set<'static>,
    /// Before the chosen line.
    pub selection: &'static str,
    /// All is well; a clean verdict; a marked line.
    pub check: &'static str,
    /// Look twice; a flagged verdict.
    pub warning: &'static str,
    /// It failed; a blocked verdict.
    pub block: &'static str,
    /// Between things on one line, and in lists.
    pub dot: &'static str,
    /// In place of what was left out.
    pub ellipsis: &'static str,
    /// In place of each letter that is masked.
    pub mask: &'static str,
    /// Where it goes on to the right: from one state to another.
    pub arrow: &'static str,
    /// There is more above.
    pub up: &'static str,
    /// There is more below.
    pub down: &'static str,
    /// Turns while something is waited for.
    pub spinner: [&'static str; 4],
}

impl Glyphs {
    /// The usual set.
    pub const UNICODE: Self = Self {
        border: border::PLAIN,
        selection: "▌",
        check: "✓",
        warning: "▲",
        block: "✗",
        dot: "·",
        ellipsis: "…",
        mask: "▒",
        arrow: "→",
        up: "↑",
        down: "↓",
        spinner: ["⠋", "⠙", "⠴", "⠦"],
    };

    /// For terminals without Unicode and for screen readers, which read every line of a border aloud.
    pub const ASCII: Self = Self {
        border: border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        },
        selection: ">",
        check: "+",
        warning: "!",
        block: "x",
        dot: ".",
        ellipsis: "...",
        mask: "#",
        arrow: ">",
        up: "^",
        down: "v",
        spinner: ["|", "/", "-", "\\"],
    };

    /// The set that the environment allows: Unicode when the locale is one of UTF-8 and the terminal is neither `dumb` nor the console of
    /// Linux, whose letters lack half of it.
    #[must_use]
    pub fn detect(environment: Environment<'_>) -> Self {
        let read = |name| environment(name).filter(|value| !value.is_empty());
        let is_limited = read("TERM").is_some_and(|term| term == "dumb" || term == "linux" || term.starts_with("vt"));
        // The first that is set counts, even when it says less than the next one.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(read).unwrap_or_default().to_ascii_lowercase();
        let is_utf8 = locale.contains("utf-8") || locale.contains("utf8");
        if (is_utf8 || cfg!(windows)) && !is_limited { Self::UNICODE } else { Self::ASCII }
    }

    /// Every sign that is one column wide.
    #[must_use]
    pub fn narrow(&self) -> [&'static str; 21] {
        let border = &self.border;
        [
            border.top_left,
            border.top_right,
            border.bottom_left,
            border.bottom_right,
            border.vertical_left,
            border.vertical_right,
            border.horizontal_top,
            border.horizontal_bottom,
            self.selection,
            self.check,
            self.warning,
            self.block,
            self.dot,
            self.mask,
            self.arrow,
            self.up,
            self.down,
            self.spinner[0],
            self.spinner[1],
            self.spinner[2],
            self.spinner[3],
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_width::UnicodeWidthStr as _;

    fn of(variables: &[(&str, &str)]) -> Glyphs {
        Glyphs::detect(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_first_locale_that_is_set_decides() {
        assert_eq!(of(&[("LANG", "de_DE.UTF-8")]), Glyphs::UNICODE);
        assert_eq!(of(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]), Glyphs::ASCII);
        assert_eq!(of(&[("LC_CTYPE", "C.utf8"), ("LC_ALL", ""), ("LANG", "C")]), Glyphs::UNICODE);
        assert_eq!(of(&[("LANG", "en_US.UTF-8"), ("TERM", "linux")]), Glyphs::ASCII);
        #[cfg(not(windows))]
        assert_eq!(of(&[]), Glyphs::ASCII);
    }

    #[test]
    fn signs_are_one_column_wide_and_the_plain_ones_are_plain() {
        for sign in Glyphs::UNICODE.narrow().into_iter().chain(Glyphs::ASCII.narrow()) {
            assert_eq!(sign.width(), 1, "{sign}");
        }
        assert!(Glyphs::ASCII.narrow().concat().is_ascii() && Glyphs::ASCII.ellipsis.is_ascii());
    }
}
