//! A database with a persona in it, and short words for what tests do.

use quarterdeck::base::{Millis, PersonaId};
use quarterdeck::memory::beliefs::{self, NewBelief};
use quarterdeck::memory::{Author, Error, PersonaConfig, Trigger, personas};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Conn, testing};

pub const NOW: Millis = 1_790_000_000_000;

pub fn mira() -> Actor {
    Actor::human("mira")
}

/// Runs `work` in one committed transaction of a fresh database.
pub fn with_database(work: fn(&mut dyn Conn)) {
    let (database, _directory) = testing::database();
    let done = database.write_blocking(move |c| {
        work(c);
        Ok::<(), Error>(())
    });
    done.unwrap();
}

pub fn persona(c: &mut dyn Conn, name: &str) -> PersonaId {
    personas::add(c, name, None, &PersonaConfig::default(), &Author::new(&mira(), NOW)).unwrap().id
}

/// A belief made at `at`. Returns its id.
pub fn belief(c: &mut dyn Conn, owner: &PersonaId, title: &str, confidence: f64, at: Millis) -> String {
    let new = NewBelief { title, summary: "What it says.", confidence, tags: &[], stance: "I hold it.", rationale: "It was taught." };
    beliefs::create(c, owner, &new, Trigger::Manual, &Author::new(&mira(), at)).unwrap().id
}

pub fn count(c: &mut dyn Conn, table: &str) -> i64 {
    c.first(&format!("SELECT CAST(count(*) AS BIGINT) AS n FROM {table}"), &[]).unwrap().unwrap().int("n").unwrap()
}
