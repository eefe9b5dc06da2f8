//! Payment card numbers: 13 to 19 digits, a range that an issuer has, and the Luhn check digit (ISO/IEC 7812). Pure.

use super::super::{before, in_address};
use super::number::{Numbers, Window};
use crate::moderation::evaluation::Span;

/// Card numbers in the text, written in one piece or in groups behind a first one of four.
pub(super) fn find(numbers: &Numbers<'_>) -> Vec<Span> {
    numbers.scan(|gap| matches!(gap, " " | "-" | "\u{a0}"), card)
}

fn card(window: &Window<'_>) -> Option<Span> {
    if !(13..=19).contains(&window.total()) {
        return None;
    }
    let lengths = window.lengths();
    let gaps = window.gaps();
    let grouped = lengths.len() == 1
        || (lengths[0] == 4 && lengths[1..].iter().all(|length| (2..=8).contains(length)) && gaps.windows(2).all(|two| two[0] == two[1]));
    let digits = window.digits();
    let span = window.span();
    let whole = grouped && issued(&digits) && luhn(&digits) && window.stands_alone(span) && !in_address(window.text, span.start);
    // A sign in front makes it an amount or a telephone number.
    (whole && before(window.text, span.start) != Some('+')).then_some(span)
}

/// Whether an issuer has this range, and numbers of this length in it.
fn issued(digits: &[u8]) -> bool {
    let prefix = |length: usize| digits.iter().take(length).fold(0_u32, |number, digit| number * 10 + u32::from(*digit));
    let length = digits.len();
    match digits.first() {
        // Visa.
        Some(4) => matches!(length, 13 | 16 | 19),
        // Mastercard and Mir.
        Some(2) => (length == 16 && (2221..=2720).contains(&prefix(4))) || (length >= 16 && (2200..=2204).contains(&prefix(4))),
        Some(3) => match prefix(2) {
            // American Express.
            34 | 37 => length == 15,
            // Diners Club.
            36 | 38 | 39 => length == 14 || length >= 16,
            30 => (300..=305).contains(&prefix(3)) && (length == 14 || length >= 16),
            // JCB.
            35 => (3528..=3589).contains(&prefix(4)) && length >= 16,
            _ => false,
        },
        // Mastercard and Maestro.
        Some(5) => ((51..=55).contains(&prefix(2)) && length == 16) || matches!(prefix(4), 5018 | 5020 | 5038 | 5893),
        // Discover, UnionPay, Maestro, RuPay.
        Some(6) => match prefix(2) {
            62 | 65 => length >= 16,
            60 => length == 16,
            64 => (644..=649).contains(&prefix(3)) && length >= 16,
            63 | 67 => matches!(prefix(4), 6304 | 6759 | 6761..=6763),
            _ => false,
        },
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit) * 2) {
            (0, double) => double / 2,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuers_published_test_numbers_are_cards() {
        for card in [
            "4242424242424242",
            "4222222222222",
            "5105105105105100",
            "2223003122003222",
            "378282246310005",
            "6011111111111117",
            "30569309025904",
            "3530111333300000",
            "6200000000000005",
            "6759649826438453",
        ] {
            assert_eq!(find(&Numbers::of(card)), [Span { start: 0, end: card.len() }], "{card}");
        }
    }
}
