//! Personal data in a text: payment cards, bank accounts, telephone numbers, e-mail addresses, US social security numbers. Pure.
//!
//! Everything that has a check digit is checked by it, everything that has a numbering plan by the plan: a screening that cries at every
//! date and version number is soon switched off. Values are not kept, only where they stand.

mod bank;
mod card;
mod email;
mod number;
mod phone;

use super::super::evaluation::Span;
use number::Numbers;

/// What kind of personal data it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PersonalKind {
    /// A card number with a known issuer range and a right Luhn digit.
    PaymentCard,
    /// An international bank account number of the right length with right check digits.
    Iban,
    /// A telephone number, international or in a clear national form.
    Phone,
    /// An e-mail address outside the domains that are kept for examples.
    Email,
    /// A US social security number in its dashed form.
    SocialSecurity,
}

impl PersonalKind {
    /// The kind in words, as an operator reads it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentCard => "payment card",
            Self::Iban => "bank account",
            Self::Phone => "telephone number",
            Self::Email => "e-mail address",
            Self::SocialSecurity => "social security number",
        }
    }
}

/// Personal data that was found. The value itself is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonalData {
    /// What it is.
    pub kind: PersonalKind,
    /// Where it stands in the text.
    pub span: Span,
}

/// Fewer digits than this make neither a telephone number nor anything longer.
const FEWEST_DIGITS: usize = 7;

/// All personal data in `text`, in the order of the text. Of two that overlap, the one with the stronger check stays.
#[must_use]
pub fn find(text: &str) -> Vec<PersonalData> {
    let mut found: Vec<PersonalData> = Vec::new();
    let mut add = |kind, spans: Vec<Span>| {
        for span in spans {
            if found.iter().all(|other| span.end <= other.span.start || other.span.end <= span.start) {
                found.push(PersonalData { kind, span });
            }
        }
    };
    if text.contains('@') {
        add(PersonalKind::Email, email::find(text));
    }
    let numbers = Numbers::of(text);
    if numbers.digits() >= FEWEST_DIGITS {
        add(PersonalKind::Iban, bank::find(text));
        add(PersonalKind::PaymentCard, card::find(&numbers));
        add(PersonalKind::SocialSecurity, number::social_security(&numbers));
        add(PersonalKind::Phone, phone::find(&numbers));
    }
    found.sort_by_key(|data| data.span.start);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kinds(text: &str) -> Vec<(&'static str, &str)> {
        find(text).iter().map(|data| (data.kind.as_str(), &text[data.span.start..data.span.end])).collect()
    }

    #[test]
    fn each_kind_is_found_where_it_stands() {
        for (text, kind, value) in [
            ("pay with 4111 1111 1111 1111, exp 12/27", "payment card", "4111 1111 1111 1111"),
            ("card:5555555555554444.", "payment card", "5555555555554444"),
            ("amex 3782-822463-10005 thanks", "payment card", "3782-822463-10005"),
            ("IBAN DE89 3704 0044 0532 0130 00 please", "bank account", "DE89 3704 0044 0532 0130 00"),
            ("GB82WEST12345698765432", "bank account", "GB82WEST12345698765432"),
            ("to nl91 abna 0417 1643 00", "bank account", "nl91 abna 0417 1643 00"),
            ("NO93 8601 1117 947 is mine", "bank account", "NO93 8601 1117 947"),
            ("call +49 151 23456789 tonight", "telephone number", "+49 151 23456789"),
            ("+14155552671", "telephone number", "+14155552671"),
            ("+44 (0)20 7946 0958!", "telephone number", "+44 (0)20 7946 0958"),
            ("my number is (555) 123-4567", "telephone number", "(555) 123-4567"),
            ("555-123-4567", "telephone number", "555-123-4567"),
            ("dial 1-800-555-0199 now", "telephone number", "1-800-555-0199"),
            ("0151 23456789", "telephone number", "0151 23456789"),
            ("Büro: 030/12345678", "telephone number", "030/12345678"),
            ("(030) 1234567", "telephone number", "(030) 1234567"),
            ("appelle le 06 12 34 56 78", "telephone number", "06 12 34 56 78"),
            ("020 7946 0958", "telephone number", "020 7946 0958"),
            ("0049 151 23456789", "telephone number", "0049 151 23456789"),
            ("text me: 4155552671", "telephone number", "4155552671"),
            ("write to jane.doe+x@mail.corp.co.uk.", "e-mail address", "jane.doe+x@mail.corp.co.uk"),
            ("<joe@posteo.de>", "e-mail address", "joe@posteo.de"),
            ("mailto:joe@posteo.de", "e-mail address", "joe@posteo.de"),
            ("her ssn is 536-22-8145.", "social security number", "536-22-8145"),
        ] {
            assert_eq!(kinds(text), [(kind, value)], "{text}");
        }
    }

    #[test]
    fn several_are_found_in_their_order() {
        let text = "joe@posteo.de, +49 151 23456789, 4111111111111111; DE89370400440532013000";
        let found: Vec<&str> = kinds(text).into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(found, ["e-mail address", "telephone number", "payment card", "bank account"]);
    }

    #[test]
    fn look_alikes_are_let_through() {
        for text in [
            // Dates and times.
            "on 2024-01-02 at 12:30:45",
            "from 01.02.2024 12:30 to 03.04.2024 18:00",
            "01/02/2024 03/04/2024",
            "between 08-12-2023 and 09-12-2023 1500 people came",
            "2024-05-06T07:08:09.123456Z",
            "20240506 20240507 20240508",
            "trains at 0800 1200 1600",
            "1700000000000 ms, 1700000000 s",
            // Books, articles, products.
            "ISBN 978-3-16-148410-0",
            "ISBN 0-306-40615-2 and 9783161484100",
            "doi 10.1000/182.4567.8901",
            "barcode 4006381333931",
            // Prices and amounts.
            "it cost $1,234,567.89 or 1.234.567,89 €",
            "+50 000 000 views, +10000000 karma",
            "+100,000,000 and 100 000 000 people",
            "+52 345 678 views",
            "1 000 000 000 000 000 000",
            // Addresses of machines and versions.
            "192.168.100.200 and 10.0.0.1:8080",
            "version 1.2.3-4567 of rustc 1.95.0",
            "v2024.123.4567",
            "build 22621.2861.1234",
            "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
            // Identifiers.
            "issue #1234567890, PR 987654321",
            "t3_1abc2de t1_k9x8y7z",
            "https://example.org/status/4111111111111111",
            "4111111111111112 fails its check digit",
            "1234567890123456 is no issuer",
            "order 114-1234567-1234567",
            "Boston, MA 02134-1234",
            "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "4111 apples, 1111 pears, 1111 plums and 1111 nuts",
            "0.4111111111111111",
            "12345678901234567890123456789012345678901234567890",
            "3.14159265358979323846",
            // Accounts that are no e-mail address.
            "jane@example.com, joe@mail.example.org, a@b.test",
            "u/name@reddit.com said",
            "@gargron@mastodon.social",
            "git@github.com:rust-lang/rust.git",
            "npm i react@18.2.0",
            "icon@2x.png",
            "https://user:secret@host.com/",
            "me @ home, @someone.com",
            "a@b",
            // Bank accounts that are none.
            "DE89 3704 0044 0532 0130 01",
            "XX89 3704 0044 0532 0130 00",
            "DE89 is the best of all the models that 2019 had to show",
            // Social security numbers that cannot be.
            "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000",
            "123 45 6789",
            "078-05-1120",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_spans_lie_in_it(text in "(?s).{0,200}") {
            for data in find(&text) {
                prop_assert!(text.get(data.span.start..data.span.end).is_some_and(|value| !value.is_empty()));
            }
        }

        #[test]
        fn texts_of_digits_and_signs_too(text in "[0-9+()@. /a-cDEé-]{0,120}") {
            let found = find(&text);
            for data in &found {
                prop_assert!(text.get(data.span.start..data.span.end).is_some_and(|value| !value.is_empty()));
            }
            for pair in found.windows(2) {
                prop_assert!(pair[0].span.end <= pair[1].span.start);
            }
        }

        #[test]
        fn a_wrong_check_digit_is_no_card(place in 0_usize..16, by in 1_u8..10) {
            let mut card = *b"4111111111111111";
            card[place] = b'0' + (card[place] - b'0' + by) % 10;
            let text = String::from_utf8_lossy(&card).into_owned();
            prop_assert!(find(&text).iter().all(|data| data.kind != PersonalKind::PaymentCard));
        }
    }
}
