//! How each rule fares with the people who decide: what it flagged, and whether they saw it the same way.

use super::{NOT_GOLDEN, PAGE};
use crate::base::{Millis, PersonaId};
use crate::moderation::error::Result;
use crate::store::Conn;
use crate::vals;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How one rule fared. What is neither agreed nor overturned was not decided by a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RuleCounts {
    /// Items whose present text it flags.
    pub hits: usize,
    /// A person rejected the item, or threw it away.
    pub agreed: usize,
    /// A person approved the item all the same.
    pub overturned: usize,
    /// Items that it would flag if it were not in shadow.
    pub shadow: usize,
    /// Of these, the ones that a person rejected or threw away: what it would gain.
    pub shadow_agreed: usize,
}

#[derive(Deserialize)]
struct Hits {
    #[serde(default)]
    hits: Vec<RuleOnly>,
    #[serde(default)]
    shadow: Vec<RuleOnly>,
}

#[derive(Deserialize)]
struct RuleOnly {
    rule_id: String,
}

/// By rule, of what was drafted since then. An item counts once for each rule, however often the rule fired.
pub(super) fn rules(c: &mut dyn Conn, persona: Option<&PersonaId>, since: Millis) -> Result<BTreeMap<String, RuleCounts>> {
    let mut found: BTreeMap<String, RuleCounts> = BTreeMap::new();
    let sql = format!(
        "SELECT p.created_at, p.id, p.evaluation,
           CASE WHEN p.state IN ('rejected', 'discarded') THEN 'agreed'
             WHEN p.approval_digest IS NOT NULL AND p.reviewed_by IS NOT NULL AND p.reviewed_by <> p.approval_account THEN 'overturned'
             ELSE 'open' END AS outcome
         FROM pending_posts p
         WHERE (p.created_at, p.id) > ($1, $2) AND (CAST($3 AS TEXT) IS NULL OR p.persona_id = $3)
           AND p.evaluation LIKE '%\"rule_id\":%' AND {NOT_GOLDEN}
         ORDER BY p.created_at, p.id LIMIT $4"
    );
    let mut after = (since, String::new());
    loop {
        let page = c.query(&sql, vals![after.0, &after.1, persona, PAGE])?;
        let Some(end) = page.last() else { return Ok(found) };
        after = (end.int("created_at")?, end.text("id")?);
        for row in &page {
            let outcome = row.text("outcome")?;
            let hits: Hits = row.json("evaluation")?;
            let shadow: BTreeSet<String> = hits.shadow.into_iter().map(|hit| hit.rule_id).collect();
            for id in shadow {
                let counts = found.entry(id).or_default();
                counts.shadow += 1;
                counts.shadow_agreed += usize::from(outcome == "agreed");
            }
            let ids: BTreeSet<String> = hits.hits.into_iter().map(|hit| hit.rule_id).collect();
            for id in ids {
                let counts = found.entry(id).or_default();
                counts.hits += 1;
                match outcome.as_str() {
                    "agreed" => counts.agreed += 1,
                    "overturned" => counts.overturned += 1,
                    _ => {}
                }
            }
        }
    }
}
