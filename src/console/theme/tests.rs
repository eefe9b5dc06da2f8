//! The themes that ship, and what becomes of those of a user.

use super::*;
use proptest::prelude::*;
use ratatui::style::Color;

/// A configuration directory with these themes.
fn themes(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("themes")).unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join("themes").join(name), text).unwrap();
    }
    directory
}

/// The problems as a user reads them, without the directory.
fn told(directory: &tempfile::TempDir, problems: &[Problem]) -> Vec<String> {
    let prefix = format!("{}/themes/", directory.path().display());
    problems.iter().map(|problem| problem.to_string().replace(&prefix, "")).collect()
}

#[test]
fn every_theme_that_ships_says_how_every_role_looks() {
    for name in Theme::names() {
        let files = chain::shipped_chain(name);
        assert!(
            files.iter().all(|file| file.problems.is_empty()),
            "{name}: {:?}",
            files.iter().map(|file| &file.problems).collect::<Vec<_>>()
        );
        let (resolved, problems) = chain::resolve(&files);
        assert!(problems.is_empty(), "{name}: {problems:?}");
        for role in Role::ALL {
            assert!(resolved.looks.contains_key(role), "{name} does not say how {} looks", role.id());
        }
        assert!(resolved.title.is_some(), "{name}");
    }
    assert_eq!(Theme::shipped("nothing"), None);
}

#[test]
fn the_page_about_themes_knows_every_theme_and_every_role() {
    let page = include_str!("../../../docs/themes.md");
    for role in Role::ALL {
        assert!(page.contains(&format!("| `{}` | {} |\n", role.id(), role.help())), "{}", role.id());
    }
    assert!(Theme::names().all(|name| page.contains(&format!("| `{name}` |"))));
}

#[test]
fn words_can_be_read_on_their_ground() {
    for name in Theme::names() {
        let theme = Theme::shipped(name).unwrap();
        let least = if name == "contrast" { 7.0 } else { 4.5 };
        for role in Role::ALL.iter().filter(|role| role.is_text()) {
            let contrast = theme.contrast(*role);
            assert!(contrast.is_none_or(|found| found >= least), "{name}: {} has {contrast:?}", role.id());
        }
        // Lines are no words, but have to be seen: 3 to 1, as WCAG asks of what is no text; a plain border may be quieter.
        assert!(theme.contrast(Role::BorderFocused).is_none_or(|found| found >= 3.0), "{name}");
    }
    let theme = Theme::shipped("contrast").unwrap();
    assert!(Role::ALL.iter().all(|role| theme.contrast(*role).is_some()), "the theme of high contrast leaves nothing to the terminal");
}

#[test]
fn words_can_still_be_read_with_fewer_colours() {
    for name in Theme::names() {
        for depth in [Depth::Sixteen, Depth::TwoFiftySix] {
            let theme = Theme::shipped(name).unwrap().at(depth);
            for role in Role::ALL.iter().filter(|role| role.is_text()) {
                let style = theme.style(*role);
                let found = style.fg.zip(style.bg).and_then(|(fg, bg)| contrast(fg, bg));
                assert!(found.is_none_or(|found| found >= 3.0), "{name} at {}: {} has {found:?}", depth.word(), role.id());
            }
        }
    }
}

#[test]
fn what_must_be_told_apart_looks_different_at_every_depth() {
    let pairs = [
        (Role::Text, Role::Selection),
        (Role::Text, Role::SelectionUnfocused),
        (Role::Selection, Role::SelectionUnfocused),
        (Role::Text, Role::Flagged),
        (Role::Good, Role::Warning),
        (Role::Good, Role::Bad),
        (Role::Warning, Role::Bad),
        (Role::Inserted, Role::Removed),
        (Role::Sandbox, Role::Live),
        (Role::Toast, Role::ErrorToast),
        (Role::Border, Role::BorderFocused),
    ];
    for name in Theme::names() {
        for depth in Depth::ALL {
            let theme = Theme::shipped(name).unwrap().at(depth);
            for (one, other) in pairs {
                assert_ne!(theme.style(one), theme.style(other), "{name} at {}: {} and {}", depth.word(), one.id(), other.id());
            }
        }
    }
}

#[test]
fn without_colours_there_are_none_and_the_selection_is_still_seen() {
    let directory = themes(&[("mine.toml", "[roles]\ngood = { fg = \"green\", bg = \"default\" }\nbadge = { italic = true }\n")]);
    let (mine, problems) = Theme::load(directory.path(), "mine", Depth::Mono);
    assert_eq!(problems, []);
    let shipped = Theme::names().map(|name| Theme::shipped(name).unwrap().at(Depth::Mono));
    for theme in shipped.chain([mine.clone()]) {
        for role in Role::ALL {
            let style = theme.style(*role);
            assert_eq!((style.fg, style.bg, style.underline_color), (None, None, None), "{}: {}", theme.name(), role.id());
        }
        assert!(theme.style(Role::Selection).add_modifier.contains(Modifier::REVERSED), "{}", theme.name());
        assert_eq!(theme.style(Role::Flagged).add_modifier, Modifier::BOLD | Modifier::UNDERLINED, "{}", theme.name());
        assert_eq!(theme.style(Role::Bad).add_modifier, Modifier::BOLD | Modifier::REVERSED, "{}", theme.name());
    }
    // What the user said without colours stays.
    assert_eq!(mine.style(Role::Badge).add_modifier, Modifier::ITALIC);
}

#[test]
fn good_and_bad_differ_for_people_who_tell_red_from_green_badly() {
    // Viénot, Brettel and Mollon 1999, for deuteranopes.
    let seen = |color: Color| {
        let (red, green, blue) = color::rgb(color).unwrap();
        let linear = |channel: u8| (f64::from(channel) / 255.0).powf(2.2);
        let (red, green, blue) = (linear(red), linear(green), linear(blue));
        [0.292_75 * red + 0.707_25 * green, -0.022_34 * red + 0.022_34 * green + blue]
    };
    let theme = Theme::shipped("deuteranopia").unwrap();
    let of = |role| seen(theme.look(role).fg.unwrap());
    for (one, other) in [(Role::Good, Role::Bad), (Role::Good, Role::Warning), (Role::Warning, Role::Bad), (Role::Inserted, Role::Removed)]
    {
        let (one_seen, other_seen) = (of(one), of(other));
        let difference = (one_seen[0] - other_seen[0]).hypot(one_seen[1] - other_seen[1]);
        assert!(difference > 0.25, "{} and {}: {difference:.3}", one.id(), other.id());
    }
}

#[test]
fn a_users_theme_goes_over_what_it_rests_on() {
    let directory = themes(&[
        ("dark.toml", "name = \"My dark\"\n[palette]\nblue = \"#123456\"\n[roles]\ngood = \"#00ff00\"\n"),
        ("evening.toml", "inherits = \"dark\"\n[roles]\nbad = { fg = \"blue\", underline = true }\n"),
    ]);
    let dark = Theme::shipped("dark").unwrap();
    let (mine, problems) = Theme::load(directory.path(), "dark", Depth::True);
    assert_eq!((problems.as_slice(), mine.title()), ([].as_slice(), "My dark"));
    assert_eq!(mine.style(Role::Good).fg, Some(Color::Rgb(0, 255, 0)));
    assert_eq!(mine.style(Role::Accent).fg, Some(Color::Rgb(0x12, 0x34, 0x56)), "a palette's name means what the last palette says");
    assert_eq!(mine.style(Role::Warning), dark.style(Role::Warning));
    let (evening, problems) = Theme::load(directory.path(), "evening", Depth::True);
    assert_eq!(problems, []);
    assert_eq!(evening.style(Role::Good).fg, Some(Color::Rgb(0, 255, 0)), "it inherits from the user's dark");
    assert_eq!(evening.style(Role::Bad), Style::new().fg(Color::Rgb(0x12, 0x34, 0x56)).add_modifier(Modifier::UNDERLINED));
    let (found, _) = Theme::list(directory.path());
    let names: Vec<(&str, bool, bool)> = found.iter().map(|found| (found.name.as_str(), found.path.is_some(), found.is_shipped)).collect();
    assert_eq!((names[0], names[5]), (("dark", true, true), ("evening", true, false)));
}

#[test]
fn a_mistake_costs_its_entry_and_a_broken_file_itself() {
    let directory = themes(&[
        ("odd.toml", "[palette]\nmoss = \"#8fbf7f\"\n[roles]\ngood = \"mos\"\nbad = \"magenta\"\nwarnin = \"red\"\n"),
        ("light.toml", "[roles\ngood = 1\n"),
    ]);
    let (odd, problems) = Theme::load(directory.path(), "odd", Depth::True);
    assert_eq!(
        told(&directory, &problems),
        [
            "odd.toml, line 4, column 8: unknown colour `mos`; did you mean `moss`?",
            "odd.toml, line 6, column 1: unknown role `warnin`; did you mean `warning`?",
        ]
    );
    let dark = Theme::shipped("dark").unwrap();
    assert_eq!((odd.style(Role::Good), odd.style(Role::Bad).fg), (dark.style(Role::Good), Some(Color::Magenta)));
    let (light, problems) = Theme::load(directory.path(), "light", Depth::True);
    assert!(told(&directory, &problems)[0].starts_with("light.toml, line 1, column "), "{problems:?}");
    assert_eq!(light, Theme::shipped("light").unwrap());
}

#[test]
fn a_circle_is_named_and_one_that_is_missing_too() {
    let directory = themes(&[
        ("a.toml", "inherits = \"b\"\n[roles]\ngood = 1\n"),
        ("b.toml", "name = \"B\"\ninherits = \"a\"\n[roles]\nbad = 2\n"),
        ("self.toml", "inherits = \"self\"\n"),
        ("mono.toml", "inherits = \"mono\"\n[roles]\nbadge = { bold = true }\n"),
        ("lost.toml", "inherits = \"drak\"\n"),
        ("out.toml", "inherits = \"../../secret\"\n"),
    ]);
    let load = |name: &str| {
        let (theme, problems) = Theme::load(directory.path(), name, Depth::True);
        (theme, told(&directory, &problems))
    };
    let (a, problems) = load("a");
    assert_eq!(problems, ["b.toml, line 2, column 12: `a` inherits from itself, by way of this file"]);
    assert_eq!((a.style(Role::Good).fg, a.style(Role::Bad).fg), (Some(Color::Indexed(1)), Some(Color::Indexed(2))));
    assert_eq!(load("self").1, ["self.toml, line 1, column 12: `self` inherits from itself, by way of this file"]);
    assert_eq!(load("lost").1, ["lost.toml, line 1, column 12: there is no theme `drak`; did you mean `dark`?"]);
    assert!(load("out").1[0].contains("there is no theme `../../secret`: a theme's name has"), "{:?}", load("out").1);
    // A user's theme may rest on the one that ships under its own name.
    let (mono, problems) = load("mono");
    assert_eq!((problems.len(), mono.style(Role::Badge).add_modifier), (0, Modifier::BOLD));
    let (none, problems) = load("drak");
    assert_eq!(problems, ["drak.toml: there is no theme `drak`; did you mean `dark`?"]);
    assert_eq!(none.look(Role::Good), Theme::shipped("dark").unwrap().look(Role::Good));
    assert_eq!(load("../x").1.len(), 1);
}

#[test]
fn a_file_that_is_none_is_told_and_something_is_shown_all_the_same() {
    let directory = themes(&[("large.toml", &"#".repeat(300 << 10)), ("a b.toml", "")]);
    std::fs::create_dir(directory.path().join("themes/light.toml")).unwrap();
    std::fs::write(directory.path().join("themes/bytes.toml"), [0xff, 0xfe]).unwrap();
    for (name, reason) in [("large", "larger than a theme"), ("light", "not a regular file"), ("bytes", "not valid UTF-8")] {
        let (theme, problems) = Theme::load(directory.path(), name, Depth::True);
        assert!(problems.len() == 1 && problems[0].reason.contains(reason), "{problems:?}");
        assert_ne!(theme.style(Role::Selection), Style::new());
    }
    let (_, problems) = Theme::list(directory.path());
    assert!(problems.len() == 1 && problems[0].to_string().contains("a b.toml: a theme's name has"), "{problems:?}");
    let (_, problems) = Theme::load_file(directory.path(), Path::new("/nowhere/x.toml"), Depth::True);
    assert_eq!(problems[0].to_string(), "/nowhere/x.toml: there is no such file");
}

fn any_color() -> impl Strategy<Value = Option<Color>> {
    let rgb = any::<(u8, u8, u8)>().prop_map(|(red, green, blue)| Color::Rgb(red, green, blue));
    let named = (0usize..16).prop_map(|at| color::NAMED[at].1);
    prop_oneof![
        Just(None),
        Just(Some(Color::Reset)),
        rgb.prop_map(Some),
        any::<u8>().prop_map(|at| Some(Color::Indexed(at))),
        named.prop_map(Some)
    ]
}

proptest! {
    /// Whatever a user writes: no panic, no colour that the terminal lacks, and letters that were readable stay so.
    #[test]
    fn any_look_fits_any_terminal(fg in any_color(), bg in any_color(), bits in 0u16..512) {
        let look = Look { fg, bg, modifiers: Modifier::from_bits_truncate(bits) };
        let plain = Look { modifiers: Modifier::BOLD, ..Look::default() };
        for depth in Depth::ALL {
            let drawn = style(look, depth, Some(plain));
            let colors = [drawn.fg, drawn.bg];
            prop_assert!(depth != Depth::Mono || colors == [None, None]);
            let is_rgb = colors.iter().any(|color| matches!(color, Some(Color::Rgb(..))));
            prop_assert!(depth == Depth::True || !is_rgb);
            let high = colors.iter().any(|color| matches!(color, Some(Color::Indexed(_))));
            prop_assert!(depth != Depth::Sixteen || !high);
            let before = fg.zip(bg).and_then(|(fg, bg)| contrast(fg, bg));
            let after = drawn.fg.zip(drawn.bg).and_then(|(fg, bg)| contrast(fg, bg));
            prop_assert!(before.is_none_or(|found| found < 3.0) || after.is_none_or(|found| found >= 3.0), "{before:?} {after:?}");
        }
    }

    #[test]
    fn any_name_is_a_theme_or_a_problem(name in "\\PC{0,20}") {
        let directory = std::env::temp_dir().join("quarterdeck-no-such-directory");
        let (_, problems) = Theme::load(&directory, &name, Depth::True);
        prop_assert!(problems.is_empty() == Theme::names().any(|known| known == name), "{problems:?}");
    }
}
