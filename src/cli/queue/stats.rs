//! The numbers of the queue.

use super::Desk;
use crate::base::clock;
use crate::cli::Failure;
use crate::cli::output::Table;
use crate::moderation::stats::{self, Metric, Unit};

pub(super) fn run(desk: &Desk<'_>, last: i64) -> Result<(), Failure> {
    let (persona, now) = (desk.persona()?, desk.context.clock.now());
    let found = desk.deck.db.read_blocking(move |c| stats::stats(c, persona.as_ref(), now - last, now))?;
    let out = &desk.context.out;
    out.either(&found, || {
        let mut table = Table::new(&["metric", "value", "n", "what it says"]).right(1).right(2);
        for metric in &found.metrics {
            table.row([metric.name.to_owned(), value(metric), metric.n.to_string(), metric.definition.to_owned()]);
        }
        out.table(&table, "")?;
        out.say("")?;
        let mut table = Table::new(&["subreddit", "sent", "visible", "filtered", "gone"]).right(1).right(2).right(3).right(4);
        for (name, survival) in &found.subreddits {
            let [sent, visible, filtered, gone] =
                [survival.sent, survival.visible, survival.filtered, survival.gone].map(|count| count.to_string());
            table.row([format!("r/{name}"), sent, visible, filtered, gone]);
        }
        out.table(&table, "nothing was sent in this time")
    })
}

fn value(metric: &Metric) -> String {
    match (metric.value, metric.unit) {
        (None, _) => String::new(),
        (Some(value), Unit::Count) => format!("{value:.0}"),
        (Some(value), Unit::Millis) => clock::duration(value as i64),
        (Some(value), Unit::Share) => format!("{:.1} %", value * 100.0),
        (Some(value), Unit::PerHour) => format!("{value:.1}"),
    }
}
