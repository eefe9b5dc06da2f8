//! What is shown in a file of its own: CSV for tables, JSON for programs. Amounts are USD with all digits, times UTC, unknown is empty or `null`.

use super::table;
use crate::base::{Picos, SafeText, clock};
use crate::console::new_file::{self, Refused};
use crate::console::state::State;
use crate::llm::calls::Call;
use crate::report::format::exact;
use crate::report::sums::{Latencies, Sums};
use serde_json::{Value, json};

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Form {
    Csv,
    Json,
}

/// A file in the current directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) struct Target {
    pub name: String,
    pub form: Form,
}

impl Target {
    /// The file that a name stands for.
    ///
    /// # Errors
    /// A sentence, for a name that leads elsewhere or says no form.
    pub fn named(typed: &str) -> Result<Self, String> {
        let name = typed.trim();
        if !new_file::is_plain(name) {
            return Err("name a file of this directory, as costs.csv or costs.json".to_owned());
        }
        let form = match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
            Some("csv") => Form::Csv,
            Some("json") => Form::Json,
            _ => return Err("the ending says the form: .csv for tables, .json for programs".to_owned()),
        };
        Ok(Self { name: name.to_owned(), form })
    }
}

/// A name for what is shown.
pub(super) fn suggestion(state: &State) -> &'static str {
    if state.gauges.calls.is_some() { "calls.csv" } else { "costs.csv" }
}

/// Write it.
///
/// # Errors
/// As [`new_file::write`].
pub(super) fn write(target: &Target, text: &str) -> Result<(), Refused> {
    new_file::write(&target.name, text)
}

/// What is shown, in a form.
pub(super) fn text(state: &State, form: Form) -> String {
    let tab = &state.gauges;
    let opened = tab.opened.as_ref().and_then(|opened| opened.about.as_ref()).and_then(|about| about.as_ref().ok());
    match (opened, &tab.calls, form) {
        (Some(about), _, Form::Csv) => calls_csv(&about.attempts),
        (Some(about), _, Form::Json) => {
            let draft = about.draft.as_ref().map(|(_, id)| id);
            pretty(
                &json!({ "call": call_json(&about.call), "attempts": about.attempts.iter().map(call_json).collect::<Vec<_>>(), "draft": draft }),
            )
        }
        (None, Some(calls), Form::Csv) => calls_csv(&calls.calls),
        (None, Some(calls), Form::Json) => {
            let window = &calls.behind.window;
            pretty(&json!({
                "title": calls.title,
                "since": clock::rfc3339(window.since),
                "until": clock::rfc3339(window.until),
                "is_complete": !calls.more,
                "calls": calls.calls.iter().map(call_json).collect::<Vec<_>>(),
            }))
        }
        (None, None, Form::Csv) => groups_csv(state),
        (None, None, Form::Json) => pretty(&figures_json(state)),
    }
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

fn usd(picos: Option<i64>) -> String {
    picos.map(|picos| exact(Picos(picos))).unwrap_or_default()
}

fn number(number: Option<i64>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// A text as a field of CSV: quoted where it has to be, and never taken for a formula.
fn field(text: &str) -> String {
    let safe = SafeText::line(text);
    let text = safe.as_str();
    let text = if text.starts_with(['=', '+', '-', '@', '\t']) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', ';', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The table with its total, a row of sums each.
fn groups_csv(state: &State) -> String {
    let Some(figures) = state.gauges.figures.as_deref() else { return String::new() };
    let by = figures.wanted.by;
    let mut text = format!(
        "{},calls,errors,interrupted,cache_hits,retries,tokens_in,tokens_out,tokens_cached,reported_usd,computed_usd,charged_usd,unpriced,\
         p50_ms,p95_ms,p99_ms,latency_n\r\n",
        super::word(by)
    );
    let mut row = |name: &str, sums: &Sums, latency: &Latencies| {
        let ms = |us: Option<u64>| us.map(|us| format!("{:.3}", us as f64 / 1e3)).unwrap_or_default();
        let fields = [
            field(name),
            sums.calls.to_string(),
            sums.errors.to_string(),
            sums.interrupted.to_string(),
            sums.cache_hits.to_string(),
            sums.retries.to_string(),
            sums.tokens_in.to_string(),
            sums.tokens_out.to_string(),
            sums.tokens_cached.to_string(),
            exact(sums.reported),
            exact(sums.computed),
            exact(sums.charged),
            sums.unpriced.to_string(),
            ms(latency.p50_us),
            ms(latency.p95_us),
            ms(latency.p99_us),
            latency.n.to_string(),
        ];
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    };
    for group in table::sorted(figures, state.gauges.sort) {
        row(&table::shown(state, by, &group.name), &group.sums, &group.latency.unwrap_or_default());
    }
    row("(all)", &figures.total, &figures.latency);
    text
}

fn figures_json(state: &State) -> Value {
    let Some(figures) = state.gauges.figures.as_deref() else { return Value::Null };
    let by = figures.wanted.by;
    let groups: Vec<Value> = table::sorted(figures, state.gauges.sort)
        .into_iter()
        .map(|group| json!({ "name": table::shown(state, by, &group.name), "sums": group.sums, "latency": group.latency }))
        .collect();
    let series: Vec<Value> = figures.series.iter().map(|(at, sums)| json!({ "at": clock::rfc3339(*at), "sums": sums })).collect();
    let drifts: serde_json::Map<String, Value> =
        figures.drifts.iter().map(|(class, calls)| (class.as_str().to_owned(), json!(calls))).collect();
    json!({
        "span": figures.wanted.span.kind.word(),
        "since": clock::rfc3339(figures.window.since),
        "until": clock::rfc3339(figures.window.until),
        "read_at": clock::rfc3339(figures.at),
        "persona": figures.wanted.only.persona,
        "total": figures.total,
        "before": figures.before,
        "latency": figures.latency,
        "first_token": figures.first_token,
        "drift": { "calls": drifts, "is_complete": figures.drifts_are_all() },
        "traffic": figures.traffic,
        "by": super::word(by),
        "groups": groups,
        "series": series,
        "budgets": figures.budgets,
        "month_forecast_usd": figures.month,
        "unit": "picos of USD in sums, microseconds in latencies",
    })
}

const CALL: &str = "id,request_id,attempt,time,outcome,model,model_asked,module,category,persona,correlation_id,reported_usd,computed_usd,\
    reserved_usd,drift,tokens_in,tokens_cached,tokens_written,tokens_out,tokens_reasoning,latency_us,first_token_us,queue_us,is_cached,http_status,error_type";

fn calls_csv(calls: &[Call]) -> String {
    let mut text = format!("{CALL}\r\n");
    for call in calls {
        let fields = [
            field(&call.id),
            field(&call.request_id),
            call.attempt.to_string(),
            clock::rfc3339(call.started_at),
            field(&call.outcome),
            field(call.model()),
            field(&call.model_asked),
            field(&call.module),
            field(&call.category),
            field(call.persona_id.as_deref().unwrap_or_default()),
            field(&call.correlation_id),
            usd(call.cost_reported_picos),
            usd(call.cost_computed_picos),
            usd(call.cost_reserved_picos),
            field(call.drift.as_deref().unwrap_or_default()),
            number(call.tokens_in),
            number(call.tokens_cached),
            number(call.tokens_written),
            number(call.tokens_out),
            number(call.tokens_reasoning),
            number(call.latency_us),
            number(call.first_token_us),
            number(call.queue_us),
            i32::from(call.is_cached).to_string(),
            number(call.http_status),
            field(call.error_type.as_deref().unwrap_or_default()),
        ];
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A call with its trace as an object.
fn call_json(call: &Call) -> Value {
    let mut value = json!(call);
    if let (Some(object), Some(trace)) =
        (value.as_object_mut(), call.trace.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()))
    {
        object.insert("trace".to_owned(), trace);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_the_directory_and_says_its_form() {
        assert_eq!(Target::named(" Costs.CSV ").map(|target| target.form), Ok(Form::Csv));
        assert_eq!(Target::named("costs.json").map(|target| target.form), Ok(Form::Json));
        for bad in ["", "costs", "../x.csv", "/etc/x.csv", ".csv", "C:\\x.csv", "x.md"] {
            assert!(Target::named(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn nothing_in_a_field_is_a_formula_or_another_column() {
        assert_eq!(
            [field("=cmd()"), field("a,b"), field("say \"x\""), field("plain/name")],
            ["'=cmd()", "\"a,b\"", "\"say \"\"x\"\"\"", "plain/name"]
        );
        assert!(!field("a\u{1b}[2Jb").contains('\u{1b}'));
    }
}
