//! `quarterdeck round`: the rounds of a day, a week and a month, with their reports.
//!
//! JSON: `{rhythm, at, ended_at, ok, summary, report, recorded, was_stopped, steps: [{name, title, source, verdict, why, number, remedy, detail,
//! took_ms}]}`.

use super::{Context, Failure, Outcome, doctor, signals};
use crate::base::SafeText;
use crate::rounds::round::{self, Rhythm, Round, Stepped};
use crate::rounds::stop::{Stop, Watched};
use serde_json::json;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

/// Arguments of `quarterdeck round`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which round.
    #[arg(value_enum)]
    rhythm: Which,
    /// Write the report to this file; by default under its time into `rounds` in the directory of logs.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    /// Board, queue, deliveries, yesterday's calls and spend, the log, last night's backup, the quick check.
    Daily,
    /// A backup made and verified, the log, cost and performance of the week, the index, the audit log, retention, secrets.
    Weekly,
    /// A restore tried, the full check, vacuum, retention, the cost report of the month, growth, versions, what is to be rotated.
    Monthly,
}

/// Run the command. Exit code 3 when something was found.
///
/// # Errors
/// When the report cannot be written.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let rhythm = match args.rhythm {
        Which::Daily => Rhythm::Daily,
        Which::Weekly => Rhythm::Weekly,
        Which::Monthly => Rhythm::Monthly,
    };
    let actor = context.actor()?;
    let patient = doctor::patient(context);
    let stop = Stop::default();
    let asked = stop.clone();
    signals::on_stop(context, move || asked.ask())?;
    let shows = !context.out.is_json() && std::io::stderr().is_terminal();
    let watcher = Arc::new(Watched::new(stop.clone(), move |progress| {
        if shows {
            let of = progress.total.map(|total| format!(" of {total}")).unwrap_or_default();
            let _ = write!(std::io::stderr().lock(), "\r\u{1b}[K{} {}{of}", progress.stage, progress.done);
        }
    }));
    let round = Round::new(Arc::clone(&patient), rhythm, actor.clone(), watcher);
    let mut printed = Ok(());
    let gone = round::go(&round, &stop, &mut |step| {
        if shows {
            let _ = write!(std::io::stderr().lock(), "\r\u{1b}[K");
        }
        if !context.out.is_json() && printed.is_ok() {
            printed = tell(context, step);
        }
    });
    printed?;
    let report = round::write(&gone, patient.state_dir(), args.to.as_deref()).map_err(|error| {
        Failure::failed(format!("the report of the round cannot be written: {error}")).hint("name a file that can be written with --to")
    })?;
    let recorded = round::record(&patient, &gone, Some(&report), &actor).unwrap_or_else(|found| {
        context.out.note(format!("that the round was gone could not be written down: {}", found.why));
        None
    });
    let value = json!({
        "rhythm": rhythm,
        "at": crate::base::clock::rfc3339(gone.at),
        "ended_at": crate::base::clock::rfc3339(gone.ended_at),
        "ok": !gone.has_findings(),
        "summary": gone.summary(),
        "report": report,
        "recorded": recorded,
        "was_stopped": gone.was_stopped,
        "steps": gone.steps,
    });
    context.out.either(&value, || {
        context.out.say(gone.summary())?;
        context.out.say(format!("report: {}", report.display()))
    })?;
    if gone.was_stopped {
        return Err(Failure::failed("the round was stopped before its end").hint("go it again"));
    }
    Ok(if gone.has_findings() { Outcome::Problems } else { Outcome::Done })
}

fn tell(context: &Context, step: &Stepped) -> Result<(), Failure> {
    let out = &context.out;
    let found = &step.found;
    let verdict = out.paint(&format!("{:8}", found.verdict.as_str()), doctor::tone(found.verdict));
    let number = found.number.as_ref().map(|number| format!(" [{}]", SafeText::line(number))).unwrap_or_default();
    out.text(&format!("{verdict}{}{number}: {}", step.title, SafeText::line(&found.why)))?;
    if let Some(remedy) = &found.remedy {
        let command = remedy.command.as_ref().map(|command| format!(": {}", SafeText::line(command))).unwrap_or_default();
        out.text(&format!("        next: {}{command}", SafeText::line(&remedy.text)))?;
    }
    Ok(())
}
