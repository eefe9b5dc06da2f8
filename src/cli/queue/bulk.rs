//! One decision about many items: shown first, done with `--yes` or after a question on a terminal.

use super::filters::Filters;
use super::{Desk, list};
use crate::base::PersonaId;
use crate::cli::{Failure, Outcome, duration, events::short};
use crate::moderation::bulk::{self, Chosen, Decision};
use crate::moderation::listing::{self, By, Filter, Line, Sort};
use crate::moderation::{self, Directive, RejectCode, State, item};
use crate::store::Conn;
use serde_json::json;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

/// Lines that are shown before anything is decided.
const SAMPLE: usize = 10;
/// Reasons that are printed; `--json` has all.
const REASONS: usize = 20;

/// Which items, and whether to decide or only to show them.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    #[command(flatten)]
    filters: Filters,
    /// A file with one id a line, with the version that was seen behind it if you like; `-` reads standard input.
    #[arg(long, value_name = "FILE")]
    ids_from: Option<PathBuf>,
    /// At most so many, the oldest first.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Decide; without it the items are only shown.
    #[arg(long)]
    yes: bool,
}

/// What is decided.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Decide {
    /// Approve what screening allows and one person may approve; what was flagged is left out.
    Approve {
        #[command(flatten)]
        which: Which,
    },
    /// Reject.
    Reject {
        #[command(flatten)]
        which: Which,
        /// Why: off_topic, wrong, off_persona, tone, rules, too_risky, too_weak, duplicate, other.
        #[arg(long, value_name = "CODE")]
        reason: RejectCode,
        /// A few words that the agent reads.
        #[arg(long)]
        note: Option<String>,
        /// What the agent does then: drop, redraft, mute_thread, mute_user, fix_belief.
        #[arg(long, value_name = "DIRECTIVE", default_value = "drop")]
        then: Directive,
    },
    /// Send back to the agent, which writes them again with your note in mind.
    Return {
        #[command(flatten)]
        which: Which,
        /// What to change.
        #[arg(long)]
        note: String,
    },
    /// Throw blocked drafts away.
    Discard {
        #[command(flatten)]
        which: Which,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Pass over: they are not listed for you any more.
    Skip {
        #[command(flatten)]
        which: Which,
        /// Why.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Give claimed or held items back.
    Release {
        #[command(flatten)]
        which: Which,
    },
    /// Set aside.
    Hold {
        #[command(flatten)]
        which: Which,
        /// For how long: 30m, 2h, 1d.
        #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
        length: i64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

pub(super) fn run(desk: &Desk<'_>, decide: Decide) -> Result<Outcome, Failure> {
    const OPEN: &[State] = &[State::Pending, State::Claimed, State::Held];
    let at = desk.now_for_a_decision()?;
    let (which, decision, states, done) = match decide {
        Decide::Approve { which } => (which, Decision::Approve, OPEN, "approved"),
        Decide::Reject { which, reason, note, then } => (which, Decision::Reject { code: reason, directive: then, note }, OPEN, "rejected"),
        Decide::Return { which, note } => (which, Decision::Return { note }, OPEN, "returned"),
        Decide::Discard { which, reason } => (which, Decision::Discard { reason }, &[State::Blocked][..], "discarded"),
        Decide::Skip { which, reason } => (which, Decision::Skip { reason }, OPEN, "passed over"),
        Decide::Release { which } => (which, Decision::Release, &[State::Claimed, State::Held][..], "released"),
        Decide::Hold { which, length, reason } => {
            (which, Decision::Hold { until: at + length, reason }, &[State::Pending, State::Claimed][..], "held")
        }
    };
    let actor = desk.context.actor()?;
    let yes = which.yes;
    let found = find(desk, which, states)?;
    let out = &desk.context.out;
    if !yes && out.is_json() {
        out.emit(&json!({ "matched": found.matched, "sample": &found.lines[..found.lines.len().min(SAMPLE)] }))?;
        return Ok(Outcome::Done);
    }
    if !out.is_json() {
        show(desk, &found)?;
    }
    if !(yes || found.chosen.is_empty() || asked(desk, found.chosen.len(), done)?) {
        out.say("nothing was decided; --yes decides")?;
        return Ok(Outcome::Done);
    }
    let settings = desk.deck.moderation();
    let mut report = desk.context.block_on(bulk::decide(&desk.deck.db, &found.chosen, &decision, &actor, at, &settings))?;
    report.refused.splice(0..0, found.unknown);
    out.either(&report, || {
        out.say(format!("{} {done}, {} left out", report.decided, report.refused.len()))?;
        for refused in report.refused.iter().take(REASONS) {
            out.say(format!("  {}", crate::base::SafeText::line(&refused.reason)))?;
        }
        match report.refused.len().checked_sub(REASONS) {
            Some(more) if more > 0 => out.say(format!("  and {more} more; --json names them all")),
            _ => Ok(()),
        }
    })?;
    Ok(if report.refused.is_empty() { Outcome::Done } else { Outcome::Problems })
}

/// What is going to be decided.
#[derive(Default)]
struct Found {
    /// How many match, also beyond the limit.
    matched: i64,
    /// Those within the limit, as they were listed.
    lines: Vec<Line>,
    chosen: Vec<Chosen>,
    /// Ids of the file that are no items.
    unknown: Vec<bulk::Refused>,
}

fn find(desk: &Desk<'_>, which: Which, states: &'static [State]) -> Result<Found, Failure> {
    let limit = which.limit as usize;
    if let Some(file) = &which.ids_from {
        if !which.filters.is_empty() {
            return Err(Failure::usage("--ids-from names the items; it goes with no filter"));
        }
        let wanted = ids(&read(file)?, file)?;
        let persona = desk.persona()?;
        let mut found = desk.deck.db.read_blocking(move |c: &mut dyn Conn| named(c, persona.as_ref(), &wanted))?;
        found.lines.truncate(limit);
        found.chosen.truncate(limit);
        return Ok(found);
    }
    let filter = which.filters.resolve(desk, states, Sort::Oldest)?;
    Ok(desk.deck.db.read_blocking(move |c: &mut dyn Conn| -> moderation::Result<Found> {
        let matched = listing::count(c, &filter, By::State)?.total;
        let mut lines = Vec::new();
        let mut next = Filter { after: None, ..filter };
        while lines.len() < limit {
            let page = listing::page(c, &next, limit - lines.len())?;
            lines.extend(page.lines);
            next.after = page.next;
            if next.after.is_none() {
                break;
            }
        }
        let chosen = lines.iter().map(Chosen::from).collect();
        Ok(Found { matched, lines, chosen, unknown: Vec::new() })
    })?)
}

/// A list is read whole or not at all: half of one would be decided as if it were the whole.
fn read(file: &Path) -> Result<String, Failure> {
    const MOST: u64 = 16 << 20;
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(MOST).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MOST).read_to_string(&mut text))
    };
    let failed = |what: String| Failure::failed(format!("{} {what}", file.display())).hint("give a file with one id a line");
    match read {
        Ok(length) if length as u64 == MOST => Err(failed("is longer than 16 MB".to_owned())),
        Ok(_) => Ok(text),
        Err(error) => Err(failed(format!("cannot be read: {error}"))),
    }
}

/// `ID` or `ID VERSION` on each line; blank lines and what follows a `#` are left out.
fn ids(text: &str, file: &Path) -> Result<Vec<(String, Option<i64>)>, Failure> {
    let mut wanted = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(id) = words.next() else { continue };
        let version = words.next().map(str::parse).transpose();
        let (Ok(version), None) = (version, words.next()) else {
            return Err(Failure::usage(format!("line {} of {} is not an id, or an id and a version", number + 1, file.display())));
        };
        wanted.push((id.to_owned(), version));
    }
    Ok(wanted)
}

fn named(c: &mut dyn Conn, persona: Option<&PersonaId>, wanted: &[(String, Option<i64>)]) -> moderation::Result<Found> {
    let mut found = Found { matched: i64::try_from(wanted.len()).unwrap_or(i64::MAX), ..Found::default() };
    let mut seen = std::collections::BTreeSet::new();
    for (id, version) in wanted {
        let line = item::find(c, persona, id).and_then(|(owner, id)| listing::line(c, &owner, &id));
        match line {
            // A second mention of an item is no second decision.
            Ok(line) if !seen.insert(line.id.clone()) => {}
            Ok(line) => {
                found.chosen.push(Chosen { version: version.unwrap_or(line.version), ..Chosen::from(&line) });
                found.lines.push(line);
            }
            Err(error @ (moderation::Error::NotFound { .. } | moderation::Error::Ambiguous { .. })) => {
                found.unknown.push(bulk::Refused { id: id.clone(), reason: error.to_string() });
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn show(desk: &Desk<'_>, found: &Found) -> Result<(), Failure> {
    let out = &desk.context.out;
    let sample = &found.lines[..found.lines.len().min(SAMPLE)];
    list::print(desk, sample, "nothing matches")?;
    let all = found.lines.len();
    if all > sample.len() {
        out.say(format!("… and {} more", all - sample.len()))?;
    }
    for unknown in found.unknown.iter().take(REASONS) {
        out.say(format!("{}: no such item", crate::base::SafeText::line(short(&unknown.id))))?;
    }
    if usize::try_from(found.matched).is_ok_and(|matched| matched > all) && found.unknown.is_empty() {
        out.say(format!("{} match; the first {all} are taken (--limit)", found.matched))?;
    }
    Ok(())
}

/// Ask on a terminal; without one nobody can answer, and nothing is done.
fn asked(desk: &Desk<'_>, count: usize, done: &str) -> Result<bool, Failure> {
    if !(std::io::stdin().is_terminal() && std::io::stdout().is_terminal()) {
        return Ok(false);
    }
    desk.context.out.write(format!("\n{count} items will be {done}. Go on? [y/N] ").as_bytes())?;
    let mut answer = String::new();
    let mut limited = std::io::stdin().lock().take(64);
    std::io::BufRead::read_line(&mut limited, &mut answer).map_err(|error| Failure::failed(format!("no answer could be read: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_ids_is_read() {
        let read = ids("aaaa-1\n\n# a remark\nbbbb-2 7 # seen\n", Path::new("-")).unwrap();
        assert_eq!(read, [("aaaa-1".to_owned(), None), ("bbbb-2".to_owned(), Some(7))]);
        assert!(ids("aaaa 1 2", Path::new("x")).unwrap_err().message.contains("line 1 of x"));
        assert!(ids("aaaa soon", Path::new("x")).is_err());
    }
}
