//! `quarterdeck themes`: how the console can look, and what is wrong with a theme.
//!
//! JSON: the list is `{in_use, colors, directory, themes: [{name, title, shipped, path, in_use, problems}], problems: […]}`, a check
//! `{ok, themes: […], problems: [{file, line, column, message}], notes: [{theme, role, contrast}]}`.

use super::output::Tone;
use super::{Context, Failure, Outcome};
use crate::base::SafeText;
use crate::console::theme::{Depth, Problem, Role, Theme};
use ratatui::style::{Color, Modifier, Style};
use serde_json::{Value, json};
use std::path::Path;

/// Arguments of `quarterdeck themes`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Name everything that is wrong with a theme, and where. Exit code 3 when there is something.
    Check {
        /// A theme's name, or a file; without it every theme of yours and the one in use.
        #[arg(value_name = "NAME|FILE")]
        theme: Option<String>,
    },
}

/// Contrast from which words count as readable: level AA of WCAG 2.
const READABLE: f64 = 4.5;

/// What a line of samples shows.
const SAMPLES: [Role; 16] = [
    Role::Text,
    Role::Dim,
    Role::Heading,
    Role::Accent,
    Role::Selection,
    Role::Good,
    Role::Warning,
    Role::Bad,
    Role::Flagged,
    Role::Inserted,
    Role::Removed,
    Role::Link,
    Role::Badge,
    Role::Toast,
    Role::Sandbox,
    Role::Live,
];

/// Run the command.
///
/// # Errors
/// When the settings are wrong.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    match &args.action {
        None => list(context),
        Some(Action::Check { theme }) => check(context, theme.as_deref()),
    }
}

fn list(context: &Context) -> Result<Outcome, Failure> {
    let settings = context.settings()?;
    let (directory, in_use) = (&settings.config_dir, settings.console.theme.as_str());
    let depth = Depth::choose(&settings.console.colors, &|name| std::env::var(name).ok());
    let (found, mut odd) = Theme::list(directory);
    let themes: Vec<_> = found.iter().map(|found| (found, Theme::load(directory, &found.name, depth))).collect();
    if !found.iter().any(|found| found.name == in_use) {
        odd.extend(Theme::load(directory, in_use, depth).1);
    }
    let value = json!({
        "in_use": in_use,
        "colors": depth.word(),
        "directory": directory.join("themes").display().to_string(),
        "themes": themes.iter().map(|(found, (theme, problems))| json!({
            "name": found.name,
            "title": theme.title(),
            "shipped": found.is_shipped,
            "path": found.path.as_ref().map(|path| path.display().to_string()),
            "in_use": found.name == in_use,
            "problems": problems.len(),
        })).collect::<Vec<_>>(),
        "problems": odd.iter().map(as_json).collect::<Vec<_>>(),
    });
    context.out.either(&value, || {
        let widest =
            |width: fn(&Theme, &str) -> usize| themes.iter().map(|(found, (theme, _))| width(theme, &found.name)).max().unwrap_or(0);
        let (names, titles) = (widest(|_, name| name.len()), widest(|theme, _| theme.title().chars().count()));
        for (found, (theme, problems)) in &themes {
            let mark = if found.name == in_use { '*' } else { ' ' };
            let from = match (&found.path, found.is_shipped) {
                (None, _) => "ships".to_owned(),
                (Some(path), false) => path_of(path),
                (Some(path), true) => format!("{} over the one that ships", path_of(path)),
            };
            let line = format!("{mark} {:names$}  {:titles$}  {from}", found.name, theme.title());
            context.out.say(line)?;
            if context.out.has_color() {
                let samples = SAMPLES.map(|role| painted(role.id(), theme.style(role)));
                context.out.say(format!("    {}", samples.join(" ")))?;
            }
            if !problems.is_empty() {
                let count = format!("{}; see `quarterdeck themes check {}`", counted(problems.len()), found.name);
                context.out.say(format!("    {}", context.out.paint(&count, Tone::Warning)))?;
            }
        }
        odd.iter().for_each(|problem| context.out.note(format!("note: {problem}")));
        Ok(())
    })?;
    Ok(Outcome::Done)
}

fn check(context: &Context, asked: Option<&str>) -> Result<Outcome, Failure> {
    let settings = context.settings()?;
    let directory = &settings.config_dir;
    let mut problems = Vec::new();
    let mut themes = Vec::new();
    let mut take = |(theme, found): (Theme, Vec<Problem>)| {
        problems.extend(found);
        themes.push(theme);
    };
    match asked {
        Some(path) if path.ends_with(".toml") || path.contains(['/', std::path::MAIN_SEPARATOR]) => {
            take(Theme::load_file(directory, Path::new(path), Depth::True));
        }
        Some(name) => take(Theme::load(directory, name, Depth::True)),
        None => {
            let (found, odd) = Theme::list(directory);
            let mut names: Vec<&str> = found.iter().filter(|found| found.path.is_some()).map(|found| found.name.as_str()).collect();
            if !names.contains(&settings.console.theme.as_str()) {
                names.push(&settings.console.theme);
            }
            names.into_iter().for_each(|name| take(Theme::load(directory, name, Depth::True)));
            problems.extend(odd);
        }
    }
    // A mistake is told once, however many themes rest on it.
    problems.sort();
    problems.dedup();
    let notes = themes.iter().flat_map(|theme| pale(theme).map(|(role, contrast)| (theme.name(), role, contrast))).collect::<Vec<_>>();
    let value = json!({
        "ok": problems.is_empty(),
        "themes": themes.iter().map(Theme::name).collect::<Vec<_>>(),
        "problems": problems.iter().map(as_json).collect::<Vec<_>>(),
        "notes": notes.iter().map(|(theme, role, contrast)| json!({
            "theme": theme, "role": role.id(), "contrast": (contrast * 10.0).round() / 10.0,
        })).collect::<Vec<_>>(),
    });
    context.out.either(&value, || {
        for problem in &problems {
            context.out.say(format!("{} {problem}", context.out.paint("error  ", Tone::Bad)))?;
        }
        for (theme, role, contrast) in &notes {
            let what = format!("`{}` has a contrast of {contrast:.1} to 1 on its ground; words need {READABLE}", role.id());
            context.out.say(format!("{} {}: {what}", context.out.paint("note   ", Tone::Faint), SafeText::line(theme)))?;
        }
        let names: Vec<String> = themes.iter().map(|theme| SafeText::line(theme.name()).as_str().to_owned()).collect();
        context.out.say(format!("{}: {}", names.join(", "), counted(problems.len())))
    })?;
    Ok(if problems.is_empty() { Outcome::Done } else { Outcome::Problems })
}

/// The roles of a theme whose words are hard to read.
fn pale(theme: &Theme) -> impl Iterator<Item = (Role, f64)> {
    let words = Role::ALL.iter().copied().filter(|role| role.is_text());
    words.filter_map(|role| theme.contrast(role).map(|contrast| (role, contrast))).filter(|(_, contrast)| *contrast < READABLE)
}

fn counted(problems: usize) -> String {
    match problems {
        0 => "no problems".to_owned(),
        1 => "1 problem".to_owned(),
        _ => format!("{problems} problems"),
    }
}

fn path_of(path: &Path) -> String {
    SafeText::line(&path.display().to_string()).as_str().to_owned()
}

fn as_json(problem: &Problem) -> Value {
    let (line, column) = problem.at.unzip();
    json!({ "file": problem.file, "line": line, "column": column, "message": problem.reason })
}

/// A word of ours as the console would draw it, for a terminal that wants colours.
fn painted(word: &str, style: Style) -> String {
    let mut codes: Vec<String> = Vec::new();
    let attributes = [
        (Modifier::BOLD, 1),
        (Modifier::DIM, 2),
        (Modifier::ITALIC, 3),
        (Modifier::UNDERLINED, 4),
        (Modifier::REVERSED, 7),
        (Modifier::CROSSED_OUT, 9),
    ];
    codes.extend(attributes.iter().filter(|(modifier, _)| style.add_modifier.contains(*modifier)).map(|(_, code)| code.to_string()));
    codes.extend(style.fg.map(|color| code(color, 0)));
    codes.extend(style.bg.map(|color| code(color, 10)));
    if codes.is_empty() { word.to_owned() } else { format!("\u{1b}[{}m{word}\u{1b}[0m", codes.join(";")) }
}

/// The code of a colour for letters, or with `ground` 10 for what is behind them.
fn code(color: Color, ground: u8) -> String {
    let named = match color {
        Color::Rgb(red, green, blue) => return format!("{};2;{red};{green};{blue}", 38 + ground),
        Color::Indexed(index) => return format!("{};5;{index}", 38 + ground),
        Color::Reset => 39,
        Color::Black => 30,
        Color::Red => 31,
        Color::Green => 32,
        Color::Yellow => 33,
        Color::Blue => 34,
        Color::Magenta => 35,
        Color::Cyan => 36,
        Color::Gray => 37,
        Color::DarkGray => 90,
        Color::LightRed => 91,
        Color::LightGreen => 92,
        Color::LightYellow => 93,
        Color::LightBlue => 94,
        Color::LightMagenta => 95,
        Color::LightCyan => 96,
        Color::White => 97,
    };
    (named + ground).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_becomes_the_codes_of_a_terminal() {
        let style = Style::new().fg(Color::LightRed).bg(Color::Indexed(17)).add_modifier(Modifier::BOLD);
        assert_eq!(painted("x", style), "\u{1b}[1;91;48;5;17mx\u{1b}[0m");
        assert_eq!(painted("x", Style::new().bg(Color::Reset)), "\u{1b}[49mx\u{1b}[0m");
        assert_eq!(painted("x", Style::new()), "x");
    }
}
