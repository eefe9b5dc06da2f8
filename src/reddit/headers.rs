//! The headers of an answer that mean something to us, parsed once.

use std::time::Duration;

/// No wait that a server asks for is taken as longer than this: a day.
const LONGEST: f64 = 86_400.0;

/// What the headers of an answer say. A header that is absent or cannot be read is `None`: that never means zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Headers {
    /// `WWW-Authenticate`.
    pub www_authenticate: Option<String>,
    /// `Retry-After`, seconds. The form with a date is not used by Reddit and is not read.
    pub retry_after: Option<f64>,
    /// `X-Ratelimit-Used`, requests in this window.
    pub used: Option<f64>,
    /// `X-Ratelimit-Remaining`, requests left in this window; comes as `598` and as `598.0`.
    pub remaining: Option<f64>,
    /// `X-Ratelimit-Reset`, seconds until the window ends.
    pub reset: Option<f64>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Location`.
    pub location: Option<String>,
}

impl Headers {
    /// Read them from name and value pairs; names in any case. Of a repeated header the last one counts.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut headers = Self::default();
        for (name, value) in pairs {
            match name.to_ascii_lowercase().as_str() {
                "www-authenticate" => headers.www_authenticate = Some(value.to_owned()),
                "retry-after" => headers.retry_after = seconds(value),
                "x-ratelimit-used" => headers.used = number(value),
                "x-ratelimit-remaining" => headers.remaining = number(value),
                "x-ratelimit-reset" => headers.reset = seconds(value),
                "content-type" => headers.content_type = Some(value.to_owned()),
                "location" => headers.location = Some(value.to_owned()),
                _ => {}
            }
        }
        headers
    }

    /// The error that `WWW-Authenticate` names, such as `invalid_token` or `insufficient_scope`.
    #[must_use]
    pub fn names_error(&self, error: &str) -> bool {
        self.www_authenticate.as_deref().is_some_and(|header| {
            header
                .split([',', ' '])
                .filter_map(|part| part.trim().strip_prefix("error="))
                .any(|value| value.trim_matches('"').eq_ignore_ascii_case(error))
        })
    }

    /// How long a 429 asks us to wait: the longer of `Retry-After` and the window's end, at least a second.
    #[must_use]
    pub fn asks_to_wait(&self) -> Option<Duration> {
        let wait = match (self.retry_after, self.reset) {
            (Some(one), Some(other)) => one.max(other),
            (one, other) => one.or(other)?,
        };
        Some(Duration::from_secs_f64(wait.clamp(1.0, LONGEST)))
    }
}

fn number(value: &str) -> Option<f64> {
    value.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

fn seconds(value: &str) -> Option<f64> {
    number(value).map(|seconds| seconds.clamp(0.0, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_as_integers_and_as_floats_and_absent_is_not_zero() {
        let headers =
            Headers::from_pairs([("X-Ratelimit-Remaining", "598.0"), ("x-ratelimit-reset", "219"), ("X-RATELIMIT-USED", "nonsense")]);
        assert_eq!((headers.remaining, headers.reset, headers.used), (Some(598.0), Some(219.0), None));
        let odd = Headers::from_pairs([("retry-after", "inf"), ("x-ratelimit-reset", "-7"), ("x-ratelimit-remaining", "NaN")]);
        assert_eq!((odd.retry_after, odd.reset, odd.remaining), (None, Some(0.0), None));
    }

    #[test]
    fn the_longer_wait_counts_and_a_full_second_is_the_least() {
        let wait = |pairs: &[(&str, &str)]| Headers::from_pairs(pairs.iter().copied()).asks_to_wait();
        assert_eq!(wait(&[("retry-after", "4"), ("x-ratelimit-reset", "30")]), Some(Duration::from_secs(30)));
        assert_eq!(wait(&[("retry-after", "0")]), Some(Duration::from_secs(1)));
        assert_eq!(wait(&[("retry-after", "99999999999")]), Some(Duration::from_secs(86_400)));
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn the_authentication_error_is_read_from_its_parameter() {
        let headers = Headers::from_pairs([("www-authenticate", r#"Bearer realm="reddit", error="invalid_token""#)]);
        assert!(headers.names_error("invalid_token"));
        assert!(!headers.names_error("insufficient_scope"));
    }
}
