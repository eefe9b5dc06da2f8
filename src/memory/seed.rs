//! The demonstration persona with its eight beliefs and six edges, from `assets/seed.toml`.

use super::beliefs::{self, BeliefFilter, NewBelief};
use super::change::{Author, Trigger};
use super::edges::{self, Relation};
use super::{Error, PersonaConfig, Result, personas};
use crate::base::PersonaId;
use crate::store::Conn;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

const SEED: &str = include_str!("../../assets/seed.toml");
const RATIONALE: &str = "Part of the seed data";

/// What seeding did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seeded {
    /// The persona.
    pub persona: PersonaId,
    /// Its username.
    pub reddit_username: String,
    /// Whether it was made now.
    pub persona_created: bool,
    /// How many beliefs were made.
    pub beliefs_created: usize,
    /// How many edges were made.
    pub edges_created: usize,
    /// Why no beliefs were made, when none were.
    pub skipped: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedFile {
    persona: SeedPersona,
    beliefs: Vec<SeedBelief>,
    edges: Vec<SeedEdge>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedPersona {
    username: String,
    display_name: String,
    config: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedBelief {
    /// How the edges of the file name it.
    key: String,
    title: String,
    summary: String,
    confidence: f64,
    tags: Vec<String>,
    stance: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedEdge {
    source: String,
    target: String,
    relation: Relation,
    weight: f64,
}

/// Seed the demonstration persona. A persona that exists keeps its configuration; one that has a belief keeps its beliefs.
///
/// # Errors
/// [`Error::Store`]; [`Error::Seed`] when the embedded file does not hold together, which a test rules out.
pub fn apply(c: &mut dyn Conn, author: &Author<'_>) -> Result<Seeded> {
    let seed = read_seed()?;
    let (persona, persona_created) = match personas::find(c, &seed.persona.username) {
        Ok(persona) => (persona, false),
        Err(Error::PersonaNotFound { .. }) => {
            let config = PersonaConfig::from_value(&seed.persona.config)?;
            (personas::add(c, &seed.persona.username, Some(&seed.persona.display_name), &config, author)?, true)
        }
        Err(failure) => return Err(failure),
    };
    let mut seeded = Seeded {
        persona: persona.id.clone(),
        reddit_username: persona.reddit_username,
        persona_created,
        beliefs_created: 0,
        edges_created: 0,
        skipped: None,
    };
    let held = beliefs::query(c, &persona.id, &BeliefFilter::default())?.nodes.len();
    if held > 0 {
        seeded.skipped = Some(format!("{} has {held} beliefs already", seeded.reddit_username));
        return Ok(seeded);
    }
    let mut ids: HashMap<&str, String> = HashMap::new();
    for belief in &seed.beliefs {
        let new = NewBelief {
            title: &belief.title,
            summary: &belief.summary,
            confidence: belief.confidence,
            tags: &belief.tags,
            stance: &belief.stance,
            rationale: RATIONALE,
        };
        ids.insert(&belief.key, beliefs::create(c, &persona.id, &new, Trigger::Manual, author)?.id);
        seeded.beliefs_created += 1;
    }
    for edge in &seed.edges {
        let end =
            |key: &str| ids.get(key).ok_or_else(|| Error::Seed { reason: format!("an edge names the belief {key:?}, which is not there") });
        let (source, target) = (end(&edge.source)?, end(&edge.target)?);
        edges::add(c, &persona.id, source, target, edge.relation, edge.weight, author)?;
        seeded.edges_created += 1;
    }
    Ok(seeded)
}

/// The persona's beliefs that the seed file names, by its keys.
pub(super) fn keys(c: &mut dyn Conn, persona: &PersonaId) -> Result<HashMap<String, String>> {
    let titles: HashMap<String, String> = read_seed()?.beliefs.into_iter().map(|belief| (belief.title, belief.key)).collect();
    let held = beliefs::query(c, persona, &BeliefFilter::default())?.nodes;
    Ok(held.into_iter().filter_map(|node| titles.get(&node.title).map(|key| (key.clone(), node.id))).collect())
}

fn read_seed() -> Result<SeedFile> {
    toml::from_str(SEED).map_err(|error| Error::Seed { reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_file_holds_together() {
        let seed = read_seed().unwrap();
        let config = PersonaConfig::from_value(&seed.persona.config).unwrap();
        assert_eq!(config.target_subreddits, ["test", "bottest"]);
        assert!(config.interest_keywords.is_empty() && !config.writing_rules.is_empty() && config.other.is_empty());
        let found: Vec<(&str, f64)> = seed.beliefs.iter().map(|belief| (belief.title.as_str(), belief.confidence)).collect();
        assert_eq!(
            found,
            [
                ("Evidence-based reasoning", 0.95),
                ("AI alignment", 0.82),
                ("Open-source", 0.78),
                ("Climate change", 0.91),
                ("Civility", 0.88),
                ("Bayesian updating", 0.85),
                ("Privacy", 0.80),
                ("Skepticism", 0.87),
            ]
        );
        assert_eq!(seed.edges.len(), 6);
    }
}
