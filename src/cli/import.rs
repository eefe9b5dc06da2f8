//! `quarterdeck import`: what other programs logged, into the ledger, or summed up straight from the files.

mod progress;
mod show;

use super::{Context, Failure, Outcome};
use crate::deck::Deck;
use crate::llm::ledger::Category;
use crate::llm::logs::follow::Watch;
use crate::llm::logs::import::{Begun, Importer, Listener, Progress};
use crate::llm::logs::money::Unit;
use crate::llm::logs::pipeline::{self, Place};
use crate::llm::logs::prices::Prices;
use crate::llm::logs::source::{Present, Source, standard_input};
use crate::llm::logs::{Error, Imported, Options, Reject, Summary, import};
use crate::llm::price::Book;
use progress::{Meter, When};
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Arguments of `quarterdeck import`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Import logs of model calls. The format is told from the lines; a file that was imported before continues where it was.
    Calls(Calls),
}

/// Arguments of `quarterdeck import calls`.
#[derive(Debug, clap::Args)]
pub struct Calls {
    /// The logs, also compressed ones (gzip, Zstandard); `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The zone of times that have none, as UTC or Europe/Berlin.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    zone: Option<chrono_tz::Tz>,
    /// What the costs count.
    #[arg(long, value_name = "UNIT", value_enum, default_value_t = CostUnit::Usd)]
    cost_unit: CostUnit,
    /// The module of calls that name none.
    #[arg(long, value_name = "NAME", default_value = "imported")]
    module: String,
    /// The kind of work of calls that do not tell: interactive, batch or infrastructure.
    #[arg(long, value_name = "CATEGORY", default_value = "interactive")]
    category: Category,
    /// Only read: say what would be imported, and write nothing. The database is not opened.
    #[arg(long, conflicts_with = "follow")]
    dry_run: bool,
    /// Only read: print cost, errors, latencies and tokens by model, module, signature, persona and day. The database is not opened.
    #[arg(long, conflicts_with = "follow")]
    summary: bool,
    /// Go on when the files grow, until Ctrl-C.
    #[arg(long)]
    follow: bool,
    /// Write every rejected line here: one JSON object a line with file, line, reason and text.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// How many rejected lines to show.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    show: usize,
    /// When to show progress on standard error.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = When::Auto)]
    progress: When,
    /// Calls of one transaction.
    #[arg(long, value_name = "NUMBER", default_value_t = import::BATCH as u32, hide = true, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum CostUnit {
    /// US dollars.
    Usd,
    /// Hundredths of them.
    Cents,
}

fn zone(text: &str) -> Result<chrono_tz::Tz, String> {
    text.parse().map_err(|_| format!("{text:?} is no zone; write it as in the IANA list: UTC, Europe/Berlin, America/New_York"))
}

/// Run the command. JSON: `{files: […]}`, or the object of `--summary`; with `--follow` one object for each time that something was imported.
///
/// # Errors
/// As the files and the database say.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let Command::Calls(calls) = &args.command;
    let input = Path::new("-");
    if calls.follow && calls.files.iter().any(|file| file == input) {
        return Err(Failure::usage("standard input cannot be followed").hint("leave out --follow: it is read to its end"));
    }
    if calls.files.iter().filter(|file| *file == input).count() > 1 {
        return Err(Failure::usage("standard input can be read once"));
    }
    if calls.summary || calls.dry_run { read_only(context, calls) } else { into_ledger(context, calls) }
}

fn source(file: &Path) -> Source {
    if file == Path::new("-") { Source::Input } else { Source::File(file.to_owned()) }
}

fn options(calls: &Calls, personas: HashMap<String, String>) -> Options {
    Options {
        unit: if calls.cost_unit == CostUnit::Cents { Unit::Cents } else { Unit::Dollars },
        zone: calls.zone,
        module: calls.module.clone(),
        category: calls.category,
        personas,
        batch: calls.batch as usize,
    }
}

/// The file of rejected lines, and the meter.
struct Hearer {
    rejects: Option<(String, BufWriter<File>)>,
    meter: Meter,
    stopped: Arc<AtomicBool>,
}

impl Hearer {
    fn new(calls: &Calls) -> Result<Self, Failure> {
        let rejects = match &calls.rejects {
            Some(path) => {
                let file = File::create(path).map_err(|error| Failure::failed(format!("{} cannot be written: {error}", path.display())))?;
                Some((path.display().to_string(), BufWriter::new(file)))
            }
            None => None,
        };
        Ok(Self { rejects, meter: Meter::new(calls.progress), stopped: Arc::default() })
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.meter.clear();
        match &mut self.rejects {
            Some((place, file)) => file.flush().map_err(|error| Error::Rejects { place: place.clone(), reason: error.to_string() }),
            None => Ok(()),
        }
    }
}

impl Listener for Hearer {
    fn progress(&mut self, progress: &Progress) {
        self.meter.show(progress);
    }

    fn rejected(&mut self, place: &str, reject: &Reject) -> Result<(), Error> {
        let Some((name, file)) = &mut self.rejects else { return Ok(()) };
        let value = serde_json::json!({ "file": place, "line": reject.line, "reason": reject.why.word(), "detail": reject.reason(), "text": reject.text });
        writeln!(file, "{value}").map_err(|error| Error::Rejects { place: name.clone(), reason: error.to_string() })
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Sum up straight from the files.
fn read_only(context: &Context, calls: &Calls) -> Result<Outcome, Failure> {
    super::signals::end_on_stop(context)?;
    let prices = Arc::new(Prices::embedded().map_err(Error::from)?);
    let reading = options(calls, HashMap::new()).reading(&prices, false, context.clock.now());
    let mut summary = Summary::new();
    let mut hearer = Hearer::new(calls)?;
    let parsers = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get).clamp(1, 4);
    for file in &calls.files {
        let source = source(file);
        let opened = match &source {
            Source::File(path) => Present::of(path)?.open_at(0)?.0,
            Source::Input => standard_input()?,
        };
        let (read, size, place) = (Arc::clone(&opened.read), opened.size, source.place());
        let end = pipeline::run(&source, opened, Place { offset: 0, line: 1 }, &reading, parsers, |found| {
            if let Some((line, time)) = &found.no_zone {
                return Err(Error::NoZone { place: place.clone(), line: *line, time: time.clone() });
            }
            for reject in &found.rejects {
                hearer.rejected(&place, reject)?;
            }
            summary.take(&place, &found);
            hearer.progress(&Progress { lines: summary.lines, bytes: (read.load(Ordering::Relaxed), size), committed: 0 });
            Ok(())
        });
        hearer.meter.clear();
        summary.waiting += end?.waiting;
    }
    hearer.finish()?;
    context.out.either(&summary.json(), || show::summary(context, &summary, calls.summary, calls.show))?;
    Ok(if summary.rejected > 0 { Outcome::Problems } else { Outcome::Done })
}

fn into_ledger(context: &Context, calls: &Calls) -> Result<Outcome, Failure> {
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let known = context.block_on(deck.personas())??;
    let personas = known.into_iter().map(|persona| (persona.reddit_username, persona.id.to_string())).collect();
    let own = Book::embedded().map_err(Error::from)?;
    let prices = Arc::new(deck.db.read_blocking(move |c| Prices::load(c, &own))?);
    let importer = Importer { db: deck.db.clone(), prices, options: options(calls, personas), actor: context.actor()? };
    let mut hearer = Hearer::new(calls)?;
    // Watched before it is read: what is written meanwhile is told afterwards.
    let watch = if calls.follow { Some(Watch::over(&calls.files)?) } else { None };
    let (stopped, ender) = (Arc::clone(&hearer.stopped), watch.as_ref().map(Watch::ender));
    super::signals::on_stop(context, move || {
        stopped.store(true, Ordering::Relaxed);
        if let Some(end) = ender {
            end();
        }
    })?;
    let mut done = Vec::new();
    for file in &calls.files {
        if calls.follow && !file.exists() {
            continue;
        }
        let imported = importer.import(&source(file), context.clock.now(), &mut hearer);
        hearer.meter.clear();
        if imported.is_err() {
            // What was rejected until then belongs to what was imported until then.
            hearer.finish()?;
        }
        done.push(imported?);
    }
    hearer.finish()?;
    let print = |done: &[Imported]| {
        context.out.either(&show::json(done), || done.iter().try_for_each(|one| show::imported(context, one, calls.show)))
    };
    let Some(watch) = watch else {
        print(&done)?;
        return Ok(if done.iter().any(|one| one.written.counts.rejected > 0) { Outcome::Problems } else { Outcome::Done });
    };
    follow(context, calls, &importer, &watch, &mut hearer, done)
}

/// Import what the system tells of, until nobody reads the output any more.
fn follow(
    context: &Context,
    calls: &Calls,
    importer: &Importer,
    watch: &Watch,
    hearer: &mut Hearer,
    mut done: Vec<Imported>,
) -> Result<Outcome, Failure> {
    loop {
        for one in &done {
            if context.out.is_json() { context.out.emit_line(&show::json_of(one))? } else { show::imported(context, one, calls.show)? }
        }
        if context.out.is_closed() {
            return Ok(Outcome::Done);
        }
        let told = watch.wait();
        if hearer.is_stopped() {
            return Ok(Outcome::Done);
        }
        let Some(told) = told else {
            return Err(
                Failure::failed("the system no longer tells when the files change").hint("run the same command again: it continues")
            );
        };
        done = match grown(context, importer, hearer, &told) {
            // To be stopped is how following ends; the next run continues where this one was.
            Err(_) if hearer.is_stopped() => return hearer.finish().map(|()| Outcome::Done).map_err(Into::into),
            grown => grown?,
        };
    }
}

fn grown(context: &Context, importer: &Importer, hearer: &mut Hearer, told: &BTreeSet<PathBuf>) -> Result<Vec<Imported>, Failure> {
    let mut done = Vec::new();
    // A rotation takes a file away before it puts another in its place, which is told too.
    for file in told.iter().filter(|file| file.exists()) {
        let imported = importer.import(&source(file), context.clock.now(), hearer)?;
        if imported.begun != Begun::Unchanged && imported.lines > 0 {
            done.push(imported);
        }
    }
    hearer.finish()?;
    Ok(done)
}
