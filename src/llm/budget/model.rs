//! A budget: for whom or what, how much, and what happens on the way. Pure.

use super::period::{Period, Span};
use crate::base::{Millis, PersonaId, Picos, SafeText};
use crate::llm::ledger::Category;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// What a budget covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub enum Scope {
    /// Every call.
    Global,
    /// Calls of a category.
    Category(Category),
    /// Calls on behalf of a persona.
    Persona(PersonaId),
    /// Calls of a part of the program.
    Module(String),
    /// Calls to a model, by the name that is asked for.
    Model(String),
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Global => formatter.write_str("global"),
            Self::Category(category) => write!(formatter, "category:{}", category.as_str()),
            Self::Persona(persona) => write!(formatter, "persona:{persona}"),
            Self::Module(module) => write!(formatter, "module:{module}"),
            Self::Model(model) => write!(formatter, "model:{model}"),
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{} is no scope of a budget: global, category:batch, persona:NAME, module:NAME or model:NAME",
                SafeText::clipped(text, 60)
            )
        };
        if text == "global" {
            return Ok(Self::Global);
        }
        let (kind, name) = text.split_once(':').filter(|(_, name)| !name.trim().is_empty()).ok_or_else(wrong)?;
        match kind {
            "category" => name.parse().map(Self::Category),
            "persona" => Ok(Self::Persona(PersonaId::from_stored(name))),
            "module" => Ok(Self::Module(name.to_owned())),
            "model" => Ok(Self::Model(name.to_owned())),
            _ => Err(wrong()),
        }
    }
}

/// A call that asks to be let through.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The attempt.
    pub call_id: String,
    /// When.
    pub at: Millis,
    /// On whose behalf.
    pub persona: Option<PersonaId>,
    /// The part of the program that asks.
    pub module: String,
    /// The model that is asked.
    pub model: String,
    /// What kind of work it belongs to.
    pub category: Category,
    /// What it may cost at most; `None` when no price is known.
    pub estimate: Option<Picos>,
    /// How long the reservation stands when nobody settles it.
    pub lease: Millis,
}

impl Scope {
    /// Whether a call belongs to it.
    #[must_use]
    pub fn covers(&self, call: &Admission) -> bool {
        match self {
            Self::Global => true,
            Self::Category(category) => *category == call.category,
            Self::Persona(persona) => call.persona.as_ref() == Some(persona),
            Self::Module(module) => *module == call.module,
            Self::Model(model) => *model == call.model,
        }
    }
}

/// What happens when a threshold is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It stands in the log and in the events.
    Log,
    /// The console shows it on every tab.
    Banner,
    /// The command of the setting `budget.notify` is run.
    Notify,
    /// Tasks that begin from now on ask this model.
    Downgrade(String),
    /// Calls of the budget's own scope are refused.
    Disable,
    /// Calls of this category are refused.
    DisableCategory(String),
    /// Every call is refused.
    StopAll,
}

impl Action {
    /// What it does, in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Log => "logged".to_owned(),
            Self::Banner => "shown in the console".to_owned(),
            Self::Notify => "notified".to_owned(),
            Self::Downgrade(model) => format!("new tasks ask {}", SafeText::clipped(model, 80)),
            Self::Disable => "its calls are refused".to_owned(),
            Self::DisableCategory(category) => format!("{} calls are refused", SafeText::clipped(category, 40)),
            Self::StopAll => "all calls are refused".to_owned(),
        }
    }
}

/// A share of a budget, and what happens there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threshold {
    /// In percent of the limit: 1 to 1,000.
    pub percent: u32,
    /// What happens.
    pub actions: Vec<Action>,
}

impl Threshold {
    /// What the runbooks ask for: a line at 50, a banner at 75, somebody is told at 90, and at 100 the scope is stopped.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        let at = |percent, actions| Self { percent, actions };
        vec![
            at(50, vec![Action::Log]),
            at(75, vec![Action::Log, Action::Banner]),
            at(90, vec![Action::Banner, Action::Notify]),
            at(100, vec![Action::Banner, Action::Notify, Action::Disable]),
        ]
    }
}

/// A budget.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it covers.
    pub scope: Scope,
    /// When it begins anew.
    pub period: Period,
    /// The zone in which periods are counted.
    #[serde(serialize_with = "zone_name")]
    pub zone: Tz,
    /// How much may be spent in a period.
    pub limit: Picos,
    /// Whether a call that might exceed it is refused. A soft one only tells.
    pub is_hard: bool,
    /// What happens on the way, in rising order.
    pub thresholds: Vec<Threshold>,
    /// Models that may be asked although nobody knows their price.
    pub unpriced_allowed: Vec<String>,
}

fn zone_name<S: serde::Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(zone.name())
}

/// How much of a budget a period has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Used {
    /// The period.
    pub span: Span,
    /// What was charged, calls of unknown cost at what was set aside for them.
    pub spent: Picos,
    /// What is set aside for calls under way.
    pub reserved: Picos,
    /// Calls whose cost is unknown.
    pub unknown: i64,
}

impl Budget {
    /// The period around a moment.
    #[must_use]
    pub fn span(&self, at: Millis) -> Span {
        self.period.around(at, self.zone)
    }

    /// The share that is spent, in percent, rounded down so that nothing is reached before it is. A limit of nothing is reached at once.
    #[must_use]
    pub fn percent(&self, spent: Picos) -> u32 {
        if self.limit.0 == 0 {
            return 100;
        }
        u32::try_from(i128::from(spent.0.max(0)) * 100 / i128::from(self.limit.0)).unwrap_or(u32::MAX)
    }

    /// The thresholds that are reached.
    pub fn reached(&self, spent: Picos) -> impl Iterator<Item = &Threshold> {
        let percent = self.percent(spent);
        self.thresholds.iter().filter(move |threshold| threshold.percent <= percent)
    }

    /// Whether a call fits in; a soft budget and one that covers other calls let it through.
    #[must_use]
    pub fn admits(&self, used: &Used, estimate: Picos) -> bool {
        !self.is_hard || used.spent.saturating_add(used.reserved).saturating_add(estimate) <= self.limit
    }

    /// Check what a person wrote.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn check(&self) -> Result<(), String> {
        if self.name.trim().is_empty() || self.name.len() > 60 || self.name.chars().any(char::is_control) {
            return Err("a budget needs a name of at most 60 characters".to_owned());
        }
        if self.limit.0 < 0 {
            return Err(format!("the limit of {} is negative: write an amount in USD, as 5 or 2000", self.name));
        }
        for threshold in &self.thresholds {
            if !(1..=1_000).contains(&threshold.percent) {
                return Err(format!("a threshold of {} is at {} %: 1 to 1000 is possible", self.name, threshold.percent));
            }
            for action in &threshold.actions {
                if let Action::DisableCategory(word) = action {
                    word.parse::<Category>()?;
                }
            }
        }
        if self.thresholds.windows(2).any(|pair| matches!(pair, [a, b] if a.percent >= b.percent)) {
            return Err(format!("the thresholds of {} have to rise, each percentage once", self.name));
        }
        Ok(())
    }
}
