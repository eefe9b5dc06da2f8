//! `quarterdeck index`: the index of vectors, for search by meaning.

use super::output::{Table, Tone};
use super::{Context, Failure, Outcome, signals};
use crate::deck::Deck;
use crate::search::embed::Model;
use crate::search::vectors::{self, Position, Status, StoredModel, Vectors};
use crate::upkeep::runs;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Arguments of `quarterdeck index`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show which models made vectors, how many, how they are searched, and whether the index file is up to date.
    Status,
    /// Make the index files anew from the stored vectors, graphs included.
    Rebuild,
    /// Compare the index with the database and with an exact search. Exit code 3 when something is wrong.
    Verify {
        /// Vectors that are looked for.
        #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        sample: u32,
    },
    /// Save the index and copy its files. Put them back into the index directory to use them; what is missing is caught up.
    Backup {
        /// Directory of the copies; by default `backup` in the index directory.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
    },
}

/// The indexes of an open application: one for each model that vectors are stored of.
struct Indexes {
    deck: Deck,
    dir: PathBuf,
    position: Position,
    models: Vec<StoredModel>,
    is_stopped: Arc<AtomicBool>,
}

impl Indexes {
    fn open(context: &Context, is_stopped: Arc<AtomicBool>) -> Result<Self, Failure> {
        let deck = Deck::open(context.settings()?, context.clock.clone())?;
        let dir = deck.settings.data_dir.join(vectors::DIRECTORY);
        let (position, models) = deck.db.read_blocking(|c| -> vectors::Result<_> { Ok((vectors::position(c)?, vectors::models(c)?)) })?;
        Ok(Self { deck, dir, position, models, is_stopped })
    }

    /// The index of a model as its file has it.
    fn as_saved(&self, model: &StoredModel) -> Vectors {
        let model = Model { name: model.name.clone(), dimensions: model.dimensions };
        Vectors::open(&self.dir, model, &vectors::Settings { graph_from: self.deck.settings.graph_from })
    }

    /// A place where nothing is half done: the work ends here when SIGTERM or Ctrl-C came.
    fn go_on(&self) -> Result<(), Failure> {
        if self.is_stopped.load(Ordering::Relaxed) { Err(signals::stopped_early()) } else { Ok(()) }
    }

    fn catch_up(&self, index: &Vectors) -> Result<usize, Failure> {
        let index = index.clone();
        Ok(self.deck.db.read_blocking(move |c| index.catch_up(c))?)
    }
}

const NOTHING: &str = "nothing has a vector yet: they are made while an agent runs, and before a search";

/// Run the command. JSON: `{directory, change, models: […]}`, each model with what was asked for.
///
/// # Errors
/// As the database and the file system say.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let is_stopped = Arc::<AtomicBool>::default();
    let asked = Arc::clone(&is_stopped);
    signals::on_stop(context, move || asked.store(true, Ordering::Relaxed))?;
    let indexes = Indexes::open(context, is_stopped)?;
    match &args.command {
        Command::Status => status(context, &indexes),
        Command::Rebuild => rebuild(context, &indexes),
        Command::Verify { sample } => verify(context, &indexes, *sample as usize),
        Command::Backup { to } => backup(context, &indexes, to.clone().unwrap_or_else(|| indexes.dir.join("backup"))),
    }
}

fn print(
    context: &Context,
    indexes: &Indexes,
    values: &[serde_json::Value],
    people: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let value = json!({ "directory": indexes.dir, "change": indexes.position.change, "models": values });
    context.out.either(&value, || if indexes.models.is_empty() { context.out.say(NOTHING) } else { people() })
}

fn status(context: &Context, indexes: &Indexes) -> Result<Outcome, Failure> {
    let found: Vec<(&StoredModel, Status)> = indexes.models.iter().map(|model| (model, indexes.as_saved(model).status())).collect();
    let values: Vec<_> = found.iter().map(|(model, status)| json!({ "stored": model, "index": status })).collect();
    let set_aside = found.iter().any(|(_, status)| !status.notes.is_empty());
    print(context, indexes, &values, || {
        for (model, status) in &found {
            let behind = indexes.position.change - status.change;
            let file = match status.file_bytes {
                Some(size) => format!("{} ({})", status.file.display(), megabytes(size as f64)),
                None => format!("{} (not written yet)", status.file.display()),
            };
            let measured = if status.graph_from_is_measured { "measured on this machine" } else { "set" };
            context.out.pairs(&[
                ("model", format!("{} ({} numbers)", model.name, model.dimensions)),
                ("stored", format!("{} vectors, {} passages it could not read", model.vectors, model.unreadable)),
                ("index", format!("{} vectors, {} in memory, {}", status.vectors, megabytes(status.memory_bytes as f64), changes(behind))),
                ("file", file),
                ("graph", format!("from {} vectors of one persona on ({measured})", status.graph_from)),
            ])?;
            let mut table = Table::new(&["persona", "vectors", "dead rows", "searched by"]).right(1).right(2);
            for shard in &status.shards {
                let persona = shard.persona.clone().unwrap_or_else(|| "(documents of nobody)".to_owned());
                let how = if shard.vectors >= status.graph_from { "graph" } else { "scan" };
                table.row([persona, shard.vectors.to_string(), shard.dead.to_string(), how.to_owned()]);
            }
            context.out.table(&table, "the index is empty: it catches up before the next search")?;
            notes(context, &status.notes)?;
        }
        Ok(())
    })?;
    Ok(if set_aside { Outcome::Problems } else { Outcome::Done })
}

fn rebuild(context: &Context, indexes: &Indexes) -> Result<Outcome, Failure> {
    let (mut values, mut lines) = (Vec::new(), Vec::new());
    for model in &indexes.models {
        indexes.go_on()?;
        let started = Instant::now();
        let index = indexes.as_saved(model);
        index.clear();
        indexes.catch_up(&index)?;
        indexes.go_on()?;
        let tended = index.tend()?;
        indexes.go_on()?;
        index.save()?;
        let status = index.status();
        let seconds = started.elapsed().as_secs_f64();
        lines.push(format!("{}: {} vectors, {} graphs, {seconds:.1} s", model.name, status.vectors, tended.built));
        lines.extend(status.notes.iter().map(|note| format!("  {note}")));
        values.push(json!({ "index": status, "graphs": tended, "seconds": seconds }));
    }
    print(context, indexes, &values, || lines.iter().try_for_each(|line| context.out.say(crate::base::SafeText::line(line))))?;
    Ok(Outcome::Done)
}

/// Write down what the comparison found: the board tells its age, and the recall.
fn record(
    context: &Context,
    indexes: &Indexes,
    started_at: crate::base::Millis,
    found: &[(&StoredModel, vectors::Verified)],
) -> Result<(), Failure> {
    let recall = found.iter().filter_map(|(_, verified)| verified.recall).reduce(f64::min);
    let problem = found.iter().find_map(|(_, verified)| verified.problems.first().cloned());
    let outcome = if problem.is_some() { runs::Outcome::Problems } else { runs::Outcome::Passed };
    let words = recall.map_or_else(|| "there are no vectors".to_owned(), |recall| format!("recall {recall:.4}"));
    let (summary, actor, ended_at) = (problem.unwrap_or(words), context.actor()?, context.clock.now());
    let detail = json!({ "recall": recall, "models": found.len() });
    indexes.deck.db.write_blocking(move |c| {
        let kind = runs::Kind::IndexVerify;
        runs::record(c, &runs::Done { kind, started_at, ended_at, outcome, summary: &summary, detail: &detail, actor: &actor })
    })?;
    Ok(())
}

fn verify(context: &Context, indexes: &Indexes, sample: usize) -> Result<Outcome, Failure> {
    let started_at = context.clock.now();
    let mut found = Vec::new();
    for model in &indexes.models {
        let index = indexes.as_saved(model);
        indexes.catch_up(&index)?;
        indexes.go_on()?;
        index.tend()?;
        indexes.go_on()?;
        let checked = index.clone();
        let mut verified = indexes.deck.db.read_blocking(move |c| checked.verify(c, sample))?;
        // What was set aside while the file was opened is a finding too.
        let late = index.status().notes.into_iter().filter(|note| !verified.problems.contains(note)).collect::<Vec<_>>();
        verified.problems.splice(0..0, late);
        found.push((model, verified));
    }
    let values: Vec<_> = found.iter().map(|(model, verified)| json!({ "model": model.name, "verified": verified })).collect();
    let sound = found.iter().all(|(_, verified)| verified.problems.is_empty());
    record(context, indexes, started_at, &found)?;
    print(context, indexes, &values, || {
        for (model, verified) in &found {
            let recall = verified.recall.map_or_else(|| "-".to_owned(), |recall| format!("{recall:.4} of the ten nearest by exact search"));
            let millis = |micros: u64| micros as f64 / 1_000.0;
            context.out.pairs(&[
                ("model", model.name.clone()),
                ("vectors", format!("{}, {} looked for", verified.vectors, verified.sampled)),
                ("recall", recall),
                ("lost", format!("{} do not find themselves", verified.lost)),
                ("question", format!("median {:.2} ms, slowest {:.2} ms", millis(verified.median_micros), millis(verified.slowest_micros))),
            ])?;
            notes(context, &verified.problems)?;
        }
        context.out.say(if sound { context.out.paint("no problems", Tone::Good) } else { context.out.paint("problems found", Tone::Bad) })
    })?;
    Ok(if sound { Outcome::Done } else { Outcome::Problems })
}

fn backup(context: &Context, indexes: &Indexes, to: PathBuf) -> Result<Outcome, Failure> {
    let mut copies = Vec::new();
    for model in &indexes.models {
        indexes.go_on()?;
        let index = indexes.as_saved(model);
        if indexes.catch_up(&index)? > 0 || index.status().file_bytes.is_none() {
            index.save()?;
        }
        copies.extend(vectors::backup(&index, &to)?);
    }
    let values: Vec<_> = copies.iter().map(|copy| json!({ "copy": copy })).collect();
    context.out.either(&json!({ "directory": to, "copies": values }), || {
        if copies.is_empty() {
            return context.out.say(NOTHING);
        }
        copies.iter().try_for_each(|copy| context.out.say(copy.display()))
    })?;
    Ok(Outcome::Done)
}

fn notes(context: &Context, notes: &[String]) -> Result<(), Failure> {
    notes
        .iter()
        .try_for_each(|note| context.out.say(format!("  {} {}", context.out.paint("!", Tone::Bad), crate::base::SafeText::line(note))))
}

fn changes(behind: i64) -> String {
    match behind {
        0 => "up to date".to_owned(),
        1 => "1 change behind the database".to_owned(),
        behind => format!("{behind} changes behind the database"),
    }
}

fn megabytes(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / 1_048_576.0)
}
