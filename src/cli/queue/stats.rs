//! The numbers of the queue, and a reviewer's own.

use super::Desk;
use crate::base::{Millis, clock};
use crate::cli::Failure;
use crate::cli::output::{Output, Table};
use crate::moderation::stats::{self, Metric, RuleCounts, Survival, Unit, Window};
use std::collections::BTreeMap;

pub(super) fn run(desk: &Desk<'_>, last: i64) -> Result<(), Failure> {
    let (persona, now) = (desk.persona()?, desk.context.clock.now());
    let minutes = Millis::try_from(desk.deck.settings.moderation.sla_minutes).unwrap_or(60);
    let window = Window { since: now - last, now, sla: minutes.saturating_mul(60_000) };
    let found = desk.deck.db.read_blocking(move |c| stats::of(c, persona.as_ref(), window))?;
    let out = &desk.context.out;
    out.either(&found, || {
        let mut table = Table::new(&["metric", "value", "n", "what it says"]).right(1).right(2);
        for metric in &found.metrics {
            table.row([metric.name.to_owned(), value(metric), metric.n.to_string(), metric.definition.to_owned()]);
        }
        out.table(&table, "")?;
        subreddits(out, &found.subreddits)?;
        rules(out, &found.rules)?;
        overturned(desk, &found)
    })
}

fn subreddits(out: &Output, found: &BTreeMap<String, Survival>) -> Result<(), Failure> {
    out.say("")?;
    let mut table = Table::new(&["subreddit", "sent", "visible", "filtered", "gone", "24 h", "limited", "removed by"]);
    for column in 1..7 {
        table = table.right(column);
    }
    for (name, survival) in found {
        let [sent, visible, filtered, gone, limited] =
            [survival.sent, survival.visible, survival.filtered, survival.gone, survival.ratelimits].map(|count| count.to_string());
        let lasting = format!("{}/{}", survival.survived_24h, survival.settled);
        let removed: Vec<String> = survival.removed_by_category.iter().map(|(category, count)| format!("{category} {count}")).collect();
        table.row([format!("r/{name}"), sent, visible, filtered, gone, lasting, limited, removed.join(", ")]);
    }
    out.table(&table, "nothing was sent in this time")
}

fn rules(out: &Output, found: &BTreeMap<String, RuleCounts>) -> Result<(), Failure> {
    if found.is_empty() {
        return Ok(());
    }
    out.say("")?;
    let mut table = Table::new(&["rule", "hits", "agreed", "overturned", "shadow", "gain"]).right(1).right(2).right(3).right(4).right(5);
    for (rule, counts) in found {
        let counts = [counts.hits, counts.agreed, counts.overturned, counts.shadow, counts.shadow_agreed].map(|count| count.to_string());
        table.row(std::iter::once(rule.clone()).chain(counts));
    }
    out.table(&table, "")
}

fn overturned(desk: &Desk<'_>, found: &stats::Stats) -> Result<(), Failure> {
    let out = &desk.context.out;
    let known = desk.deck.db.read_blocking(crate::memory::personas::list)?;
    let mut table = Table::new(&["persona", "overturned", "of the newest"]).right(1).right(2);
    for persona in known {
        if let Some(rate) = found.overturned.get(persona.id.as_str()).filter(|rate| rate.of > 0) {
            table.row([persona.reddit_username, rate.overturned.to_string(), rate.of.to_string()]);
        }
    }
    if table.is_empty() {
        return Ok(());
    }
    out.say("")?;
    out.table(&table, "")
}

/// A reviewer's own numbers.
pub(super) fn mine(desk: &Desk<'_>, last: i64) -> Result<(), Failure> {
    let (reviewer, now) = (desk.context.operator()?, desk.context.clock.now());
    let found = desk.deck.db.read_blocking(move |c| stats::mine(c, &reviewer, now - last, now))?;
    let out = &desk.context.out;
    out.either(&found, || {
        out.pairs(&[
            ("reviewer", found.reviewer.clone()),
            ("items", format!("{} decided", found.items)),
            ("time", format!("{} at them, without idle time", clock::duration(found.handling))),
            ("hard reading", format!("{} claimed whose draft is blocked or whose thread tries to steer", found.severe)),
            ("longest run", format!("{} without a break of ten minutes", clock::duration(found.longest_run))),
            (
                "golden items",
                match found.golden {
                    Some(golden) => format!("{} right, {} wrong", golden.right, golden.wrong),
                    None => format!("too few to say: at least {} decisions, told a day late", stats::FEW),
                },
            ),
        ])
    })
}

fn value(metric: &Metric) -> String {
    let text = match (metric.value, metric.unit) {
        (None, _) => String::new(),
        (Some(value), Unit::Count) => format!("{value:.0}"),
        (Some(value), Unit::Millis) => clock::duration(value as i64),
        (Some(value), Unit::Share) => format!("{:.1} %", value * 100.0),
        (Some(value), Unit::PerHour) => format!("{value:.1}"),
        (Some(value), Unit::Number) => format!("{value:.2}"),
    };
    match metric.interval {
        Some((low, high)) => format!("{text} ({:.0}-{:.0})", low * 100.0, high * 100.0),
        None => text,
    }
}
