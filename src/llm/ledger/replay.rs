//! A span of calls priced again, each with the price in force at its time: what was computed then has to come out now, whatever changed since.
//!
//! A price that is imported later and holds from later on changes nothing. One that is imported later and holds from an earlier day on does: such
//! calls are told with both prices.

use super::{cost, rollup};
use crate::base::{Millis, Picos};
use crate::llm::price::book::Prices;
use crate::llm::usage::{Shape, Usage};
use crate::store::{Conn, Result, Row};
use crate::vals;
use serde::Serialize;

/// Calls that are read at once.
const BATCH: i64 = 5_000;
/// Differences that are told one by one.
const TOLD: usize = 1_000;

/// Why a call comes out otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The same price, and another result: the row or the arithmetic was changed.
    Arithmetic,
    /// Another price is in force for that time now.
    OtherPrice,
    /// There was no price then, and there is one for that time now.
    NowPriced,
    /// There was a price then, and there is none for that time now.
    NoPrice,
}

impl Cause {
    /// In a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Arithmetic => "the same price gives another result",
            Self::OtherPrice => "another price was recorded for that time afterwards",
            Self::NowPriced => "a price was recorded for that time afterwards",
            Self::NoPrice => "its price is not in the book any more",
        }
    }
}

/// A call that comes out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The call.
    pub id: String,
    /// When it started.
    pub started_at: Millis,
    /// The model it was priced for.
    pub model: String,
    /// What was computed then, in pico-dollars.
    pub then: Option<Picos>,
    /// With which price.
    pub price_then: Option<String>,
    /// What is computed now.
    pub now: Option<Picos>,
    /// With which price.
    pub price_now: Option<String>,
    /// Why.
    pub cause: Cause,
}

/// A span of calls, priced again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// Calls that were looked at: those that were settled and not answered from the cache.
    pub calls: u64,
    /// Those with a computed cost then and now.
    pub priced: u64,
    /// Those without a price then and now.
    pub unpriced: u64,
    /// Those without token counts, which have no computed cost.
    pub without_usage: u64,
    /// What was computed then, in all.
    pub then: Picos,
    /// What is computed now, in all.
    pub now: Picos,
    /// What the providers reported, in all.
    pub reported: Picos,
    /// How many calls come out otherwise.
    pub different: u64,
    /// The first of them, at most 1,000.
    pub differences: Vec<Difference>,
    /// Days on which the kept sums are not what the calls add up to.
    pub sums_off: Vec<rollup::Difference>,
}

impl Replay {
    /// Whether the same came out.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.different == 0 && self.sums_off.is_empty()
    }

    fn take(&mut self, row: &Row, prices: &mut Prices) -> Result<()> {
        self.calls += 1;
        let picos = |column| Ok::<_, crate::store::Error>(row.int_opt(column)?.map(Picos));
        let (then, price_then) = (picos("cost_computed_picos")?, row.text_opt("price_id")?);
        self.reported = self.reported.saturating_add(picos("cost_reported_picos")?.unwrap_or_default());
        self.then = self.then.saturating_add(then.unwrap_or_default());
        let Some(usage) = usage(row)? else {
            self.without_usage += 1;
            // A cost that was computed of tokens that are not there any more cannot come out again.
            if then.is_some() {
                self.differ(row, then, price_then, None, None, Cause::Arithmetic)?;
            }
            return Ok(());
        };
        let (model, at, tier) = (row.text("model")?, row.int("started_at")?, row.text_opt("service_tier")?);
        let found = prices.in_force(&model, at);
        let now = found.and_then(|price| cost(&price.rates, &usage, tier.as_deref(), at)).map(|cost| cost.total);
        let price_now = found.filter(|_| now.is_some()).map(|price| price.id.clone());
        self.now = self.now.saturating_add(now.unwrap_or_default());
        match (then, now) {
            (Some(_), Some(_)) => self.priced += 1,
            (None, None) => self.unpriced += 1,
            _ => {}
        }
        let cause = match (then, now) {
            (then, now) if then == now => return Ok(()),
            (None, _) => Cause::NowPriced,
            (_, None) => Cause::NoPrice,
            _ if price_then == price_now => Cause::Arithmetic,
            _ => Cause::OtherPrice,
        };
        self.differ(row, then, price_then, now, price_now, cause)
    }

    fn differ(
        &mut self,
        row: &Row,
        then: Option<Picos>,
        price_then: Option<String>,
        now: Option<Picos>,
        price_now: Option<String>,
        cause: Cause,
    ) -> Result<()> {
        self.different += 1;
        if self.differences.len() < TOLD {
            let (id, started_at, model) = (row.text("id")?, row.int("started_at")?, row.text("model")?);
            self.differences.push(Difference { id, started_at, model, then, price_then, now, price_now, cause });
        }
        Ok(())
    }
}

fn usage(row: &Row) -> Result<Option<Usage>> {
    let (Some(input), Some(output)) = (row.int_opt("tokens_in")?, row.int_opt("tokens_out")?) else { return Ok(None) };
    let count = |column| Ok::<_, crate::store::Error>(row.int_opt(column)?.unwrap_or(0));
    Ok(Some(Usage {
        input,
        output,
        cached: count("tokens_cached")?,
        written: count("tokens_written")?,
        written_1h: count("tokens_written_1h")?,
        written_12h: count("tokens_written_12h")?,
        reasoning: count("tokens_reasoning")?,
        shape: Shape::Chat,
        flags: Vec::new(),
    }))
}

/// Price the calls of a span again, and compare the kept sums of its whole UTC days with them.
///
/// # Errors
/// When the database refuses.
pub fn replay(c: &mut dyn Conn, prices: &mut Prices, from: Millis, until: Millis) -> Result<Replay> {
    let mut replay = Replay::default();
    let (mut at, mut id) = (from, String::new());
    loop {
        let rows = c.query(
            &format!(
                "SELECT id, started_at, COALESCE(model_answered, model_asked) AS model, service_tier, tokens_in, tokens_out, tokens_cached, \
                 tokens_written, tokens_written_1h, tokens_written_12h, tokens_reasoning, cost_reported_picos, cost_computed_picos, price_id, \
                 is_cached, outcome FROM llm_calls WHERE started_at < $1 AND (started_at, id) > ($2, $3) ORDER BY started_at, id LIMIT {BATCH}"
            ),
            vals![until, at, &id],
        )?;
        for row in &rows {
            (at, id) = (row.int("started_at")?, row.text("id")?);
            if !row.flag("is_cached")? && row.text("outcome")? != "started" {
                replay.take(row, prices)?;
            }
        }
        if (rows.len() as i64) < BATCH {
            break;
        }
    }
    let (first, behind) = (from + (-from).rem_euclid(rollup::DAY), until - until.rem_euclid(rollup::DAY));
    if first < behind {
        replay.sums_off = rollup::differences(c, first, behind)?;
    }
    Ok(replay)
}

#[cfg(test)]
mod tests {
    use super::super::{Category, Outcome, Settled, Started, settle, start};
    use super::*;
    use crate::llm::price::{Book, book, import};
    use crate::llm::reported::Reported;
    use crate::store::audit::Actor;
    use crate::store::{Error, testing};
    use serde_json::json;
    use std::time::Duration;

    /// 2026-10-01.
    const OCTOBER: Millis = 1_790_812_800_000;
    const NOVEMBER: Millis = OCTOBER + 31 * rollup::DAY;

    fn call(c: &mut dyn Conn, own: &Book, number: i64, usage: &str, tier: Option<&str>) -> Result<()> {
        let call = Started {
            id: format!("c{number}"),
            request_id: format!("r{number}"),
            attempt: 1,
            persona: None,
            module: "draft".into(),
            correlation_id: "c".into(),
            model_asked: ["openai/gpt-5-mini", "anthropic/claude-haiku-4.5", "made/up"][number as usize % 3].into(),
            streamed: false,
            started_at: OCTOBER + number * rollup::HOUR * 7,
            category: Category::Batch,
            queued: Duration::ZERO,
            reserved: None,
        };
        start(c, &call)?;
        let settled = Settled {
            finished_at: call.started_at + 9,
            outcome: Outcome::Ok,
            model_answered: None,
            provider: None,
            generation_id: None,
            service_tier: tier.map(str::to_owned),
            latency: Duration::from_millis(9),
            first_token: None,
            reported: Reported::read(usage),
            http_status: Some(200),
            error_type: None,
            error_message: None,
            finish_reason: None,
        };
        settle(c, own, &call, &settled).map(drop)
    }

    fn price(c: &mut dyn Conn, from: Millis, prompt: &str) -> Result<()> {
        let text = json!({"data": [{"id": "openai/gpt-5-mini", "pricing": {"prompt": prompt, "completion": "0.000002"}}]}).to_string();
        let (source, table) = import::read(&text).unwrap();
        book::import(c, source, table, from, NOVEMBER + rollup::DAY, &Actor::human("tester")).map(drop)
    }

    #[test]
    fn a_closed_month_comes_out_to_the_same_pico_after_prices_changed() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                let own = Book::embedded().unwrap();
                for number in 0..90 {
                    let usage = json!({"prompt_tokens": 1_000 + number * 37, "completion_tokens": 10 + number, "cost": 0.001,
                        "prompt_tokens_details": {"cached_tokens": number * 11, "cache_write_tokens": number},
                        "completion_tokens_details": {"reasoning_tokens": number / 2}});
                    call(c, &own, number, &usage.to_string(), Some(["flex", "default"][number as usize % 2]))?;
                }
                call(c, &own, 90, "{}", None)?;
                let again = |c: &mut dyn Conn| -> Result<Replay> {
                    let mut prices = Prices::load(c, &Book::embedded().unwrap())?;
                    replay(c, &mut prices, OCTOBER, NOVEMBER)
                };
                let before = again(c)?;
                assert!(before.is_same(), "{before:?}");
                assert_eq!((before.calls, before.priced, before.unpriced, before.without_usage), (91, 60, 30, 1));
                assert!(before.then.0 > 0 && before.then == before.now);

                price(c, NOVEMBER, "0.000009")?;
                assert_eq!(again(c)?, before, "a price of next month changes nothing");

                price(c, OCTOBER + 10 * rollup::DAY, "0.000009")?;
                let after = again(c)?;
                assert_eq!(after.then, before.then);
                assert!(after.different > 0 && after.now > after.then);
                assert!(after.differences.iter().all(|one| one.cause == Cause::OtherPrice && one.started_at >= OCTOBER + 10 * rollup::DAY));

                c.exec("UPDATE llm_calls SET cost_computed_picos = cost_computed_picos + 1 WHERE id = 'c1'", &[])?;
                c.exec("UPDATE roll_day SET charged_picos = charged_picos + 1 WHERE model = 'made/up'", &[])?;
                let tampered = again(c)?;
                assert!(tampered.differences.iter().any(|one| one.id == "c1" && one.cause == Cause::Arithmetic));
                assert!(!tampered.sums_off.is_empty());
                Ok::<_, Error>(())
            })
            .unwrap();
    }
}
