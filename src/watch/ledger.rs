//! Metrics of model calls: under names of our own, under those of the runbooks, and under those of OpenTelemetry for generative AI.

use super::collect::{Facts, Memory};
use super::exposition::{Family, Kind};
use crate::base::{Millis, Picos};
use crate::llm::budget::outlook;
use crate::llm::ledger::rollup::{DAY, HOUR};
use crate::llm::ledger::sketch::Sketch;
use crate::llm::ledger::spread::{self, Quantity};
use crate::report::slo::Level;
use crate::report::sums::{self, By, Only, Sums, Window};
use crate::store::{Conn, Result};
use std::collections::BTreeMap;

/// Bounds of OpenTelemetry for durations, in seconds, and three more for models that think for minutes.
const SECONDS: [f64; 17] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36];
/// Bounds of OpenTelemetry for tokens.
const TOKENS: [f64; 14] =
    [1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0, 67_108_864.0];
/// What is measured, in the order in which it is kept.
const QUANTITIES: [Quantity; 4] = [Quantity::Latency, Quantity::FirstToken, Quantity::TokensIn, Quantity::TokensOut];
/// A call that is under way for longer was left behind by a crash.
const LONGEST_CALL: Millis = HOUR;

/// The families, read from the ledger.
///
/// # Errors
/// When the database refuses.
pub(super) fn families(c: &mut dyn Conn, now: Millis, facts: &Facts, memory: &mut Memory) -> Result<Vec<Family>> {
    let everything = Only::default();
    let hour = Window { since: now - HOUR, until: now };
    let mut pairs: BTreeMap<(String, String), Sums> = BTreeMap::new();
    let mut modules: BTreeMap<String, Sums> = BTreeMap::new();
    for ((model, module), sums) in sums::by_model_and_module(c, &Window::ALL, &everything)? {
        let (model, module) = (memory.admit("model", &model), memory.admit("module", &module));
        modules.entry(module.clone()).or_default().add(&sums);
        pairs.entry((model, module)).or_default().add(&sums);
    }
    let mut failures: BTreeMap<(String, String), i64> = BTreeMap::new();
    for (module, failure, count) in sums::failures(c, &Window::ALL)? {
        let key = (memory.admit("module", &module), memory.admit("error_type", &failure));
        *failures.entry(key).or_default() += count;
    }
    let mut all = own(&pairs);
    all.extend(of_runbooks(facts, &modules, &failures));
    all.push(durations(c, &hour, &modules, memory)?);
    all.extend(generative(c, now, facts, memory)?);
    all.push(drift(c, now, memory)?);
    all.push(objectives(c, &hour, facts)?);
    let mut in_flight = Family::new(Kind::Gauge, "llm_inflight", "Model calls that are under way.");
    in_flight.set(&[], sums::in_flight(c, now - LONGEST_CALL)? as f64);
    all.push(in_flight);
    all.extend(budgets(c, now, memory)?);
    Ok(all)
}

fn own(pairs: &BTreeMap<(String, String), Sums>) -> Vec<Family> {
    let counter = |name, help| Family::new(Kind::Counter, name, help);
    let mut calls = counter("llm_calls", "Model calls that are over, by how they ended.");
    let mut cost = counter("llm_cost_usd", "What calls cost: as reported, else by the price book. Calls of unknown cost are not in it.");
    let mut reported = counter("llm_cost_reported_usd", "What providers said calls cost.");
    let mut computed = counter("llm_cost_computed_usd", "What calls cost by the price book.");
    let mut unpriced = counter("llm_unpriced_calls", "Calls whose cost nobody knows.");
    let mut tokens = counter("llm_tokens", "Tokens; cached and written ones are part of the input, reasoning is part of the output.");
    let mut hits = counter("llm_cache_hits", "Calls that the cache of this program answered.");
    let mut retries = counter("llm_retries", "Attempts that were not the first of their question.");
    let mut odd = counter("llm_odd_cost_calls", "Calls whose reported cost is not that of the price book, or that has no price for them.");
    let mut queue = counter("llm_queue_seconds", "How long calls waited for their turn, together.");
    for ((model, module), sums) in pairs {
        let labels: [(&'static str, &str); 2] = [("model", model), ("module", module)];
        for (outcome, count) in
            [("ok", sums.calls - sums.errors - sums.interrupted), ("error", sums.errors), ("interrupted", sums.interrupted)]
        {
            calls.set(&[labels[0], labels[1], ("outcome", outcome)], count as f64);
        }
        for (kind, count) in [
            ("input", sums.tokens_in),
            ("output", sums.tokens_out),
            ("cached", sums.tokens_cached),
            ("written", sums.tokens_written),
            ("reasoning", sums.tokens_reasoning),
        ] {
            tokens.set(&[labels[0], labels[1], ("type", kind)], count as f64);
        }
        cost.set(&labels, usd(sums.charged));
        reported.set(&labels, usd(sums.reported));
        computed.set(&labels, usd(sums.computed));
        unpriced.set(&labels, sums.unpriced as f64);
        hits.set(&labels, sums.cache_hits as f64);
        retries.set(&labels, sums.retries as f64);
        odd.set(&labels, sums.odd as f64);
        queue.set(&labels, seconds(sums.queue_us));
    }
    vec![calls, cost, reported, computed, unpriced, tokens, hits, retries, odd, queue]
}

fn usd(amount: Picos) -> f64 {
    amount.to_usd()
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// The names that the runbook of module optimisation gives.
fn of_runbooks(facts: &Facts, modules: &BTreeMap<String, Sums>, failures: &BTreeMap<(String, String), i64>) -> Vec<Family> {
    let mut requests = Family::new(Kind::Counter, "dspy_requests", "Model calls that are over, by module.");
    let mut errors =
        Family::new(Kind::Counter, "dspy_request_errors", "Model calls that failed or were interrupted, by the type of the failure.");
    let mut tokens = Family::new(Kind::Counter, "dspy_tokens", "Tokens by module.");
    let mut cost = Family::new(Kind::Counter, "dspy_cost_usd", "What calls cost by module.");
    let mut version =
        Family::new(Kind::Gauge, "dspy_module_version", "The version of a module: all are parts of this program, and have its version.");
    for (module, sums) in modules {
        requests.set(&[("module", module)], sums.calls as f64);
        tokens.set(&[("module", module), ("type", "input")], sums.tokens_in as f64);
        tokens.set(&[("module", module), ("type", "output")], sums.tokens_out as f64);
        cost.set(&[("module", module)], usd(sums.charged));
        version.set(&[("module", module), ("version", facts.version)], 1.0);
    }
    for ((module, failure), count) in failures {
        errors.set(&[("module", module), ("error_type", failure)], *count as f64);
    }
    vec![requests, errors, tokens, cost, version]
}

/// The runbook's summary: quantiles of the last hour, sum and count of all.
fn durations(c: &mut dyn Conn, hour: &Window, modules: &BTreeMap<String, Sums>, memory: &mut Memory) -> Result<Family> {
    let mut family = Family::new(
        Kind::Summary,
        "dspy_request_duration_seconds",
        "How long calls took by module: quantiles of the last hour, which cannot be added up over modules.",
    );
    let mut recent = BTreeMap::new();
    for (module, answer, _) in sums::latencies(c, hour, By::Module, &Only::default())? {
        recent.insert(memory.admit("module", &module), answer);
    }
    for (module, sums) in modules {
        let quantiles = recent.get(module).map_or_else(Vec::new, |answer| {
            let all = [(0.5, answer.p50_us), (0.95, answer.p95_us), (0.99, answer.p99_us)];
            all.into_iter().filter_map(|(quantile, us)| Some((quantile, us? as f64 / 1e6))).collect()
        });
        family.set_summary(&[("module", module)], quantiles, seconds(sums.latency_us), u64::try_from(sums.latency_count).unwrap_or(0));
    }
    Ok(family)
}

/// The sketches of everything, by model. Days that are over are read again only when calls came into them or left them.
fn lifetime(c: &mut dyn Conn, now: Millis, memory: &mut Memory) -> Result<BTreeMap<String, Vec<Sketch>>> {
    let everything = Only::default();
    let today = now - now.rem_euclid(DAY);
    let before = Window { since: Window::ALL.since, until: today };
    let calls = sums::total(c, &before, &everything)?.calls;
    if memory.past.until != today || memory.past.calls != calls {
        memory.past.sketches = spread::sketches(c, &before, By::Model, &everything, &QUANTITIES)?.into_iter().collect();
        (memory.past.until, memory.past.calls) = (today, calls);
    }
    let mut all: BTreeMap<String, Vec<Sketch>> = BTreeMap::new();
    let since = Window { since: today, until: Window::ALL.until };
    let present = spread::sketches(c, &since, By::Model, &everything, &QUANTITIES)?;
    let past: Vec<(String, Vec<Sketch>)> = memory.past.sketches.iter().map(|(model, sketches)| (model.clone(), sketches.clone())).collect();
    for (model, sketches) in past.into_iter().chain(present) {
        let merged = all.entry(memory.admit("model", &model)).or_insert_with(|| vec![Sketch::default(); QUANTITIES.len()]);
        for (into, from) in merged.iter_mut().zip(&sketches) {
            into.merge(from);
        }
    }
    Ok(all)
}

/// The names of OpenTelemetry's conventions for generative AI (1.41), as Prometheus writes them.
fn generative(c: &mut dyn Conn, now: Millis, facts: &Facts, memory: &mut Memory) -> Result<Vec<Family>> {
    let histogram = |name, help| Family::new(Kind::Histogram, name, help);
    let mut durations = histogram("gen_ai_client_operation_duration_seconds", "How long calls took; buckets are within 1 %.");
    let mut first = histogram(
        "gen_ai_client_operation_time_to_first_chunk_seconds",
        "How long calls took to their first token; buckets are within 1 %.",
    );
    let mut usage = histogram("gen_ai_client_token_usage", "Tokens of calls; buckets are within 1 %.");
    for (model, sketches) in lifetime(c, now, memory)? {
        let base: [(&'static str, &str); 3] =
            [("gen_ai_operation_name", "chat"), ("gen_ai_provider_name", &facts.provider), ("gen_ai_response_model", &model)];
        let timed = |family: &mut Family, sketch: &Sketch| {
            if sketch.count() > 0 {
                let buckets = SECONDS.iter().map(|bound| (*bound, sketch.at_most((bound * 1e6) as i64))).collect();
                family.set_histogram(&base, buckets, sketch.sum() / 1e6, sketch.count());
            }
        };
        let [latency, first_token, tokens_in, tokens_out] = sketches.as_slice() else { continue };
        timed(&mut durations, latency);
        timed(&mut first, first_token);
        for (kind, sketch) in [("input", tokens_in), ("output", tokens_out)] {
            if sketch.count() > 0 {
                let buckets = TOKENS.iter().map(|bound| (*bound, sketch.at_most(*bound as i64))).collect();
                usage.set_histogram(&[base[0], base[1], base[2], ("gen_ai_token_type", kind)], buckets, sketch.sum(), sketch.count());
            }
        }
    }
    Ok(vec![durations, first, usage])
}

fn drift(c: &mut dyn Conn, now: Millis, memory: &mut Memory) -> Result<Family> {
    let mut family = Family::new(
        Kind::Gauge,
        "llm_cost_drift_ratio",
        "How much more was reported than the price book says, over what it says: last 24 hours, calls of which both are known.",
    );
    let mut models: BTreeMap<String, Sums> = BTreeMap::new();
    for (model, sums) in sums::by(c, &Window { since: now - DAY, until: now }, By::Model, &Only::default())? {
        models.entry(memory.admit("model", &model)).or_default().add(&sums);
    }
    for (model, sums) in models.iter().filter(|(_, sums)| sums.computed.0 > 0) {
        family.set(&[("model", model)], sums.drift.0 as f64 / sums.computed.0 as f64);
    }
    Ok(family)
}

fn objectives(c: &mut dyn Conn, hour: &Window, facts: &Facts) -> Result<Family> {
    let mut family = Family::new(
        Kind::Gauge,
        "llm_slo_level",
        "How the last hour stands by the runbook in force: 0 good, 1 warning, 2 critical; what was not measured has no series.",
    );
    let total = sums::total(c, hour, &Only::default())?;
    let latencies =
        sums::latencies(c, hour, By::Day, &Only::default())?.into_iter().next().map(|(_, answer, _)| answer).unwrap_or_default();
    for judged in facts.preset.judge_all(&total, &latencies, 1.0 / 24.0) {
        let value = match judged.level {
            Level::Good => 0.0,
            Level::Warning => 1.0,
            Level::Critical => 2.0,
            Level::Unknown => continue,
        };
        family.set(&[("slo", facts.preset.name), ("measure", judged.objective.measure.as_str())], value);
    }
    Ok(family)
}

fn budgets(c: &mut dyn Conn, now: Millis, memory: &mut Memory) -> Result<Vec<Family>> {
    let gauge = |name, help| Family::new(Kind::Gauge, name, help);
    let mut limit = gauge("llm_budget_limit_usd", "What may be spent in a period.");
    let mut spent = gauge("llm_budget_spent_usd", "What the period has used.");
    let mut reserved = gauge("llm_budget_reserved_usd", "What is set aside for calls under way.");
    let mut used = gauge("llm_budget_used_ratio", "What is used of the limit; above 1 it is exceeded.");
    let mut burn =
        gauge("llm_budget_burn_ratio", "The used share over the elapsed share of the period: above 1 it ends before its period.");
    let mut forecast = gauge("llm_budget_forecast_usd", "What the period will have cost.");
    let mut unknown = gauge("llm_budget_unknown_calls", "Calls of the period whose cost nobody knows.");
    for one in outlook::all(c, now)? {
        let name = memory.admit("budget", &one.budget.name);
        if name == "other" && one.budget.name != "other" {
            // Gauges cannot be added up: those beyond the bound are left out.
            continue;
        }
        let scope = one.budget.scope.to_string();
        let labels: [(&'static str, &str); 3] = [("budget", &name), ("scope", &scope), ("period", one.budget.period.as_str())];
        limit.set(&labels, usd(one.budget.limit));
        spent.set(&labels, usd(one.used.spent));
        reserved.set(&labels, usd(one.used.reserved));
        if one.budget.limit.0 > 0 {
            used.set(&labels, usd(one.used.spent) / usd(one.budget.limit));
        }
        if let Some(value) = one.burn {
            burn.set(&labels, value);
        }
        if let Some(value) = one.forecast {
            forecast.set(&labels, value.middle);
        }
        unknown.set(&labels, one.used.unknown as f64);
    }
    Ok(vec![limit, spent, reserved, used, burn, forecast, unknown])
}
