//! What an operator may set about a loop, and within which bounds.

use super::engagement::EngagementConfig;
use super::pacing::Pacing;
use serde::{Deserialize, Serialize};

/// A parameter outside of its bounds.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the agent parameter {name} is {found}: set it to {range}")]
pub struct ParameterError {
    /// The parameter, as it is written in settings and on the command line.
    pub name: &'static str,
    /// What it was.
    pub found: String,
    /// The bounds in words.
    pub range: String,
}

/// The parameters of one persona's loop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Parameters {
    /// Seconds between cycles, 10 to 86,400. Counts with [`Pacing::Interval`] only.
    pub interval_seconds: u32,
    /// How the time between cycles is chosen.
    pub pacing: Pacing,
    /// Most new posts that are drafted for in one cycle, 1 to 20.
    pub max_posts_per_cycle: u32,
    /// Posts older than this many hours are left alone, 1 to 168.
    pub max_post_age_hours: u32,
    /// Replies this many hops deep or deeper are left alone, 1 to 20.
    pub max_conversation_depth: u32,
    /// Which posts are worth an answer.
    pub engagement: EngagementConfig,
    /// Whether a belief that came with an approved draft is linked to others without asking.
    pub auto_link_beliefs: bool,
    /// The least weight of an edge that is made without asking, 0 to 1. Lighter ones wait for a person.
    pub auto_link_min_weight: f64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            interval_seconds: 14_400,
            pacing: Pacing::default(),
            max_posts_per_cycle: 10,
            max_post_age_hours: 24,
            max_conversation_depth: 5,
            engagement: EngagementConfig::default(),
            auto_link_beliefs: true,
            auto_link_min_weight: 0.5,
        }
    }
}

impl Parameters {
    /// Check all bounds. Returns the first parameter that is outside of them.
    ///
    /// # Errors
    /// [`ParameterError`], naming the parameter and its bounds.
    pub fn check(&self) -> Result<(), ParameterError> {
        whole("interval_seconds", self.interval_seconds, 10, 86_400)?;
        whole("max_posts_per_cycle", self.max_posts_per_cycle, 1, 20)?;
        whole("max_post_age_hours", self.max_post_age_hours, 1, 168)?;
        whole("max_conversation_depth", self.max_conversation_depth, 1, 20)?;
        let config = &self.engagement;
        number("engagement.score_weight", config.score_weight, 0.0, 10.0)?;
        number("engagement.comment_weight", config.comment_weight, 0.0, 10.0)?;
        number("engagement.min_probability", config.min_probability, 0.0, 1.0)?;
        number("engagement.max_probability", config.max_probability, 0.0, 1.0)?;
        number("engagement.probability_midpoint", config.probability_midpoint, 1.0, 1000.0)?;
        number("auto_link_min_weight", self.auto_link_min_weight, 0.0, 1.0)?;
        if config.min_probability > config.max_probability {
            return Err(ParameterError {
                name: "engagement.min_probability",
                found: config.min_probability.to_string(),
                range: format!("at most engagement.max_probability, which is {}", config.max_probability),
            });
        }
        Ok(())
    }
}

fn whole(name: &'static str, value: u32, low: u32, high: u32) -> Result<(), ParameterError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(ParameterError { name, found: value.to_string(), range: format!("a whole number from {low} to {high}") })
}

fn number(name: &'static str, value: f64, low: f64, high: f64) -> Result<(), ParameterError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(ParameterError { name, found: value.to_string(), range: format!("a number from {low} to {high}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_bounds() {
        let plain = Parameters::default();
        assert_eq!(plain.check(), Ok(()));
        assert_eq!((plain.interval_seconds, plain.max_posts_per_cycle, plain.max_post_age_hours), (14_400, 10, 24));
        assert_eq!(plain.max_conversation_depth, 5);
    }

    #[test]
    fn an_error_names_the_parameter_and_its_bounds() {
        type Break = fn(&mut Parameters);
        let broken: [(Break, &str, &str); 8] = [
            (|p| p.interval_seconds = 9, "interval_seconds", "10 to 86400"),
            (|p| p.max_posts_per_cycle = 21, "max_posts_per_cycle", "1 to 20"),
            (|p| p.max_post_age_hours = 0, "max_post_age_hours", "1 to 168"),
            (|p| p.max_conversation_depth = 0, "max_conversation_depth", "1 to 20"),
            (|p| p.engagement.score_weight = 10.5, "engagement.score_weight", "0 to 10"),
            (|p| p.engagement.comment_weight = f64::NAN, "engagement.comment_weight", "0 to 10"),
            (|p| p.engagement.probability_midpoint = 0.0, "engagement.probability_midpoint", "1 to 1000"),
            (|p| p.engagement.min_probability = 0.9, "engagement.min_probability", "at most engagement.max_probability"),
        ];
        for (break_it, name, range) in broken {
            let mut parameters = Parameters::default();
            break_it(&mut parameters);
            let message = parameters.check().unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(range), "{message}");
        }
    }

    #[test]
    fn a_misspelt_parameter_is_an_error_and_a_missing_one_its_default() {
        assert!(serde_json::from_str::<Parameters>(r#"{"interval_second": 60}"#).is_err());
        let given: Parameters = serde_json::from_str(r#"{"interval_seconds": 60, "pacing": "day_and_night"}"#).unwrap();
        assert_eq!((given.interval_seconds, given.pacing, given.max_posts_per_cycle), (60, Pacing::DayAndNight, 10));
    }
}
