//! What the five runbooks call fast enough, reliable enough and cheap enough: levels at which a value warns and at which it is critical. Data, with
//! the place that each number is from; and the judgement. Pure.

use super::sums::{Latencies, Sums};
use serde::Serialize;

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Good,
    /// Nothing was measured: neither good nor bad.
    Unknown,
    /// Over the first level.
    Warning,
    /// Over the second level.
    Critical,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What a level is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The median latency, in milliseconds.
    P50,
    /// Latency that 95 of 100 are not above, in milliseconds.
    P95,
    /// Latency that 99 of 100 are not above, in milliseconds.
    P99,
    /// Calls that failed, in percent of all.
    Errors,
    /// Tokens of a call on average, both ways.
    TokensPerCall,
    /// Cost of a call on average, in USD.
    CostPerCall,
    /// Cost of a day on average, in USD.
    CostPerDay,
}

impl Measure {
    /// What it is called.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P50 => "P50",
            Self::P95 => "P95",
            Self::P99 => "P99",
            Self::Errors => "errors",
            Self::TokensPerCall => "tokens a call",
            Self::CostPerCall => "cost a call",
            Self::CostPerDay => "cost a day",
        }
    }

    /// A value of it for people.
    #[must_use]
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::P50 | Self::P95 | Self::P99 => super::format::micros((value * 1_000.0) as u64),
            Self::Errors => format!("{value:.1} %"),
            Self::TokensPerCall => format!("{value:.0}"),
            Self::CostPerCall | Self::CostPerDay => crate::base::Picos::from_usd(value).unwrap_or_default().to_string(),
        }
    }
}

/// A value above `warning` warns, one above `critical` is critical.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Objective {
    /// What is measured.
    pub measure: Measure,
    /// The first level, in the unit of the measure.
    pub warning: f64,
    /// The second level.
    pub critical: f64,
    /// Where the numbers are from, and which of them is ours.
    pub source: &'static str,
}

/// The objectives of one runbook.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Preset {
    /// The name in the settings.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// What has to hold.
    pub objectives: &'static [Objective],
}

const fn objective(measure: Measure, warning: f64, critical: f64, source: &'static str) -> Objective {
    Objective { measure, warning, critical, source }
}

/// Every preset, in the order of their names.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "advisor",
        about: "questions of advisors (advisor-batch-operations.md)",
        objectives: &[
            objective(Measure::P50, 1_000.0, 2_000.0, "target under 1 s; critical is ours, twice the target"),
            objective(Measure::P95, 3_000.0, 5_000.0, "target under 3 s; over 5 s is a P2"),
            objective(Measure::P99, 5_000.0, 10_000.0, "target under 5 s; over 10 s is a P1"),
            objective(Measure::Errors, 1.0, 5.0, "under 1 % is expected every morning; over 5 % is a P1"),
            objective(Measure::CostPerCall, 0.08, 0.16, "$0.08 a question; critical is ours, twice of it"),
            objective(Measure::CostPerDay, 50.0, 66.67, "75 % and 100 % of $2,000 a month of 30 days"),
        ],
    },
    Preset {
        name: "assistant",
        about: "a person waits for help (support-assistant-operations.md)",
        objectives: &[
            objective(Measure::P95, 5_000.0, 10_000.0, "under 5 s normal, 5 to 10 s warning, over 10 s critical"),
            objective(Measure::Errors, 1.0, 5.0, "under 1 % normal, 1 to 5 % warning, over 5 % critical"),
        ],
    },
    Preset {
        name: "modules",
        about: "small modules that are called often (module-optimisation-operations.md)",
        objectives: &[
            objective(Measure::P50, 200.0, 500.0, "target under 200 ms, alert over 500 ms"),
            objective(Measure::P95, 400.0, 1_000.0, "target under 400 ms, alert over 1,000 ms"),
            objective(Measure::P99, 1_000.0, 2_000.0, "target under 1,000 ms, alert over 2,000 ms"),
            objective(Measure::Errors, 5.0, 10.0, "success over 95 %, alert under 90 %"),
            objective(Measure::TokensPerCall, 1_000.0, 2_000.0, "under 1,000 tokens a request, alert over 2,000"),
            objective(Measure::CostPerCall, 0.01, 0.05, "under $0.01 a request, alert over $0.05"),
        ],
    },
    Preset {
        name: "reddit",
        about: "an agent that nobody waits for (reddit-agent-services.md)",
        objectives: &[objective(Measure::CostPerDay, 3.75, 5.0, "warns at $5 a day; the warning is ours, 75 % of it")],
    },
    Preset {
        name: "textbook-answer",
        about: "answers from a textbook (textbook-rag-runbooks.md)",
        objectives: &[
            objective(Measure::P95, 1_500.0, 2_000.0, "under 2 s for /answer; the service itself notes over 1.5 s"),
            objective(Measure::Errors, 1.0, 5.0, "under 1 %; the service's alert is at 5 %"),
        ],
    },
    Preset {
        name: "textbook-query",
        about: "passages from a textbook (textbook-rag-runbooks.md)",
        objectives: &[
            objective(Measure::P95, 300.0, 600.0, "under 300 ms for /query; critical is ours, twice of it"),
            objective(Measure::Errors, 1.0, 5.0, "under 1 %; the service's alert is at 5 %"),
        ],
    },
];

/// The preset of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// What an objective found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Judged {
    /// What had to hold.
    pub objective: Objective,
    /// What was measured, in the unit of the measure.
    pub value: Option<f64>,
    /// How it stands.
    pub level: Level,
}

impl Objective {
    /// How a value stands; without one it is unknown.
    #[must_use]
    pub fn judge(&self, value: Option<f64>) -> Judged {
        let level = match value {
            Some(value) if value > self.critical => Level::Critical,
            Some(value) if value > self.warning => Level::Warning,
            Some(value) if value.is_finite() => Level::Good,
            _ => Level::Unknown,
        };
        Judged { objective: *self, value, level }
    }
}

impl Preset {
    /// How latencies stand, by the worst of the percentiles that the preset has levels for; unknown where there are none, or nothing was measured.
    #[must_use]
    pub fn judge(&self, latencies: &Latencies) -> Level {
        let judged =
            self.objectives.iter().filter_map(|objective| Some(objective.judge(Some(latency(objective.measure, latencies)?)).level));
        judged.max().unwrap_or(Level::Unknown)
    }

    /// How everything stands that the preset has levels for. `days` is the length of the window in days.
    #[must_use]
    pub fn judge_all(&self, sums: &Sums, latencies: &Latencies, days: f64) -> Vec<Judged> {
        self.objectives.iter().map(|objective| objective.judge(value(objective.measure, sums, latencies, days))).collect()
    }
}

/// How latencies stand by a preset.
#[must_use]
pub fn judge(preset: &Preset, latencies: &Latencies) -> Level {
    preset.judge(latencies)
}

fn latency(measure: Measure, latencies: &Latencies) -> Option<f64> {
    let us = match measure {
        Measure::P50 => latencies.p50_us,
        Measure::P95 => latencies.p95_us,
        Measure::P99 => latencies.p99_us,
        _ => None,
    };
    us.map(|us| us as f64 / 1_000.0)
}

fn value(measure: Measure, sums: &Sums, latencies: &Latencies, days: f64) -> Option<f64> {
    match measure {
        Measure::P50 | Measure::P95 | Measure::P99 => latency(measure, latencies),
        Measure::Errors => sums.error_share().map(|share| share * 100.0),
        Measure::TokensPerCall => sums.tokens_per_call(),
        Measure::CostPerCall => sums.per_call().map(|cost| cost.to_usd()),
        Measure::CostPerDay => (days > 0.0 && sums.calls > 0).then(|| sums.charged.to_usd() / days),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Picos;

    #[test]
    fn every_preset_is_named_in_order_and_its_levels_rise() {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        let setting = crate::config::SETTINGS.iter().find(|setting| setting.key == "report.slo").unwrap();
        assert_eq!(
            setting.kind,
            crate::config::Kind::Choice(&["advisor", "assistant", "modules", "reddit", "textbook-answer", "textbook-query"])
        );
        assert_eq!(names, ["advisor", "assistant", "modules", "reddit", "textbook-answer", "textbook-query"]);
        for objective in PRESETS.iter().flat_map(|preset| preset.objectives) {
            assert!(0.0 < objective.warning && objective.warning < objective.critical, "{objective:?}");
        }
        assert!(named("moon").is_none());
    }

    #[test]
    fn levels_are_those_of_the_runbooks_and_nothing_measured_is_not_good() {
        let modules = named("modules").unwrap();
        let latencies = |p50, p95, p99| Latencies { n: 1_000, p50_us: Some(p50), p95_us: Some(p95), p99_us: Some(p99), is_exact: true };
        assert_eq!(judge(modules, &latencies(200_000, 400_000, 1_000_000)), Level::Good);
        assert_eq!(judge(modules, &latencies(200_000, 400_000, 1_000_001)), Level::Warning);
        assert_eq!(judge(modules, &latencies(500_001, 400_000, 1_000_000)), Level::Critical);
        assert_eq!(judge(modules, &Latencies::default()), Level::Unknown);
        assert_eq!(judge(named("reddit").unwrap(), &latencies(1, 1, 1)), Level::Unknown, "it says nothing of latencies");
        let sums = Sums { calls: 100, errors: 6, tokens_in: 300_000, charged: Picos(2_000_000_000_000), ..Sums::default() };
        let levels: Vec<Level> = modules.judge_all(&sums, &Latencies::default(), 1.0).iter().map(|judged| judged.level).collect();
        assert_eq!(levels, [Level::Unknown, Level::Unknown, Level::Unknown, Level::Warning, Level::Critical, Level::Warning]);
    }
}
