//! Whether this terminal can show the console: its size, its colours, its characters, and what lies between. Pure.

use crate::rounds::found::{Found, Look};
use crate::rounds::patient::{Patient, Terminal};
use serde_json::json;

/// Columns and rows that every screen is made for.
const SMALLEST: (u16, u16) = (80, 24);

/// This terminal can show the console.
pub(super) fn look(patient: &Patient) -> Look {
    Ok(judge(&patient.terminal))
}

fn judge(terminal: &Terminal) -> Found {
    let set = |name: &str| terminal.environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let detail = json!({ "is_there": terminal.is_there, "size": terminal.size, "environment": terminal.environment });
    if !terminal.is_there {
        return Found::unknown("there is no terminal here; look from the one in which the console is used").detail(detail);
    }
    let kind = set("TERM").unwrap_or_default();
    let characters = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_lowercase();
    let is_unicode = characters.contains("utf-8") || characters.contains("utf8");
    let inside = if set("TMUX").is_some() {
        Some("tmux")
    } else if set("STY").is_some() || kind.starts_with("screen") && set("TMUX").is_none() {
        Some("screen")
    } else {
        None
    };
    let true_colour = set("COLORTERM").is_some_and(|value| matches!(value, "truecolor" | "24bit"));
    let plain = "quarterdeck --plain";
    let found = match terminal.size {
        _ if kind.is_empty() || kind == "dumb" => {
            Found::fail("TERM says that nothing can be drawn here").remedy("use a terminal that can, or the plain console", plain)
        }
        Some((0, _) | (_, 0)) | None => Found::warn("the terminal does not tell its size").remedy("set it", "stty rows 24 cols 80"),
        Some((columns, rows)) if columns < SMALLEST.0 || rows < SMALLEST.1 => {
            Found::warn(format!("the terminal has {columns} columns and {rows} rows; the screens are made for 80 and 24"))
                .remedy("make the window larger, or use the plain console", plain)
        }
        _ if !is_unicode => Found::warn("the locale is not UTF-8: lines and letters of other scripts are shown wrongly")
            .remedy("choose a locale in UTF-8", "export LC_ALL=C.UTF-8"),
        _ if inside == Some("tmux") && !(kind.starts_with("tmux") || kind.starts_with("screen")) => {
            Found::warn(format!("TERM is {kind} inside tmux, which it is not: keys and colours may be wrong"))
                .remedy("let tmux set it", "tmux set -g default-terminal tmux-256color")
        }
        _ if inside == Some("screen") => Found::warn("screen lies between: it passes neither true colours nor synchronized output")
            .remedy("choose sixteen or 256 colours, or use tmux", "quarterdeck config show"),
        _ if inside == Some("tmux") && !true_colour => {
            Found::pass("tmux lies between and does not say that it passes true colours: 256 are used")
        }
        Some((columns, rows)) => {
            let colours = match () {
                () if set("NO_COLOR").is_some() => "no colours, as NO_COLOR asks",
                () if true_colour => "true colours",
                () if kind.contains("256color") => "256 colours",
                () => "sixteen colours",
            };
            Found::pass(format!("{columns} columns, {rows} rows, {colours}, UTF-8"))
        }
    };
    found.detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rounds::found::Verdict;

    fn terminal(size: (u16, u16), environment: &[(&str, &str)]) -> Terminal {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Terminal { is_there: true, size: Some(size), environment }
    }

    #[test]
    fn a_terminal_is_judged_by_what_it_says_of_itself() {
        let good = [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "en_GB.UTF-8")];
        let with = |name: &'static str, value: &'static str| [good.as_slice(), &[(name, value)]].concat();
        for (terminal, verdict, words) in [
            (terminal((80, 24), &good), Verdict::Pass, "true colours"),
            (terminal((80, 24), &with("NO_COLOR", "1")), Verdict::Pass, "NO_COLOR"),
            (terminal((79, 24), &good), Verdict::Warn, "79 columns"),
            (terminal((80, 24), &with("LC_ALL", "C")), Verdict::Warn, "UTF-8"),
            (terminal((80, 24), &with("TMUX", "/tmp/x")), Verdict::Warn, "inside tmux"),
            (terminal((80, 24), &with("TERM", "dumb")), Verdict::Fail, "TERM"),
            (terminal((80, 24), &with("TERM", "screen.xterm")), Verdict::Warn, "screen lies between"),
            (Terminal::default(), Verdict::Unknown, "no terminal"),
        ] {
            let found = judge(&terminal);
            assert_eq!(found.verdict, verdict, "{terminal:?}");
            assert!(found.why.contains(words), "{found:?}");
        }
    }
}
