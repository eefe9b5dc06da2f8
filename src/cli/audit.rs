//! `quarterdeck audit`: who did what, and whether the log was tampered with.
//!
//! JSON: `log` gives `{rows: […], next}`; `verify` gives `{rows, last, head, anchored, checkpoints, redacted, problems: [{fault, seq, to, what}],
//! notes, anchor, took_ms}`; `anchors` gives `{checkpoints: […], key, anchor_file, rows_since}`; `anchor` gives `{made, newest, warnings}`;
//! `export --to FILE` gives `{rows, sha256, head, file}`.

use super::belief::time::Time;
use super::output::{Table, Tone};
use super::{Context, Failure, Outcome};
use super::{long, signals};
use crate::base::{SafeText, clock, shown};
use crate::deck::Deck;
use crate::store::audit::Record;
use crate::upkeep::audit::anchor::When;
use crate::upkeep::audit::export::{Exported, Format};
use crate::upkeep::audit::log::{self, Filter};
use crate::upkeep::audit::{self, Audit, Checkpoint, Verified, Verify, key, rows};
use crate::upkeep::progress::{Progress, Watcher};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Arguments of `quarterdeck audit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// Which rows.
#[derive(Debug, Clone, clap::Args)]
struct Filters {
    /// Who: a name, or with * as `ann*`.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// What, as `queue.approve` or `queue.*`.
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// On what: a kind, a name, an id or its beginning or end as lists show it, or `KIND:ID`.
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// Not before: `2026-11-01`, `"2026-11-01 14:00"`, or `7d` for seven days ago.
    #[arg(long, value_name = "TIME")]
    since: Option<Time>,
    /// Before.
    #[arg(long, value_name = "TIME")]
    until: Option<Time>,
    /// Letters of the reason, or of what was before and after.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the newest rows, of all or of some.
    Log {
        #[command(flatten)]
        filters: Filters,
        /// How many.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        /// Only rows before this number: the `next` of the page before.
        #[arg(long, value_name = "SEQ")]
        before: Option<i64>,
        /// Show before and after of each row.
        #[arg(long)]
        details: bool,
    },
    /// Walk the chain of hashes and compare it with the checkpoints. Exit code 3 when something was done to the log.
    Verify {
        /// Begin at this row; what stands before it is believed.
        #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(i64).range(1..))]
        from: Option<i64>,
        /// Compare with this copy of the anchor file.
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
    /// Write the rows, oldest first, with a digest of all that was written.
    Export {
        #[command(flatten)]
        filters: Filters,
        /// jsonl or csv.
        #[arg(long, default_value = "jsonl", value_parser = ["jsonl", "csv"])]
        format: String,
        /// A new file in place of standard output.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// List the checkpoints, newest first.
    Anchors {
        /// How many.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
    },
    /// Make a checkpoint now.
    Anchor,
}

/// Run the command.
///
/// # Errors
/// As the database, the key and the second place say.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    if matches!(args.command, Command::Verify { .. } | Command::Export { .. }) {
        // From the beginning: what comes while the database is opened is heeded too.
        signals::finish_on_stop(context)?;
    }
    let deck = Deck::open_existing(context.settings()?, context.clock.clone())?;
    match &args.command {
        Command::Log { filters, limit, before, details } => {
            list(context, &deck, filter(context, &deck, filters)?, *before, *limit as usize, *details)
        }
        Command::Verify { from, anchor } => verify(context, &deck, &Verify { from: *from, anchor: anchor.clone() }),
        Command::Export { filters, format, to } => {
            let format = if format == "csv" { Format::Csv } else { Format::JsonLines };
            export(context, &deck, &filter(context, &deck, filters)?, format, to.as_deref())
        }
        Command::Anchors { limit } => anchors(context, &deck, i64::from(*limit)),
        Command::Anchor => anchor(context, &deck),
    }
}

fn filter(context: &Context, deck: &Deck, filters: &Filters) -> Result<Filter, Failure> {
    let now = context.clock.now();
    let persona = match context.global.persona.clone() {
        Some(key) => Some(deck.db.read_blocking(move |c| crate::memory::personas::find(c, &key))?.id.as_str().to_owned()),
        None => None,
    };
    Ok(Filter {
        actor: filters.actor.clone(),
        action: filters.action.clone(),
        subject: filters.subject.clone(),
        persona,
        since: filters.since.map(|time| time.resolve(now)),
        until: filters.until.map(|time| time.resolve(now)),
        text: filters.text.clone(),
    })
}

fn list(context: &Context, deck: &Deck, filter: Filter, before: Option<i64>, limit: usize, details: bool) -> Result<Outcome, Failure> {
    let part = deck.db.read_blocking(move |c| log::newest(c, &filter, before, limit))?;
    context.out.either(&json!({ "rows": part.rows, "next": part.next }), || {
        if details && !part.rows.is_empty() {
            part.rows.iter().try_for_each(|row| detailed(context, row))?;
        } else {
            let mut table = Table::new(&["seq", "when", "who", "what", "on", "why"]).right(0);
            for row in &part.rows {
                table.row([
                    row.seq.to_string(),
                    clock::local(row.at),
                    who(row),
                    row.action.clone(),
                    shown(&row.subject_id).to_owned(),
                    row.reason.clone().unwrap_or_default(),
                ]);
            }
            context.out.table(&table, "no rows")?;
        }
        match part.next {
            Some(next) => context.out.say(format!("more with --before {next}")),
            None => Ok(()),
        }
    })?;
    Ok(Outcome::Done)
}

fn who(row: &Record) -> String {
    if row.actor_kind == "human" { row.actor.clone() } else { format!("{} ({})", row.actor, row.actor_kind) }
}

fn detailed(context: &Context, row: &Record) -> Result<(), Failure> {
    let side = |name: &str| match row.detail.get(name) {
        None | Some(serde_json::Value::Null) => "-".to_owned(),
        Some(value) => value.to_string(),
    };
    let what = format!("{} on {} {}", row.action, row.subject_kind, row.subject_id);
    let pairs = [
        ("who", who(row)),
        ("what", what),
        ("why", row.reason.clone().unwrap_or_default()),
        ("before", side("before")),
        ("after", side("after")),
    ];
    context.out.say(context.out.paint(&format!("{}  {}", row.seq, clock::local(row.at)), Tone::Faint))?;
    context.out.pairs(&pairs)?;
    context.out.say("")
}

fn verify(context: &Context, deck: &Deck, what: &Verify) -> Result<Outcome, Failure> {
    let (actor, audit) = (context.actor()?, deck.audit());
    let found = long::run(context, |watcher| audit.verify(what, &actor, watcher))??;
    context.out.either(&found, || said(context, &found))?;
    Ok(if found.is_whole() { Outcome::Done } else { Outcome::Problems })
}

fn said(context: &Context, found: &Verified) -> Result<(), Failure> {
    for problem in &found.walked.problems {
        context.out.say(format!("{} {}", context.out.paint(problem.fault.as_str(), Tone::Bad), SafeText::line(&problem.what)))?;
    }
    let mut told = Vec::new();
    for problem in &found.walked.problems {
        let next = problem.fault.next();
        if !told.contains(&next) {
            told.push(next);
            context.out.say(format!("  next: {next}"))?;
        }
    }
    for note in &found.walked.notes {
        context.out.say(format!("{} {}", context.out.paint("note", Tone::Faint), SafeText::line(note)))?;
    }
    context.out.say(found.summary())?;
    context.out.say(format!("the head is {}", SafeText::line(&found.walked.head)))
}

fn export(context: &Context, deck: &Deck, filter: &Filter, format: Format, to: Option<&Path>) -> Result<Outcome, Failure> {
    let audit = deck.audit();
    let Some(path) = to else {
        let asked = Asked::default();
        let told = asked.clone();
        signals::on_stop(context, move || told.0.store(true, Ordering::Relaxed))?;
        let exported = match audit.export(filter, format, &mut Printed(context), &asked) {
            Err(audit::Error::Stopped) => return Err(Failure::failed("stopped before the end: what came out is not the whole of it")),
            other => other?,
        };
        // Rows are no JSON object: the digest goes where it is no part of them.
        context.out.note(format!("{} rows, SHA-256 {}", exported.rows, exported.sha256));
        return Ok(Outcome::Done);
    };
    let exported = long::run(context, |watcher| written(&audit, filter, format, path, watcher))??;
    let value = json!({ "rows": exported.rows, "sha256": exported.sha256, "head": exported.head, "file": path.display().to_string() });
    context.out.either(&value, || context.out.say(format!("{} rows in {}, SHA-256 {}", exported.rows, path.display(), exported.sha256)))?;
    Ok(Outcome::Done)
}

/// Write an export to a new file, which appears whole, on the disk, or not at all.
fn written(audit: &Audit, filter: &Filter, format: Format, path: &Path, watcher: &dyn Watcher) -> Result<Exported, Failure> {
    let failed = |error: std::io::Error| {
        Failure::failed(format!("{} cannot be written: {error}", path.display())).hint("name a new file in a directory of yours")
    };
    if path.symlink_metadata().is_ok() {
        // Told before the work: nothing of an earlier export is ever replaced.
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Mode 0600 from its first byte, and gone again when anything fails.
    let mut file = std::io::BufWriter::new(tempfile::NamedTempFile::new_in(parent).map_err(failed)?);
    let exported = audit.export(filter, format, &mut file, watcher)?;
    let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(path).map_err(|error| failed(error.error))?;
    std::fs::File::open(parent).and_then(|directory| directory.sync_all()).map_err(failed)?;
    Ok(exported)
}

/// Whether the end was asked for.
#[derive(Clone, Default)]
struct Asked(Arc<AtomicBool>);

impl Watcher for Asked {
    fn told(&self, _: Progress) {}

    fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Standard output, by the one way that everything takes.
struct Printed<'a>(&'a Context);

impl std::io::Write for Printed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.out.write(bytes).map_err(|failure| std::io::Error::other(failure.message))?;
        // A reader that went away wants no more.
        if self.0.out.is_closed() { Err(std::io::ErrorKind::BrokenPipe.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn anchors(context: &Context, deck: &Deck, limit: i64) -> Result<Outcome, Failure> {
    let audit = deck.audit();
    let keys = key::load(&audit.settings)?;
    let (all, last) = deck
        .db
        .read_blocking(move |c| Ok::<_, crate::store::Error>((rows::newest(c, None, limit)?, rows::end(c)?.map_or(0, |end| end.0))))?;
    let open = last - all.first().map_or(0, |newest| newest.entries);
    let place = audit.settings.anchor_file.as_ref().map(|path| path.display().to_string());
    let value = json!({
        "checkpoints": all,
        "key": keys.as_ref().map(|keys| keys.current.id.clone()),
        "anchor_file": place,
        "rows_since": open,
    });
    context.out.either(&value, || {
        let mut table = Table::new(&["number", "when", "rows", "head", "key", "signature"]).right(0).right(2);
        for one in &all {
            let (word, tone) = match one.signature(keys.as_ref()) {
                audit::checkpoint::Signature::Good => ("good", Tone::Good),
                audit::checkpoint::Signature::Forged => ("forged", Tone::Bad),
                audit::checkpoint::Signature::UnknownKey => ("other key", Tone::Warning),
            };
            let head = one.head.get(..16).unwrap_or(&one.head).to_owned();
            table.row([one.number.to_string(), clock::local(one.at), one.entries.to_string(), head, one.key.clone(), word.to_owned()]);
            table.tone(5, tone);
        }
        context.out.table(&table, "no checkpoint was made yet; `quarterdeck audit anchor` makes one")?;
        context.out.say(format!("{open} rows since the newest"))?;
        match &place {
            Some(path) => context.out.say(format!("second place: {path}")),
            None => context.out.say("no second place: set audit.anchor_file to a file on another disk"),
        }
    })?;
    Ok(Outcome::Done)
}

fn anchor(context: &Context, deck: &Deck) -> Result<Outcome, Failure> {
    let anchored = deck.audit().anchor(When::Now)?;
    context.out.either(&anchored, || {
        let words = |one: &Checkpoint| format!("checkpoint {} over {} rows, head {}", one.number, one.entries, one.head);
        match (&anchored.made, &anchored.newest) {
            (Some(made), _) => context.out.say(words(made))?,
            (None, Some(newest)) => context.out.say(format!("nothing new since {}", words(newest)))?,
            (None, None) => context.out.say("the log is empty")?,
        }
        anchored
            .warnings
            .iter()
            .try_for_each(|warning| context.out.say(format!("{} {}", context.out.paint("warning", Tone::Warning), SafeText::line(warning))))
    })?;
    Ok(if anchored.warnings.is_empty() { Outcome::Done } else { Outcome::Problems })
}
