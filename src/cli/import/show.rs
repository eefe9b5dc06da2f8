//! What an import and a summary look like, for people and for scripts.

use super::super::output::{Table, Tone};
use super::super::{Context, Failure};
use crate::base::{SafeText, clock};
use crate::llm::ledger::sketch::Percentiles;
use crate::llm::logs::entry::Doubt;
use crate::llm::logs::import::Begun;
use crate::llm::logs::summary::{Group, day_text};
use crate::llm::logs::{Imported, Reject, Summary};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Groups of one kind that people see; scripts get all.
const ROWS: usize = 20;

pub(super) fn json(done: &[Imported]) -> Value {
    json!({ "files": done.iter().map(json_of).collect::<Vec<_>>() })
}

pub(super) fn json_of(one: &Imported) -> Value {
    let written = &one.written;
    let doubts = one.doubts.iter().map(|(doubt, (count, line))| json!({ "doubt": doubt.word(), "calls": count, "first_line": line }));
    let rejects = one.rejects.iter().map(|reject| json!({ "line": reject.line, "reason": reject.why.word(), "detail": reject.detail }));
    let drift: BTreeMap<&str, u64> = written.drift.iter().map(|(drift, count)| (drift.as_str(), *count)).collect();
    json!({
        "file": one.place,
        "begun": one.begun,
        "first_line": one.first_line,
        "lines": one.lines,
        "formats": one.formats,
        "calls": written.counts.calls,
        "repeated": written.counts.repeated,
        "own": written.own,
        "corrected": written.counts.corrected,
        "other": written.counts.other,
        "rejected": written.counts.rejected,
        "rejects": rejects.collect::<Vec<_>>(),
        "doubts": doubts.collect::<Vec<_>>(),
        "charged_picos": written.charged,
        "charged_usd": written.charged.to_usd(),
        "unpriced": written.unpriced,
        "without_price": written.without_price,
        "drift": drift,
        "from": one.span.map(|(first, _)| clock::rfc3339(first)),
        "until": one.span.map(|(_, last)| clock::rfc3339(last)),
        "waiting_bytes": one.waiting,
    })
}

pub(super) fn imported(context: &Context, one: &Imported, show: usize) -> Result<(), Failure> {
    let out = &context.out;
    let place = SafeText::line(&one.place);
    if one.begun == Begun::Unchanged {
        return out.say(format!("{place}: unchanged since it was imported"));
    }
    let formats = one.formats.iter().map(|format| format.word()).collect::<Vec<_>>().join(", ");
    let how = match one.begun {
        Begun::Continued => format!("continued at line {}", one.first_line),
        _ => "from its beginning".to_owned(),
    };
    out.say(format!("{place}: {} lines, {how}{}", one.lines, if formats.is_empty() { String::new() } else { format!("; {formats}") }))?;
    let counts = &one.written.counts;
    let mut pairs = vec![("new", format!("{} calls, {} charged{}", counts.calls, one.written.charged, unknown(one.written.unpriced)))];
    if let Some((first, last)) = one.span {
        pairs.push(("times", format!("{} to {}", clock::rfc3339(first), clock::rfc3339(last))));
    }
    let own = if one.written.own > 0 { format!(", {} of them made by this deck", one.written.own) } else { String::new() };
    pairs.push(("known", format!("{} repeated{own}, {} corrected", counts.repeated, counts.corrected)));
    pairs.push(("not calls", format!("{} rejected, {} about something else", counts.rejected, counts.other)));
    let drift: Vec<String> = one.written.drift.iter().map(|(drift, count)| format!("{count} {}", drift.as_str())).collect();
    if !drift.is_empty() {
        pairs.push(("report against book", drift.join(", ")));
    }
    if !one.written.without_price.is_empty() {
        pairs.push(("not in the book", names(&one.written.without_price)));
    }
    if one.waiting > 0 {
        pairs.push(("waits", format!("{} bytes at the end, until their line is whole", one.waiting)));
    }
    out.pairs(&pairs)?;
    doubts(context, &one.doubts)?;
    rejects(context, one.rejects.iter().map(|reject| (None, reject)), counts.rejected, show)
}

fn unknown(unpriced: u64) -> String {
    if unpriced == 0 { String::new() } else { format!("; of {unpriced} the cost is not known") }
}

fn names(counts: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
    let shown: Vec<String> = sorted.iter().take(10).map(|(name, count)| format!("{} ({count})", SafeText::clipped(name, 60))).collect();
    let more = if sorted.len() > 10 { format!(" and {} more", sorted.len() - 10) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

fn doubts(context: &Context, doubts: &BTreeMap<Doubt, (u64, u64)>) -> Result<(), Failure> {
    for (doubt, (count, line)) in doubts {
        let mark = context.out.paint("!", Tone::Warning);
        context.out.say(format!("  {mark} {count} calls, first on line {line}: {}", doubt.meaning()))?;
    }
    Ok(())
}

fn rejects<'a>(
    context: &Context,
    rejects: impl Iterator<Item = (Option<&'a str>, &'a Reject)>,
    all: u64,
    show: usize,
) -> Result<(), Failure> {
    let mut shown = 0;
    for (place, reject) in rejects.take(show) {
        let place = place.map(|place| format!("{place}, ")).unwrap_or_default();
        let text = format!("{place}line {}: {}: {}", reject.line, reject.reason(), reject.text);
        context.out.say(format!("  {} {}", context.out.paint("x", Tone::Bad), SafeText::clipped(&text, 200)))?;
        shown += 1;
    }
    if all > shown {
        context.out.say(format!("  {} more rejected; all of them with --rejects FILE", all - shown))?;
    }
    Ok(())
}

/// The totals, and with `groups` everything by model, module, signature, persona and day.
pub(super) fn summary(context: &Context, summary: &Summary, groups: bool, show: usize) -> Result<(), Failure> {
    let out = &context.out;
    let all = &summary.all;
    let mut pairs = vec![
        ("lines", format!("{}, {} rejected, {} about something else", summary.lines, summary.rejected, summary.other)),
        ("calls", format!("{}, and {} that repeat one", all.calls, summary.repeated)),
    ];
    if let Some((first, last)) = summary.span {
        pairs.push(("times", format!("{} to {}", clock::rfc3339(first), clock::rfc3339(last))));
        pairs.push(("cost", format!("{}{}", all.charged, unknown(all.unpriced))));
        pairs.push(("per success", all.cost_per_success().map_or_else(|| "-".to_owned(), |cost| cost.to_string())));
        pairs.push(("errors", format!("{} ({})", all.errors, percent(all.error_rate()))));
        pairs.push(("tokens", format!("{} in ({} cached), {} out{}", all.tokens_in, all.tokens_cached, all.tokens_out, untold(all))));
        if let Some((latency, is_exact)) = summary.latency_of_all() {
            let how = if is_exact { "exact" } else { "to 1 %" };
            pairs.push((
                "latency",
                format!("mean {}, {} ({how}, n = {})", millis(all.latency_mean_us()), percentiles(&latency), latency.count),
            ));
            pairs.push(("slower than 1 s", all.slow.to_string()));
        }
    }
    if !summary.unpriced_models.is_empty() {
        pairs.push(("cost not known", names(&summary.unpriced_models)));
    }
    if !summary.error_types.is_empty() {
        pairs.push(("failures", names(&summary.error_types)));
    }
    if summary.waiting > 0 {
        pairs.push(("waits", format!("{} bytes at the end, whose line is not whole", summary.waiting)));
    }
    if !summary.all_remembered {
        pairs.push(("repeated", "looked for among the first 4,000,000 calls only".to_owned()));
    }
    out.pairs(&pairs)?;
    if all.calls == 0 {
        out.say("no calls")?;
    }
    if groups {
        tables(context, summary)?;
    }
    doubts(context, &summary.doubts)?;
    rejects(context, summary.rejects.iter().map(|(place, reject)| (Some(place.as_str()), reject)), summary.rejected, show)
}

fn tables(context: &Context, summary: &Summary) -> Result<(), Failure> {
    for (kind, groups) in summary.groups() {
        if groups.len() > 1 || groups.iter().any(|(name, _)| !name.is_empty()) {
            table(context, kind, groups.into_iter().map(|(name, group)| (name.to_owned(), group)).collect())?;
        }
    }
    table(context, "day (UTC)", summary.days().iter().map(|(day, group)| (day_text(*day), group)).collect())?;
    if !summary.slowest().is_empty() {
        let mut table = Table::new(&["slowest", "model", "what", "where"]).right(0);
        for slow in summary.slowest() {
            let place = format!("{}:{}", slow.place, slow.line);
            table.row([millis(Some(slow.latency_us as f64)), slow.model.clone(), slow.what.clone(), place]);
        }
        context.out.table(&table, "")?;
    }
    Ok(())
}

fn table(context: &Context, kind: &'static str, groups: Vec<(String, &Group)>) -> Result<(), Failure> {
    let mut table = Table::new(&[kind, "calls", "errors", "cost", "unknown", "in", "out", "p50", "p95", "p99"]);
    for column in 1..10 {
        table = table.right(column);
    }
    let all = groups.len();
    // Days are told from the last one back, as far as there is room; the others begin with the dearest.
    let skipped = if kind.starts_with("day") { all.saturating_sub(ROWS * 5) } else { 0 };
    let shown = if kind.starts_with("day") { ROWS * 5 } else { ROWS };
    for (name, group) in groups.into_iter().skip(skipped).take(shown) {
        let [p50, p95, p99] = match group.latency() {
            Some(latency) => [latency.p50, latency.p95, latency.p99].map(|micros| millis(Some(micros as f64))),
            None => [(); 3].map(|()| "-".to_owned()),
        };
        table.row([
            if name.is_empty() { "(none)".to_owned() } else { name },
            group.calls.to_string(),
            percent(group.error_rate()),
            group.charged.to_string(),
            group.unpriced.to_string(),
            group.tokens_in.to_string(),
            group.tokens_out.to_string(),
            p50,
            p95,
            p99,
        ]);
    }
    context.out.table(&table, "no calls")?;
    if all > shown {
        context.out.say(format!("  {} more, in --json", all - shown))?;
    }
    Ok(())
}

fn untold(group: &Group) -> String {
    if group.tokens_untold == 0 { String::new() } else { format!(", {} of which only the sum is told", group.tokens_untold) }
}

fn percent(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.2} %", rate * 100.0))
}

fn millis(micros: Option<f64>) -> String {
    micros.map_or_else(|| "-".to_owned(), |micros| format!("{:.0} ms", micros / 1_000.0))
}

fn percentiles(latency: &Percentiles) -> String {
    format!("p50 {}, p95 {}, p99 {}", millis(Some(latency.p50 as f64)), millis(Some(latency.p95 as f64)), millis(Some(latency.p99 as f64)))
}
