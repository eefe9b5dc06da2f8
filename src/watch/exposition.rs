//! Metrics as text: the format 0.0.4 that every Prometheus reads, and OpenMetrics 1.0. Pure.
//!
//! A family is named without `_total`; each format adds what it wants. Label values may be from outside: they are made safe, clipped and
//! escaped here, so that no value can end its line or begin another one.

use crate::base::SafeText;
use std::fmt::Write as _;

/// Characters of a label's value; what is longer is cut.
const LONGEST_VALUE: usize = 120;

/// The two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `text/plain; version=0.0.4`.
    Text,
    /// `application/openmetrics-text; version=1.0.0`.
    OpenMetrics,
}

impl Format {
    /// The content type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What a header `Accept` asks for. Text is for everybody; OpenMetrics for those who name it and do not like text better.
    #[must_use]
    pub fn accepted(header: Option<&str>) -> Self {
        let (mut text, mut open) = (0.0_f64, 0.0_f64);
        for range in header.unwrap_or("*/*").split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let (mut quality, mut version) = (1.0, None);
            for parameter in parts {
                match parameter.split_once('=').map(|(name, value)| (name.trim(), value.trim().trim_matches('"'))) {
                    Some(("q", value)) => quality = value.parse::<f64>().ok().filter(|q| (0.0..=1.0).contains(q)).unwrap_or(0.0),
                    Some(("version", value)) => version = Some(value.to_owned()),
                    _ => {}
                }
            }
            match media.as_str() {
                // 0.0.1 differs from 1.0.0 in nothing that is written here.
                "application/openmetrics-text" if version.as_deref().is_none_or(|version| ["1.0.0", "0.0.1"].contains(&version)) => {
                    open = open.max(quality);
                }
                "text/plain" if version.as_deref().is_none_or(|version| version == "0.0.4") => text = text.max(quality),
                "*/*" | "text/*" => text = text.max(quality),
                _ => {}
            }
        }
        if open > 0.0 && open >= text { Self::OpenMetrics } else { Self::Text }
    }
}

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Quantiles, a sum and a count.
    Summary,
    /// Buckets, a sum and a count.
    Histogram,
    /// Facts about the program: always 1.
    Info,
}

/// One series with its value.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    labels: Vec<(&'static str, String)>,
    value: Value,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    One(f64),
    Summary { quantiles: Vec<(f64, f64)>, sum: f64, count: u64 },
    Histogram { buckets: Vec<(f64, u64)>, sum: f64, count: u64 },
}

/// Series of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    name: &'static str,
    help: &'static str,
    unit: Option<&'static str>,
    kind: Kind,
    samples: Vec<Sample>,
}

/// Labels with their values.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

fn labels(given: Labels<'_>) -> Vec<(&'static str, String)> {
    given.iter().map(|(name, value)| (*name, SafeText::clipped(value, LONGEST_VALUE).as_str().to_owned())).collect()
}

impl Family {
    /// A family; a name that ends with a unit says so in OpenMetrics.
    #[must_use]
    pub fn new(kind: Kind, name: &'static str, help: &'static str) -> Self {
        let unit =
            ["seconds", "bytes", "usd", "ratio"].into_iter().find(|unit| name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')));
        Self { name, help, unit, kind, samples: Vec::new() }
    }

    /// Its name without what a format adds.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it has no series.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Set the value of a series of a counter, a gauge or an info.
    pub fn set(&mut self, given: Labels<'_>, value: f64) {
        self.samples.push(Sample { labels: labels(given), value: Value::One(value) });
    }

    /// Set a series of a summary.
    pub fn set_summary(&mut self, given: Labels<'_>, quantiles: Vec<(f64, f64)>, sum: f64, count: u64) {
        self.samples.push(Sample { labels: labels(given), value: Value::Summary { quantiles, sum, count } });
    }

    /// Set a series of a histogram; buckets are counted from below, without the last one that holds all.
    pub fn set_histogram(&mut self, given: Labels<'_>, buckets: Vec<(f64, u64)>, sum: f64, count: u64) {
        self.samples.push(Sample { labels: labels(given), value: Value::Histogram { buckets, sum, count } });
    }

    /// Let no series fall below what it was: a counter that falls reads as one that began anew, and its whole value as an increase.
    pub(super) fn raise(&mut self, mut known: impl FnMut(String, f64) -> f64) {
        for sample in &mut self.samples {
            let key = |part: &str| format!("{}{part}{:?}", self.name, sample.labels);
            match &mut sample.value {
                Value::One(value) => *value = known(key(""), *value),
                Value::Summary { sum, count, .. } => {
                    *sum = known(key(" sum"), *sum);
                    *count = known(key(" count"), *count as f64) as u64;
                }
                Value::Histogram { buckets, sum, count } => {
                    *sum = known(key(" sum"), *sum);
                    *count = known(key(" count"), *count as f64) as u64;
                    for (bound, bucket) in buckets {
                        *bucket = known(key(&format!(" {bound}")), *bucket as f64) as u64;
                    }
                }
            }
        }
    }

    fn write(&self, out: &mut String, format: Format) {
        let counts = self.kind == Kind::Counter;
        let (described, kind) = match (format, self.kind) {
            (Format::Text, Kind::Counter) => (format!("{}_total", self.name), "counter"),
            (Format::Text, Kind::Info) => (format!("{}_info", self.name), "gauge"),
            (Format::OpenMetrics, Kind::Info) => (self.name.to_owned(), "info"),
            (_, Kind::Counter) => (self.name.to_owned(), "counter"),
            (_, Kind::Gauge) => (self.name.to_owned(), "gauge"),
            (_, Kind::Summary) => (self.name.to_owned(), "summary"),
            (_, Kind::Histogram) => (self.name.to_owned(), "histogram"),
        };
        // A quotation mark in a help text is escaped in OpenMetrics and not in text: our texts have none.
        let _ = writeln!(out, "# HELP {described} {}", self.help.replace('\\', "\\\\").replace('\n', "\\n"));
        let _ = writeln!(out, "# TYPE {described} {kind}");
        if let (Format::OpenMetrics, Some(unit)) = (format, self.unit) {
            let _ = writeln!(out, "# UNIT {described} {unit}");
        }
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            _ => "",
        };
        for sample in &self.samples {
            match &sample.value {
                Value::One(value) => line(out, self.name, suffix, &sample.labels, None, if counts { value.max(0.0) } else { *value }),
                Value::Summary { quantiles, sum, count } => {
                    for (quantile, value) in quantiles {
                        line(out, self.name, "", &sample.labels, Some(("quantile", number(*quantile))), *value);
                    }
                    line(out, self.name, "_sum", &sample.labels, None, *sum);
                    line(out, self.name, "_count", &sample.labels, None, *count as f64);
                }
                Value::Histogram { buckets, sum, count } => {
                    for (bound, below) in buckets {
                        line(out, self.name, "_bucket", &sample.labels, Some(("le", canonical(*bound))), *below as f64);
                    }
                    line(out, self.name, "_bucket", &sample.labels, Some(("le", "+Inf".to_owned())), *count as f64);
                    line(out, self.name, "_sum", &sample.labels, None, *sum);
                    line(out, self.name, "_count", &sample.labels, None, *count as f64);
                }
            }
        }
    }
}

fn line(out: &mut String, name: &str, suffix: &str, labels: &[(&'static str, String)], last: Option<(&str, String)>, value: f64) {
    out.push_str(name);
    out.push_str(suffix);
    let all = labels.iter().map(|(name, value)| (*name, value)).chain(last.as_ref().map(|(name, value)| (*name, value)));
    for (index, (name, value)) in all.enumerate() {
        let _ = write!(out, "{}{name}=\"{}\"", if index == 0 { '{' } else { ',' }, escaped(value));
    }
    if !labels.is_empty() || last.is_some() {
        out.push('}');
    }
    let _ = writeln!(out, " {}", number(value));
}

/// A label's value between quotation marks.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            _ => out.push(character),
        }
    }
    out
}

fn number(value: f64) -> String {
    match value {
        _ if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        _ => value.to_string(),
    }
}

/// The bound of a bucket with a point in it: OpenMetrics wants `1.0`, and a series is to be the same in both formats.
fn canonical(bound: f64) -> String {
    let text = number(bound);
    if bound.is_finite() && !text.contains('.') { format!("{text}.0") } else { text }
}

/// All families in a format; those without series are left out.
#[must_use]
pub fn encode(families: &[Family], format: Format) -> String {
    let mut out = String::with_capacity(16 * 1024);
    for family in families.iter().filter(|family| !family.is_empty()) {
        family.write(&mut out, format);
    }
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn families() -> Vec<Family> {
        let mut calls = Family::new(Kind::Counter, "llm_cost_usd", "What calls cost.");
        calls.set(&[("model", "a/b"), ("module", "draft")], 1.5);
        let mut seconds = Family::new(Kind::Histogram, "op_duration_seconds", "How long.");
        seconds.set_histogram(&[], vec![(0.01, 1), (1.0, 2)], 3.25, 3);
        let mut quantiles = Family::new(Kind::Summary, "req_duration_seconds", "How long.");
        quantiles.set_summary(&[("module", "draft")], vec![(0.95, 0.25)], 3.25, 3);
        let mut build = Family::new(Kind::Info, "deck_build", "Which program.");
        build.set(&[("version", "1")], 1.0);
        vec![calls, seconds, quantiles, build, Family::new(Kind::Gauge, "nothing", "Has no series.")]
    }

    #[test]
    fn both_formats_are_as_their_specifications_say() {
        let text = "# HELP llm_cost_usd_total What calls cost.\n# TYPE llm_cost_usd_total counter\n\
            llm_cost_usd_total{model=\"a/b\",module=\"draft\"} 1.5\n\
            # HELP op_duration_seconds How long.\n# TYPE op_duration_seconds histogram\n\
            op_duration_seconds_bucket{le=\"0.01\"} 1\nop_duration_seconds_bucket{le=\"1.0\"} 2\nop_duration_seconds_bucket{le=\"+Inf\"} 3\n\
            op_duration_seconds_sum 3.25\nop_duration_seconds_count 3\n\
            # HELP req_duration_seconds How long.\n# TYPE req_duration_seconds summary\n\
            req_duration_seconds{module=\"draft\",quantile=\"0.95\"} 0.25\n\
            req_duration_seconds_sum{module=\"draft\"} 3.25\nreq_duration_seconds_count{module=\"draft\"} 3\n\
            # HELP deck_build_info Which program.\n# TYPE deck_build_info gauge\ndeck_build_info{version=\"1\"} 1\n";
        assert_eq!(encode(&families(), Format::Text), text);
        let open = encode(&families(), Format::OpenMetrics);
        assert!(open.starts_with(
            "# HELP llm_cost_usd What calls cost.\n# TYPE llm_cost_usd counter\n# UNIT llm_cost_usd usd\nllm_cost_usd_total{"
        ));
        assert!(open.contains("# TYPE deck_build info\ndeck_build_info{version=\"1\"} 1\n"), "{open}");
        assert!(open.ends_with("# EOF\n"));
    }

    #[test]
    fn what_is_accepted_is_what_is_asked_for() {
        use Format::{OpenMetrics, Text};
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (header, format) in [
            (None, Text),
            (Some("*/*"), Text),
            (Some(prometheus), OpenMetrics),
            (Some("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.5"), Text),
            (Some("application/openmetrics-text; version=\"1.0.0\"; charset=utf-8"), OpenMetrics),
            (Some("application/openmetrics-text;version=9.9.9"), Text),
            (Some("application/openmetrics-text;q=0"), Text),
            (Some("application/openmetrics-text;q=7"), Text),
            (Some("text/html, */*;q=0.8"), Text),
            (Some(""), Text),
        ] {
            assert_eq!(Format::accepted(header), format, "{header:?}");
        }
    }

    #[test]
    fn a_counter_does_not_fall() {
        let mut known = std::collections::HashMap::<String, f64>::new();
        let mut seen = |value: f64| {
            let mut family = Family::new(Kind::Counter, "calls", "Calls.");
            family.set(&[], value);
            family.raise(|key, value| *known.entry(key).and_modify(|old| *old = old.max(value)).or_insert(value));
            encode(&[family], Format::Text)
        };
        assert!(seen(5.0).ends_with("calls_total 5\n"));
        assert!(seen(4.0).ends_with("calls_total 5\n"));
        assert!(seen(6.0).ends_with("calls_total 6\n"));
    }

    proptest! {
        #[test]
        fn no_label_ends_its_line_or_makes_another_series(value in any::<String>(), header in any::<String>()) {
            let mut family = Family::new(Kind::Gauge, "hostile", "A gauge.");
            family.set(&[("name", &value), ("other", "x")], 7.0);
            let text = encode(&[family], Format::Text);
            let lines: Vec<&str> = text.lines().collect();
            prop_assert_eq!(lines.len(), 3, "{}", text);
            let inner = lines[2].strip_prefix("hostile{name=\"").unwrap().strip_suffix("\",other=\"x\"} 7").unwrap();
            // Every quotation mark inside is escaped.
            let mut escaped = false;
            for character in inner.chars() {
                prop_assert!(escaped || character != '"');
                escaped = character == '\\' && !escaped;
            }
            prop_assert!(!escaped);
            let _ = Format::accepted(Some(&header));
        }
    }
}
