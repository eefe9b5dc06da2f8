//! The list of metrics: their names, what each says, and where it is left blank. No I/O.

use super::fold::{Fold, quantile};
use super::{FEW, Metric, Standing, Unit, Window};
use crate::base::Millis;
use crate::moderation::quality::agreement::{Pairs, wilson};
use crate::moderation::quality::golden::Results;
use crate::moderation::quality::overturn::Rate;
use crate::moderation::quality::sampling::Precision;
use std::collections::BTreeMap;

/// What was read beside the log.
pub(super) struct Gathered {
    pub standing: Standing,
    /// For each message sent: how far its text is from the first draft.
    pub revised: Vec<f64>,
    pub duplicates: usize,
    pub precision: Precision,
    pub pairs: Pairs,
    pub labels: BTreeMap<String, usize>,
    pub overturned: Rate,
    pub golden: Option<Results>,
}

fn plain(name: &'static str, definition: &'static str, value: Option<f64>, unit: Unit, n: usize) -> Metric {
    Metric { name, definition, value, unit, n, interval: None }
}

fn count(name: &'static str, definition: &'static str, n: usize) -> Metric {
    plain(name, definition, Some(n as f64), Unit::Count, n)
}

fn share(name: &'static str, definition: &'static str, part: usize, n: usize) -> Metric {
    plain(name, definition, (n >= FEW).then(|| part as f64 / n as f64), Unit::Share, n)
}

fn percentile(name: &'static str, definition: &'static str, samples: &[Millis], at: f64) -> Metric {
    let value = (samples.len() >= FEW).then(|| quantile(samples, at) as f64);
    plain(name, definition, value, Unit::Millis, samples.len())
}

pub(super) fn metrics(fold: &Fold, gathered: &Gathered, window: Window) -> Vec<Metric> {
    let mut list = flow(fold, gathered.standing, window);
    list.extend(outcomes(fold, gathered));
    list.extend(quality(gathered));
    list.extend(delivery(fold, gathered));
    list
}

fn flow(fold: &Fold, standing: Standing, Window { since, now, sla }: Window) -> Vec<Metric> {
    let decided = fold.of("approved") + fold.of("rejected") + fold.of("returned");
    let hours = ((now - since).max(1) as f64) / 3_600_000.0;
    let rate = |name, definition, n: usize| plain(name, definition, Some(n as f64 / hours), Unit::PerHour, n);
    // What a machine decided did not wait for anybody.
    let waiting = fold.of("arrived").saturating_sub(fold.of("auto_approved"));
    let shrinks = decided as f64 / hours - waiting as f64 / hours;
    let forecast = match standing.depth {
        0 => Some(0.0),
        depth => (decided >= FEW && shrinks > 0.0).then(|| depth as f64 / shrinks * 3_600_000.0),
    };
    let in_time = fold.waits.iter().filter(|wait| **wait <= sla).count();
    let promised = fold.waits.len() + fold.of("expired_unseen") + standing.overdue;
    vec![
        count("depth", "items that wait for a decision now: pending, claimed or held", standing.depth),
        plain("oldest", "age of the oldest of them", standing.oldest.map(|at| (now - at) as f64), Unit::Millis, standing.depth),
        rate("arrival rate", "drafts that were queued, an hour", fold.of("arrived")),
        rate("decision rate", "approvals, rejections and returns by people, an hour", decided),
        plain(
            "empty in",
            "until nothing waits, if people go on deciding and drafts that wait for them go on coming as in this time; blank when it would never be",
            forecast,
            Unit::Millis,
            standing.depth,
        ),
        percentile("wait p50", "from queued to first claimed, half of the items", &fold.waits, 0.5),
        percentile("wait p90", "the same, nine of ten", &fold.waits, 0.9),
        share(
            "in time",
            "share first claimed or decided within moderation.sla_minutes; too late is also what waits longer or expired unseen",
            in_time,
            promised,
        ),
        count("at risk", "items that nobody has claimed and that wait longer than 80 % of that time", standing.at_risk),
        percentile(
            "handling p50",
            "from the last claim to the decision, half of the items; of a pause between two steps (claim, renewal, edit, decision) 60 s count",
            &fold.handling,
            0.5,
        ),
        percentile("handling p90", "the same, nine of ten", &fold.handling, 0.9),
    ]
}

fn outcomes(fold: &Fold, gathered: &Gathered) -> Vec<Metric> {
    let decided = fold.of("approved") + fold.of("rejected") + fold.of("returned");
    let approvals = fold.of("approved") + fold.of("auto_approved");
    let revised = &gathered.revised;
    let unchanged = revised.iter().filter(|distance| **distance == 0.0).count();
    let distance = revised.iter().sum::<f64>() / revised.len().max(1) as f64;
    vec![
        share("approved", "share of the decisions by people", fold.of("approved"), decided),
        share("rejected", "share of the decisions by people", fold.of("rejected"), decided),
        share("returned", "share of the decisions by people", fold.of("returned"), decided),
        count("edits", "texts that people changed", fold.of("edited")),
        count("expired", "items whose time ran out; nobody decided them", fold.of("expired")),
        count("blocked", "drafts that a rule forbids to send as they are", gathered.standing.blocked),
        count("skipped", "times that a person passed an item over", fold.of("skipped")),
        count("overridden", "blocks that two people lifted", fold.of("overridden")),
        count("superseded", "drafts that gave way to a newer one", fold.of("superseded")),
        count("undone", "approvals that were taken back", fold.of("undone")),
        share("undo use", "share of the approvals that were taken back", fold.of("undone").min(approvals), approvals),
        count("auto-approved", "items that no person decided", fold.of("auto_approved")),
        share("sent unchanged", "share of the messages sent whose text is the agent's first", unchanged, revised.len()),
        plain(
            "edit distance",
            "mean difference of words between first draft and sent text, 0 the same, 1 all different",
            (revised.len() >= FEW).then_some(distance),
            Unit::Share,
            revised.len(),
        ),
    ]
}

fn quality(gathered: &Gathered) -> Vec<Metric> {
    let Precision { picked, agreed, overturned } = gathered.precision;
    let judged = agreed + overturned;
    let labels: usize = gathered.labels.values().sum();
    let label = |name: &str| gathered.labels.get(name).copied().unwrap_or(0);
    let pairs = gathered.pairs;
    let golden = gathered.golden.map(|results| (results.right, results.right + results.wrong)).unwrap_or_default();
    vec![
        count("sampled", "automatic approvals that were picked for a person to look at", picked),
        Metric {
            interval: wilson(agreed, judged),
            // With its interval a small sample says how little it says.
            value: (judged > 0).then(|| agreed as f64 / judged as f64),
            ..share(
                "auto precision",
                "share of the sampled automatic approvals that a person agreed with, and its 95 % interval",
                agreed,
                judged,
            )
        },
        share(
            "overturned",
            "share of each persona's newest 100 approvals of which something is known that turned out wrong: a second opinion, a retraction, a removal, a label bad or too_risky",
            gathered.overturned.overturned,
            gathered.overturned.of,
        ),
        share("agreement", "share of the items that two people decided in which both said the same", pairs.agreed(), pairs.n()),
        plain(
            "kappa",
            "Cohen's kappa of the same: agreement beyond chance, 1 full, 0 none",
            pairs.kappa().filter(|_| pairs.n() >= FEW),
            Unit::Number,
            pairs.n(),
        ),
        share("golden", "share of right decisions about golden items, of all reviewers together; told a day late", golden.0, golden.1),
        share("labelled good", "share of the labels on messages sent", label("good"), labels),
        share("labelled bad", "share of the labels on messages sent", label("bad"), labels),
        share("too risky", "share of the labels on messages sent", label("too_risky"), labels),
        share("too weak", "share of the labels on messages sent", label("too_weak"), labels),
        share("off persona", "share of the labels on messages sent", label("off_persona"), labels),
    ]
}

fn delivery(fold: &Fold, gathered: &Gathered) -> Vec<Metric> {
    vec![
        count("sent", "messages confirmed by the other side", fold.of("sent")),
        count("unknown", "deliveries whose answer was lost", fold.of("unknown")),
        percentile("reconciled p50", "from the loss of an answer to finding the message", &fold.found_after, 0.5),
        percentile("reconciled p90", "the same, nine of ten", &fold.found_after, 0.9),
        count("unresolved", "deliveries that wait for a person now", gathered.standing.unresolved),
        count("duplicates", "messages answered twice by the same persona; should be 0", gathered.duplicates),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::fold::tests::event;
    use super::*;

    fn gathered() -> Gathered {
        Gathered {
            standing: Standing { depth: 6, at_risk: 2, overdue: 1, ..Standing::default() },
            revised: vec![],
            duplicates: 0,
            precision: Precision { picked: 12, agreed: 8, overturned: 2 },
            pairs: Pairs { both_yes: 20, first_only: 5, second_only: 10, both_no: 15 },
            labels: BTreeMap::from([("good".to_owned(), 15), ("bad".to_owned(), 5)]),
            overturned: Rate { overturned: 3, of: 30 },
            golden: None,
        }
    }

    #[test]
    fn a_log_made_by_hand_gives_the_numbers_reckoned_by_hand() {
        let mut fold = Fold::default();
        for number in 0..25 {
            let item = format!("i{number}");
            fold.take(&event(1_000, "queue.add", &item));
            fold.take(&event(1_000 + number * 100, "queue.claim", &item));
            fold.take(&event(50_000, "queue.claim", &item));
            fold.take(&event(53_000, if number < 5 { "queue.reject" } else { "queue.approve" }, &item));
        }
        fold.take(&event(60_000, "delivery.unknown", "i9"));
        fold.take(&event(65_000, "delivery.confirmed", "i9"));
        fold.take(&event(66_000, "queue.undo", "i8"));
        // An hour; a promise of 2 s: eleven claims were in time (0 to 1,000 ms … 2,000 ms are 21), one item is overdue.
        let metrics = metrics(&fold, &gathered(), Window { since: 0, now: 3_600_000, sla: 2_000 });
        let value = |name: &str| metrics.iter().find(|metric| metric.name == name).map(|metric| (metric.value, metric.n)).unwrap();
        assert_eq!(value("wait p50"), (Some(1_200.0), 25));
        assert_eq!(value("handling p90"), (Some(3_000.0), 25));
        assert_eq!(value("in time"), (Some(21.0 / 26.0), 26));
        assert_eq!(value("at risk"), (Some(2.0), 2));
        assert_eq!(value("rejected"), (Some(0.2), 25));
        assert_eq!(value("undo use"), (Some(0.05), 20));
        assert_eq!(value("empty in"), (None, 6), "as many come as go");
        assert_eq!(value("reconciled p50"), (None, 1), "one case says nothing");
        assert_eq!(value("auto precision"), (Some(0.8), 10));
        assert_eq!(value("overturned"), (Some(0.1), 30));
        assert_eq!(value("agreement"), (Some(0.7), 50));
        assert!((value("kappa").0.unwrap() - 0.4).abs() < 1e-9);
        assert_eq!((value("labelled good"), value("golden")), ((Some(0.75), 20), (None, 0)));
    }

    #[test]
    fn the_forecast_is_the_depth_over_what_goes_more_than_comes() {
        let mut fold = Fold::default();
        for number in 0..30 {
            let item = format!("i{number}");
            if number < 24 {
                fold.take(&event(0, "queue.add", &item));
            }
            fold.take(&event(10, "queue.claim", &item));
            fold.take(&event(20, "queue.approve", &item));
        }
        let metrics = metrics(&fold, &gathered(), Window { since: 0, now: 3_600_000, sla: 1 });
        // Six items, six more an hour go than come.
        assert_eq!(metrics.iter().find(|metric| metric.name == "empty in").unwrap().value, Some(3_600_000.0));
    }
}
