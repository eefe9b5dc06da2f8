//! The runs of digits in a text and what stands between them, which cards, telephone numbers and the like are put together from. Pure.

use super::super::{after, before};
use crate::moderation::evaluation::Span;

/// Most runs that one number is put together from.
const MOST_RUNS: usize = 8;
/// A run longer than this is part of nothing.
const LONGEST_RUN: usize = 19;

/// Every run of ASCII digits of a text.
pub(super) struct Numbers<'text> {
    pub(super) text: &'text str,
    runs: Vec<Span>,
    digits: usize,
}

/// Consecutive runs, read as one number.
pub(super) struct Window<'text> {
    pub(super) text: &'text str,
    pub(super) runs: &'text [Span],
}

impl<'text> Numbers<'text> {
    pub(super) fn of(text: &'text str) -> Self {
        let mut runs = Vec::new();
        let mut digits = 0;
        let mut start = None;
        for (at, byte) in text.bytes().chain([b' ']).enumerate() {
            match (byte.is_ascii_digit(), start) {
                (true, None) => start = Some(at),
                (false, Some(first)) => {
                    runs.push(Span { start: first, end: at });
                    digits += at - first;
                    start = None;
                }
                _ => {}
            }
        }
        Self { text, runs, digits }
    }

    /// How many digits the text has in all.
    pub(super) const fn digits(&self) -> usize {
        self.digits
    }

    /// For every run, the windows that begin with it, longest first, until `accept` turns one into a place in the text; the next begins
    /// after it. `gap` says which texts may stand between two runs of a window.
    pub(super) fn scan(&self, gap: impl Fn(&str) -> bool, accept: impl Fn(&Window<'_>) -> Option<Span>) -> Vec<Span> {
        let mut found = Vec::new();
        let mut first = 0;
        while first < self.runs.len() {
            let mut last = first;
            while last + 1 < self.runs.len() && last + 1 - first < MOST_RUNS {
                let between = &self.text[self.runs[last].end..self.runs[last + 1].start];
                if between.len() > 4 || !gap(between) {
                    break;
                }
                last += 1;
            }
            let fits = |run: &Span| run.end - run.start <= LONGEST_RUN;
            let taken = (first..=last).rev().find_map(|end| {
                let window = Window { text: self.text, runs: &self.runs[first..=end] };
                let span = if window.runs.iter().all(fits) { accept(&window) } else { None };
                span.map(|span| (span, end))
            });
            first = match taken {
                Some((span, end)) => {
                    found.push(span);
                    end + 1
                }
                None => first + 1,
            };
        }
        found
    }
}

impl Window<'_> {
    /// Byte of the first digit.
    pub(super) fn start(&self) -> usize {
        self.runs.first().map_or(0, |run| run.start)
    }

    /// Byte after the last digit.
    pub(super) fn end(&self) -> usize {
        self.runs.last().map_or(0, |run| run.end)
    }

    pub(super) fn span(&self) -> Span {
        Span { start: self.start(), end: self.end() }
    }

    /// How many digits all runs have.
    pub(super) fn total(&self) -> usize {
        self.runs.iter().map(|run| run.end - run.start).sum()
    }

    /// The digits without what stands between them, each 0 to 9.
    pub(super) fn digits(&self) -> Vec<u8> {
        let bytes = self.text.as_bytes();
        self.runs.iter().flat_map(|run| &bytes[run.start..run.end]).map(|byte| byte - b'0').collect()
    }

    /// How many digits each run has.
    pub(super) fn lengths(&self) -> Vec<usize> {
        self.runs.iter().map(|run| run.end - run.start).collect()
    }

    /// What stands between the runs.
    pub(super) fn gaps(&self) -> Vec<&str> {
        self.runs.windows(2).map(|pair| &self.text[pair[0].end..pair[1].start]).collect()
    }

    /// Whether the number stands by itself: no letter, no joining sign and no decimal places on either side of `span`.
    pub(super) fn stands_alone(&self, span: Span) -> bool {
        let joins = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '$' | '€' | '£' | '#' | '=' | '%');
        let separates = |sign: char| matches!(sign, '.' | ',' | '-' | '/' | '\'' | ':');
        let digit = |sign: Option<char>| sign.is_some_and(|sign| sign.is_ascii_digit());
        let left = before(self.text, span.start).is_some_and(|sign| {
            joins(sign) || matches!(sign, '/' | '-' | '.') || (separates(sign) && digit(before(self.text, span.start - sign.len_utf8())))
        });
        let right = after(self.text, span.end)
            .is_some_and(|sign| joins(sign) || (separates(sign) && digit(after(self.text, span.end + sign.len_utf8()))));
        !left && !right
    }
}

/// US social security numbers: three, two and four digits with dashes, which an area, a group and a serial that were ever given have.
pub(super) fn social_security(numbers: &Numbers<'_>) -> Vec<Span> {
    numbers.scan(
        |gap| gap == "-",
        |window| {
            if window.runs.len() != 3 || window.total() != 9 {
                return None;
            }
            let value = &window.text[window.start()..window.end()];
            let mut parts = value.split('-');
            let (area, group, serial) = (parts.next()?, parts.next()?, parts.next()?);
            let given = window.lengths() == [3, 2, 4]
                && !matches!(area, "000" | "666")
                && !area.starts_with('9')
                && group != "00"
                && serial != "0000"
                // Printed on a sample card and on an advertisement; never anybody's.
                && !matches!(value, "078-05-1120" | "219-09-9999");
            (given && window.stands_alone(window.span())).then(|| window.span())
        },
    )
}
