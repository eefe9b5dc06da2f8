//! Places in a text where a link may stand, before anything is read as an address. Pure; time grows with the text, not with its square.

use super::super::{after, before};
use super::host::{self, Trust};
use crate::moderation::evaluation::Span;

/// Longest text and longest address of a Markdown link that are looked at, in bytes.
const LONGEST_SHOWN: usize = 400;
const LONGEST_URL: usize = 2_048;

/// A place that may be a link.
pub(super) struct Candidate {
    /// All of it.
    pub(super) span: Span,
    /// Its address.
    pub(super) url: Span,
    /// Its text, in Markdown.
    pub(super) shown: Option<Span>,
}

/// All candidates in their order; one that lies inside another is left out.
pub(super) fn find(text: &str) -> Vec<Candidate> {
    let mut found = markdown(text);
    let taken = spans(&found);
    found.extend(outside(text, &taken));
    found.sort_by_key(|candidate| candidate.span.start);
    found
}

/// Addresses with a scheme and bare domains, in their order.
pub(super) fn plain(text: &str) -> Vec<Candidate> {
    outside(text, &[])
}

/// Addresses with a scheme and bare domains outside the places in `taken`, which are in order.
fn outside(text: &str, taken: &[Span]) -> Vec<Candidate> {
    let mut found = with_scheme(text, taken);
    let mut all = [taken, &spans(&found)].concat();
    all.sort_by_key(|span| span.start);
    found.extend(bare(text, &all));
    found.sort_by_key(|candidate| candidate.span.start);
    found
}

fn spans(candidates: &[Candidate]) -> Vec<Span> {
    candidates.iter().map(|candidate| candidate.span).collect()
}

/// Whether an address begins with a scheme that a browser follows.
pub(super) fn has_scheme(url: &str) -> bool {
    let begins = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    begins("http://") || begins("https://")
}

/// `[text](address "title")`.
fn markdown(text: &str) -> Vec<Candidate> {
    let bytes = text.as_bytes();
    let mut found: Vec<Candidate> = Vec::new();
    for (middle, _) in text.match_indices("](") {
        let floor = found.last().map_or(0, |last| last.span.end).max(middle.saturating_sub(LONGEST_SHOWN));
        // Back to the bracket that this one closes.
        let mut depth = 1_usize;
        let mut start = middle;
        while depth > 0 && start > floor {
            start -= 1;
            match bytes[start] {
                b']' => depth += 1,
                b'[' => depth -= 1,
                _ => {}
            }
        }
        if depth > 0 {
            continue;
        }
        let first = middle + 2 + bytes[middle + 2..].iter().take_while(|byte| **byte == b' ').count();
        let Some(end) = closing(bytes, first) else { continue };
        let inside = &text[first..end];
        let address = inside.split_ascii_whitespace().next().unwrap_or_default().trim_matches(['<', '>']);
        let Some(offset) = inside.find(address) else { continue };
        let url = Span { start: first + offset, end: first + offset + address.len() };
        let domain = || bare(address, &[]).first().is_some_and(|candidate| candidate.span.start == 0);
        if has_scheme(address) || (address.starts_with("//") && address.len() > 2) || domain() {
            found.push(Candidate { span: Span { start, end: end + 1 }, url, shown: Some(Span { start: start + 1, end: middle }) });
        }
    }
    found
}

/// Where the bracket is closed before byte `first`: at the `)` that has no `(` of its own, on the same line.
fn closing(bytes: &[u8], first: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in bytes.get(first..)?.iter().take(LONGEST_URL).enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 0 => return Some(first + offset),
            b')' => depth -= 1,
            b'\n' => return None,
            _ => {}
        }
    }
    None
}

/// `http://…` and `https://…`, without the punctuation behind, outside the places in `taken`, which are in order.
fn with_scheme(text: &str, taken: &[Span]) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut next = 0;
    for (middle, _) in text.match_indices("://") {
        while taken.get(next).is_some_and(|span| span.end <= middle) {
            next += 1;
        }
        let ceiling = taken.get(next).map_or(text.len(), |span| span.start);
        if ceiling <= middle {
            continue;
        }
        let scheme = ["https", "http"].iter().find_map(|scheme| {
            let start = middle.checked_sub(scheme.len())?;
            text.get(start..middle)?.eq_ignore_ascii_case(scheme).then_some(start)
        });
        let Some(start) = scheme.filter(|start| found.last().is_none_or(|last| last.span.end <= *start)) else { continue };
        let end = trimmed(text, middle + 3, address_end(text, middle + 3).min(ceiling));
        if end > middle + 3 && ceiling > middle + 3 {
            let span = Span { start, end };
            found.push(Candidate { span, url: span, shown: None });
        }
    }
    found
}

/// Where an address ends that is inside at `from`: at white space or a sign that stands around addresses.
fn address_end(text: &str, from: usize) -> usize {
    let ends =
        |sign: char| sign.is_whitespace() || sign.is_control() || matches!(sign, '<' | '>' | '"' | '`' | '|' | '“' | '”' | '«' | '»');
    // Where a Markdown link has its middle, another address begins.
    let middle = |at: usize| text.as_bytes().get(at..at + 2) == Some(b"](");
    let end = text[from..].char_indices().find(|(offset, sign)| ends(*sign) || (*sign == ']' && middle(from + offset)));
    end.map_or(text.len(), |(offset, _)| from + offset)
}

/// `end` without the punctuation that belongs to the sentence, and without brackets that were opened before the address.
fn trimmed(text: &str, start: usize, mut end: usize) -> usize {
    let count = |sign: u8| text.as_bytes()[start..end].iter().filter(|byte| **byte == sign).count();
    let (mut round, mut square) = (count(b')').saturating_sub(count(b'(')), count(b']').saturating_sub(count(b'[')));
    while let Some(last) = text[start..end].chars().next_back() {
        match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '…' | '’' | '‘' => {}
            ')' if round > 0 => round -= 1,
            ']' if square > 0 => square -= 1,
            _ => break,
        }
        end -= last.len_utf8();
    }
    end
}

/// Domains without a scheme, outside the places in `taken`, which are in order.
fn bare(text: &str, taken: &[Span]) -> Vec<Candidate> {
    let bytes = text.as_bytes();
    let mut found: Vec<Candidate> = Vec::new();
    let mut read = 0;
    let mut next = 0;
    for (dot, _) in text.match_indices('.') {
        if dot < read {
            continue;
        }
        while taken.get(next).is_some_and(|span| span.end <= dot) {
            next += 1;
        }
        let (mut ceiling, mut floor) = (text.len(), read);
        if let Some(span) = taken.get(next) {
            if span.start <= dot {
                read = span.end;
                continue;
            }
            ceiling = span.start;
        }
        if let Some(span) = next.checked_sub(1).and_then(|last| taken.get(last)) {
            floor = floor.max(span.end);
        }
        let label = |sign: char| sign.is_alphanumeric() || sign == '-';
        let start = dot - text[floor..dot].chars().rev().take_while(|sign| label(*sign)).map(char::len_utf8).sum::<usize>();
        // On over labels, each behind a single dot.
        let mut end = dot;
        while bytes.get(end) == Some(&b'.') && end < ceiling {
            let length: usize = text[end + 1..ceiling].chars().take_while(|sign| label(*sign)).map(char::len_utf8).sum();
            if length == 0 {
                break;
            }
            end += 1 + length;
        }
        read = end.max(dot + 1);
        if start == dot || end == dot || !is_domain(text, start, end) {
            continue;
        }
        let whole = match after(text, end) {
            Some('/' | '?' | '#') => trimmed(text, end, address_end(text, end).min(ceiling)),
            Some(':') if bytes.get(end + 1).is_some_and(u8::is_ascii_digit) => trimmed(text, end, address_end(text, end).min(ceiling)),
            _ => end,
        };
        read = read.max(whole);
        let span = Span { start, end: whole };
        found.push(Candidate { span, url: span, shown: None });
    }
    found
}

/// Whether the labels are a domain that somebody would follow, and not a file, an abbreviation, code or a missing space.
fn is_domain(text: &str, start: usize, end: usize) -> bool {
    let name = &text[start..end];
    let follows = after(text, end);
    // Inside a path, a handle, an address, a name in code.
    let joined = match before(text, start) {
        Some('_') => before(text, start - 1).is_some_and(char::is_alphanumeric),
        Some(sign) => matches!(sign, '/' | '\\' | '@' | '.' | '$' | '#' | '&' | '=' | '+'),
        None => false,
    };
    let goes_on = follows == Some('_') && after(text, end + 1).is_some_and(char::is_alphanumeric);
    if joined || goes_on || matches!(follows, Some('@' | '(' | '\\')) {
        return false;
    }
    let Some((rest, last)) = name.rsplit_once('.') else { return false };
    let labels = name.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
    let letters = rest.chars().any(char::is_alphabetic);
    if !labels || !letters {
        return false;
    }
    let has_path = follows == Some('/') && after(text, end + 1).is_some_and(|sign| !sign.is_whitespace());
    if name.len() > 4 && name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www.")) {
        return rest.len() > 4 && last.chars().all(char::is_alphanumeric);
    }
    // `lazy-static.rs` and `build-2.sh` are files.
    let file = matches!(last, "rs" | "sh");
    let odd = !file && (rest.contains('-') || rest.bytes().any(|byte| byte.is_ascii_digit()));
    let capital = last.chars().next().is_some_and(char::is_uppercase) && rest.chars().any(char::is_lowercase);
    match host::trust(name, last) {
        Trust::Always => !capital || has_path,
        Trust::WhenLong => has_path || (!capital && (odd || (rest.chars().count() >= 4 && !in_code(text, start, end)))),
        Trust::WithPath => has_path || (odd && !capital && !in_code(text, start, end)),
        Trust::Never => false,
    }
}

/// Whether back ticks stand around it.
fn in_code(text: &str, start: usize, end: usize) -> bool {
    before(text, start) == Some('`') || after(text, end) == Some('`')
}
