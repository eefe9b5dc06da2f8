//! Fingerprints of what a persona has said or is about to say, kept in memory, so that a draft is compared with all of it at once.
//!
//! Read whole once, then only what changed since. A hundred thousand fingerprints take two megabytes.

use crate::base::{Millis, PersonaId};
use crate::moderation::detect::similarity;
use crate::moderation::error::Result;
use crate::moderation::quality::NOT_GOLDEN;
use crate::moderation::state::State;
use crate::store::{Conn, Row};
use crate::vals;
use std::collections::HashMap;

/// Rows read at a time.
const PAGE: i64 = 5_000;
/// Clocks of other machines, and transactions that end late: what changed so long before the last look is read again.
const OVERLAP: Millis = 600_000;

/// One text of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnText {
    pub item: String,
    pub at: Millis,
    pub subreddit: String,
    pub thread: Option<String>,
    pub parent: Option<String>,
    /// Whether it was said or may still be.
    pub counts: bool,
}

/// The fingerprints of one persona.
#[derive(Debug, Default)]
pub(super) struct OwnTexts {
    texts: Vec<OwnText>,
    hashes: Vec<u64>,
    places: HashMap<String, usize>,
    read_until: Millis,
}

/// Whether a text in this state was said, or may still be.
pub(super) fn counts(state: State) -> bool {
    !matches!(
        state,
        State::Rejected | State::Discarded | State::Expired | State::Abandoned | State::Refused | State::Superseded | State::Blocked
    )
}

impl OwnTexts {
    /// Read what changed since the last look.
    pub fn refresh(&mut self, c: &mut dyn Conn, persona: &PersonaId) -> Result<()> {
        let since = if self.read_until == 0 { Millis::MIN } else { self.read_until - OVERLAP };
        let (mut at, mut id) = (since, String::new());
        loop {
            let rows = c.query(
                &format!(
                    "SELECT p.id, p.state, p.simhash, p.created_at, p.updated_at, lower(p.target_subreddit) AS subreddit, p.thread_id,
                       p.parent_id, CASE WHEN p.simhash IS NULL THEN p.content END AS content
                     FROM pending_posts p WHERE p.persona_id = $1 AND p.updated_at >= $2 AND (p.updated_at, p.id) > ($2, $3)
                       AND {NOT_GOLDEN} ORDER BY p.updated_at, p.id LIMIT $4"
                ),
                vals![persona, at, id.as_str(), PAGE],
            )?;
            let Some(last) = rows.last() else { break };
            (at, id) = (last.int("updated_at")?, last.text("id")?);
            for row in &rows {
                self.take(row)?;
            }
            self.read_until = self.read_until.max(at);
            if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self, row: &Row) -> Result<()> {
        let hash = match row.int_opt("simhash")? {
            Some(hash) => hash.cast_unsigned(),
            None => similarity::simhash(&row.text_opt("content")?.unwrap_or_default()),
        };
        let text = OwnText {
            item: row.text("id")?,
            at: row.int("created_at")?,
            subreddit: row.text("subreddit")?,
            thread: row.text_opt("thread_id")?,
            parent: row.text_opt("parent_id")?,
            counts: row.text("state")?.parse().is_ok_and(counts),
        };
        match self.places.get(&text.item) {
            Some(place) => {
                if let (Some(known), Some(known_hash)) = (self.texts.get_mut(*place), self.hashes.get_mut(*place)) {
                    (*known, *known_hash) = (text, hash);
                }
            }
            None => {
                self.places.insert(text.item.clone(), self.texts.len());
                self.texts.push(text);
                self.hashes.push(hash);
            }
        }
        Ok(())
    }

    /// The texts whose fingerprints are near, nearest first.
    pub fn near(&self, hash: u64, distance: u32) -> Vec<&OwnText> {
        let mut found = similarity::candidates(hash, &self.hashes, distance);
        found.sort_by_key(|place| self.hashes.get(*place).map(|other| (other ^ hash).count_ones()));
        found.into_iter().filter_map(|place| self.texts.get(place)).filter(|text| text.counts).collect()
    }
}
