//! Finding credentials in outgoing text. A hit blocks: what an agent says in public must never carry a key. Pure.
//!
//! Known shapes first (prefixes that issuers document), then assignments of long random values to words like "password". A candidate that
//! is too regular to be random (a placeholder such as `sk-xxxxxxxx`) is let through.

use super::evaluation::Span;
use regex::Regex;
use std::sync::LazyLock;

/// A credential that was found. The value itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFound {
    /// What it looks like: `OpenRouter key`, `private key`, …
    pub kind: &'static str,
    /// Where it stands in the text.
    pub span: Span,
}

struct Shape {
    kind: &'static str,
    pattern: Regex,
    /// Whether the part matched by the first group has to look random.
    random: bool,
}

static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    let shape = |kind, pattern: &str, random| {
        // The patterns are constants; one that does not compile is caught by the test below, and here only leaves its shape out.
        Regex::new(pattern).ok().map(|pattern| Shape { kind, pattern, random })
    };
    [
        shape("OpenRouter key", r"\bsk-or-(?:v1-)?([A-Za-z0-9]{20,})", true),
        shape("Anthropic key", r"\bsk-ant-([A-Za-z0-9_-]{20,})", true),
        shape("OpenAI key", r"\bsk-(?:proj-|svcacct-)?([A-Za-z0-9_-]{20,})", true),
        shape("AWS access key", r"\b(?:AKIA|ASIA)([A-Z0-9]{16})\b", true),
        shape("GitHub token", r"\b(?:ghp|gho|ghu|ghs|ghr)_([A-Za-z0-9]{30,})", true),
        shape("GitHub token", r"\bgithub_pat_([A-Za-z0-9_]{30,})", true),
        shape("GitLab token", r"\bglpat-([A-Za-z0-9_-]{20,})", true),
        shape("Slack token", r"\bxox[abprs]-([A-Za-z0-9-]{10,})", true),
        shape("Google key", r"\bAIza([A-Za-z0-9_-]{35})\b", true),
        shape("Stripe key", r"\b[rs]k_(?:live|test)_([A-Za-z0-9]{16,})", true),
        shape("JSON web token", r"\beyJ[A-Za-z0-9_-]{8,}\.(eyJ[A-Za-z0-9_-]{8,})\.[A-Za-z0-9_-]{8,}", false),
        shape("private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----", false),
        shape("address with a password", r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:([^\s/@]{3,})@", false),
        shape("bearer token", r"(?i)\bbearer\s+([A-Za-z0-9._~+/-]{20,}=*)", true),
        shape(
            "assigned secret",
            r#"(?i)\b(?:password|passwd|secret|api[_ -]?key|access[_ -]?token|client[_ -]?secret)["']?\s*[:=]\s*["']?([^\s"',;]{12,})"#,
            true,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// Every credential in `text`, in the order of the text, overlapping finds merged into the first.
#[must_use]
pub fn find(text: &str) -> Vec<SecretFound> {
    let mut found: Vec<SecretFound> = SHAPES
        .iter()
        .flat_map(|shape| {
            shape.pattern.captures_iter(text).filter_map(|captures| {
                let whole = captures.get(0)?;
                let value = captures.get(1).map_or("", |group| group.as_str());
                (!shape.random || looks_random(value))
                    .then_some(SecretFound { kind: shape.kind, span: Span { start: whole.start(), end: whole.end() } })
            })
        })
        .collect();
    // Stable: at one place the more specific shape, which is listed first, stays.
    found.sort_by_key(|secret| secret.span.start);
    found.dedup_by(|later, earlier| later.span.start < earlier.span.end);
    found
}

/// Shannon entropy of at least 2.5 bits a character, which `xxxxxxxx` and `your-key-here-here` do not reach with their few letters,
/// and either a digit or both cases, which a word written out does not have.
fn looks_random(value: &str) -> bool {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = value.len() as f64;
    let entropy: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum();
    let mixed = value.bytes().any(|byte| byte.is_ascii_uppercase()) && value.bytes().any(|byte| byte.is_ascii_lowercase());
    entropy >= 2.5 && (value.bytes().any(|byte| byte.is_ascii_digit()) || mixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(SHAPES.len(), 15);
    }

    #[test]
    fn keys_are_found_where_they_stand() {
        // Put together here, so that no scanner takes this file for a leak.
        let random = "4f9aK2mQ7zX1bN8cV5tR3wYe6uIoPl0s";
        for (kind, key) in [
            ("OpenRouter key", format!("sk-or-v1-{random}")),
            ("GitHub token", format!("ghp_{random}")),
            ("AWS access key", "AKIA".to_owned() + "Z7XQ4PLM2NB8VC1T"),
            ("address with a password", format!("postgres://deck:{random}@db")),
            ("assigned secret", format!("password = {random}")),
            ("private key", format!("-----BEGIN RSA {} KEY-----", "PRIVATE")),
        ] {
            let text = format!("so I set {key} and it worked");
            let found = find(&text);
            assert_eq!(found.len(), 1, "{kind}: {found:?}");
            assert_eq!(found[0].kind, kind);
            assert!(text[found[0].span.start..found[0].span.end].starts_with(&key[..8]), "{kind}");
        }
    }

    #[test]
    fn placeholders_and_prose_are_let_through() {
        for text in [
            "set OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxx",
            "the password: nothingspecialhere",
            "see https://example.org/a:b@c for why",
            "a risk-averse-approach-to-everything-we-do",
        ] {
            assert_eq!(find(text), [], "{text}");
        }
    }
}
