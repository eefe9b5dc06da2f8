//! `quarterdeck config`: look at the settings.
//!
//! JSON: `check` gives `{ok, mode, findings: [{level, setting, env, source, message, next}]}`; `show` gives
//! `{settings: [{setting, env, value, secret, set, source: {kind, text}}]}`; `path` gives `{files: [{what, path, exists}]}`.

use super::output::{Table, Tone};
use super::{Context, Failure, Outcome};
use crate::base::SafeText;
use crate::config::{self, Level, Setting, Shown};
use serde_json::json;

/// Arguments of `config`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Name everything that is wrong, missing or odd, and where it came from. Exit code 3 when there is something.
    Check,
    /// Print every setting that is in force and where it came from. Secrets are masked.
    Show,
    /// Print where the files and directories are and whether they exist.
    Path,
    /// Print the reference of all settings as Markdown.
    Reference,
}

/// Run it.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    match args.action {
        Action::Check => check(context),
        Action::Show => show(context),
        Action::Path => path(context),
        Action::Reference => context.out.write(config::reference().as_bytes()).map(|()| Outcome::Done),
    }
}

fn check(context: &Context) -> Result<Outcome, Failure> {
    let findings = config::check(context.loaded());
    let problems = findings.iter().filter(|finding| finding.level.is_problem()).count();
    let mode = context.loaded().settings().ok().map(|settings| settings.mode.word());
    let value = json!({
        "ok": problems == 0,
        "mode": mode,
        "findings": findings.iter().map(|finding| json!({
            "level": finding.level.word(),
            "setting": finding.setting,
            "env": finding.setting.and_then(Setting::by_key).map(|setting| setting.env),
            "source": finding.place,
            "message": finding.message,
            "next": finding.next,
        })).collect::<Vec<_>>(),
    });
    context.out.either(&value, || {
        // A table would cut paths and sentences short: a finding is a paragraph.
        for finding in &findings {
            let tone = match finding.level {
                Level::Error => Tone::Bad,
                Level::Missing | Level::Odd => Tone::Warning,
                Level::Note => Tone::Faint,
            };
            let level = context.out.paint(&format!("{:8}", finding.level.word()), tone);
            context.out.say(format!("{level}{}", SafeText::line(&finding.message)))?;
            context.out.say(format!("        from: {}", SafeText::line(&finding.place)))?;
            if let Some(next) = &finding.next {
                context.out.say(format!("        next: {}", SafeText::line(next)))?;
            }
        }
        let mode = mode.map(|mode| format!("mode {mode}; ")).unwrap_or_default();
        context.out.say(match problems {
            0 => format!("{mode}no problems"),
            1 => format!("{mode}1 problem"),
            _ => format!("{mode}{problems} problems"),
        })
    })?;
    Ok(if problems == 0 { Outcome::Done } else { Outcome::Problems })
}

fn show(context: &Context) -> Result<Outcome, Failure> {
    let shown = context.loaded().shown();
    let value = json!({
        "settings": shown.iter().map(|shown| json!({
            "setting": shown.setting.key,
            "env": shown.setting.env,
            "value": shown.value,
            "secret": shown.setting.is_secret(),
            "set": shown.is_set,
            "source": { "kind": shown.source.word(), "text": shown.source.to_string() },
        })).collect::<Vec<_>>(),
    });
    context.out.either(&value, || {
        let mut table = Table::new(&["SETTING", "VALUE", "SOURCE"]);
        for shown in &shown {
            table.row([
                shown.setting.key.to_owned(),
                value_for_people(shown),
                if shown.is_set { shown.source.to_string() } else { String::new() },
            ]);
            if !shown.is_set {
                table.tone(1, Tone::Faint);
            }
        }
        context.out.table(&table, "no settings")
    })?;
    // What is in force is worth seeing even when something is wrong; it is a failure all the same.
    context.settings().map(|_| Outcome::Done)
}

fn value_for_people(shown: &Shown) -> String {
    match (&shown.value, shown.is_set, shown.setting.is_secret()) {
        (Some(value), ..) if value.is_empty() => "none".to_owned(),
        (Some(value), ..) => value.clone(),
        (None, true, _) => format!("set, from {}", shown.source.word().replace('_', " ")),
        (None, false, _) => "not set".to_owned(),
    }
}

fn path(context: &Context) -> Result<Outcome, Failure> {
    let loaded = context.loaded();
    let directories = loaded.directories();
    let text =
        |key: &str| loaded.shown().into_iter().find(|shown| shown.setting.key == key).and_then(|shown| shown.value).unwrap_or_default();
    let data_dir = text("data_dir");
    let mut rows: Vec<(&str, String, Option<bool>)> =
        loaded.files().iter().map(|file| (file.what, file.path.display().to_string(), Some(file.exists))).collect();
    let exists = |path: &std::path::Path| Some(path.exists());
    rows.push(("data", data_dir.clone(), exists(data_dir.as_ref())));
    let database = text("database");
    // Whether a server answers is not for this command to find out.
    let database_exists = database.strip_prefix("sqlite:").and_then(|path| exists(path.as_ref()));
    rows.push(("database", database, database_exists));
    rows.push(("state", directories.state_dir.display().to_string(), exists(&directories.state_dir)));
    let log = super::log::path(&directories.state_dir);
    rows.push(("log", log.display().to_string(), exists(&log)));
    let value = json!({ "files": rows.iter().map(|(what, path, exists)| json!({ "what": what, "path": path, "exists": exists })).collect::<Vec<_>>() });
    context.out.either(&value, || {
        let mut table = Table::new(&["WHAT", "PATH", "STATE"]);
        for (what, path, exists) in &rows {
            let state = match exists {
                Some(true) => "exists",
                Some(false) => "not there",
                None => "not looked at",
            };
            table.row([*what, path.as_str(), state]);
        }
        // Not fitted to the terminal: a path that is broken over lines cannot be copied.
        context.out.say(table.render(context.out.has_color(), None))
    })?;
    // A broken file is still a file that exists: this command finds it for the one who repairs it.
    if !context.out.is_json() && loaded.problems().iter().any(|problem| problem.level == Level::Error) {
        context.out.note("note: something is wrong with the settings; see `quarterdeck config check`");
    }
    Ok(Outcome::Done)
}
