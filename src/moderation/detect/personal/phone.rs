//! Telephone numbers: international ones (E.164) and national ones in the forms that nothing else is written in. Pure.

use super::super::{before, in_address};
use super::number::{Numbers, Window};
use crate::moderation::evaluation::Span;

/// How far in front of a number a word such as "call" is looked for, in bytes.
const CUE_REACH: usize = 28;

/// Words that make a telephone number of ten plain digits behind them.
const CUES: [&str; 16] = [
    "tel",
    "telephone",
    "phone",
    "call",
    "text",
    "whatsapp",
    "signal",
    "mobile",
    "handy",
    "cell",
    "sms",
    "ring",
    "dial",
    "fax",
    "reach",
    "telefon",
];

/// Words in front of numbers that are none.
const NO_CUES: [&str; 14] =
    ["isbn", "issn", "issue", "bug", "ticket", "order", "invoice", "id", "version", "doi", "rfc", "pr", "build", "barcode"];

/// Telephone numbers in the text.
pub(super) fn find(numbers: &Numbers<'_>) -> Vec<Span> {
    let gap = |gap: &str| gap.chars().all(|sign| matches!(sign, ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}'));
    numbers.scan(gap, |window| {
        // Two zeros and fifteen digits are the longest form; most windows are rejected here.
        if !(7..=17).contains(&window.total()) {
            return None;
        }
        let span = international(window).or_else(|| national(window))?;
        (!in_address(window.text, span.start) && !named_otherwise(window.text, span.start)).then_some(span)
    })
}

/// `+49 151 …` or `0049 151 …`: a country code that exists and 8 to 15 digits.
fn international(window: &Window<'_>) -> Option<Span> {
    let mut digits = window.digits();
    let plus = before(window.text, window.start()) == Some('+');
    if !plus {
        let dialled = digits.len() >= 12 && digits.starts_with(&[0, 0]) && window.runs.len() > 1 && !continues(window);
        if !dialled {
            return None;
        }
        digits.drain(..2);
    }
    let span = Span { start: window.start() - usize::from(plus), end: window.end() };
    let (lengths, gaps) = (window.lengths(), window.gaps());
    // +52 345 678: an amount in thousands.
    let thousands = digits.len() <= 9 && lengths.len() > 1 && lengths[1..].iter().all(|length| *length == 3);
    let odd = gaps.iter().any(|gap| gap.chars().filter(|sign| !matches!(sign, ' ' | '(' | ')')).count() > 1);
    let good = (8..=15).contains(&digits.len()) && country(&digits) && varied(&digits) && !thousands && !odd;
    (good && window.stands_alone(span)).then_some(span)
}

/// Whether the number begins with a country code that is given, and for North America has an area and the right length.
fn country(digits: &[u8]) -> bool {
    match digits {
        [1, area, _, _, exchange, ..] => digits.len() == 11 && *area >= 2 && *exchange >= 2,
        [7, ..] => digits.len() == 11,
        [2, 0 | 7, ..] | [3, 0..=4 | 6 | 9, ..] | [4, 0 | 1 | 3..=9, ..] | [5, 1..=8, ..] | [6, 0..=6, ..] => true,
        [8, 1 | 2 | 4 | 6, ..] | [9, 0..=5 | 8, ..] => true,
        [2, ..] | [3, 5 | 7 | 8, ..] | [4, 2, ..] | [5, 0 | 9, ..] | [6, 7..=9, ..] | [8, 0 | 5 | 7 | 8, ..] | [9, 6 | 7 | 9, ..] => true,
        _ => false,
    }
}

/// The national forms.
fn national(window: &Window<'_>) -> Option<Span> {
    let lengths = window.lengths();
    let gaps = window.gaps();
    let digits = window.digits();
    let opened = before(window.text, window.start()) == Some('(');
    let clear = north_american(&lengths, &gaps, &digits, opened)
        || (!continues(window) && with_trunk_zero(&lengths, &gaps, &digits, opened))
        || (cue(window.text, window.start()) && plain(&lengths, &gaps));
    let span = Span { start: window.start() - usize::from(opened && gaps.first().is_some_and(|gap| gap.contains(')'))), end: window.end() };
    (clear && varied(&digits) && window.stands_alone(span)).then_some(span)
}

/// `(555) 123-4567`, `555-123-4567`, `1-800-555-0199`.
fn north_american(lengths: &[usize], gaps: &[&str], digits: &[u8], opened: bool) -> bool {
    match (lengths, gaps) {
        ([3, 3, 4], [first, second]) => {
            let bracketed = opened && matches!(*first, ")" | ") " | ")-") && matches!(*second, "-" | "." | " ");
            digits[0] >= 2 && (bracketed || (!opened && first == second && matches!(*first, "-" | "." | " ")))
        }
        ([1, 3, 3, 4], [lead, first, second]) => {
            let bracketed = matches!(*lead, " (" | "-(" | "(") && matches!(*first, ")" | ") " | ")-") && matches!(*second, "-" | "." | " ");
            digits[0] == 1 && digits[1] >= 2 && (bracketed || (lead == first && first == second && matches!(*lead, "-" | "." | " ")))
        }
        _ => false,
    }
}

/// Area codes with a leading zero: `0151 23456789`, `030/1234567`, `(030) 1234567`, `020 7946 0958`, `06 12 34 56 78`.
fn with_trunk_zero(lengths: &[usize], gaps: &[&str], digits: &[u8], opened: bool) -> bool {
    let (Some([0, 1..=9]), [first, rest @ ..], [area, parts @ ..]) = (digits.get(..2), gaps, lengths) else {
        return false;
    };
    if lengths == [2; 5] {
        return matches!(*first, " " | "." | "-") && rest.iter().all(|gap| gap == first);
    }
    let joined = if opened { matches!(*first, ")" | ") ") } else { matches!(*first, " " | "/" | "-" | " / " | " - " | "-/") };
    let shape = (2..=5).contains(area) && (9..=12).contains(&digits.len()) && parts.len() <= 4 && parts.iter().all(|part| *part >= 2);
    // A day, a month and a year; a social security number that cannot be; a US postal code; times of the day.
    let date = matches!(lengths, [2, 2, 4, ..] | [3, 2, 4]);
    let postal = lengths == [5, 4] && *first == "-";
    let hours = lengths.iter().all(|length| *length == 4) && digits.chunks(4).all(|time| time[0] * 10 + time[1] < 24 && time[2] < 6);
    joined && shape && rest.iter().all(|gap| matches!(*gap, " " | "-")) && !date && !postal && !hours
}

/// What is a telephone number only because a word in front says so: `call 4155552671`, `phone 555-0199`.
fn plain(lengths: &[usize], gaps: &[&str]) -> bool {
    matches!((lengths, gaps), ([10..=12], []) | ([3, 4], ["-"]))
}

/// Whether digits stand right in front, behind one space: a group inside a longer number.
fn continues(window: &Window<'_>) -> bool {
    let mut near = window.text[..window.start()].chars().rev();
    near.next() == Some(' ') && near.next().is_some_and(|sign| sign.is_ascii_digit())
}

/// At least three different digits: `+20000000` is an amount.
fn varied(digits: &[u8]) -> bool {
    let seen = digits.iter().fold(0_u16, |seen, digit| seen | 1 << u16::from(*digit));
    seen.count_ones() >= 3
}

/// The words in front of byte `at`, nearest first, in lower case.
fn words_before(text: &str, at: usize, reach: usize) -> Vec<String> {
    let mut floor = at.saturating_sub(reach);
    while !text.is_char_boundary(floor) {
        floor += 1;
    }
    let near = text.get(floor..at).unwrap_or_default();
    near.rsplit(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

fn cue(text: &str, at: usize) -> bool {
    words_before(text, at, CUE_REACH).iter().any(|word| CUES.contains(&word.as_str()))
}

fn named_otherwise(text: &str, at: usize) -> bool {
    words_before(text, at, 12).first().is_some_and(|word| NO_CUES.contains(&word.as_str()))
}
