//! The numbers of a span as lines: spend, tokens, answers, latency, what is under way, drift. Pure.

use super::figures::Figures;
use super::line::{Builder, Line};
use super::{Figure, Item, numbers};
use crate::base::Millis;
use crate::console::beliefs::signs::Signs;
use crate::console::state::State;
use crate::console::theme::Role;
use crate::llm::ledger::Drift;
use crate::llm::ledger::sketch::FEW;
use crate::report::slo::Level;
use crate::report::sums::{Latencies, Sums};

/// Columns of the names on the left.
pub(super) const NAMES: usize = 12;
/// The fewest and the most columns of a sparkline.
const SPARK: (usize, usize) = (6, 60);

/// A value for each of so many columns, in 0 to 1 of the largest; `None` where there is none.
pub(super) fn folded(series: &[(Millis, Sums)], room: usize, value: impl Fn(&Sums) -> Option<f64>) -> Vec<Option<f64>> {
    let wide = room.min(series.len()).max(1);
    let columns: Vec<Option<f64>> = (0..wide)
        .map(|column| {
            let (from, to) = (column * series.len() / wide, (column + 1) * series.len() / wide);
            let mut sums = Sums::default();
            for (_, step) in series.get(from..to).unwrap_or_default() {
                sums.add(step);
            }
            value(&sums)
        })
        .collect();
    let largest = columns.iter().flatten().fold(0.0_f64, |largest, value| largest.max(*value));
    columns.into_iter().map(|value| value.map(|value| if largest > 0.0 { value / largest } else { 0.0 })).collect()
}

/// Values as a line of columns; a dot where there is none.
fn spark(state: &State, series: &[(Millis, Sums)], room: usize, value: impl Fn(&Sums) -> Option<f64>) -> String {
    let signs = Signs::of(&state.glyphs);
    let shown = |value: Option<f64>| value.map_or_else(|| state.glyphs.dot.to_owned(), |value| signs.sparkline(&[value]));
    folded(series, room, value).into_iter().map(shown).collect()
}

/// What is spent in a step; nothing where there are no calls.
pub(super) fn spent(sums: &Sums) -> Option<f64> {
    (sums.calls > 0).then(|| sums.charged.to_usd())
}

/// The mean latency of a step.
pub(super) fn latency(sums: &Sums) -> Option<f64> {
    (sums.latency_count > 0).then(|| sums.latency_us as f64 / sums.latency_count as f64)
}

fn figure(figure: Figure) -> Item {
    Item::Figure(figure)
}

/// All of them.
pub(super) fn lines(state: &State, figures: &Figures, width: usize) -> Vec<Line> {
    let total = &figures.total;
    let count = numbers::count;
    let named = |name: &str| Builder::named(name, NAMES, width);
    let series = &figures.series;
    let mut spend = named("spend")
        .cell(figure(Figure::Spend), &[(Role::Heading, &numbers::money(total.charged))])
        .cell(figure(Figure::Calls), &[(Role::Text, &count(total.calls)), (Role::Dim, if total.calls == 1 { " call" } else { " calls" })]);
    if total.unpriced > 0 {
        let text = format!("? {} unknown", count(total.unpriced));
        spend = spend.cell(figure(Figure::Unknown), &[(Role::Warning, &text)]);
    }
    let per_call = total.per_call().map_or_else(|| numbers::UNKNOWN.to_owned(), numbers::money);
    spend = spend.cell(figure(Figure::PerCall), &[(Role::Text, &per_call), (Role::Dim, " a call")]);
    let mut lines = vec![spend.at_the_end(Role::Accent, SPARK.0, SPARK.1, |room| spark(state, series, room, spent)).done()];
    lines.push(before(state, figures, width));
    lines.push(
        named("tokens")
            .cell(figure(Figure::TokensIn), &[(Role::Dim, "in "), (Role::Text, &count(total.tokens_in))])
            .cell(figure(Figure::TokensOut), &[(Role::Dim, "out "), (Role::Text, &count(total.tokens_out))])
            .cell(figure(Figure::Cached), &[(Role::Dim, "cached "), (Role::Text, &numbers::share(total.cached_share()))])
            .cell(figure(Figure::Written), &[(Role::Dim, "written "), (Role::Text, &count(total.tokens_written))])
            .cell(figure(Figure::Reasoning), &[(Role::Dim, "reasoning "), (Role::Text, &count(total.tokens_reasoning))])
            .done(),
    );
    let failed = (total.calls > 0).then(|| total.errors as f64 / total.calls as f64);
    let (sign, role) = if total.errors > 0 { (format!("{} ", state.glyphs.block), Role::Bad) } else { (String::new(), Role::Text) };
    lines.push(
        named("answers")
            .cell(figure(Figure::Errors), &[(role, &format!("{sign}{}", numbers::share(failed))), (Role::Dim, " errors")])
            .cell(figure(Figure::Interrupted), &[(Role::Text, &count(total.interrupted)), (Role::Dim, " interrupted")])
            .cell(figure(Figure::FromCache), &[(Role::Text, &numbers::share(total.hit_share())), (Role::Dim, " from cache")])
            .cell(
                figure(Figure::Retries),
                &[(Role::Text, &count(total.retries)), (Role::Dim, if total.retries == 1 { " retry" } else { " retries" })],
            )
            .done(),
    );
    lines.push(latencies(state, figures, width));
    lines.push(first_tokens(&figures.first_token, width));
    lines.push(traffic(figures, width));
    lines.extend(drift(state, figures, width));
    lines
}

/// The time before, and how this one compares with it.
fn before(state: &State, figures: &Figures, width: usize) -> Line {
    let (now, then) = (figures.total.charged.0, figures.before.charged.0);
    let signs = Signs::of(&state.glyphs);
    let builder = Builder::named("before", NAMES, width).cell(Item::Before, &[(Role::Dim, &numbers::money(figures.before.charged))]);
    if figures.before.calls == 0 {
        return builder.note(Role::Dim, "no calls then").done();
    }
    let ratio = if then > 0 { Some(now as f64 / then as f64) } else { None };
    let (sign, role) = match now.cmp(&then) {
        std::cmp::Ordering::Greater => (signs.rising, Role::Accent),
        std::cmp::Ordering::Less => (signs.falling, Role::Dim),
        std::cmp::Ordering::Equal => (signs.still, Role::Dim),
    };
    match ratio {
        Some(ratio) => builder.note(role, &format!("{sign} {ratio:.2} times as much now")).done(),
        None => builder.note(Role::Dim, "nothing that can be compared").done(),
    }
}

/// Percentiles as cells: the high ones grey where they rest on few.
fn percentiles(builder: Builder, latencies: &Latencies, items: [Figure; 3]) -> Builder {
    let few = latencies.n < FEW;
    let role = if few { Role::Dim } else { Role::Text };
    builder
        .cell(figure(items[0]), &[(Role::Dim, "P50 "), (Role::Text, &numbers::micros(latencies.p50_us))])
        .cell(figure(items[1]), &[(Role::Dim, "P95 "), (role, &numbers::micros(latencies.p95_us))])
        .cell(figure(items[2]), &[(Role::Dim, "P99 "), (role, &numbers::micros(latencies.p99_us))])
}

/// How many values percentiles rest on, and what is to be said about them.
fn rests_on(latencies: &Latencies) -> String {
    let n = numbers::count(i64::try_from(latencies.n).unwrap_or(i64::MAX));
    match (latencies.n, latencies.is_exact) {
        (0, _) => "n 0".to_owned(),
        (few, _) if few < FEW => format!("n {n}, few"),
        (_, true) => format!("n {n}"),
        (_, false) => format!("n {n}, ±1 %"),
    }
}

fn latencies(state: &State, figures: &Figures, width: usize) -> Line {
    let found = &figures.latency;
    let builder = percentiles(Builder::named("latency", NAMES, width), found, [Figure::P50, Figure::P95, Figure::P99]);
    let (sign, role, words) = standing(state, figures.objectives.judge(found));
    let level = if words.is_empty() { sign.to_owned() } else { format!("{sign} {words}") };
    builder
        .note(role, &level)
        .cell(figure(Figure::Measured), &[(Role::Dim, &rests_on(found))])
        .at_the_end(Role::Accent, SPARK.0, SPARK.1, |room| spark(state, &figures.series, room, latency))
        .done()
}

/// The sign, the colour and the word of a level.
fn standing(state: &State, level: Level) -> (&'static str, Role, &'static str) {
    match level {
        Level::Good => (state.glyphs.check, Role::Good, "good"),
        Level::Unknown => (numbers::UNKNOWN, Role::Dim, ""),
        Level::Warning => (state.glyphs.warning, Role::Warning, "slow"),
        Level::Critical => (state.glyphs.block, Role::Bad, "too slow"),
    }
}

fn first_tokens(found: &Latencies, width: usize) -> Line {
    let builder = Builder::named("first token", NAMES, width);
    if found.n == 0 {
        return builder.note(Role::Dim, "no answer was streamed").done();
    }
    percentiles(builder, found, [Figure::First50, Figure::First95, Figure::First99]).note(Role::Dim, &rests_on(found)).done()
}

/// What is under way, how long calls wait for their turn, and what was sent in the last minute.
fn traffic(figures: &Figures, width: usize) -> Line {
    let under_way: i64 = figures.traffic.iter().map(|one| one.under_way).sum();
    let requests: i64 = figures.traffic.iter().map(|one| one.requests).sum();
    let queue = (figures.total.calls > 0).then(|| figures.total.queue_us / figures.total.calls);
    let role = if under_way > 0 { Role::Pending } else { Role::Text };
    let queue = numbers::micros_of(queue);
    let waits = [(Role::Dim, "waits "), (Role::Text, queue.as_str()), (Role::Dim, " to be sent")];
    if !figures.wanted.span.is_live() {
        // What is under way now is not of that time.
        return Builder::named("traffic", NAMES, width).cell(figure(Figure::Queue), &waits).done();
    }
    Builder::named("traffic", NAMES, width)
        .cell(figure(Figure::UnderWay), &[(role, &numbers::count(under_way)), (Role::Dim, " under way")])
        .cell(figure(Figure::Queue), &waits)
        .note(Role::Dim, &format!("{} sent in the last minute", numbers::count(requests)))
        .done()
}

/// What is left of the limits of a minute for each model of the agent in this process, and which models are left alone; elsewhere what was sent.
pub(super) fn buckets(state: &State, figures: &Figures, width: usize) -> Vec<Line> {
    let busy: Vec<_> = figures.traffic.iter().filter(|one| one.under_way > 0 || one.requests > 0).collect();
    let live = figures.live.clone().unwrap_or_default();
    if !figures.wanted.span.is_live() || (busy.is_empty() && live.buckets.is_empty() && live.cooling.is_empty()) {
        return Vec::new();
    }
    let mut lines = vec![Line::empty(), Line::heading("traffic of the last minute", state.glyphs.border.horizontal_top, width)];
    let names = 30.min(width / 2);
    for one in busy {
        let model = crate::console::draw::clip(&one.model, names - 1);
        let mut builder = Builder::named(&model, names, width).cell(
            Item::Traffic(one.model.clone()),
            &[
                (Role::Text, &numbers::count(one.requests)),
                (Role::Dim, " sent, "),
                (Role::Text, &numbers::count(one.tokens)),
                (Role::Dim, " tokens"),
            ],
        );
        if one.under_way > 0 {
            builder = builder.note(Role::Pending, &format!("{} under way", numbers::count(one.under_way)));
        }
        lines.push(builder.done());
    }
    for bucket in &live.buckets {
        let left = |left: Option<u64>, limit: Option<u64>, what: &str| {
            let count = |number| numbers::count(i64::try_from(number).unwrap_or(i64::MAX));
            Some(format!("{} of {} {what} left", count(left?), count(limit?)))
        };
        let parts = [left(bucket.rpm_left, bucket.rpm_limit, "requests"), left(bucket.tpm_left, bucket.tpm_limit, "tokens")];
        let model = crate::console::draw::clip(&bucket.model, names - 1);
        let words = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        lines.push(Builder::named(&model, names, width).note(Role::Text, &words).done());
    }
    for (model, until) in &live.cooling {
        let model = crate::console::draw::clip(model, names - 1);
        let left = crate::base::clock::duration((until - figures.at).max(0));
        let words = format!("{} left alone for another {left}", state.glyphs.warning);
        lines.push(Builder::named(&model, names, width).note(Role::Warning, &words).done());
    }
    if live.waiting > 0 {
        lines.push(Line::words(Role::Pending, &format!("{} questions wait for their turn", live.waiting)));
    }
    lines
}

/// The sign and the colour of a class of drift.
pub(super) fn drift_sign(state: &State, class: Drift) -> (&'static str, Role) {
    match class {
        Drift::Same | Drift::Near => (state.glyphs.check, Role::Text),
        Drift::Above | Drift::Below => (state.glyphs.warning, Role::Warning),
        Drift::Waived => (state.glyphs.dot, Role::Dim),
        Drift::Unpriced | Drift::Unreported | Drift::Unknown => (numbers::UNKNOWN, Role::Warning),
    }
}

/// How many calls are of which class; two lines where one does not hold all classes.
fn drift(state: &State, figures: &Figures, width: usize) -> Vec<Line> {
    let mut builder = Builder::named("drift", NAMES, width);
    if figures.drifts.is_empty() {
        return vec![builder.note(Role::Dim, "no call to compare with the price book").done()];
    }
    let mut lines = Vec::new();
    let mut all = figures.drifts.iter().peekable();
    let mut used = 0;
    while let Some((class, calls)) = all.next() {
        let (sign, role) = drift_sign(state, *class);
        let text = format!("{sign} {} {}", numbers::count(i64::try_from(*calls).unwrap_or(i64::MAX)), class.as_str());
        if used > 0 && crate::console::draw::columns(&text) + 3 > builder.room() {
            lines.push(std::mem::replace(&mut builder, Builder::named("", NAMES, width)).done());
            used = 0;
        }
        builder = builder.cell(figure(Figure::Drift(*class)), &[(role, &text)]);
        used += 1;
        if all.peek().is_none() && !figures.drifts_are_all() {
            builder = builder.note(Role::Dim, &format!("of the newest {}", super::figures::MOST_DRIFTS));
        }
    }
    lines.push(builder.done());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Picos;

    #[test]
    fn a_series_folds_into_the_columns_there_are_and_gaps_stay_gaps() {
        let step = |picos: i64, calls: i64| (0, Sums { charged: Picos(picos), calls, ..Sums::default() });
        let series = [step(1, 1), step(1, 1), step(0, 0), step(0, 0), step(4, 1), step(0, 1)];
        assert_eq!(folded(&series, 3, spent), [Some(0.5), None, Some(1.0)]);
        assert_eq!(folded(&series, 60, spent).len(), 6);
        assert_eq!(folded(&series[2..4], 2, spent), [None, None]);
        assert_eq!(folded(&[], 4, spent), [None]);
    }
}
