//! `quarterdeck prices replay`: a closed month, priced again.

use super::super::output::Table;
use super::super::{Context, Failure, Outcome};
use crate::base::{Millis, Picos, clock};
use crate::deck::Deck;
use crate::llm::budget::period;
use crate::llm::ledger::replay::{self, Replay};
use crate::llm::price::Book;
use crate::llm::price::book::Prices;
use serde_json::json;

/// Differences that are printed; JSON has up to 1,000.
const SHOWN: usize = 20;

/// Arguments of `quarterdeck prices replay`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The month, as 2026-10.
    #[arg(long, value_parser = month)]
    month: chrono::NaiveDate,
    /// The zone in which it is counted.
    #[arg(long, default_value = "UTC", value_parser = period::zone)]
    zone: chrono_tz::Tz,
}

fn month(text: &str) -> Result<chrono::NaiveDate, String> {
    let wrong = || format!("{text:?} is no month; write it as 2026-10");
    if text.len() != 7 || !text.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(wrong());
    }
    chrono::NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").map_err(|_| wrong())
}

/// The first moment of a month and the first one behind it.
fn span(month: chrono::NaiveDate, zone: chrono_tz::Tz) -> Option<(Millis, Millis)> {
    let next = month.checked_add_months(chrono::Months::new(1))?;
    Some((period::midnight(month, zone)?, period::midnight(next, zone)?))
}

/// Run the command. JSON: `{from, until, is_closed, is_same, …}` with the fields of [`Replay`].
///
/// # Errors
/// As the database says.
pub fn run(context: &Context, deck: &Deck, own: Book, args: &Args) -> Result<Outcome, Failure> {
    let (from, until) =
        span(args.month, args.zone).ok_or_else(|| Failure::usage("that month is too far away").hint("write it as --month 2026-10"))?;
    let is_closed = until <= context.clock.now();
    let again = deck.db.read_blocking(move |c| {
        let mut prices = Prices::load(c, &own)?;
        replay::replay(c, &mut prices, from, until)
    })?;
    let mut value = json!(again);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("from".to_owned(), json!(from));
        fields.insert("until".to_owned(), json!(until));
        fields.insert("is_closed".to_owned(), json!(is_closed));
        fields.insert("is_same".to_owned(), json!(again.is_same()));
    }
    context.out.either(&value, || print(context, args, &again, is_closed))?;
    Ok(if again.is_same() { Outcome::Done } else { Outcome::Problems })
}

fn print(context: &Context, args: &Args, again: &Replay, is_closed: bool) -> Result<(), Failure> {
    let month = args.month.format("%Y-%m");
    if again.calls == 0 {
        return context.out.say(format!("no calls in {month}: there is nothing to price"));
    }
    if !is_closed {
        context.out.say(format!("{month} is not over; this is what there is so far"))?;
    }
    context.out.pairs(&[
        ("calls", again.calls.to_string()),
        ("priced", again.priced.to_string()),
        ("unpriced", again.unpriced.to_string()),
        ("without tokens", again.without_usage.to_string()),
        ("computed then", again.then.to_string()),
        ("computed now", again.now.to_string()),
        ("reported", again.reported.to_string()),
    ])?;
    if again.is_same() {
        return context.out.say("the same came out, call by call".to_string());
    }
    if again.different > 0 {
        let mut table = Table::new(&["call", "when", "model", "then", "now", "why"]).right(3).right(4);
        let cost = |cost: Option<Picos>| cost.map_or_else(|| "unknown".to_owned(), |cost| cost.to_string());
        for one in again.differences.iter().take(SHOWN) {
            let when = clock::rfc3339(one.started_at);
            table.row([one.id.clone(), when, one.model.clone(), cost(one.then), cost(one.now), one.cause.words().to_owned()]);
        }
        context.out.table(&table, "")?;
        context.out.say(format!("{} of {} calls come out otherwise", again.different, again.calls))?;
    }
    for off in &again.sums_off {
        context.out.say(format!(
            "the kept sums of {} on {} are {} calls and {}, its calls add up to {} and {}",
            crate::base::SafeText::line(&off.model),
            clock::rfc3339(off.start).split_at(10).0,
            off.calls.0,
            Picos(off.charged.0),
            off.calls.1,
            Picos(off.charged.1)
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_from_its_first_midnight_to_the_next_one() {
        let of = |text: &str, zone| span(month(text).unwrap(), zone).unwrap();
        assert_eq!(of("2026-10", chrono_tz::Tz::UTC), (1_790_812_800_000, 1_793_491_200_000));
        let (from, until) = of("2026-10", chrono_tz::Tz::Europe__Berlin);
        assert_eq!((until - from) / 3_600_000, 31 * 24 + 1, "the clocks are set back in it");
        for text in ["2026-13", "2026", "2026-1", "26-10", "2026-10-01", "", "-2026-1"] {
            assert!(month(text).unwrap_err().contains("2026-10"), "{text}");
        }
    }
}
