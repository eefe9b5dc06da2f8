//! `quarterdeck health`: the board for scripts and cron; `--watch` follows it.
//!
//! JSON: the object of `/health`, with the systems and lines that were asked for. With `--watch` one such object first, then for each change a
//! line `{at, id, system, name, from, to, reason}`.
//!
//! Exit code 0 when everything that was asked for is healthy, 3 when something is not, 1 when the board cannot be read. What is paused or in
//! maintenance does not count.

mod print;

use super::{Context, Failure, Outcome};
use crate::base::SafeText;
use crate::deck::Deck;
use crate::watch::board::{Board, Kind, Line};
use crate::watch::health::Status;
use crate::watch::shown;
use print::{print, tell, word};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What changes by time alone, as a heartbeat that is late, is looked for so often.
const LOOK: Duration = Duration::from_secs(5);

/// Arguments of `quarterdeck health`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Lines that are asked for, by name or as `own/database`, `probe/NAME`, `heartbeat/NAME`; by default all.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Only the lines of this system.
    #[arg(long, value_name = "NAME")]
    system: Option<String>,
    /// A state that is no reason for exit code 3.
    #[arg(long, value_name = "STATE", value_enum)]
    allow: Vec<Allowed>,
    /// Follow the changes, a line each, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// Do not probe, also when nobody else does: show what is known.
    #[arg(long)]
    no_check: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Allowed {
    /// Nothing is known of it.
    Unknown,
    /// It works, and somebody should look.
    Degraded,
}

impl Args {
    fn is_asked_for(&self, line: &Line) -> bool {
        let of_system = self.system.as_ref().is_none_or(|system| line.system.eq_ignore_ascii_case(system));
        of_system && (self.names.is_empty() || self.names.iter().any(|name| *name == line.name || *name == line.id))
    }

    /// The board with what was asked for alone.
    ///
    /// # Errors
    /// When something was asked for that is not there: a check of nothing is no check.
    fn chosen(&self, board: Board) -> Result<Board, Failure> {
        let known = |found: &dyn Fn(&Line) -> bool| lines(&board).any(found);
        let missing = self.names.iter().find(|name| !known(&|line| line.name == **name || line.id == **name));
        let no_system = self.system.as_ref().filter(|system| !known(&|line| line.system.eq_ignore_ascii_case(system)));
        if let Some(name) = missing.or(no_system) {
            return Err(Failure::usage(format!("there is no {} on the board", SafeText::line(name)))
                .hint("`quarterdeck health` shows what there is"));
        }
        let (at, network, watcher) = (board.at, board.network.clone(), board.watcher.clone());
        let chosen: Vec<Line> = board.systems.into_iter().flat_map(|system| system.lines).filter(|line| self.is_asked_for(line)).collect();
        if chosen.is_empty() {
            return Err(Failure::usage("no line of this name belongs to this system").hint("`quarterdeck health` shows what there is"));
        }
        Ok(Board::of(chosen, at, network, watcher))
    }

    fn outcome(&self, board: &Board) -> Outcome {
        let is_fine = |line: &Line| match line.status {
            Status::Healthy => true,
            Status::Unknown => self.allow.contains(&Allowed::Unknown),
            Status::Degraded => self.allow.contains(&Allowed::Degraded),
            Status::Unhealthy => false,
        };
        if lines(board).filter(|line| line.counts()).all(is_fine) { Outcome::Done } else { Outcome::Problems }
    }
}

fn lines(board: &Board) -> impl Iterator<Item = &Line> {
    board.systems.iter().flat_map(|system| &system.lines)
}

/// Run the command.
///
/// # Errors
/// When the database cannot be opened or read, or something is asked for that is not there.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let deck = Deck::open_existing(context.settings()?, context.clock.clone())?;
    context.block_on(async {
        // What is looked at for the first time is let go of, commands included.
        let board = args.chosen(super::signals::or_stopped(read(context, args, &deck)).await??)?;
        if !args.watch {
            context.out.either(&shown::board(&board), || print(context, &board))?;
            return Ok(args.outcome(&board));
        }
        follow(context, args, &deck, board).await
    })?
}

/// The board; where nobody probes and nobody forbids it, after one look at the targets that were asked for.
async fn read(context: &Context, args: &Args, deck: &Deck) -> Result<Board, Failure> {
    let board = deck.board().await;
    let asked = lines(&board).filter(|line| line.kind != Kind::Own && args.is_asked_for(line));
    let wanted: BTreeSet<String> = asked.map(|line| line.id.clone()).collect();
    if board.watcher.is_some() || wanted.is_empty() || args.no_check {
        return readable(board);
    }
    match deck.probe_once(|name| wanted.contains(&format!("probe/{name}"))).await {
        Ok(()) => {}
        // What is known is shown all the same, with its age.
        Err(why) => context.out.note(format!("the targets could not be probed: {}", SafeText::line(&why.to_string()))),
    }
    readable(deck.board().await)
}

/// A board without a database says nothing of anything else.
fn readable(board: Board) -> Result<Board, Failure> {
    let own: Vec<&Line> = lines(&board).filter(|line| line.kind == Kind::Own && line.id != "own/database").collect();
    let database = board.line("own/database").filter(|line| line.status == Status::Unhealthy);
    if let Some(line) = database.filter(|_| !own.is_empty() && own.iter().all(|line| line.status == Status::Unknown)) {
        return Err(Failure::failed(format!("the board cannot be read: the database: {}", line.reason))
            .hint("`quarterdeck db status` looks at the database"));
    }
    Ok(board)
}

/// What is followed of a line.
type Stood = (&'static str, String);

fn stands(board: &Board) -> BTreeMap<String, Stood> {
    lines(board).map(|line| (line.id.clone(), (word(line), line.reason.clone()))).collect()
}

async fn follow(context: &Context, args: &Args, deck: &Deck, first: Board) -> Result<Outcome, Failure> {
    // Signals are waited for before anybody can know that the board is followed.
    let mut stopped = std::pin::pin!(super::signals::Stopped::new()?.wait());
    let mut changes = deck.db.changes().ok();
    if context.out.is_json() {
        context.out.emit_line(&shown::board(&first))?;
    } else {
        print(context, &first)?;
        context.out.say("")?;
    }
    let mut known = stands(&first);
    let mut outcome = args.outcome(&first);
    loop {
        let changed = async {
            match &mut changes {
                Some(changes) => drop(changes.changed().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = &mut stopped => return Ok(outcome),
            () = changed => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        let Ok(board) = args.chosen(deck.board().await) else { continue };
        for line in lines(&board) {
            let now = (word(line), line.reason.clone());
            let before = known.get(&line.id).map(|(word, _)| *word);
            if before != Some(now.0) {
                tell(context, line, before, board.at)?;
            }
        }
        if context.out.is_closed() {
            return Ok(outcome);
        }
        known = stands(&board);
        outcome = args.outcome(&board);
    }
}
