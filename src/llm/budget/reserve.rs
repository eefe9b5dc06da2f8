//! What the client does with budgets: estimate a call, set that aside with its row, settle both, and choose a cheaper model where one is wanted.

use super::admission::{self, Reached, Refused};
use super::correction;
use super::model::Admission;
use crate::base::{Millis, Picos};
use crate::llm::chat::ChatRequest;
use crate::llm::ledger::{self, Priced, Settled, Started, rollup};
use crate::llm::price::{Book, book, cost};
use crate::llm::route::cache::Kept;
use crate::llm::usage::{Shape, Usage};
use crate::store::{Conn, Result};
use crate::vals;

/// Output tokens that are set aside for an answer without a limit of its own.
const OUTPUT: i64 = 4_096;
/// Bytes of a token, at least: English has four, and what has fewer has more bytes a letter.
const BYTES: usize = 3;
/// Tokens around each message.
const AROUND: i64 = 16;

/// What a call may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it has no price by contract.
    Free,
    /// So many tokens, at most.
    Tokens {
        /// Of the question.
        input: i64,
        /// Of the answer.
        output: i64,
    },
}

impl Need {
    /// What a question may need at most: its own length counted generously, and the whole answer that it allows.
    #[must_use]
    pub fn of(request: &ChatRequest) -> Self {
        let texts = request.messages.iter().map(|message| &message.content).chain(&request.system);
        let (bytes, count) = texts.fold((0_usize, 0_i64), |(bytes, count), text| (bytes.saturating_add(text.len()), count + 1));
        let input = i64::try_from(bytes.div_ceil(BYTES)).unwrap_or(i64::MAX / 2).saturating_add(count * AROUND);
        Self::Tokens { input, output: request.max_tokens.map_or(OUTPUT, i64::from) }
    }

    /// Tokens of the question and of the answer, at most.
    #[must_use]
    pub fn tokens(self) -> (i64, i64) {
        match self {
            Self::Free => (0, 0),
            Self::Tokens { input, output } => (input, output),
        }
    }

    fn usage(self) -> Option<Usage> {
        let Self::Tokens { input, output } = self else { return None };
        Some(Usage {
            input,
            output,
            cached: 0,
            written: 0,
            written_1h: 0,
            written_12h: 0,
            // Reasoning is inside the answer; where it is dearer, all of it may be that.
            reasoning: output,
            shape: Shape::Chat,
            flags: Vec::new(),
        })
    }
}

/// What a call may cost at most by the price in force; `None` when nobody knows it.
fn estimate(c: &mut dyn Conn, own: &Book, call: &Started, need: Need) -> Result<Option<Picos>> {
    let Some(with_reasoning) = need.usage() else { return Ok(Some(Picos::ZERO)) };
    let Some(row) = book::in_force(c, own, &call.model_asked, call.started_at)? else { return Ok(None) };
    let without = Usage { reasoning: 0, ..with_reasoning.clone() };
    let price = |usage: &Usage| cost(&row.rates, usage, None, call.started_at).map(|cost| cost.total);
    Ok(price(&with_reasoning).max(price(&without)))
}

/// Set aside what a call may cost, and write its row with it. What nobody settled in time is settled first, so that it does not stand in the way.
///
/// # Errors
/// The outer error when the database refuses; the inner one when a budget does: nothing is written then.
pub fn admit(c: &mut dyn Conn, own: &Book, mut call: Started, need: Need, lease: Millis) -> Result<std::result::Result<(), Refused>> {
    admission::recover(c, call.started_at)?;
    let estimate = estimate(c, own, &call, need)?;
    let admission = asking(&call, estimate, lease);
    match admission::admit(c, &admission)? {
        Ok(admitted) => {
            call.reserved = admitted.reserved;
            ledger::start(c, &call)?;
            Ok(Ok(()))
        }
        Err(refused) => Ok(Err(refused)),
    }
}

/// Write down that a question was answered with a kept answer: let through as a call is, and free of charge.
///
/// # Errors
/// As [`admit`].
pub fn hit(
    c: &mut dyn Conn,
    own: &Book,
    call: Started,
    kept: &Kept,
    trace: &str,
    lease: Millis,
) -> Result<std::result::Result<(), Refused>> {
    if let Err(refused) = admit(c, own, call.clone(), Need::Free, lease)? {
        return Ok(Err(refused));
    }
    ledger::hit(c, &call, kept, trace, call.started_at)?;
    // Nothing was spent, so nothing is reached that was not reached before.
    admission::settle(c, &call.id, Some(Picos::ZERO), call.started_at)?;
    Ok(Ok(()))
}

/// Complete the row of a call and settle what was set aside for it, with what it was charged. A call that was given up for lost meanwhile counts
/// at what was set aside, until its answer comes after all: then that is corrected.
///
/// # Errors
/// When the database refuses.
pub fn settle(c: &mut dyn Conn, own: &Book, call: &Started, settled: &Settled) -> Result<(Option<Priced>, Vec<Reached>)> {
    let given_up = given_up(c, &call.id)?;
    let priced = ledger::settle(c, own, call, settled)?;
    let charged = rollup::of_call(c, &call.id)?.and_then(|sample| sample.charged());
    let reached = match (given_up, charged) {
        (None, charged) => admission::settle(c, &call.id, charged, settled.finished_at)?,
        (Some(reserved), Some(charged)) => correction::charged(c, &asking(call, Some(reserved), 0), charged, settled.finished_at)?,
        (Some(_), None) => Vec::new(),
    };
    Ok((priced, reached))
}

/// What had been set aside for a call whose reservation was settled without its answer; `None` for one that still has it, or never had one.
fn given_up(c: &mut dyn Conn, id: &str) -> Result<Option<Picos>> {
    let row = c.first(
        "SELECT cost_reserved_picos FROM llm_calls l WHERE l.id = $1 AND l.cost_reserved_picos IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM budget_reservations r WHERE r.call_id = l.id)",
        vals![id],
    )?;
    row.map_or(Ok(None), |row| row.int("cost_reserved_picos").map(|picos| Some(Picos(picos))))
}

/// A call as the budgets look at it.
fn asking(call: &Started, estimate: Option<Picos>, lease: Millis) -> Admission {
    Admission {
        call_id: call.id.clone(),
        at: call.started_at,
        persona: call.persona.clone(),
        module: call.module.clone(),
        model: call.model_asked.clone(),
        category: call.category,
        estimate,
        lease,
    }
}

/// The model that a budget wants a task to ask instead, with the budget's name; nothing for a task that has begun.
///
/// # Errors
/// When the database refuses.
pub fn downgraded(c: &mut dyn Conn, request: &ChatRequest, model: &str, at: Millis) -> Result<Option<(String, String)>> {
    let begun = c.first("SELECT id FROM llm_calls WHERE correlation_id = $1 LIMIT 1", vals![&request.correlation_id])?;
    if begun.is_some() {
        return Ok(None);
    }
    let call = Admission {
        call_id: String::new(),
        at,
        persona: request.persona.clone(),
        module: request.module.clone(),
        model: model.to_owned(),
        category: request.category,
        estimate: None,
        lease: 0,
    };
    Ok(admission::downgraded(c, &call)?.filter(|(instead, _)| instead != model))
}

#[cfg(test)]
mod tests {
    use super::super::{Budget, Period, Scope, Threshold, book};
    use super::*;
    use crate::base::PersonaId;
    use crate::llm::ledger::{Category, Outcome};
    use crate::llm::reported::Reported;
    use crate::store::audit::Actor;
    use crate::store::{Error, testing};
    use std::time::Duration;

    const NOW: Millis = 1_795_219_200_000;

    #[test]
    fn a_call_that_was_given_up_for_lost_and_answers_after_all_counts_what_it_was_charged() {
        let budget = Budget {
            id: "b".into(),
            name: "daily".into(),
            scope: Scope::Global,
            period: Period::Day,
            zone: chrono_tz::Tz::UTC,
            limit: Picos(5_000_000_000_000),
            is_hard: true,
            thresholds: Threshold::usual(),
            unpriced_allowed: Vec::new(),
        };
        let call = Started {
            id: "call".into(),
            request_id: "call".into(),
            attempt: 1,
            persona: Some(PersonaId::from_stored("p")),
            module: "draft".into(),
            correlation_id: "c".into(),
            model_asked: "openai/gpt-5-mini".into(),
            streamed: false,
            started_at: NOW,
            category: Category::default(),
            queued: Duration::ZERO,
            reserved: None,
        };
        let settled = Settled {
            finished_at: NOW + 2_000,
            outcome: Outcome::Ok,
            model_answered: None,
            provider: None,
            generation_id: None,
            service_tier: None,
            latency: Duration::from_secs(2),
            first_token: None,
            reported: Reported::read(r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"cost":0.0001}"#),
            http_status: None,
            error_type: None,
            error_message: None,
            finish_reason: None,
        };
        let (prices, (database, _directory)) = (Book::embedded().unwrap(), testing::database());
        database
            .write_blocking(move |c| {
                book::set(c, &budget, &Actor::human("ana"), NOW - 1)?;
                admit(c, &prices, call.clone(), Need::Tokens { input: 1_000, output: 4_096 }, 600_000)?.unwrap();
                // Another process of the same persona starts, and takes it for what a crash left behind.
                assert_eq!(ledger::recover(c, &PersonaId::from_stored("p"), NOW + 1_000, NOW + 1_000)?, 1);
                assert_eq!(admission::recover(c, NOW + 1_000)?, 1);
                let given_up = book::used(c, &budget, NOW + 1_000)?;
                assert!(given_up.spent > Picos(100_000_000) && given_up.unknown == 1, "{given_up:?}");
                settle(c, &prices, &call, &settled)?;
                let used = book::used(c, &budget, NOW + 2_000)?;
                assert_eq!((used.spent, used.reserved, used.unknown), (Picos(100_000_000), Picos::ZERO, 0));
                Ok::<_, Error>(())
            })
            .unwrap();
    }

    #[test]
    fn a_question_is_estimated_generously() {
        let request = ChatRequest { max_tokens: Some(200), ..ChatRequest::new("draft", Some("Be brief.".into()), "x".repeat(3_000)) };
        assert_eq!(Need::of(&request), Need::Tokens { input: 1_003 + 32, output: 200 });
        let open = ChatRequest::new("draft", None, "");
        assert_eq!(Need::of(&open), Need::Tokens { input: 16, output: OUTPUT });
    }
}
