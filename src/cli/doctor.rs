//! `quarterdeck doctor`: how the installation is, what to do about it, and the bundle for whoever helps.
//!
//! JSON: `{ok, at, summary, counts: {pass, unknown, warn, fail}, recorded, was_stopped, checks: [{name, about, verdict, why, remedy: {text, command}, detail,
//! gave_up, took_ms, can_fix, fixed: {did, done, before}}]}`; with `--bundle` also `bundle: {path, bytes, files}`.

use super::output::Tone;
use super::{Context, Failure, Outcome, signals};
use crate::base::SafeText;
use crate::rounds::doctor::{self, CHECKS, Checked};
use crate::rounds::patient::{SetUp, TERMINAL_VARIABLES};
use crate::rounds::stop::Stop;
use crate::rounds::{Patient, Terminal, Verdict, bundle};
use serde_json::json;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `quarterdeck doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Put right what can be put right without losing anything: modes of files, leases, reservations, the log, the index, sums.
    #[arg(long)]
    fix: bool,
    /// Only these checks.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',', value_parser = names())]
    only: Vec<String>,
    /// Warnings and what could not be told count as failures.
    #[arg(long)]
    strict: bool,
    /// Name the checks, and do none.
    #[arg(long, conflicts_with_all = ["fix", "only", "bundle"])]
    list: bool,
    /// Write a bundle for whoever helps (tar.gz): versions, settings without secrets, this report, sizes, the end of the log. No text of a persona.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

fn names() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(CHECKS.iter().map(|check| check.name))
}

/// What is looked at, with the settings read anew and the terminal of this process.
pub(super) fn patient(context: &Context) -> Arc<Patient> {
    let environment = TERMINAL_VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
    let is_there = std::io::stdout().is_terminal() || std::io::stdin().is_terminal();
    let terminal = Terminal { is_there, size: crossterm::terminal::size().ok().filter(|_| is_there), environment };
    let set_up = SetUp { search: crate::deck::search_settings, audit: crate::deck::audit_settings };
    Patient::new(crate::config::load(&context.request()), Arc::clone(&context.clock), terminal, set_up)
}

/// Run the command.
///
/// # Errors
/// When the bundle cannot be written. What is found is no error.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    if args.list {
        return list(context);
    }
    let actor = context.actor()?;
    let patient = patient(context);
    let stop = Stop::default();
    let asked = stop.clone();
    signals::on_stop(context, move || asked.ask())?;
    let only: Vec<&str> = args.only.iter().map(String::as_str).collect();
    let mut printed = Ok(());
    let report = doctor::examine(&patient, &only, args.fix.then_some(&actor), &stop, &mut |checked| {
        if !context.out.is_json() && printed.is_ok() {
            printed = tell(context, checked);
        }
    });
    printed?;
    let recorded = match doctor::record(&patient, &report, &actor) {
        Ok(id) => id,
        Err(found) => {
            context.out.note(format!("that the doctor looked could not be written down: {}", found.why));
            None
        }
    };
    let written = match &args.bundle {
        Some(path) if !report.was_stopped => Some(bundle::write(&patient, &report, path).map_err(|error| {
            Failure::failed(format!("the bundle {} cannot be written: {error}", path.display()))
                .hint("name a new file in a directory that can be written")
        })?),
        _ => None,
    };
    let ok = report.is_well(args.strict);
    let of = |verdict| report.count(verdict);
    let value = json!({
        "ok": ok,
        "at": crate::base::clock::rfc3339(report.at),
        "summary": report.summary(),
        "counts": { "pass": of(Verdict::Pass), "unknown": of(Verdict::Unknown), "warn": of(Verdict::Warn), "fail": of(Verdict::Fail) },
        "recorded": recorded,
        "was_stopped": report.was_stopped,
        "checks": report.checks,
        "bundle": written,
    });
    context.out.either(&value, || {
        context.out.say(report.summary())?;
        if let Some(written) = &written {
            context.out.say(format!(
                "bundle: {} ({} files, {} bytes); read it before you send it",
                written.path.display(),
                written.files.len(),
                written.bytes
            ))?;
        }
        Ok(())
    })?;
    if report.was_stopped {
        return Err(Failure::failed("the doctor was stopped before its end").hint("ask it again"));
    }
    Ok(if ok { Outcome::Done } else { Outcome::Problems })
}

fn list(context: &Context) -> Result<Outcome, Failure> {
    let all: Vec<_> =
        CHECKS.iter().map(|check| json!({ "name": check.name, "about": check.about, "limit_s": check.limit.as_secs() })).collect();
    context.out.either(&json!({ "checks": all }), || {
        CHECKS.iter().try_for_each(|check| context.out.say(format!("{:14} {}", check.name, check.about)))
    })?;
    Ok(Outcome::Done)
}

/// The colour of a verdict.
pub(super) fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Pass => Tone::Good,
        Verdict::Unknown => Tone::Faint,
        Verdict::Warn => Tone::Warning,
        Verdict::Fail => Tone::Bad,
    }
}

fn tell(context: &Context, checked: &Checked) -> Result<(), Failure> {
    let out = &context.out;
    let found = &checked.found;
    let verdict = out.paint(&format!("{:8}", found.verdict.as_str()), tone(found.verdict));
    out.text(&format!("{verdict}{:14} {}", checked.name, SafeText::line(&found.why)))?;
    if let Some(fixed) = &checked.fixed {
        out.text(&format!("        before: {}", SafeText::line(&fixed.before.why)))?;
        let word = if fixed.done { "fixed" } else { "not fixed" };
        out.text(&format!("        {word}: {}", SafeText::line(&fixed.did)))?;
    }
    if let Some(remedy) = &found.remedy {
        let command = remedy.command.as_ref().map(|command| format!(": {}", SafeText::line(command))).unwrap_or_default();
        out.text(&format!("        next: {}{command}", SafeText::line(&remedy.text)))?;
    }
    Ok(())
}
