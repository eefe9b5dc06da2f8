//! `quarterdeck rules`: what every draft is looked at with, what each rule says of a text, and what other rules would have done.
//!
//! JSON: `list` gives `{rules: […], version, file}`, `check` `{ok, rules, faults: [{place, reason}]}`, `explain` of a rule `{rule, mode, page}`
//! and of a text `{evaluation}`, `backtest` its whole result, `enable` and `disable` `{rule, mode}`.

mod backtest;
mod explain;

use super::output::{Table, Tone};
use super::{Context, Failure, Outcome, duration};
use crate::base::SafeText;
use crate::deck::Deck;
use crate::moderation::rules::{self, Fault, Mode, Rule, RuleSet, switches};
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `quarterdeck rules`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the rules in force, those that ship and your own.
    List {
        /// Also those that are off or expired.
        #[arg(long)]
        all: bool,
    },
    /// Name everything that is wrong in a file of rules, and try the examples. Exit code 3 when there is something.
    Check {
        /// The file; your own rules when left out.
        file: Option<PathBuf>,
    },
    /// Explain a rule, or what the rules say of a text: `quarterdeck rules explain secret`, `… explain --item 3f2a`.
    Explain(explain::Args),
    /// Run other rules over past decisions: what they would newly catch, newly miss, and how often people agreed.
    Backtest(backtest::Args),
    /// Switch a rule on, for everybody and from now on.
    Enable {
        /// The rule's id.
        rule: String,
        /// How: shadow, review or block. As its file says when left out, or review where that says off.
        #[arg(long)]
        mode: Option<Mode>,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Switch a rule off, for everybody and from now on.
    Disable {
        /// The rule's id.
        rule: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Print a page for each rule that ships, as Markdown.
    Reference,
}

/// Run the command.
///
/// # Errors
/// When the rules cannot be read, or as the database says.
pub fn run(context: &Context, args: Args) -> Result<Outcome, Failure> {
    match args.command {
        Command::List { all } => list(context, all),
        Command::Check { file } => check(context, file),
        Command::Explain(args) => explain::run(context, args),
        Command::Backtest(args) => backtest::run(context, &args),
        Command::Enable { rule, mode, reason } => enable(context, &rule, mode, reason),
        Command::Disable { rule, reason } => switch(context, &rule, Some(Mode::Off), reason),
        Command::Reference => {
            let set = RuleSet::embedded().map_err(|faults| broken(&faults))?;
            context.out.write(rules::reference::document(&set).as_bytes()).map(|()| Outcome::Done)
        }
    }
}

fn open(context: &Context) -> Result<Deck, Failure> {
    Ok(Deck::open(context.settings()?, context.clock.clone())?)
}

fn broken(faults: &[Fault]) -> Failure {
    let first = faults.first().map(ToString::to_string).unwrap_or_default();
    Failure::failed(format!("the rules cannot be used: {first}")).hint("see everything that is wrong with `quarterdeck rules check`")
}

fn list(context: &Context, all: bool) -> Result<Outcome, Failure> {
    let deck = open(context)?;
    let set = deck.screener()?.rules();
    let switches = deck.db.read_blocking(switches::list)?;
    let now = context.clock.now();
    let mode = |rule: &Rule| {
        let switched = switches.iter().find(|switch| switch.rule_id == rule.id);
        let mode = switched.map_or(rule.mode, |switch| switch.mode);
        (if rule.is_expired(now) { Mode::Off } else { mode }, switched)
    };
    let shown: Vec<&Rule> = set.rules().iter().filter(|rule| all || mode(rule).0 != Mode::Off).collect();
    let value = json!({
        "version": set.version(),
        "file": deck.rules_file(),
        "rules": shown.iter().map(|rule| {
            let (in_force, switched) = mode(rule);
            json!({ "in_force": in_force, "expired": rule.is_expired(now), "switch": switched, "rule": rule })
        }).collect::<Vec<_>>(),
    });
    let out = &context.out;
    out.either(&value, || {
        let mut table = Table::new(&["rule", "mode", "score", "owner", "what it looks for"]).right(2);
        for rule in &shown {
            let (in_force, switched) = mode(rule);
            let word = match switched {
                _ if rule.is_expired(now) => "expired".to_owned(),
                Some(switch) => format!("{in_force}, {}", switch.changed_by),
                None => in_force.to_string(),
            };
            table.row([rule.id.clone(), word, format!("{:.1}", rule.weight), rule.owner.clone(), format!("{}{}", rule.title, scope(rule))]);
            match in_force {
                Mode::Block => table.tone(1, Tone::Bad),
                Mode::Review => table.tone(1, Tone::Warning),
                Mode::Shadow | Mode::Off => table.tone(1, Tone::Faint),
            };
        }
        out.table(&table, "no rule is in force")?;
        let hidden = set.rules().len() - shown.len();
        let file = deck.rules_file();
        let own = if file.exists() { "your own rules" } else { "your own rules would stand" };
        out.text(&format!(
            "\n{}{own} in {}; `quarterdeck rules explain RULE` has a page for each",
            if hidden == 0 { String::new() } else { format!("{hidden} more are off (--all shows them); ") },
            file.display()
        ))
    })?;
    Ok(Outcome::Done)
}

fn scope(rule: &Rule) -> String {
    let names =
        |prefix: &str, names: &std::collections::BTreeSet<String>| names.iter().map(|name| format!("{prefix}{name}")).collect::<Vec<_>>();
    let mut scope = names("u/", &rule.personas);
    scope.extend(names("r/", &rule.subreddits));
    if scope.is_empty() { String::new() } else { format!(" (only {})", scope.join(", ")) }
}

fn check(context: &Context, file: Option<PathBuf>) -> Result<Outcome, Failure> {
    let file = match file {
        Some(file) if !file.exists() => return Err(Failure::usage(format!("{} does not exist", file.display()))),
        Some(file) => file,
        None => context.settings()?.config_dir.join(rules::FILE_NAME),
    };
    let (mut faults, count) = match rules::read(Some(&file)) {
        Ok((set, _)) => {
            let wrong = rules::examples(&set).into_iter().map(|reason| Fault { place: file.display().to_string(), reason });
            (wrong.collect(), set.rules().len())
        }
        Err(error) => (error.faults, 0),
    };
    faults.dedup();
    let value = json!({ "ok": faults.is_empty(), "file": file, "rules": count,
        "faults": faults.iter().map(|fault| json!({ "place": fault.place, "reason": fault.reason })).collect::<Vec<_>>() });
    let out = &context.out;
    out.either(&value, || {
        for fault in &faults {
            out.say(out.paint(SafeText::line(&fault.place).as_str(), Tone::Faint))?;
            out.text(&format!("  {}", SafeText::line(&fault.reason)))?;
        }
        match faults.len() {
            0 if file.exists() => out.say(format!("{count} rules, all in order; {} is laid over those that ship", file.display())),
            0 => out.say(format!("{count} rules, all in order; you have none of your own ({} would hold them)", file.display())),
            found => {
                out.say(format!("\n{found} {}; none of the rules in this file is in force", if found == 1 { "fault" } else { "faults" }))
            }
        }
    })?;
    Ok(if faults.is_empty() { Outcome::Done } else { Outcome::Problems })
}

fn enable(context: &Context, id: &str, mode: Option<Mode>, reason: String) -> Result<Outcome, Failure> {
    if mode == Some(Mode::Off) {
        return Err(Failure::usage("a rule that is switched on has mode shadow, review or block").hint("use `quarterdeck rules disable`"));
    }
    // The file's own mode needs no switch: a later change of the file then counts again.
    let deck = open(context)?;
    let own = deck.screener()?.rules().rule(id).map(|rule| rule.mode);
    let mode = mode.or(own.filter(|own| *own == Mode::Off).map(|_| Mode::Review)).filter(|mode| Some(*mode) != own);
    drop(deck);
    switch(context, id, mode, reason)
}

fn switch(context: &Context, id: &str, mode: Option<Mode>, reason: String) -> Result<Outcome, Failure> {
    let deck = open(context)?;
    let set = deck.screener()?.rules();
    let (actor, at) = (context.actor()?, context.clock.now());
    let (rules, name) = (set.clone(), id.to_owned());
    deck.db.write_blocking(move |c| switches::set(c, &rules, &name, mode, &reason, &actor, at))?;
    let in_force = mode.or(set.rule(id).map(|rule| rule.mode)).unwrap_or(Mode::Off);
    let out = &context.out;
    out.either(&json!({ "rule": id, "mode": in_force }), || {
        out.text(&format!("{id} is {in_force} from the next draft on; what waits to be sent is looked at again before it leaves"))
    })?;
    Ok(Outcome::Done)
}
