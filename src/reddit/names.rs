//! Names, ids and limits of Reddit, checked before they become part of an address or a form.

use super::error::{Error, Result};
use std::ops::RangeInclusive;

/// Characters in a title.
pub const TITLE: RangeInclusive<usize> = 1..=300;
/// Characters in the body of a post, at most.
pub const BODY_MOST: usize = 40_000;
/// Characters in a reply.
pub const REPLY: RangeInclusive<usize> = 1..=10_000;
/// Things asked for in one page.
pub const LIMIT: RangeInclusive<u32> = 1..=100;
/// Ids in one call for things.
pub const IDS_PER_CALL: usize = 100;
/// Ids in one call that marks messages as read.
pub const READ_IDS_PER_CALL: usize = 25;
/// Characters of a user agent, at least: Reddit's clients refuse shorter ones.
pub const USER_AGENT_LEAST: usize = 7;

/// Whether `id` is base 36 as Reddit writes it.
#[must_use]
pub fn is_id36(id: &str) -> bool {
    (1..=13).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

/// Whether `fullname` is of this kind (`t1` comment, `t3` post, …) and well formed.
#[must_use]
pub fn is_fullname(fullname: &str, kind: &str) -> bool {
    fullname.split_once('_').is_some_and(|(prefix, id)| prefix == kind && is_id36(id))
}

/// Whether a fullname that came back names a thing, or only says that there is none: `t3_none` is good base 36.
#[must_use]
pub fn names_a_thing(fullname: &str, kind: &str) -> bool {
    const SENTINELS: [&str; 5] = ["none", "null", "undefined", "nan", "0"];
    is_fullname(fullname, kind) && !fullname.split_once('_').is_some_and(|(_, id)| SENTINELS.contains(&id))
}

/// # Errors
/// When `name` is not the name of a subreddit: letters, digits and `_`, without `r/`.
pub fn subreddit<'a>(what: &str, name: &'a str) -> Result<&'a str> {
    word(what, name, "the name of a subreddit, without r/")
}

/// # Errors
/// When `name` is not the name of an account: letters, digits, `_` and `-`, without `u/`.
pub fn username<'a>(what: &str, name: &'a str) -> Result<&'a str> {
    word(what, name, "the name of an account, without u/")
}

fn word<'a>(what: &str, name: &'a str, expected: &str) -> Result<&'a str> {
    let fits = (1..=50).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if fits { Ok(name) } else { Err(Error::invalid(what, format!("'{}' is not {expected}", super::excerpt::clean(name)))) }
}

/// # Errors
/// When `id` is not base 36; a fullname is not.
pub fn id36<'a>(what: &str, id: &'a str) -> Result<&'a str> {
    if is_id36(id) {
        Ok(id)
    } else {
        Err(Error::invalid(what, format!("'{}' is not an id in base 36, without its t1_ or t3_", super::excerpt::clean(id))))
    }
}

/// # Errors
/// When `name` is not a fullname of one of the `kinds`.
pub fn fullname<'a>(what: &str, name: &'a str, kinds: &[&str]) -> Result<&'a str> {
    if kinds.iter().any(|kind| is_fullname(name, kind)) {
        return Ok(name);
    }
    let expected = kinds.iter().map(|kind| format!("{kind}_…")).collect::<Vec<_>>().join(" or ");
    Err(Error::invalid(what, format!("'{}' is not a fullname {expected}", super::excerpt::clean(name))))
}

/// # Errors
/// When `limit` is not 1 to 100.
pub fn limit(what: &str, limit: u32) -> Result<u32> {
    if LIMIT.contains(&limit) { Ok(limit) } else { Err(Error::invalid(what, format!("limit {limit} is not from 1 to 100"))) }
}

/// A title as the server keeps it: every run of white space is one blank, none at the ends.
#[must_use]
pub fn kept_title(title: &str) -> String {
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether two texts are the same but for line ends and trailing blanks: what reconciling compares, read with `raw_json=1`.
#[must_use]
pub fn same_text(one: &str, other: &str) -> bool {
    fn lines(text: &str) -> Vec<String> {
        text.trim_end().replace("\r\n", "\n").replace('\r', "\n").split('\n').map(|line| line.trim_end().to_owned()).collect()
    }
    lines(one) == lines(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_change_an_address_are_refused() {
        for bad in ["", "r/rust", "rust?x=1", "../api", "rust+linux", "rüst", "a b"] {
            assert!(subreddit("test", bad).is_err(), "{bad}");
        }
        assert_eq!(subreddit("test", "u_some_name"), Ok("u_some_name"));
        assert!(id36("test", "t3_abc").is_err() && id36("test", "ABC").is_err() && id36("test", "1sk9q06").is_ok());
    }

    #[test]
    fn a_fullname_has_its_kind_and_sentinels_name_nothing() {
        assert!(is_fullname("t1_d1680wu", "t1") && !is_fullname("t1_d1680wu", "t3") && !is_fullname("t1_", "t1"));
        assert!(is_fullname("t3_none", "t3") && !names_a_thing("t3_none", "t3") && names_a_thing("t3_4bbe4b", "t3"));
    }

    #[test]
    fn texts_are_compared_without_line_ends_and_trailing_blanks() {
        assert!(same_text("a \r\nb\n\n", "a\nb"));
        assert!(!same_text("a\n\nb", "a\nb"));
        assert_eq!(kept_title("  two\t words \n"), "two words");
    }
}
