//! What is known of hosts: last labels, shorteners, scripts, and whether a host falls under a pattern. Pure.

use std::borrow::Cow;

/// How much a last label by itself says that a domain is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing else ends like that.
    Always,
    /// A word that code and names end in too: behind four letters or with a path.
    WhenLong,
    /// An English word, as a missing space between sentences brings it: with a path, or with a digit or a dash in the name.
    WithPath,
    /// No domain, or none in use.
    Never,
}

const ALWAYS: [&str; 66] = [
    "com", "org", "net", "edu", "gov", "mil", "io", "ai", "co", "tv", "gg", "ly", "biz", "xyz", "eu", "uk", "de", "fr", "nl", "ru", "cn",
    "jp", "es", "ca", "au", "br", "ch", "se", "dk", "pl", "cz", "pt", "nz", "kr", "tw", "hk", "sg", "mx", "ar", "cl", "za", "ng", "ke",
    "gr", "hu", "ro", "bg", "hr", "sk", "lt", "lv", "ua", "by", "kz", "il", "ae", "tr", "th", "vn", "ph", "icu", "casa", "bz", "tk", "su",
    "ir",
];

const WHEN_LONG: [&str; 30] = [
    "app", "dev", "online", "site", "shop", "club", "tech", "blog", "cloud", "website", "vip", "bet", "casino", "poker", "porn", "cam",
    "chat", "agency", "digital", "finance", "loan", "fyi", "ninja", "guru", "ws", "cc", "fi", "ie", "mobi", "buzz",
];

const WITH_PATH: [&str; 42] = [
    "info", "live", "link", "top", "store", "page", "work", "works", "run", "one", "pro", "today", "life", "world", "news", "space", "fun",
    "click", "team", "zone", "media", "email", "name", "wiki", "art", "win", "in", "it", "is", "to", "so", "no", "at", "be", "me", "us",
    "am", "my", "id", "la", "sh", "rs",
];

/// Names of software that end like a domain.
const NAMES: [&str; 8] = ["asp.net", "ado.net", "vb.net", "ml.net", "paint.net", "f#.net", "c#.net", "system.net"];

/// Short domains of two labels whose last one alone says little.
const KNOWN: [&str; 9] = ["t.me", "wa.me", "fb.me", "paypal.me", "cash.me", "ko-fi.com", "youtu.be", "redd.it", "git.io"];

/// Services that lead on to wherever their user wants.
const SHORTENERS: [&str; 46] = [
    "adf.ly",
    "amzn.to",
    "bit.do",
    "bit.ly",
    "bitly.com",
    "bl.ink",
    "buff.ly",
    "clck.ru",
    "cli.re",
    "cutt.ly",
    "dlvr.it",
    "dub.sh",
    "goo.gl",
    "goo.su",
    "ift.tt",
    "is.gd",
    "j.mp",
    "kutt.it",
    "linktr.ee",
    "lnkd.in",
    "mcaf.ee",
    "n9.cl",
    "ow.ly",
    "qr.ae",
    "rb.gy",
    "rebrand.ly",
    "reurl.cc",
    "s.id",
    "short.gy",
    "short.io",
    "shorte.st",
    "shorturl.at",
    "snip.ly",
    "soo.gd",
    "surl.li",
    "t.co",
    "t.ly",
    "tiny.cc",
    "tiny.one",
    "tinyurl.com",
    "tr.im",
    "u.to",
    "urlz.fr",
    "v.gd",
    "x.co",
    "yourls.org",
];

/// What the last label `last` of `name` says.
pub(super) fn trust(name: &str, last: &str) -> Trust {
    let lower = last.to_ascii_lowercase();
    let has = |list: &[&str]| list.contains(&lower.as_str());
    if NAMES.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        Trust::Never
    } else if has(&ALWAYS) || KNOWN.iter().chain(&SHORTENERS).any(|known| known.eq_ignore_ascii_case(name)) || lower.starts_with("xn--") {
        Trust::Always
    } else if has(&WHEN_LONG) {
        Trust::WhenLong
    } else if has(&WITH_PATH) {
        Trust::WithPath
    } else {
        Trust::Never
    }
}

/// Whether `ascii_host` is a shortener.
pub(super) fn is_shortener(ascii_host: &str) -> bool {
    let host = ascii_host.strip_prefix("www.").unwrap_or(ascii_host);
    SHORTENERS.contains(&host)
}

/// Whether `host` is the domain `pattern` or stands under it. `*` matches every host, `*.example.org` only what stands under the domain.
/// Case, a final dot and the notation (Punycode or not) make no difference.
#[must_use]
pub fn host_matches(host: &str, pattern: &str) -> bool {
    let (host, pattern) = (host.trim(), pattern.trim());
    if pattern == "*" {
        return true;
    }
    let (pattern, only_under) = match pattern.strip_prefix("*.").or_else(|| pattern.strip_prefix('.')) {
        Some(domain) => (domain, true),
        None => (pattern, false),
    };
    let (host, domain) = (ascii(host), ascii(pattern));
    if host.is_empty() || domain.is_empty() {
        return false;
    }
    match host.strip_suffix(domain.as_ref()) {
        Some("") => !only_under,
        Some(rest) => rest.ends_with('.'),
        None => false,
    }
}

/// A host as it is looked up; one that cannot be is only lowered.
fn ascii(host: &str) -> Cow<'_, str> {
    let host = host.trim_end_matches('.');
    if host.is_ascii() {
        return if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(host.to_ascii_lowercase())
        } else {
            Cow::Borrowed(host)
        };
    }
    Cow::Owned(idna::domain_to_ascii(host).unwrap_or_else(|_| host.to_lowercase()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    EastAsian,
    Other(u32),
}

/// Whether a label has letters of scripts that are not written together. Chinese, Japanese and Korean writing mixes its own scripts and
/// Latin letters (Unicode Technical Standard 39, "highly restrictive").
pub(super) fn mixes_scripts(label: &str) -> bool {
    let mut scripts: Vec<Script> = label.chars().filter_map(script).collect();
    scripts.dedup();
    let first = scripts.iter().find(|script| **script != Script::EastAsian).copied();
    let east_asian = scripts.contains(&Script::EastAsian);
    scripts.iter().any(|script| *script != Script::EastAsian && Some(*script) != first)
        || (east_asian && first.is_some_and(|script| script != Script::Latin))
}

/// The script of a letter, by blocks; `None` for digits, signs and marks.
fn script(sign: char) -> Option<Script> {
    let code = u32::from(sign);
    match code {
        _ if !sign.is_alphabetic() => None,
        0x00..=0x02af | 0x1d00..=0x1d7f | 0x1e00..=0x1eff | 0x2c60..=0x2c7f | 0xa720..=0xa7ff | 0xab30..=0xab6f | 0xff21..=0xff5a => {
            Some(Script::Latin)
        }
        0x0370..=0x03ff | 0x1f00..=0x1fff => Some(Script::Greek),
        0x0400..=0x052f | 0x1c80..=0x1c8f | 0x2de0..=0x2dff | 0xa640..=0xa69f => Some(Script::Cyrillic),
        0x1100..=0x11ff | 0x2e80..=0x9fff | 0xa960..=0xa97f | 0xac00..=0xd7ff | 0xf900..=0xfaff | 0x1b000..=0x1b16f | 0x20000..=0x3ffff => {
            Some(Script::EastAsian)
        }
        // The blocks of other scripts are runs of 128; two letters of one script may stand in neighbours, which are no mix worth telling.
        _ => Some(Script::Other(code / 0x400)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_takes_in_what_stands_under_it() {
        for (host, pattern, matches) in [
            ("example.org", "example.org", true),
            ("www.Example.org.", "example.ORG", true),
            ("notexample.org", "example.org", false),
            ("example.org.evil.net", "example.org", false),
            ("anything", "*", true),
            ("a.example.org", "*.example.org", true),
            ("example.org", "*.example.org", false),
            ("xn--mnchen-3ya.de", "münchen.de", true),
            ("example.org", "org", true),
            ("example.org", "", false),
            ("", "example.org", false),
            ("1.2.3.4", "1.2.3.4", true),
        ] {
            assert_eq!(host_matches(host, pattern), matches, "{host} {pattern}");
        }
    }

    #[test]
    fn scripts_that_are_written_together_are_no_mix() {
        for (label, mixed) in [
            ("paypal", false),
            ("p\u{430}ypal", true),
            ("пример", false),
            ("πay", true),
            ("日本語abc", false),
            ("日本語я", true),
            ("münchen24", false),
        ] {
            assert_eq!(mixes_scripts(label), mixed, "{label}");
        }
    }

    proptest! {
        #[test]
        fn any_host_matches_itself_or_is_empty(host in "[a-zé.*-]{0,20}", pattern in ".{0,20}") {
            let _ = host_matches(&host, &pattern);
            let plain = host.trim_end_matches('.').trim_start_matches(['*', '.']);
            prop_assert!(plain.is_empty() || host_matches(plain, plain));
        }
    }
}
