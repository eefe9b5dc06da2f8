//! How fast calls are answered, with the number that each percentile rests on and the levels of a runbook.

use super::sheet::{Cell, Column, Report, Sheet};
use super::slo::{Judged, Level, Preset};
use super::sums::{self, By, Latencies, Sums};
use super::{Asked, cost};
use crate::store::{Conn, Result};

/// Milliseconds of a day.
const DAY: f64 = 86_400_000.0;

/// Latencies divided as asked. Days and hours have none of their own: they are shown together.
///
/// # Errors
/// When the database refuses.
pub fn report(c: &mut dyn Conn, asked: &Asked, preset: &'static Preset) -> Result<Report> {
    let total = sums::total(c, &asked.window, &asked.only)?;
    let (groups, all) = sums::latencies_with_all(c, &asked.window, asked.by, &asked.only)?;
    Ok(of(asked, preset, &groups, &all, &total))
}

/// What a preset says of a window, as a table. Pure.
#[must_use]
pub fn objectives(preset: &Preset, judged: &[Judged]) -> Sheet {
    let shown = |judged: &Judged, value: f64| Cell::Text(judged.objective.measure.shown(value));
    Sheet {
        key: "slo",
        title: format!("Objectives: {}", preset.about),
        columns: vec![
            Column::new("measure", "what"),
            Column::new("value", "measured"),
            Column::new("warning", "warning over"),
            Column::new("critical", "critical over"),
            Column::new("level", "level"),
            Column::new("source", "from"),
        ],
        rows: judged
            .iter()
            .map(|one| {
                vec![
                    Cell::Text(one.objective.measure.as_str().to_owned()),
                    one.value.map_or(Cell::Nothing, |value| shown(one, value)),
                    shown(one, one.objective.warning),
                    shown(one, one.objective.critical),
                    Cell::Level(one.level),
                    Cell::Text(one.objective.source.to_owned()),
                ]
            })
            .collect(),
        total: None,
    }
}

fn of(
    asked: &Asked,
    preset: &'static Preset,
    groups: &[(String, Latencies, Latencies)],
    all: &(Latencies, Latencies),
    total: &Sums,
) -> Report {
    let row = |name: String, answer: &Latencies, first: &Latencies| {
        let mut cells = vec![Cell::Text(name), Cell::count(answer.n)];
        cells.extend(Cell::percentiles(answer));
        cells.push(Cell::Level(preset.judge(answer)));
        cells.push(Cell::count(first.n));
        cells.extend(Cell::percentiles(first));
        cells
    };
    let is_divided = !matches!(asked.by, By::Day | By::Hour);
    let heading = if is_divided { asked.heading() } else { Column::new("calls", "calls") };
    let named = |group: &str| if is_divided { asked.name(group) } else { "all".to_owned() };
    let sheet = Sheet {
        key: "latency",
        title: "Latency".to_owned(),
        columns: vec![
            heading,
            Column::new("n", "n"),
            Column::new("p50_ms", "P50"),
            Column::new("p95_ms", "P95"),
            Column::new("p99_ms", "P99"),
            Column::new("level", "level"),
            Column::new("first_token_n", "first token n"),
            Column::new("first_token_p50_ms", "P50"),
            Column::new("first_token_p95_ms", "P95"),
            Column::new("first_token_p99_ms", "P99"),
        ],
        rows: groups.iter().map(|(group, answer, first)| row(named(group), answer, first)).collect(),
        total: (is_divided && groups.len() > 1).then(|| row("all".to_owned(), &all.0, &all.1)),
    };
    let judged = preset.judge_all(total, &all.0, asked.window.length() as f64 / DAY);
    let mut notes = Vec::new();
    if total.calls == 0 {
        notes.push(cost::nothing());
    } else if all.0.p50_us.is_none() && all.0.n > 0 {
        notes.push("The percentiles are unknown: there are no sketches of so narrow a question, and too many calls to count. Ask for a shorter span.".to_owned());
    } else if !all.0.is_exact {
        notes.push("Percentiles are from sketches: within 1 % of the exact value.".to_owned());
    }
    if total.latency_count > 0 && total.queue_us > 0 {
        let waited = u64::try_from(total.queue_us / total.calls.max(1)).unwrap_or(0);
        notes.push(format!("Calls waited {} for their turn on average; that is not in the latencies.", super::format::micros(waited)));
    }
    if judged.iter().any(|one| one.level == Level::Critical) {
        notes.push(format!("An objective of {} is at its critical level.", preset.name));
    }
    Report {
        name: "latency",
        title: if is_divided { format!("Latency by {}", asked.heading().title) } else { "Latency".to_owned() },
        window: asked.window,
        zone: asked.zone,
        sheets: vec![sheet, objectives(preset, &judged)],
        notes,
    }
}
