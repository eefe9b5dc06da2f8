//! The list of beliefs, one belief, and where they are at odds.

use super::time::Time;
use super::{Desk, words};
use crate::base::{Millis, SafeText, clock, duration};
use crate::cli::events::short;
use crate::cli::output::{Table, Tone, age};
use crate::cli::{Failure, Outcome};
use crate::memory::confidence;
use crate::memory::graph::{self, BeliefRow, BeliefView, Graph, View};
use serde_json::json;

/// In which order beliefs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Order {
    /// The most confident first.
    Confidence,
    /// By title.
    Title,
    /// What moved furthest first.
    Drift,
    /// What changed last first.
    Change,
    /// What most rests on first.
    Centrality,
}

/// Which beliefs.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Only with this tag, in any case; may be repeated, and any of them will do.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Only with at least this confidence, 0 to 1.
    #[arg(long, value_name = "0..1")]
    min_confidence: Option<f64>,
    /// As they were then: `2026-11-01`, or `7d` for seven days ago.
    #[arg(long, value_name = "TIME")]
    at: Option<Time>,
    /// In which order.
    #[arg(long, value_enum, default_value_t = Order::Confidence)]
    sort: Order,
    /// Drift over the last: 24h, 7d, 30d.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "7d")]
    window: Millis,
    /// How many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

pub(super) fn list(desk: &Desk<'_>, args: &List) -> Result<Outcome, Failure> {
    let minimum = args.min_confidence.map(|value| confidence::checked("min_confidence", value)).transpose()?;
    let at = args.at.map(|at| at.resolve(desk.now));
    let view = View { at, now: desk.now, window: args.window };
    let mut rows = desk.read(move |c, persona| graph::overview(c, persona, &view))?;
    let wanted: Vec<String> = args.tags.iter().map(|tag| tag.trim().to_lowercase()).collect();
    rows.retain(|row| wanted.is_empty() || row.tags.iter().any(|tag| wanted.contains(&tag.to_lowercase())));
    rows.retain(|row| minimum.is_none_or(|minimum| row.confidence.is_some_and(|held| held >= minimum)));
    sort(&mut rows, args.sort);
    let all = rows.len();
    rows.truncate(args.limit as usize);
    let out = &desk.context.out;
    out.either(&json!({ "persona": desk.persona.reddit_username, "at": at, "total": all, "beliefs": rows }), || {
        let mut table = Table::new(&["id", "", "confidence", "drift", "belief", "tags", "edges", "rests on it", "changed", "waits"])
            .right(6)
            .right(7)
            .right(9);
        for row in &rows {
            let (mark, tone) = words::mark(row.confidence);
            let (drift, drift_tone) = words::drift(row.drift);
            let title = if row.locked { format!("⊘ {}", row.title) } else { row.title.clone() };
            table.row([
                short(&row.id).to_owned(),
                mark.to_owned(),
                words::bar(row.confidence),
                drift,
                SafeText::clipped(&title, 44).as_str().to_owned(),
                SafeText::clipped(&row.tags.join(", "), 28).as_str().to_owned(),
                row.degree.to_string(),
                format!("{:.1}", row.centrality),
                age(row.last_change, at.unwrap_or(desk.now)),
                if row.suggestions == 0 { String::new() } else { row.suggestions.to_string() },
            ]);
            for (column, tone) in [(1, tone), (2, tone), (3, drift_tone)] {
                if let Some(tone) = tone {
                    table.tone(column, tone);
                }
            }
        }
        out.table(&table, "no belief fits")?;
        if all > rows.len() {
            out.say(format!("{} of {all}; --limit shows more", rows.len()))?;
        }
        out.say(out.paint("● high  ◐ half or more  ○ less  ? unknown  ⊘ locked  ▲▼ percent points over the window", Tone::Faint))
    })?;
    Ok(Outcome::Done)
}

fn sort(rows: &mut [BeliefRow], order: Order) {
    let held = |row: &BeliefRow| row.confidence.unwrap_or(-1.0);
    let moved = |row: &BeliefRow| row.drift.map_or(-1.0, f64::abs);
    rows.sort_by(|one, other| {
        let by = match order {
            Order::Confidence => held(other).total_cmp(&held(one)),
            Order::Title => one.title.to_lowercase().cmp(&other.title.to_lowercase()),
            Order::Drift => moved(other).total_cmp(&moved(one)),
            Order::Change => other.last_change.cmp(&one.last_change),
            Order::Centrality => other.centrality.total_cmp(&one.centrality),
        };
        by.then_with(|| one.id.cmp(&other.id))
    });
}

pub(super) fn show(desk: &Desk<'_>, belief: &str, at: Option<Time>) -> Result<Outcome, Failure> {
    let id = desk.belief(belief)?;
    let view = View { at: at.map(|at| at.resolve(desk.now)), ..View::present(desk.now) };
    let shown = desk.read(move |c, persona| graph::detail(c, persona, &id, &view))?;
    desk.context.out.either(&shown, || print(desk, &shown))?;
    Ok(Outcome::Done)
}

fn print(desk: &Desk<'_>, shown: &BeliefView) -> Result<(), Failure> {
    let out = &desk.context.out;
    let row = &shown.row;
    let line = |text: &str| SafeText::line(text).as_str().to_owned();
    let (mark, _) = words::mark(row.confidence);
    let (drift, _) = words::drift(row.drift);
    let spark = words::sparkline(shown.stances.iter().rev().map(|view| view.stance.confidence));
    out.pairs(&[
        ("belief", row.title.clone()),
        ("id", row.id.clone()),
        ("confidence", format!("{mark} {}  {drift}", words::bar(row.confidence))),
        ("over time", spark),
        ("locked", if row.locked { "⊘ yes: nothing moves it until it is unlocked".to_owned() } else { "no".to_owned() }),
        ("tags", row.tags.join(", ")),
        ("summary", shown.summary.clone()),
        ("stance", shown.stance.clone().unwrap_or_else(|| "none".to_owned())),
        ("changed", clock::local(row.last_change)),
        ("edges", format!("{}; what rests on it is {:.1} times the average", row.degree, row.centrality)),
    ])?;
    section(desk, "stances", shown.stances.len())?;
    for view in shown.stances.iter().take(10) {
        let (moved, _) = words::drift(view.percent_points);
        let until = view.until.map_or_else(|| "now".to_owned(), clock::local);
        out.say(format!(
            "  {:.3} {moved:<7} {} – {until}  {}",
            view.stance.confidence,
            clock::local(view.stance.created_at),
            line(&view.stance.text)
        ))?;
        if let Some(why) = &view.stance.rationale {
            out.text(&format!("          {}", line(why)))?;
        }
    }
    section(desk, "evidence", shown.evidence.len())?;
    for piece in shown.evidence.iter().take(10) {
        let way = piece.direction.map_or_else(|| "not weighed".to_owned(), |direction| direction.to_string());
        out.say(format!("  {:<8} {way:<11} {}  {}", piece.strength.as_str(), piece.source_type.as_str(), line(&piece.source_ref)))?;
    }
    section(desk, "relations", shown.relations.len())?;
    for relative in shown.relations.iter().take(20) {
        let (arrow, verb) = if relative.outgoing { ("→", relative.relation.words()) } else { ("←", relative.relation.words()) };
        out.say(format!(
            "  {} {arrow} {verb} {:.2}  {} ({})",
            short(&relative.edge_id),
            relative.weight,
            line(&relative.other_title),
            words::number(relative.other_confidence)
        ))?;
    }
    section(desk, "said from it", shown.posts.len())?;
    for post in shown.posts.iter().take(5) {
        out.say(format!("  {}  r/{}  {}", clock::local(post.at), line(&post.subreddit), SafeText::clipped(&post.content, 90)))?;
    }
    section(desk, "waiting", shown.suggestions.len())?;
    for suggestion in &shown.suggestions {
        out.say(format!("  {}  {}", short(suggestion.id()), line(&suggestion.sentence())))?;
    }
    section(desk, "contradictions", shown.contradictions.len())?;
    for found in &shown.contradictions {
        out.say(format!("  ≠ {}", line(&sentence(found))))?;
    }
    Ok(())
}

fn section(desk: &Desk<'_>, title: &str, count: usize) -> Result<(), Failure> {
    if count == 0 { Ok(()) } else { desk.context.out.say(desk.context.out.paint(&format!("\n{title} ({count})"), Tone::Faint)) }
}

pub(super) fn contradictions(desk: &Desk<'_>, at: Option<Time>) -> Result<Outcome, Failure> {
    let view = View { at: at.map(|at| at.resolve(desk.now)), ..View::present(desk.now) };
    let found = desk.read(move |c, persona| Ok(Graph::load(c, persona, &view)?.contradictions()))?;
    let out = &desk.context.out;
    out.either(&json!({ "contradictions": found }), || {
        let mut table = Table::new(&["severity", "", "contradiction"]).right(0);
        for one in &found {
            table.row([format!("{:.2}", one.severity), if one.is_direct() { "≠" } else { "⇢≠" }.to_owned(), sentence(one)]);
        }
        out.table(&table, "no two beliefs that are held high contradict each other")
    })?;
    Ok(if found.is_empty() { Outcome::Done } else { Outcome::Problems })
}

/// `"A" (0.90) supports "B" (0.40), which contradicts "C" (0.85)`.
fn sentence(found: &crate::memory::history::Contradiction) -> String {
    let named = |it: &crate::memory::history::contradictions::Named| format!("{:?} ({})", it.title, words::number(it.confidence));
    let mut text = found.path.first().map(named).unwrap_or_default();
    for (relation, next) in found.steps.iter().zip(found.path.iter().skip(1)) {
        text = format!("{text} {} {}, which", relation.words(), named(next));
    }
    format!("{text} contradicts {}", named(&found.against))
}
