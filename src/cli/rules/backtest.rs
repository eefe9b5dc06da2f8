//! What other rules would have made of past decisions.

use super::{broken, duration, open};
use crate::cli::output::{Table, Tone};
use crate::cli::{Context, Failure, Outcome, signals};
use crate::moderation::rules::backtest::{self, Backtest, Candidate, Example};
use crate::moderation::rules::{self, Mode, switches};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Which rules, over which decisions.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A file of rules to try in place of your own.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// A rule in another mode: `--set rude=review`. May be given several times.
    #[arg(long, value_name = "RULE=MODE", value_parser = setting)]
    set: Vec<(String, Mode)>,
    /// Decisions of the last: 7d, 30d, 365d.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "90d")]
    last: i64,
}

fn setting(text: &str) -> Result<(String, Mode), String> {
    let (rule, mode) = text.split_once('=').ok_or_else(|| format!("{text:?} is not of the form RULE=MODE"))?;
    Ok((rule.to_owned(), mode.parse()?))
}

pub(super) fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    if let Some(file) = args.rules.as_ref().filter(|file| !file.exists()) {
        return Err(Failure::usage(format!("{} does not exist", file.display())));
    }
    signals::end_on_stop(context)?;
    let deck = open(context)?;
    let now_set = deck.screener()?.rules();
    let now_modes = deck.db.read_blocking(switches::modes)?;
    let other_set = match &args.rules {
        Some(file) => rules::read(Some(file)).map_err(|error| broken(&error.faults))?.0,
        None => now_set.clone(),
    };
    let mut other_modes = now_modes.clone();
    for (rule, mode) in &args.set {
        if other_set.rule(rule).is_none() {
            return Err(Failure::usage(format!("there is no rule {rule:?}")).hint("`quarterdeck rules list --all` names them"));
        }
        other_modes.insert(rule.clone(), *mode);
    }
    let persona = match context.global.persona.clone() {
        Some(key) => Some(deck.db.read_blocking(move |c| crate::memory::personas::find(c, &key))?.id),
        None => None,
    };
    let began = Instant::now();
    let mut told = Instant::now();
    let shows = std::io::stderr().is_terminal() && !context.out.is_json();
    let progress = |done: usize, total: usize| {
        if shows && (told.elapsed() > Duration::from_millis(200) || done == total) {
            told = Instant::now();
            eprint_progress(done, total, began.elapsed());
        }
    };
    let pair = (Candidate { rules: &now_set, modes: &now_modes }, Candidate { rules: &other_set, modes: &other_modes });
    let result = backtest::run(&deck.db, pair, persona.as_ref(), context.clock.now() - args.last, progress)?;
    context.out.either(&result, || print(context, &result, began.elapsed()))?;
    Ok(Outcome::Done)
}

/// One line that is written over; the result itself goes to standard output.
#[allow(clippy::print_stderr, reason = "progress on one line")]
fn eprint_progress(done: usize, total: usize, elapsed: Duration) {
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let left = (total.saturating_sub(done)) as f64 / rate.max(1.0);
    let end = if done >= total { "\n" } else { "" };
    eprint!("\r{done} of {total} decisions, {rate:.0} a second, {left:.0} s left   {end}");
}

fn print(context: &Context, result: &Backtest, elapsed: Duration) -> Result<(), Failure> {
    let out = &context.out;
    if result.decisions == 0 {
        return out
            .say("no person has decided anything in that time: there is nothing to test the rules on (--last 365d looks further back)");
    }
    out.say(format!(
        "{} decisions of people ({} approved, {} rejected), {:.1} s\n",
        result.decisions,
        result.approved,
        result.rejected,
        elapsed.as_secs_f64()
    ))?;
    out.say(format!(
        "newly caught  {:>6}   of these {} were approved by a person: more work",
        result.newly_caught, result.newly_caught_approved
    ))?;
    out.say(format!(
        "newly missed  {:>6}   of these {} were rejected by a person: what would slip through\n",
        result.newly_missed, result.newly_missed_rejected
    ))?;
    let mut table = Table::new(&["rule", "hits", "new", "gone", "rejected", "approved", "alone", "precision", "95 %", "mostly with"]);
    for column in 1..=7 {
        table = table.right(column);
    }
    for (id, rule) in &result.rules {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let with = rule.overlap.iter().max_by_key(|(_, count)| **count).map(|(other, count)| format!("{other} ({count})"));
        table.row([
            id.clone(),
            rule.hits.to_string(),
            rule.newly.to_string(),
            rule.no_more.to_string(),
            rule.agreed.to_string(),
            rule.overturned.to_string(),
            rule.alone.to_string(),
            rule.precision.map_or_else(String::new, percent),
            rule.interval.map_or_else(String::new, |(low, high)| format!("{:.0} to {:.0}", low * 100.0, high * 100.0)),
            with.unwrap_or_default(),
        ]);
    }
    out.table(&table, "no rule fires on any of them, neither now nor then")?;
    examples(context, "newly caught", &result.caught)?;
    examples(context, "newly missed", &result.missed)?;
    if !result.not_replayed.is_empty() {
        out.text(
            &out.paint(&format!("\nnot compared, because they ask for what is over: {}", result.not_replayed.join(", ")), Tone::Faint),
        )?;
    }
    Ok(())
}

fn examples(context: &Context, title: &str, examples: &[Example]) -> Result<(), Failure> {
    for (number, example) in examples.iter().enumerate() {
        if number == 0 {
            context.out.say(format!("\n{title}, for example"))?;
        }
        context.out.text(&format!(
            "  {}  {} by a person, {} then, {} now: {}",
            crate::cli::events::short(&example.id),
            example.decision,
            example.before.as_str(),
            example.after.as_str(),
            example.rules.join(", ")
        ))?;
    }
    Ok(())
}
