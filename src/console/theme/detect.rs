//! What the terminal can show, as far as the environment tells. Nothing is asked of the terminal itself: an answer that comes late would
//! be taken for keys.

use super::Depth;

/// How a variable of the environment is read.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Terminals that show every colour and say so by their name alone; over SSH nothing but the name arrives.
const TRUE_COLOR_NAMES: [&str; 7] = ["alacritty", "contour", "foot", "rio", "wezterm", "xterm-ghostty", "xterm-kitty"];

impl Depth {
    /// Every depth, fewest colours first.
    pub const ALL: [Self; 4] = [Self::Mono, Self::Sixteen, Self::TwoFiftySix, Self::True];

    /// What the setting `console.colors` says, else what the environment tells. The setting is stronger than `NO_COLOR`: it was made for
    /// this program.
    #[must_use]
    pub fn choose(setting: &str, environment: Environment<'_>) -> Self {
        Self::of_setting(setting).unwrap_or_else(|| Self::detect(environment))
    }

    /// The depth that a word of the setting `console.colors` stands for; nothing for `auto`.
    #[must_use]
    pub fn of_setting(word: &str) -> Option<Self> {
        match word {
            "never" => Some(Self::Mono),
            "16" => Some(Self::Sixteen),
            "256" => Some(Self::TwoFiftySix),
            "true" => Some(Self::True),
            _ => None,
        }
    }

    /// The word of the setting.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Mono => "never",
            Self::Sixteen => "16",
            Self::TwoFiftySix => "256",
            Self::True => "true",
        }
    }

    /// What the environment tells: `NO_COLOR`, `TERM`, `COLORTERM`. When in doubt fewer: a terminal shows random colours when it is sent
    /// more than it knows.
    #[must_use]
    pub fn detect(environment: Environment<'_>) -> Self {
        let read = |name| environment(name).filter(|value| !value.is_empty());
        let term = read("TERM").unwrap_or_default().to_ascii_lowercase();
        if read("NO_COLOR").is_some() || term == "dumb" || term.ends_with("-m") || term.ends_with("-mono") || term.starts_with("vt") {
            return Self::Mono;
        }
        // The console of Linux takes anything and shows sixteen.
        if term == "linux" || term.starts_with("linux-") {
            return Self::Sixteen;
        }
        // GNU screen hands COLORTERM of the terminal around it on and does not understand such colours; tmux does.
        let is_screen = term.starts_with("screen") && read("TMUX").is_none();
        let says_true = read("COLORTERM").is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "truecolor" | "24bit"));
        let is_named = TRUE_COLOR_NAMES.iter().any(|name| term.starts_with(name)) || term.ends_with("-direct");
        if (says_true || is_named) && !is_screen {
            return Self::True;
        }
        if term.contains("256") || term.starts_with("tmux") || (says_true && is_screen) || read("TMUX").is_some() {
            return Self::TwoFiftySix;
        }
        Self::Sixteen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Depth {
        Depth::detect(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn terminals_get_what_they_can_show() {
        assert_eq!(of(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(of(&[("TERM", "xterm-256color")]), Depth::TwoFiftySix);
        assert_eq!(of(&[("TERM", "xterm-kitty")]), Depth::True);
        assert_eq!(of(&[("TERM", "xterm")]), Depth::Sixteen);
        assert_eq!(of(&[("TERM", "linux"), ("COLORTERM", "truecolor")]), Depth::Sixteen);
        assert_eq!(of(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]), Depth::Mono);
        assert_eq!(of(&[("TERM", "vt220")]), Depth::Mono);
        assert_eq!(of(&[]), Depth::Sixteen);
    }

    #[test]
    fn screen_is_not_sent_what_only_the_terminal_around_it_knows() {
        assert_eq!(of(&[("TERM", "screen"), ("COLORTERM", "truecolor")]), Depth::TwoFiftySix);
        assert_eq!(of(&[("TERM", "screen-256color"), ("COLORTERM", "24bit"), ("TMUX", "/tmp/x")]), Depth::True);
        assert_eq!(of(&[("TERM", "tmux-256color")]), Depth::TwoFiftySix);
        assert_eq!(of(&[("TERM", "screen")]), Depth::Sixteen);
    }

    #[test]
    fn no_colour_means_none_unless_the_setting_says_more() {
        let refused = [("TERM", "xterm-kitty"), ("NO_COLOR", "1")];
        assert_eq!(of(&refused), Depth::Mono);
        assert_eq!(of(&[("TERM", "xterm-kitty"), ("NO_COLOR", "")]), Depth::True);
        let refuse = |name: &str| (name == "NO_COLOR").then(|| "1".to_owned());
        assert_eq!((Depth::choose("256", &refuse), Depth::choose("auto", &refuse)), (Depth::TwoFiftySix, Depth::Mono));
        for depth in Depth::ALL {
            assert_eq!(Depth::of_setting(depth.word()), Some(depth));
        }
    }
}
