//! International bank account numbers: a country, its length, and two check digits (ISO 13616). Pure.

use super::super::{after, before};
use crate::moderation::evaluation::Span;

/// Country and length of its account numbers, after the SWIFT IBAN registry.
const LENGTHS: [(&[u8; 2], usize); 79] = [
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BI", 27),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DJ", 27),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FK", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MN", 20),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NI", 28),
    (b"NL", 18),
    (b"NO", 15),
    (b"OM", 23),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"RU", 33),
    (b"SA", 24),
    (b"SC", 31),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"TR", 26),
    (b"UA", 29),
    (b"XK", 20),
];

/// Account numbers in the text, in one piece or with single spaces or dashes in them.
pub(super) fn find(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut found: Vec<Span> = Vec::new();
    let mut at = 2;
    // Two digits behind two letters are looked for; the letters are the rarer thing to test last.
    while at + 1 < bytes.len() {
        let head = bytes[at].is_ascii_digit()
            && bytes[at + 1].is_ascii_digit()
            && bytes[at - 1].is_ascii_alphabetic()
            && bytes[at - 2].is_ascii_alphabetic();
        match if head { account(text, at - 2) } else { None } {
            Some(end) => {
                found.push(Span { start: at - 2, end });
                at = end + 2;
            }
            None => at += 1,
        }
    }
    found
}

/// Where the account number ends that begins at `start`.
fn account(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let country = [bytes.get(start)?.to_ascii_uppercase(), bytes.get(start + 1)?.to_ascii_uppercase()];
    let (_, length) = LENGTHS.iter().find(|(code, _)| **code == country)?;
    if before(text, start).is_some_and(|sign| sign.is_alphanumeric() || sign == '_') {
        return None;
    }
    let mut value = Vec::with_capacity(*length);
    let mut end = start;
    while value.len() < *length {
        let byte = *bytes.get(end)?;
        let separates = matches!(byte, b' ' | b'-') && end > start && bytes[end - 1].is_ascii_alphanumeric();
        if byte.is_ascii_alphanumeric() {
            value.push(byte);
        } else if !separates {
            return None;
        }
        end += 1;
    }
    // Words behind a country and a year would be long enough; accounts are digits for the most part and in one case.
    let digits = value[4..].iter().filter(|byte| byte.is_ascii_digit()).count();
    let mixed = value.iter().any(u8::is_ascii_lowercase) && value.iter().any(u8::is_ascii_uppercase);
    let alone = !after(text, end).is_some_and(|sign| sign.is_alphanumeric() || sign == '_');
    (alone && !mixed && digits * 2 >= value.len() - 4 && remainder(&value) == 1).then_some(end)
}

/// The number modulo 97, its first four characters moved to the end and letters read as 10 to 35.
fn remainder(value: &[u8]) -> u32 {
    let (head, tail) = value.split_at(value.len().min(4));
    tail.iter().chain(head).fold(0, |rest, byte| match char::from(*byte).to_digit(36) {
        Some(number) if number > 9 => (rest * 100 + number) % 97,
        Some(number) => (rest * 10 + number) % 97,
        None => rest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registrys_examples_are_accounts() {
        for account in [
            "AT611904300234573201",
            "BE68539007547034",
            "CH9300762011623852957",
            "FR1420041010050500013M02606",
            "IT60X0542811101000000123456",
            "MT84MALT011000012345MTLCAST001S",
            "ES9121000418450200051332",
            "PL61109010140000071219812874",
        ] {
            assert_eq!(find(account), [Span { start: 0, end: account.len() }], "{account}");
        }
    }

    #[test]
    fn the_table_is_sorted_and_has_no_country_twice() {
        assert!(LENGTHS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
