//! Links in a text and where they really lead. Pure.
//!
//! Three forms: Markdown links, addresses with a scheme, and bare domains with a last label that is in use. Hosts are read the way browsers
//! read them (WHATWG URL), so that an address with a number for a host or letters of another script is told as what it is.

mod candidates;
mod host;

use super::super::evaluation::Span;
use super::before;
pub use host::host_matches;
use url::{Host, Url};

/// A link that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where it stands in the text; of a Markdown link from `[` to `)`.
    pub span: Span,
    /// The host for showing: lower case, Punycode decoded.
    pub host: String,
    /// The host as it is looked up: lower case, Punycode.
    pub ascii_host: String,
    /// Whether a name or a password stands before the host (`https://paypal.com@evil.net`).
    pub has_userinfo: bool,
    /// Whether a label of the host is Punycode, that is has letters beyond ASCII.
    pub is_punycode: bool,
    /// Whether one label mixes letters of scripts that no language writes together.
    pub mixed_scripts: bool,
    /// Whether the host is an IP address, in any notation.
    pub is_ip: bool,
    /// Whether the host is a shortener, which hides where the link leads.
    pub is_shortener: bool,
    /// The text of a Markdown link.
    pub shown: Option<String>,
    /// Whether the text of a Markdown link names a host other than the real one.
    pub is_misleading: bool,
    /// The address as it was written.
    pub url: String,
}

/// All links in `text`, in the order of the text, none inside another.
#[must_use]
pub fn find(text: &str) -> Vec<Link> {
    if !text.contains('.') && !text.contains("//") {
        return Vec::new();
    }
    candidates::find(text).into_iter().filter_map(|candidate| read(text, candidate)).collect()
}

fn read(text: &str, candidate: candidates::Candidate) -> Option<Link> {
    let written = text.get(candidate.url.start..candidate.url.end)?;
    let url = parse(written)?;
    let ascii_host = url.host_str()?.trim_end_matches('.').to_owned();
    let is_ip = !matches!(url.host()?, Host::Domain(_));
    let is_punycode = !is_ip && ascii_host.split('.').any(|label| label.starts_with("xn--"));
    let host = if is_punycode { idna::domain_to_unicode(&ascii_host).0 } else { ascii_host.clone() };
    let shown = candidate.shown.and_then(|shown| text.get(shown.start..shown.end)).map(str::to_owned);
    // The text of a picture stands for the picture, not for where it comes from.
    let picture = before(text, candidate.span.start) == Some('!');
    let is_misleading = !picture && shown.as_deref().is_some_and(|shown| names_another_host(shown, &ascii_host));
    Some(Link {
        span: candidate.span,
        has_userinfo: !url.username().is_empty() || url.password().is_some(),
        is_punycode,
        mixed_scripts: is_punycode && host.split('.').any(host::mixes_scripts),
        is_ip,
        is_shortener: host::is_shortener(&ascii_host),
        shown,
        is_misleading,
        url: written.to_owned(),
        host,
        ascii_host,
    })
}

/// An address as a browser reads it; without a scheme it gets the usual one.
fn parse(written: &str) -> Option<Url> {
    let url = if candidates::has_scheme(written) {
        Url::parse(written).ok()?
    } else {
        Url::parse(&format!("https://{}", written.trim_start_matches('/'))).ok()?
    };
    url.host_str().is_some_and(|host| !host.is_empty()).then_some(url)
}

/// Whether a text names hosts and none of them is the real one, a part of it, or what it is a part of.
fn names_another_host(shown: &str, real: &str) -> bool {
    let real = real.strip_prefix("www.").unwrap_or(real);
    let mut named = false;
    for candidate in candidates::plain(shown) {
        let Some(host) =
            shown.get(candidate.url.start..candidate.url.end).and_then(parse).and_then(|url| url.host_str().map(str::to_owned))
        else {
            continue;
        };
        let host = host.strip_prefix("www.").unwrap_or(&host);
        if host_matches(real, host) || host_matches(host, real) {
            return false;
        }
        named = true;
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hosts(text: &str) -> Vec<String> {
        find(text).into_iter().map(|link| link.host).collect()
    }

    fn one(text: &str) -> Link {
        let mut found = find(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found.remove(0)
    }

    #[test]
    fn every_form_is_found() {
        for (text, host, url) in [
            ("see https://Example.ORG/a(b)?c=d#e.", "example.org", "https://Example.ORG/a(b)?c=d#e"),
            ("(http://example.org/x)", "example.org", "http://example.org/x"),
            ("<https://example.org:8080/x>", "example.org", "https://example.org:8080/x"),
            ("**https://example.org**", "example.org", "https://example.org"),
            ("HTTPS://EXAMPLE.ORG", "example.org", "HTTPS://EXAMPLE.ORG"),
            ("[the docs](https://docs.example.org/x \"title\") say", "docs.example.org", "https://docs.example.org/x"),
            ("[x](https://en.wikipedia.org/wiki/A_(b))", "en.wikipedia.org", "https://en.wikipedia.org/wiki/A_(b)"),
            ("[a [b] c](cheap.shop/x)", "cheap.shop", "cheap.shop/x"),
            ("[x](//example.org/y)", "example.org", "//example.org/y"),
            ("go to www.example.rs, now", "www.example.rs", "www.example.rs"),
            ("buy at cheap-pills.com!", "cheap-pills.com", "cheap-pills.com"),
            ("so example.co.uk/offers?x=1, then", "example.co.uk", "example.co.uk/offers?x=1"),
            ("join t.me/channel today", "t.me", "t.me/channel"),
            ("wins at casino24.online", "casino24.online", "casino24.online"),
            ("ask in discord.gg/abc", "discord.gg", "discord.gg/abc"),
            ("münchen.de is nice", "münchen.de", "münchen.de"),
            ("„example.com“", "example.com", "example.com"),
            ("_example.com_", "example.com", "example.com"),
        ] {
            let link = one(text);
            assert_eq!((link.host.as_str(), link.url.as_str()), (host, url), "{text}");
            assert!(text[link.span.start..link.span.end].contains(url), "{text}");
        }
        assert_eq!(hosts("https://a.org, https://b.org and c.net"), ["a.org", "b.org", "c.net"]);
        assert_eq!(hosts("[1]: https://a.org\n[x][1]"), ["a.org"]);
    }

    #[test]
    fn what_only_looks_like_a_link_is_let_through() {
        for text in [
            "ask in r/rust.com or u/name.com",
            "i.e. this, e.g. that, a.k.a. other, etc.so what",
            "main.rs, lib.rs, script.py, README.md, run.sh, node.js, index.html, app.tsx",
            "It ended.It was late.So we left.Me too",
            "wait...com on",
            "logger.info(\"x\") and console.log(y) and window.top",
            "ASP.NET and ado.net",
            "version 1.2.3 at 10.0.0.1",
            "jane@posteo.de and @someone.com",
            "the U.S. and the U.K. at 5 p.m. today",
            "3.com",
            "lazy-static.rs, size.ws_col, s1.is_ascii()",
            "let x = self.store.name; `foo.name`",
            "[relative](/r/rust/wiki) [anchor](#top) [none]()",
            "http:// and https://",
            "...",
        ] {
            assert_eq!(hosts(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn tricks_are_told() {
        assert!(one("https://paypal.com@evil.net/login").has_userinfo);
        assert_eq!(one("https://paypal.com@evil.net/login").host, "evil.net");
        for text in ["http://192.168.0.1/x", "http://3232235521/", "http://0x7f.1/", "http://[::1]/"] {
            assert!(one(text).is_ip, "{text}");
        }
        // A Cyrillic а among Latin letters.
        let spoofed = one("https://p\u{430}ypal.com/");
        assert!(spoofed.is_punycode && spoofed.mixed_scripts, "{spoofed:?}");
        assert!(spoofed.ascii_host.starts_with("xn--") && spoofed.host == "p\u{430}ypal.com");
        let decoded = one("https://xn--mnchen-3ya.de/");
        assert!(decoded.is_punycode && !decoded.mixed_scripts && decoded.host == "münchen.de");
        assert!(!one("https://例え.jp/").mixed_scripts);
        assert!(one("bit.ly/3xYz").is_shortener);
        assert!(!one("https://example.org").is_shortener);
    }

    #[test]
    fn a_text_that_names_another_host_is_misleading() {
        for (text, misleading) in [
            ("[https://paypal.com](https://evil.net/x)", true),
            ("[paypal.com](https://evil.net)", true),
            ("[log in at paypal.com now](https://paypal.com.evil.net)", true),
            ("[PayPal.com](https://www.paypal.com/x)", false),
            ("[www.paypal.com](https://paypal.com/x)", false),
            ("[docs.paypal.com](https://paypal.com/docs)", false),
            ("[the form](https://evil.net)", false),
            ("[main.rs](https://github.com/x)", false),
        ] {
            let link = one(text);
            assert_eq!(link.is_misleading, misleading, "{text}");
            assert!(link.shown.is_some());
            assert_eq!(link.span, Span { start: 0, end: text.len() });
        }
        let badge = find("[![crates.io](https://img.shields.io/x.svg)](https://crates.io/crates/x)");
        assert_eq!(badge.iter().map(|link| link.host.as_str()).collect::<Vec<_>>(), ["img.shields.io", "crates.io"]);
        assert!(badge.iter().all(|link| !link.is_misleading));
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_spans_lie_in_it(text in "(?s).{0,200}") {
            for link in find(&text) {
                prop_assert!(text.get(link.span.start..link.span.end).is_some_and(|whole| whole.contains(&link.url)));
            }
        }

        #[test]
        fn texts_of_link_signs_too(text in "(\\[|\\]|\\(|\\)|https?://|www\\.|//|\\.|com|net|a|é|@|/|:|_| |xn--|\n){0,40}") {
            let found = find(&text);
            for link in &found {
                prop_assert!(text.get(link.span.start..link.span.end).is_some_and(|whole| whole.contains(&link.url)));
            }
            for pair in found.windows(2) {
                prop_assert!(pair[0].span.end <= pair[1].span.start);
            }
        }
    }
}
