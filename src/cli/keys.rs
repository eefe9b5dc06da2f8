//! `quarterdeck keys`: what each key of the console does, and what is wrong with a keymap of your own.
//!
//! JSON: `keys` gives `{name, base, file, problems: […], keys: [{scope, key, action, title, help, asks}]}`, where `key` is null for an action
//! without a key and `file` null for a keymap that ships, `check` `{ok, file, exists, problems: [{level, file, line, column, reason}]}`.

use super::output::{Table, Tone};
use super::{Context, Failure, Outcome};
use crate::base::SafeText;
use crate::config::Level;
use crate::console::action::{Action, Scope};
use crate::console::keymap::{FILE_NAME, Keymap, Problem, shipped_names};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Arguments of `quarterdeck keys`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The keymap to show: default, emacs, or a file; your own when left out.
    #[arg(long, value_name = "default|emacs|FILE")]
    keymap: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Name everything that is wrong in a keymap, with its place. Exit code 3 when there is something.
    Check {
        /// The file; your own keymap when left out.
        file: Option<PathBuf>,
    },
}

/// Run the command.
///
/// # Errors
/// When a file that was named does not exist, or nothing can be printed.
pub fn run(context: &Context, args: Args) -> Result<Outcome, Failure> {
    match args.command {
        None => show(context, args.keymap),
        Some(Command::Check { .. }) if args.keymap.is_some() => {
            Err(Failure::usage("--keymap is for showing a keymap").hint("name the file to check behind `quarterdeck keys check`"))
        }
        Some(Command::Check { file }) => check(context, file),
    }
}

/// Where the user's own keymap stands.
fn own(context: &Context) -> PathBuf {
    context.loaded().directories().config_dir.join(FILE_NAME)
}

/// A file that the command line names has to be there.
fn named(file: PathBuf) -> Result<PathBuf, Failure> {
    if file.exists() {
        return Ok(file);
    }
    let names = shipped_names().collect::<Vec<_>>().join(" and ");
    Err(Failure::usage(format!("{} does not exist", file.display()))
        .hint(format!("the keymaps that ship are {names}; a file is named by its path")))
}

fn show(context: &Context, keymap: Option<PathBuf>) -> Result<Outcome, Failure> {
    let shipped = keymap.as_deref().and_then(Path::to_str).and_then(Keymap::shipped);
    let (file, (keymap, problems)) = match (shipped, keymap) {
        (Some(keymap), _) => (None, (keymap, Vec::new())),
        (None, named_file) => {
            let file = named_file.map_or_else(|| Ok(own(context)), named)?;
            let read = Keymap::read(&file);
            (Some(file), read)
        }
    };
    let rows = rows(&keymap);
    let value = json!({
        "name": keymap.name(),
        "base": keymap.base(),
        "file": file.as_ref().filter(|file| file.exists()),
        "problems": problems.iter().map(as_json).collect::<Vec<_>>(),
        "keys": rows.iter().map(|(scope, key, action)| json!({
            "scope": scope.as_str(),
            "key": key,
            "action": action.id(),
            "title": action.title(),
            "help": action.help(),
            "asks": action.is_destructive(),
        })).collect::<Vec<_>>(),
    });
    let out = &context.out;
    out.either(&value, || {
        let mut table = Table::new(&["SCOPE", "KEY", "ACTION", "WHAT IT DOES"]);
        for (scope, key, action) in &rows {
            table.row([scope.as_str(), key.as_deref().unwrap_or("no key"), action.id(), action.help()]);
            if key.is_none() {
                table.tone(1, Tone::Warning);
            }
        }
        out.table(&table, "nothing is bound")?;
        let place = match &file {
            Some(file) if file.exists() => format!("from {}, over the keymap `{}`", file.display(), keymap.base()),
            Some(file) => format!("this is the keymap `{}`; keys of your own would stand in {}", keymap.name(), file.display()),
            None => format!("this is the keymap `{}`, as it ships", keymap.name()),
        };
        out.text(&format!("\n{}", SafeText::line(&place)))
    })?;
    let wrong = problems.iter().filter(|problem| problem.level.is_problem()).count();
    if wrong > 0 && !out.is_json() {
        let force = if problems.iter().any(Problem::is_error) { "; nothing of the file is in force" } else { "" };
        out.note(format!("note: {} in the keymap{force}; see `quarterdeck keys check`", counted(wrong)));
    }
    Ok(Outcome::Done)
}

/// What is bound, and behind it what has no key.
fn rows(keymap: &Keymap) -> Vec<(Scope, Option<String>, Action)> {
    let mut rows: Vec<_> = keymap.entries().into_iter().map(|(scope, key, action)| (scope, Some(key), action)).collect();
    let without = Action::ALL.iter().filter(|action| !rows.iter().any(|(_, _, bound)| bound == *action));
    let without: Vec<_> = without.map(|action| (action.scope(), None, *action)).collect();
    rows.extend(without);
    rows
}

fn check(context: &Context, file: Option<PathBuf>) -> Result<Outcome, Failure> {
    let file = file.map_or_else(|| Ok(own(context)), named)?;
    let (keymap, problems) = Keymap::read(&file);
    let wrong = problems.iter().filter(|problem| problem.level.is_problem()).count();
    let value =
        json!({ "ok": wrong == 0, "file": file, "exists": file.exists(), "problems": problems.iter().map(as_json).collect::<Vec<_>>() });
    let out = &context.out;
    out.either(&value, || {
        for problem in &problems {
            let tone = match problem.level {
                Level::Error => Tone::Bad,
                Level::Missing | Level::Odd => Tone::Warning,
                Level::Note => Tone::Faint,
            };
            let level = out.paint(&format!("{:7}", problem.level.word()), tone);
            // The place is not wrapped: an editor is to find it.
            out.say(format!("{level} {}", SafeText::line(&problem.place())))?;
            out.text(&format!("        {}", SafeText::line(&problem.reason)))?;
        }
        let bound = keymap.entries().len();
        let shown = file.display().to_string();
        let shown = SafeText::line(&shown);
        match wrong {
            0 if file.exists() => out.say(format!("{bound} keys, no problems; {shown} is laid over the keymap `{}`", keymap.base())),
            0 => out.say(format!("no keymap of your own: {shown} would hold it, and `{}` is in force", keymap.name())),
            _ if problems.iter().any(Problem::is_error) => {
                out.say(format!("{}; nothing of this file is in force, but the keymap `{}`", counted(wrong), keymap.name()))
            }
            _ => out.say(format!("{}; the file is in force all the same", counted(wrong))),
        }
    })?;
    Ok(if wrong == 0 { Outcome::Done } else { Outcome::Problems })
}

fn counted(problems: usize) -> String {
    if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") }
}

fn as_json(problem: &Problem) -> Value {
    let place = |number: usize| Some(number).filter(|number| *number > 0);
    json!({ "level": problem.level.word(), "file": problem.file, "line": place(problem.line), "column": place(problem.column), "reason": problem.reason })
}
