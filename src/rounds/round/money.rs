//! Steps over the ledger: spend, errors, speed, trends, the report of the month.

use super::Round;
use crate::base::{Millis, Picos};
use crate::llm::budget::outlook;
use crate::memory::personas;
use crate::report::document::{self, Wanted};
use crate::report::growth::{self, Step};
use crate::report::slo::{self, Level, Measure, Preset};
use crate::report::sums::{self, By, Latencies, Only, Sums, Window};
use crate::report::{format, period};
use crate::rounds::found::{Found, Look, Verdict, count};
use crate::rounds::patient::Patient;
use crate::store::{Conn, Error};
use chrono_tz::Tz;
use serde_json::json;

const DAY: Millis = 86_400_000;
/// A week that costs so many times the one before is a finding.
const MUCH_MORE: f64 = 1.5;
/// Below this a change is none, in USD.
const LEAST: f64 = 0.05;

fn zone(patient: &Patient) -> Tz {
    patient.settings.as_ref().map_or(Tz::UTC, |settings| settings.report.zone)
}

fn preset(patient: &Patient) -> &'static Preset {
    let name = patient.settings.as_ref().map(|settings| settings.report.slo.clone());
    name.and_then(|name| slo::named(&name)).unwrap_or(&slo::PRESETS[0])
}

/// Yesterday, by the calendar of the zone of reports.
fn yesterday(patient: &Patient) -> Window {
    let now = patient.now();
    growth::steps(now, zone(patient), Step::Day, 2).first().copied().unwrap_or(Window { since: now - DAY, until: now })
}

fn measured(c: &mut dyn Conn, window: &Window) -> Result<(Sums, Latencies), Error> {
    let total = sums::total(c, window, &Only::default())?;
    let (_, (answers, _)) = sums::latencies_with_all(c, window, By::Day, &Only::default())?;
    Ok((total, answers))
}

/// What the objectives of a preset say of some measures: the worst of them, as a finding.
fn judged(patient: &Patient, measures: &[Measure], total: &Sums, latencies: &Latencies, days: f64) -> Found {
    let preset = preset(patient);
    let all = preset.judge_all(total, latencies, days);
    let own: Vec<_> = all.iter().filter(|one| measures.contains(&one.objective.measure)).collect();
    let shown = |value: Option<f64>, measure: Measure| value.map_or_else(|| "unknown".to_owned(), |value| measure.shown(value));
    let Some(worst) = own.iter().max_by_key(|one| one.level) else {
        return Found::pass(format!("the objectives of {} say nothing of it", preset.name));
    };
    let measure = worst.objective.measure;
    let why =
        format!("{} is {} by the objectives of {}: {}", measure.as_str(), shown(worst.value, measure), preset.name, worst.objective.source);
    match worst.level {
        Level::Critical => Found::fail(why),
        Level::Warning => Found::warn(why),
        Level::Unknown => Found::unknown(why),
        Level::Good => Found::pass(format!("within the objectives of {}", preset.name)),
    }
}

fn with_remedy(found: Found, text: &str, command: &str) -> Found {
    if matches!(found.verdict, Verdict::Warn | Verdict::Fail) { found.remedy(text, command) } else { found }
}

const NOTHING: &str = "no model was called in that time";

/// Calls of yesterday that failed.
pub(super) fn errors(round: &Round) -> Look {
    let patient = &round.patient;
    let window = yesterday(patient);
    let (total, latencies) = patient.read(move |c| measured(c, &window))?;
    let detail = json!({ "calls": total.calls, "errors": total.errors, "interrupted": total.interrupted });
    if total.calls == 0 {
        return Ok(Found::pass(NOTHING).number("0 calls").detail(detail));
    }
    let share = total.error_share().map_or_else(String::new, |share| format!("{:.1} %", share * 100.0));
    let mut found = judged(patient, &[Measure::Errors], &total, &latencies, 1.0);
    // A runbook without a level for errors is no reason to pass one in two.
    if found.verdict == Verdict::Pass && total.errors * 10 > total.calls {
        found = Found::warn(format!("{} of {} failed", total.errors, count(total.calls, "call", "calls")));
    }
    let found = with_remedy(found, "see which model and which error", "quarterdeck report models --last day");
    Ok(found.number(format!("{share} of {}", count(total.calls, "call", "calls"))).detail(detail))
}

/// Latency of yesterday.
pub(super) fn speed(round: &Round) -> Look {
    let patient = &round.patient;
    let window = yesterday(patient);
    let (total, latencies) = patient.read(move |c| measured(c, &window))?;
    let detail = json!(latencies);
    let Some(p95) = latencies.p95_us else { return Ok(Found::pass(NOTHING).detail(detail)) };
    let found = judged(patient, &[Measure::P50, Measure::P95, Measure::P99], &total, &latencies, 1.0);
    let found = with_remedy(found, "see which model is slow", "quarterdeck report latency --last day");
    Ok(found.number(format!("P95 {}", format::micros(p95))).detail(detail))
}

/// Spend of yesterday, and how the budgets stand.
pub(super) fn spend(round: &Round) -> Look {
    let patient = &round.patient;
    let (window, now) = (yesterday(patient), patient.now());
    let (total, budgets) = patient.read(move |c| Ok::<_, Error>((sums::total(c, &window, &Only::default())?, outlook::all(c, now)?)))?;
    let detail = json!({
        "charged_picos": total.charged, "calls": total.calls, "unpriced": total.unpriced,
        "budgets": budgets.iter().map(|one| json!({ "name": one.budget.name, "percent": one.percent, "burn": one.burn })).collect::<Vec<_>>(),
    });
    let worst = budgets.iter().max_by_key(|one| one.percent);
    let found = match worst {
        Some(one) if one.percent >= 100 => Found::fail(format!("the budget {} is used up ({} %)", one.budget.name, one.percent)),
        Some(one) if one.percent >= 75 => Found::warn(format!("the budget {} is used to {} %", one.budget.name, one.percent)),
        Some(one) if one.burn.is_some_and(|burn| burn > 1.0) && one.percent >= 50 => {
            Found::warn(format!("the budget {} ends before its period at this rate ({} %)", one.budget.name, one.percent))
        }
        Some(one) => Found::pass(format!("the budget used most is {} with {} %", one.budget.name, one.percent)),
        None => Found::warn("there is no budget: nothing stops the spending")
            .remedy("set one", "quarterdeck budget set daily --limit 5 --period day"),
    };
    let found =
        if found.remedy.is_some() { found } else { with_remedy(found, "see what was spent on what", "quarterdeck report cost --last day") };
    let unpriced = if total.unpriced > 0 { format!(", {} of unknown cost", total.unpriced) } else { String::new() };
    Ok(found.number(format!("{}{unpriced}", total.charged)).detail(detail))
}

/// Cost of the last seven days against the seven before. Pure.
fn compare(now: Picos, before: Picos) -> Found {
    let (now, before) = (now.to_usd(), before.to_usd());
    match before > 0.0 {
        true if now > before * MUCH_MORE && now - before > LEAST => {
            Found::warn(format!("{:.0} % more than in the week before", (now / before - 1.0) * 100.0))
        }
        true => Found::pass(format!("{:+.0} % against the week before", (now / before - 1.0) * 100.0)),
        false if now > 0.0 => Found::pass("nothing was spent in the week before"),
        false => Found::pass("nothing was spent"),
    }
}

/// Cost of the week against the one before.
pub(super) fn trend(round: &Round) -> Look {
    let now = round.patient.now();
    let window = Window { since: now - 7 * DAY, until: now };
    let (this, before) = round
        .patient
        .read(move |c| Ok::<_, Error>((sums::total(c, &window, &Only::default())?, sums::total(c, &window.before(), &Only::default())?)))?;
    let found = with_remedy(compare(this.charged, before.charged), "see what explains it", "quarterdeck report week this");
    Ok(found.number(this.charged.to_string()).detail(json!({ "this_picos": this.charged, "before_picos": before.charged })))
}

/// Requests, latency, errors and cost of the week against the objectives.
pub(super) fn performance(round: &Round) -> Look {
    let patient = &round.patient;
    let now = patient.now();
    let window = Window { since: now - 7 * DAY, until: now };
    let (total, latencies) = patient.read(move |c| measured(c, &window))?;
    let detail = json!({ "sums": total, "latencies": latencies });
    if total.calls == 0 {
        return Ok(Found::pass(NOTHING).number("0 calls").detail(detail));
    }
    let all =
        [Measure::P50, Measure::P95, Measure::P99, Measure::Errors, Measure::TokensPerCall, Measure::CostPerCall, Measure::CostPerDay];
    let found = with_remedy(judged(patient, &all, &total, &latencies, 7.0), "see what explains it", "quarterdeck report week this");
    let p95 = latencies.p95_us.map(|p95| format!(", P95 {}", format::micros(p95))).unwrap_or_default();
    let errors = total.error_share().map(|share| format!(", {:.1} % errors", share * 100.0)).unwrap_or_default();
    Ok(found.number(format!("{}{p95}{errors}", count(total.calls, "call", "calls"))).detail(detail))
}

/// The report of the last month, as an appendix.
pub(super) fn month(round: &Round) -> Look {
    let patient = &round.patient;
    let (now, zone, preset) = (patient.now(), zone(patient), preset(patient));
    let window = period::month("last", now, zone).map_err(Found::unknown)?;
    let (report, total, budgets) = patient.read(move |c| {
        let names = personas::list(c).map_err(|error| Error::Constraint { reason: error.to_string() })?;
        let names = names.into_iter().map(|persona| (persona.id, persona.reddit_username)).collect();
        let wanted = Wanted { name: "month", window, now, zone, preset, names };
        Ok::<_, Error>((document::report(c, &wanted)?, sums::total(c, &window, &Only::default())?, outlook::all(c, now)?))
    })?;
    round.append(document::markdown(&report));
    let over = budgets.iter().filter(|one| one.percent >= 100).count();
    let found = match over {
        0 => Found::pass("the report stands below"),
        _ => Found::warn(format!("{} used up now; the report stands below", count(over as i64, "budget is", "budgets are")))
            .remedy("see how they stand", "quarterdeck budget list"),
    };
    Ok(found
        .number(total.charged.to_string())
        .detail(json!({ "calls": total.calls, "charged_picos": total.charged, "unpriced": total.unpriced })))
}

/// Requests and cost of the last three whole months.
pub(super) fn growth(round: &Round) -> Look {
    let patient = &round.patient;
    let (now, zone) = (patient.now(), zone(patient));
    let months = patient.read(move |c| {
        let mut steps = growth::steps(now, zone, Step::Month, 4);
        steps.pop();
        steps.iter().map(|window| sums::total(c, window, &Only::default())).collect::<Result<Vec<_>, Error>>()
    })?;
    let calls: Vec<i64> = months.iter().map(|sums| sums.calls).collect();
    let detail = json!({ "calls": calls, "charged_picos": months.iter().map(|sums| sums.charged).collect::<Vec<_>>() });
    let number = calls.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ");
    let found = match calls.as_slice() {
        [.., before, last] if *before >= 100 && *last > before * 2 => {
            Found::warn("the calls of the last month are more than twice those of the one before: look whether disk and budgets are enough")
                .remedy("see what grows", "quarterdeck report growth")
        }
        _ if calls.iter().all(|calls| *calls == 0) => Found::pass("no model was called in the last three months"),
        _ => Found::pass("no leap from one month to the next"),
    };
    Ok(found.number(number).detail(detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_a_finding_when_it_costs_much_more() {
        let usd = |usd: f64| Picos::from_usd(usd).unwrap();
        assert_eq!(compare(usd(2.0), usd(1.0)).verdict, Verdict::Warn);
        assert_eq!(compare(usd(0.02), usd(0.01)).verdict, Verdict::Pass, "a cent is no trend");
        assert_eq!(compare(usd(1.2), usd(1.0)).why, "+20 % against the week before");
        assert_eq!(compare(usd(1.0), usd(0.0)).verdict, Verdict::Pass);
    }
}
