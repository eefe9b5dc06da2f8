//! What the demo came to, counted from the database and from the sandbox's own world.

use crate::base::{Millis, Picos};
use crate::cli::{Context, Failure};
use crate::deck::Deck;
use crate::llm::calls;
use crate::moderation::{self, Filter, State, item, stats};
use crate::sandbox::{self, Sandbox};
use crate::store::{Conn, audit};
use serde_json::json;
use std::time::Duration;

/// Print the summary. The number of messages that we believe to have sent is compared with what the other side holds.
pub(super) async fn print(
    context: &Context,
    deck: &Deck,
    sandbox: &Sandbox,
    since: Millis,
    first_draft: Option<Duration>,
    took: Duration,
) -> Result<(), Failure> {
    let counts = deck
        .db
        .read(|c: &mut dyn Conn| -> moderation::Result<Vec<(State, usize)>> {
            let mut counts = Vec::new();
            for state in State::ALL {
                let filter = Filter { states: vec![state], ..Filter::default() };
                let count = item::list(c, &filter, 10_000)?.len();
                if count > 0 {
                    counts.push((state, count));
                }
            }
            Ok(counts)
        })
        .await?;
    let mut calls = deck.db.read(|c| calls::recent(c, None, None, 100_000)).await?;
    // The past was made up.
    calls.retain(|call| call.started_at >= since);
    let chain = deck.db.read(audit::verify).await?;
    // A directory of one's own may hold earlier runs, and those were sent into worlds that are gone.
    let now = context.clock.now();
    let numbers = deck.db.read(move |c| stats::stats(c, None, since, now)).await?;
    let sent = numbers.metrics.iter().find(|metric| metric.name == "sent").map_or(0, |metric| metric.n);
    let stored = sandbox.world().comments_by(sandbox::ACCOUNT).len();
    let unpriced = calls.iter().filter(|call| call.cost_reported_picos.or(call.cost_computed_picos).is_none()).count();
    let cost = calls
        .iter()
        .filter_map(|call| call.cost_reported_picos.or(call.cost_computed_picos))
        .map(Picos)
        .fold(Picos::ZERO, Picos::saturating_add);
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let value = json!({
        "event": "summary",
        "items": counts.iter().map(|(state, count)| (state.as_str().to_owned(), json!(count))).collect::<serde_json::Map<_, _>>(),
        "sent": sent,
        "stored_by_the_sandbox": stored,
        "model_calls": calls.len(),
        "unpriced_calls": unpriced,
        "cost_picos": cost,
        "audit_rows": chain.rows,
        "audit_problems": chain.problems,
        "first_draft_ms": first_draft.map(millis),
        "took_ms": millis(took),
    });
    if context.out.is_json() {
        context.out.emit_line(&value)?;
    } else {
        let items = counts.iter().map(|(state, count)| format!("{count} {state}")).collect::<Vec<_>>().join(", ");
        let priced = if unpriced == 0 { cost.to_string() } else { format!("{cost} and {unpriced} calls without a price") };
        let audit = if chain.problems.is_empty() { "whole".to_owned() } else { format!("broken in {} places", chain.problems.len()) };
        context.out.say("")?;
        let mut pairs = vec![
            ("items", if items.is_empty() { "none".to_owned() } else { items }),
            ("sent", format!("{sent}; the sandbox holds {stored}")),
            ("model", format!("{} calls, {priced} (the sandbox's prices)", calls.len())),
            ("audit", format!("{} rows, the chain is {audit}", chain.rows)),
        ];
        // At the console nobody looks when the first draft comes.
        pairs.extend(first_draft.map(|time| ("first draft", format!("after {} ms", millis(time)))));
        pairs.push(("took", format!("{:.1} s", took.as_secs_f64())));
        context.out.pairs(&pairs)?;
    }
    if sent != stored || !chain.problems.is_empty() {
        return Err(Failure::failed(format!(
            "{sent} messages count as sent and the sandbox holds {stored}; the audit chain has {} faults",
            chain.problems.len()
        ))
        .hint("this is a defect of quarterdeck, please report it"));
    }
    Ok(())
}
