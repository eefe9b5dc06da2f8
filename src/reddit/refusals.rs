//! Reddit's refusals as data: each code, what happens with the item, and what else follows.
//!
//! A refusal names several codes at once, in no stable order (the server keeps them in a set). The one with the highest rank decides:
//! what ends an item for good before what returns it to a person, that before what concerns the account, and "later" last.

use super::excerpt::clean;
use super::outcome::{Consequence, ExpiredBecause, Field, RefusalClass, WriteOutcome};
use std::time::Duration;

/// What a row says about the item, before the field that an answer names is known.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Expired(ExpiredBecause),
    ConfirmedIfOurs,
    Refused,
    BackToPending,
    AccountPaused,
    Deferred,
}

struct Row {
    /// The code; a `*` at the end stands for any ending.
    code: &'static str,
    rank: u8,
    fate: Fate,
    consequence: Consequence,
}

const fn row(code: &'static str, rank: u8, fate: Fate, consequence: Consequence) -> Row {
    Row { code, rank, fate, consequence }
}

/// The rank of a code that stands in no row: never retried by itself, so it outranks "later".
const UNKNOWN_RANK: u8 = 25;

#[rustfmt::skip]
const ROWS: [Row; 27] = [
    row("DELETED_COMMENT",       90, Fate::Expired(ExpiredBecause::ParentGone), Consequence::None),
    row("DELETED_LINK",          90, Fate::Expired(ExpiredBecause::ParentGone), Consequence::None),
    row("USER_BLOCKED",          85, Fate::Expired(ExpiredBecause::Blocked),    Consequence::MuteUser),
    row("TOO_OLD",               82, Fate::Expired(ExpiredBecause::Archived),   Consequence::None),
    row("THREAD_LOCKED",         80, Fate::Expired(ExpiredBecause::Locked),     Consequence::None),
    row("ALREADY_SUB",           70, Fate::ConfirmedIfOurs,                     Consequence::None),
    row("SUBREDDIT_NOTALLOWED",  60, Fate::Refused,                             Consequence::DisableTarget),
    row("SUBREDDIT_NOEXIST",     60, Fate::Refused,                             Consequence::DisableTarget),
    row("NO_SELFS",              60, Fate::Refused,                             Consequence::DisableTarget),
    row("NO_LINKS",              60, Fate::Refused,                             Consequence::DisableTarget),
    row("QUARANTINED",           60, Fate::Refused,                             Consequence::DisableTarget),
    row("PRIVATE",               60, Fate::Refused,                             Consequence::DisableTarget),
    row("DOMAIN_BANNED",         55, Fate::Refused,                             Consequence::SuggestRule),
    row("TOO_LONG",              50, Fate::BackToPending,                       Consequence::None),
    row("NO_TEXT",               50, Fate::BackToPending,                       Consequence::None),
    row("BAD_URL",               50, Fate::BackToPending,                       Consequence::None),
    row("NO_URL",                50, Fate::BackToPending,                       Consequence::None),
    row("SUBMIT_VALIDATION_*",   45, Fate::BackToPending,                       Consequence::RefreshRequirements),
    row("BANNED_FROM_SUBREDDIT", 42, Fate::AccountPaused,                       Consequence::Alarm),
    row("USER_REQUIRED",         40, Fate::AccountPaused,                       Consequence::Alarm),
    row("IN_TIMEOUT",            40, Fate::AccountPaused,                       Consequence::Alarm),
    row("INSUFFICIENT_SCOPE",    40, Fate::AccountPaused,                       Consequence::Alarm),
    row("HTTP_401",              40, Fate::AccountPaused,                       Consequence::Alarm),
    row("REDIRECTED_TO_LOGIN",   40, Fate::AccountPaused,                       Consequence::Alarm),
    row("REDIRECTED",            40, Fate::Refused,                             Consequence::Alarm),
    row("RATELIMIT",             20, Fate::Deferred,                            Consequence::None),
    // Beside RATELIMIT a captcha only repeats that the account is too fast; alone it is trouble.
    row("BAD_CAPTCHA",           10, Fate::AccountPaused,                       Consequence::Alarm),
];

fn find(code: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| match row.code.strip_suffix('*') {
        Some(start) => code.starts_with(start),
        None => row.code == code,
    })
}

/// What follows a refusal with this code beside what happens with the item. An unknown code has none.
#[must_use]
pub fn consequence(code: &str) -> Consequence {
    find(code).map_or(Consequence::None, |row| row.consequence)
}

/// One reason of a refusal, as an answer gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The code, upper case.
    pub code: String,
    /// Its words.
    pub message: String,
    /// The field it names.
    pub field: Option<String>,
}

impl Reason {
    /// A reason with its code in upper case, cut to what is shown: it comes from outside.
    #[must_use]
    pub fn new(code: &str, message: &str, field: Option<&str>) -> Self {
        Self { code: clean(code).to_ascii_uppercase(), message: clean(message), field: field.map(clean).filter(|field| !field.is_empty()) }
    }
}

/// The refusal that these reasons make together. `ratelimit` is the number beside them, seconds. `None` without a reason.
#[must_use]
pub fn refusal(reasons: &[Reason], ratelimit: Option<f64>) -> Option<WriteOutcome> {
    let rank = |reason: &Reason| find(&reason.code).map_or(UNKNOWN_RANK, |row| row.rank);
    // The code breaks ties, so that the same set gives the same outcome in any order.
    let chief = reasons.iter().max_by(|one, other| rank(one).cmp(&rank(other)).then_with(|| other.code.cmp(&one.code)))?;
    let class = match find(&chief.code).map(|row| row.fate) {
        Some(Fate::Expired(because)) => RefusalClass::Expired(because),
        Some(Fate::ConfirmedIfOurs) => RefusalClass::ConfirmedIfOurs,
        Some(Fate::BackToPending) => RefusalClass::BackToPending(Field::of(chief.field.as_deref(), &chief.code)),
        Some(Fate::AccountPaused) => RefusalClass::AccountPaused,
        Some(Fate::Deferred) => RefusalClass::Deferred,
        Some(Fate::Refused) | None => RefusalClass::Refused,
    };
    let mut words: Vec<&str> = vec![&chief.message];
    for reason in reasons {
        if !words.contains(&reason.message.as_str()) {
            words.push(&reason.message);
        }
    }
    words.retain(|word| !word.is_empty());
    // The server's set has no order: neither have the words beside the chief one.
    if let Some(others) = words.get_mut(1..) {
        others.sort_unstable();
    }
    let message = if words.is_empty() { format!("refused with {}", chief.code) } else { clean(&words.join(" / ")) };
    let pause = reasons.iter().find(|reason| reason.code == "RATELIMIT").map(|reason| pause(ratelimit, &reason.message));
    Some(WriteOutcome::Refused { code: chief.code.clone(), field: chief.field.clone(), message, class, pause })
}

/// Pauses are taken as at least a second and at most a week.
const PAUSE_MOST: f64 = 7.0 * 86_400.0;
/// The pause where neither a number nor the text tells one.
const PAUSE_UNTOLD: Duration = Duration::from_mins(10);

/// How long the account has to pause: the number, rounded up to a second; the text only without it.
#[must_use]
pub fn pause(ratelimit: Option<f64>, text: &str) -> Duration {
    match ratelimit.filter(|seconds| seconds.is_finite()) {
        Some(seconds) => Duration::from_secs(seconds.clamp(1.0, PAUSE_MOST).ceil() as u64),
        None => pause_in_words(text).unwrap_or(PAUSE_UNTOLD),
    }
}

/// The wait that a text such as "try again in 1 hour 6 minutes" tells. Texts round down, so one of the smallest unit is added.
fn pause_in_words(text: &str) -> Option<Duration> {
    let words: Vec<&str> = text.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut seconds = 0.0;
    let mut smallest: Option<f64> = None;
    for pair in words.windows(2) {
        let [count, unit] = pair else { continue };
        let unit = match unit.to_ascii_lowercase().trim_end_matches('s') {
            "millisecond" => 0.001,
            "second" => 1.0,
            "minute" => 60.0,
            "hour" => 3_600.0,
            "day" => 86_400.0,
            _ => continue,
        };
        let Ok(count) = count.parse::<u32>() else { continue };
        seconds += f64::from(count) * unit;
        smallest = Some(smallest.map_or(unit, |smallest: f64| smallest.min(unit)));
    }
    let seconds: f64 = seconds + smallest?;
    Some(Duration::from_secs(seconds.clamp(1.0, PAUSE_MOST).ceil() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(code: &str, field: Option<&str>) -> Reason {
        Reason::new(code, &format!("words of {code}"), field)
    }

    fn class(codes: &[(&str, Option<&str>)]) -> RefusalClass {
        let reasons: Vec<_> = codes.iter().map(|(code, field)| reason(code, *field)).collect();
        match refusal(&reasons, None) {
            Some(WriteOutcome::Refused { class, .. }) => class,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_row_is_reached_by_its_own_code() {
        for (index, row) in ROWS.iter().enumerate() {
            let code = row.code.replace('*', "SOMETHING");
            let found = find(&code).map(|found| found.code);
            assert_eq!(found, Some(row.code), "row {index}");
        }
    }

    #[test]
    fn each_code_takes_the_item_where_the_table_says() {
        use ExpiredBecause::*;
        use RefusalClass::*;
        let table = [
            ("RATELIMIT", Some("ratelimit"), Deferred),
            ("DELETED_COMMENT", Some("parent"), Expired(ParentGone)),
            ("DELETED_LINK", Some("parent"), Expired(ParentGone)),
            ("THREAD_LOCKED", Some("parent"), Expired(Locked)),
            ("TOO_OLD", Some("parent"), Expired(Archived)),
            ("USER_BLOCKED", Some("parent"), Expired(Blocked)),
            ("SUBREDDIT_NOTALLOWED", Some("sr"), Refused),
            ("NO_SELFS", Some("sr"), Refused),
            ("ALREADY_SUB", Some("url"), ConfirmedIfOurs),
            ("TOO_LONG", Some("text"), BackToPending(Field::Body)),
            ("TOO_LONG", Some("title"), BackToPending(Field::Title)),
            ("NO_URL", None, BackToPending(Field::Url)),
            ("DOMAIN_BANNED", Some("url"), Refused),
            ("SUBMIT_VALIDATION_FLAIR_REQUIRED", None, BackToPending(Field::Flair)),
            ("BAD_CAPTCHA", Some("captcha"), AccountPaused),
            ("BANNED_FROM_SUBREDDIT", Some("sr"), AccountPaused),
            ("SOMETHING_NEW", None, Refused),
        ];
        for (code, field, expected) in table {
            assert_eq!(class(&[(code, field)]), expected, "{code}");
        }
    }

    #[test]
    fn several_reasons_give_one_outcome_in_any_order() {
        let (one, other) = (reason("RATELIMIT", None), reason("SUBMIT_VALIDATION_TITLE_BLACKLISTED_STRING", Some("title")));
        let forth = refusal(&[one.clone(), other.clone()], Some(5.2));
        assert_eq!(forth, refusal(&[other, one], Some(5.2)));
        let Some(WriteOutcome::Refused { class, pause, .. }) = forth else { panic!() };
        assert_eq!((class, pause), (RefusalClass::BackToPending(Field::Title), Some(Duration::from_secs(6))));
        assert_eq!(class_of_captcha(), RefusalClass::Deferred);
    }

    fn class_of_captcha() -> RefusalClass {
        class(&[("BAD_CAPTCHA", Some("captcha")), ("RATELIMIT", Some("ratelimit"))])
    }

    #[test]
    fn an_unknown_code_is_never_tried_again_by_itself() {
        assert_eq!(class(&[("RATELIMIT", None), ("SOMETHING_NEW", None)]), RefusalClass::Refused);
    }

    #[test]
    fn the_number_counts_and_the_text_only_without_it() {
        assert_eq!(pause(Some(76.342_984), "try again in 1 minute."), Duration::from_secs(77));
        let words = |text| pause(None, text).as_secs();
        assert_eq!(words("you are doing that too much. try again in 1 minute."), 120);
        assert_eq!(words("Try again in 6 seconds."), 7);
        assert_eq!(words("Try again in 2 milliseconds."), 1);
        assert_eq!(words("Take a break for 2 hours before trying again."), 3 * 3_600);
        assert_eq!(words("try again in 1 hour 6 minutes"), 3_600 + 7 * 60);
        assert_eq!(words("slow down"), 600);
        assert_eq!(words("99999999999999999999 seconds"), 600);
        assert_eq!(pause(Some(f64::NAN), "in 3 seconds").as_secs(), 4);
        assert_eq!(pause(Some(-5.0), "").as_secs(), 1);
    }
}
