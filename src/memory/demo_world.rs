//! A past for the demonstration persona, from `assets/demo.toml`: more beliefs, some weeks of changes, a few hundred things that it said, and what
//! the models cost that it asked.
//!
//! Made by `quarterdeck demo` only, for a persona that the same command has just seeded. Every interaction is marked as sandbox, and every change is
//! by the demonstration. Through the same operations as anything else: the past holds together because they hold it together.

mod calls;

use super::beliefs::{self, BeliefEdit, NewBelief};
use super::change::{Author, Trigger};
use super::edges::{self, Relation};
use super::evidence::SourceType;
use super::interactions::{self, InteractionMetadata, InteractionType, NewInteraction};
use super::revisions::{self, Weighed};
use super::seed::{self, Seeded};
use super::{Direction, Error, Result, Strength, relationships, stances, undo};
use crate::base::{Millis, PersonaId};
use crate::llm::relationships::Suggested;
use crate::store::Conn;
use crate::store::audit::Actor;
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;

const WORLD: &str = include_str!("../../assets/demo.toml");
const DAY: f64 = 86_400_000.0;
/// How long the past is, in days.
const LENGTH: f64 = 28.0;
/// How many things were said in it.
const SAID: usize = 320;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct World {
    openers: Vec<String>,
    closers: Vec<String>,
    places: Vec<String>,
    says: Vec<Says>,
    beliefs: Vec<WorldBelief>,
    edges: Vec<WorldEdge>,
    events: Vec<Event>,
    ledger: calls::Ledger,
}

/// What is said from a belief of the seed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Says {
    key: String,
    claims: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorldBelief {
    key: String,
    title: String,
    confidence: f64,
    tags: Vec<String>,
    summary: String,
    stance: String,
    claims: Vec<String>,
    day: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorldEdge {
    source: String,
    target: String,
    relation: Relation,
    weight: f64,
    day: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    day: f64,
    what: What,
    belief: String,
    reason: String,
    source: Option<SourceType>,
    reference: Option<String>,
    strength: Option<Strength>,
    direction: Option<Direction>,
    confidence: Option<f64>,
    text: Option<String>,
    target: Option<String>,
    relation: Option<Relation>,
    weight: Option<f64>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum What {
    Weigh,
    Lock,
    Set,
    Link,
    Unlink,
    Conflict,
    Edit,
    Nudge,
    Undo,
    Suggest,
}

/// Something that happens at a time.
enum Step<'a> {
    Believe(&'a WorldBelief),
    Join(&'a WorldEdge),
    Change(&'a Event),
    Say(usize),
}

/// Seed the persona and give it a past that ends at `now`. A persona that has beliefs already keeps what it has.
///
/// # Errors
/// As [`seed::apply`]; [`Error::Seed`] when the embedded file does not hold together, which a test rules out.
pub fn apply(c: &mut dyn Conn, now: Millis, seed: u64, actor: &Actor) -> Result<Seeded> {
    let world: World = toml::from_str(WORLD).map_err(|error| Error::Seed { reason: error.to_string() })?;
    let mut seeded = seed::apply(c, &Author::new(actor, before(now, LENGTH)))?;
    if seeded.skipped.is_some() {
        return Ok(seeded);
    }
    let persona = seeded.persona.clone();
    let mut telling = Telling { ids: seed::keys(c, &persona)?, claims: HashMap::new(), random: fastrand::Rng::with_seed(seed), persona };
    for says in &world.says {
        telling.claims.insert(says.key.clone(), says.claims.clone());
    }
    let mut steps: Vec<(Millis, Step<'_>)> = Vec::new();
    steps.extend(world.beliefs.iter().map(|belief| (before(now, belief.day), Step::Believe(belief))));
    steps.extend(world.edges.iter().map(|edge| (before(now, edge.day), Step::Join(edge))));
    steps.extend(world.events.iter().map(|event| (before(now, event.day), Step::Change(event))));
    for number in 0..SAID {
        // Evenly over the time, with a jitter, and never in the last minutes: those belong to the agent.
        let day = 0.02 + (LENGTH - 0.5) * (number as f64 + telling.random.f64()) / SAID as f64;
        steps.push((before(now, day), Step::Say(number)));
    }
    steps.sort_by_key(|(at, _)| *at);
    for (at, step) in steps {
        let author = Author::new(actor, at);
        match step {
            Step::Believe(belief) => {
                telling.believe(c, belief, &author)?;
                seeded.beliefs_created += 1;
            }
            Step::Join(edge) => {
                let (source, target) = (telling.id(&edge.source)?, telling.id(&edge.target)?);
                edges::add(c, &telling.persona, &source, &target, edge.relation, edge.weight, &author)?;
                seeded.edges_created += 1;
            }
            Step::Change(event) => telling.change(c, event, &author)?,
            Step::Say(number) => telling.say(c, &world, number, &author)?,
        }
    }
    calls::write(c, &world.ledger, &telling.persona, now, seed, actor)?;
    Ok(seeded)
}

fn before(now: Millis, days: f64) -> Millis {
    now - (days * DAY) as Millis
}

struct Telling {
    persona: PersonaId,
    /// The beliefs that are there, by the keys of the files.
    ids: HashMap<String, String>,
    claims: HashMap<String, Vec<String>>,
    random: fastrand::Rng,
}

impl Telling {
    fn id(&self, key: &str) -> Result<String> {
        self.ids.get(key).cloned().ok_or_else(|| Error::Seed { reason: format!("the belief {key:?} is not there at that time") })
    }

    fn believe(&mut self, c: &mut dyn Conn, belief: &WorldBelief, author: &Author<'_>) -> Result<()> {
        let new = NewBelief {
            title: &belief.title,
            summary: &belief.summary,
            confidence: belief.confidence,
            tags: &belief.tags,
            stance: &belief.stance,
            rationale: "Part of the demonstration",
        };
        let made = beliefs::create(c, &self.persona, &new, Trigger::Manual, author)?;
        self.ids.insert(belief.key.clone(), made.id);
        self.claims.insert(belief.key.clone(), belief.claims.clone());
        Ok(())
    }

    fn change(&mut self, c: &mut dyn Conn, event: &Event, author: &Author<'_>) -> Result<()> {
        let (persona, id, reason) = (&self.persona, self.id(&event.belief)?, event.reason.as_str());
        let missing = |what: &str| Error::Seed { reason: format!("the event of day {} has no {what}", event.day) };
        let target = || event.target.as_deref().ok_or_else(|| missing("target")).and_then(|key| self.id(key));
        let relation = || event.relation.ok_or_else(|| missing("relation"));
        match event.what {
            What::Weigh => {
                let source = Weighed {
                    source_type: event.source.ok_or_else(|| missing("source"))?,
                    source_ref: event.reference.as_deref().ok_or_else(|| missing("reference"))?,
                    strength: event.strength.ok_or_else(|| missing("strength"))?,
                    direction: event.direction.ok_or_else(|| missing("direction"))?,
                };
                revisions::weigh_source(c, persona, &id, &source, reason, author)?;
            }
            What::Lock => drop(stances::lock(c, persona, &id, reason, author)?),
            What::Set => drop(revisions::update_by_hand(c, persona, &id, event.confidence, event.text.as_deref(), reason, author)?),
            What::Link => {
                edges::add(c, persona, &id, &target()?, relation()?, event.weight.ok_or_else(|| missing("weight"))?, author)?;
            }
            What::Unlink => {
                let edge = edges::find_twin(c, persona, &id, &target()?, relation()?)?.ok_or_else(|| missing("edge"))?;
                edges::remove(c, persona, &edge, author)?;
            }
            What::Conflict => {
                let strength = event.strength.ok_or_else(|| missing("strength"))?;
                revisions::update_from_conflict(c, persona, &id, reason, strength, event.reference.as_deref(), author)?;
            }
            What::Edit => {
                let edit = BeliefEdit { title: event.text.as_deref(), ..BeliefEdit::default() };
                beliefs::edit(c, persona, &id, &edit, reason, author)?;
            }
            What::Nudge => {
                let direction = event.direction.ok_or_else(|| missing("direction"))?;
                revisions::nudge(c, persona, &id, direction, 0.1, Some(reason), author)?;
            }
            What::Undo => drop(undo::undo(c, persona, &id, None, reason, author)?),
            What::Suggest => {
                let suggested = Suggested {
                    target_id: target()?,
                    target_title: String::new(),
                    relation: relation()?.as_str().to_owned(),
                    weight: event.weight.ok_or_else(|| missing("weight"))?,
                    reasoning: reason.to_owned(),
                };
                relationships::keep(c, persona, &id, &[suggested], Some("sandbox"), None, author)?;
            }
        }
        Ok(())
    }

    /// Say something from one belief that is held at the time, now and then from two.
    fn say(&mut self, c: &mut dyn Conn, world: &World, number: usize, author: &Author<'_>) -> Result<()> {
        let mut keys: Vec<&String> = self.ids.keys().filter(|key| self.claims.contains_key(*key)).collect();
        keys.sort_unstable();
        let random = &mut self.random;
        let pick = |random: &mut fastrand::Rng, from: &[String]| from.get(random.usize(..from.len().max(1))).cloned().unwrap_or_default();
        let Some(first) = keys.get(random.usize(..keys.len().max(1))).copied() else { return Ok(()) };
        let mut from = vec![first.clone()];
        let mut parts = vec![pick(random, &world.openers), pick(random, self.claims.get(first).map_or(&[], Vec::as_slice))];
        if random.u8(..4) == 0
            && let Some(second) = keys.get(random.usize(..keys.len().max(1))).copied().filter(|second| *second != first)
        {
            parts.push(pick(random, self.claims.get(second).map_or(&[], Vec::as_slice)));
            from.push(second.clone());
        }
        if random.u8(..3) > 0 {
            parts.push(pick(random, &world.closers));
        }
        let ids: Vec<String> = from.iter().filter_map(|key| self.ids.get(key).cloned()).collect();
        let is_reply = random.u8(..3) == 0;
        let (parent_kind, kind) = if is_reply { ("t1", InteractionType::Reply) } else { ("t3", InteractionType::Comment) };
        let mut metadata =
            InteractionMetadata { beliefs: interactions::snapshot(c, &self.persona, &ids)?, ..InteractionMetadata::default() };
        metadata.other.insert("sandbox".to_owned(), json!(true));
        let (reddit_id, parent) = (format!("t1_zzdemo{number}"), format!("{parent_kind}_zzpast{number}"));
        let new = NewInteraction {
            content: &parts.join(" "),
            interaction_type: kind,
            reddit_id: &reddit_id,
            subreddit: &pick(random, &world.places),
            parent_id: Some(&parent),
            metadata: &metadata,
        };
        interactions::log(c, &self.persona, &new, author)?;
        if number % 97 == 42 {
            interactions::retract(c, &self.persona, &reddit_id, "It repeated an earlier answer", author)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::graph::{Graph, View};
    use crate::memory::{history, suggestions};
    use crate::store::{audit, testing};

    /// Calls of several models and modules with their sums, all kinds of ends, a day that stands out and a budget near three quarters.
    fn the_ledger_has_a_past(c: &mut dyn Conn, now: Millis) -> Result<()> {
        use crate::llm::budget::{forecast, outlook};
        use crate::llm::ledger::sums::{self, By, Only};
        use crate::llm::ledger::{Window, rollup};
        let day = 86_400_000;
        let window = Window { since: now - 31 * day, until: now };
        assert_eq!(rollup::differences(c, window.since, now)?, []);
        let total = sums::total(c, &window, &Only::default())?;
        assert!((500..900).contains(&total.calls), "{total:?}");
        assert!(
            [total.errors, total.interrupted, total.cache_hits, total.retries, total.unpriced, total.tokens_cached, total.queue_us]
                .iter()
                .all(|sum| *sum > 0)
        );
        for (by, least) in [(By::Model, 5), (By::Module, 5), (By::Category, 3)] {
            assert!(sums::by(c, &window, by, &Only::default())?.len() >= least);
        }
        let days = outlook::days(c, &crate::llm::budget::Scope::Global, now - 60 * day, now - now % day)?;
        assert!(!forecast::spikes(&days, 0.01).is_empty(), "{days:?}");
        let budget = outlook::all(c, now)?.remove(0);
        assert!((72..=76).contains(&budget.percent) && budget.forecast.is_some(), "{budget:?}");
        assert_eq!(sums::total(c, &Window { since: now - 15 * 60_000, until: i64::MAX }, &Only::default())?.calls, 0);
        Ok(())
    }

    #[test]
    fn the_past_holds_together_and_has_something_of_everything() {
        let (database, _directory) = testing::database();
        let now = 1_790_000_000_000;
        let persona = database.write_blocking(move |c| apply(c, now, 1, &Actor::system("demo"))).unwrap().persona;
        let work = move |c: &mut dyn Conn| -> Result<()> {
            let graph = Graph::load(c, &persona, &View::present(now))?;
            assert!(graph.rows().len() >= 20 && graph.edges().len() >= 15);
            assert!(graph.rows().iter().any(|row| row.locked));
            assert!(graph.rows().iter().any(|row| row.drift.is_some_and(|points| points.abs() > 5.0)));
            assert!(graph.contradictions().iter().any(|found| !found.is_direct()), "{:?}", graph.contradictions());
            assert!(suggestions::open(c, &persona, None)?.len() >= 5);
            let month_ago = history::as_of(c, &persona, (now - 15 * 86_400_000).into())?;
            assert!(!history::difference(&month_ago, &history::present(c, &persona)?).edges_added.is_empty());
            assert_eq!(history::as_of(c, &persona, now.into())?, history::present(c, &persona)?);
            let said = interactions::recent(c, &persona, None, 1_000)?;
            assert!(
                said.len() > 300 && said.iter().all(|said| said.metadata.other["sandbox"] == true && !said.metadata.beliefs.is_empty())
            );
            let gauges = graph.rows().iter().find(|row| row.title.starts_with("Gauges")).expect("gauges").id.clone();
            let chain = history::chain(c, &persona, &gauges)?;
            assert!(chain.stances.len() > 2 && chain.unplaced.is_empty() && chain.stances.iter().any(|link| !link.posts.is_empty()));
            assert!(audit::verify(c)?.problems.is_empty());
            the_ledger_has_a_past(c, now)?;
            Ok(())
        };
        database.read_blocking(work).unwrap();
        let again = database.write_blocking(move |c| apply(c, now, 1, &Actor::system("demo"))).unwrap();
        assert!(again.skipped.is_some(), "a persona with beliefs keeps what it has");
    }
}
