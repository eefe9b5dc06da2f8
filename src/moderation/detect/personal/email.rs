//! E-mail addresses, told apart from handles, versions and addresses with a password. Pure.

use super::super::{after, before, in_address};
use crate::moderation::evaluation::Span;

/// Longest part before the `@` (RFC 5321) and longest domain (RFC 1035), in bytes.
const LONGEST_LOCAL: usize = 64;
const LONGEST_DOMAIN: usize = 253;

/// Last labels that are a file's kind or kept for tests (RFC 2606).
const NO_DOMAIN: [&str; 14] =
    ["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "json", "example", "invalid", "test", "localhost"];

/// Domains that are kept for examples (RFC 2606).
const EXAMPLES: [&str; 4] = ["example.com", "example.org", "example.net", "example.edu"];

/// Addresses in the text.
pub(super) fn find(text: &str) -> Vec<Span> {
    text.match_indices('@').filter_map(|(at, _)| address(text, at)).collect()
}

fn address(text: &str, at: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let local = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-');
    let length = bytes[..at].iter().rev().take(LONGEST_LOCAL + 1).take_while(|byte| local(byte)).count();
    let mut start = at - length;
    while start < at && !bytes[start].is_ascii_alphanumeric() {
        start += 1;
    }
    let domain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let mut end = at + 1 + bytes[at + 1..].iter().take(LONGEST_DOMAIN + 1).take_while(|byte| domain(byte)).count();
    while end > at + 1 && !bytes[end - 1].is_ascii_alphanumeric() {
        end -= 1;
    }
    let name = text.get(at + 1..end)?.to_ascii_lowercase();
    let (_, last) = name.rsplit_once('.')?;
    let labels = name.split('.').all(|label| !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-'));
    let top = last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic()) && !NO_DOMAIN.contains(&last);
    let example = EXAMPLES.iter().any(|kept| name.strip_suffix(kept).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    let written = (1..=LONGEST_LOCAL).contains(&(at - start)) && length <= LONGEST_LOCAL && bytes[at - 1] != b'.';
    let addresses = written && labels && top && !example && end - at - 1 <= LONGEST_DOMAIN;
    (addresses && !is_something_else(text, Span { start, end }, &text[start..at])).then_some(Span { start, end })
}

/// A Reddit account (`u/name@…`), a handle of the fediverse (`@name@host`), an address with a password, a repository (`git@host:path`).
fn is_something_else(text: &str, span: Span, local: &str) -> bool {
    let reddit = ["u/", "U/", "r/"].iter().any(|prefix| text[..span.start].ends_with(prefix));
    let repository = local == "git" && after(text, span.end) == Some(':');
    let handle = matches!(before(text, span.start), Some('@'));
    reddit || repository || handle || in_address(text, span.start)
}
