//! Faults on demand: what goes wrong, where, how often; written as text such as `reddit:/api/comment=reset-after-commit*1`.

use super::Error;
use super::exchange::Service;
use super::script::dice;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The longest wait that a fault may ask for.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// This status instead of an answer; nothing is stored.
    Status {
        /// 200 to 599.
        code: u16,
        /// An HTML page instead of JSON.
        html: bool,
    },
    /// Reddit: HTTP 200 with `RATELIMIT` in `json.errors` and this many seconds. Model: 429 with `Retry-After`. Nothing is stored.
    RateLimitJson(u32),
    /// No answer for this long, then the connection is reset; nothing is stored.
    Timeout(Duration),
    /// A right answer whose body takes this long to arrive.
    SlowBody(Duration),
    /// The connection is reset and nothing is stored.
    ResetBeforeCommit,
    /// The write is stored, then the connection is reset: the answer is lost.
    ResetAfterCommit,
    /// The connection is reset at once; the write becomes visible only after this long.
    LateCommit(Duration),
    /// The request is carried out; half of the promised body arrives, then the connection ends.
    TruncatedBody,
    /// The request is carried out; the body is complete but is not valid JSON.
    Malformed,
    /// The request is carried out; the answer names nothing: `things: []`, an empty listing, or no choices.
    EmptyThings,
    /// The request is carried out; the answer is an HTML page with status 200.
    Html200,
    /// Model: the request is carried out; a sentence stands where the answer's contract asks for something else.
    Prose,
}

/// One order for trouble.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// `reddit:` or `model:` and a path; `*` stands for any run of characters; `/api/v1` may be left out for the model.
    pub target: String,
    /// What goes wrong.
    pub kind: FaultKind,
    /// How often; `None` for always.
    pub times: Option<u32>,
    /// The share of matching requests that are hit, 0 to 1.
    pub probability: f64,
}

impl Fault {
    /// A fault that hits every matching request.
    #[must_use]
    pub fn always(target: &str, kind: FaultKind) -> Self {
        Self { target: target.to_owned(), kind, times: None, probability: 1.0 }
    }

    /// A fault that hits the next `times` matching requests.
    #[must_use]
    pub fn times(target: &str, kind: FaultKind, times: u32) -> Self {
        Self { times: Some(times), ..Self::always(target, kind) }
    }

    fn matches(&self, service: Service, path: &str) -> bool {
        let Some(pattern) = self.target.strip_prefix(service.name()).and_then(|rest| rest.strip_prefix(':')) else {
            return self.target == "*";
        };
        wildcard(pattern, path) || (service == Service::Model && path.strip_prefix("/api/v1").is_some_and(|rest| wildcard(pattern, rest)))
    }
}

/// Whether `text` is `pattern`, in which `*` stands for any run of characters.
fn wildcard(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern.eq_ignore_ascii_case(text);
    };
    let Some(start) = text.get(..head.len()) else { return false };
    if !start.eq_ignore_ascii_case(head) {
        return false;
    }
    let rest = &text[head.len()..];
    tail.is_empty() || (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| wildcard(tail, &rest[at..]))
}

impl FromStr for FaultKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (name, argument) = text.split_once(':').unwrap_or((text, ""));
        let plain = |kind: Self| if argument.is_empty() { Ok(kind) } else { Err(bad(text, "this kind takes no argument")) };
        match name {
            "status" => {
                let (code, body) = argument.split_once(':').unwrap_or((argument, "json"));
                let code = code.parse().ok().filter(|code| (200..600).contains(code));
                match (code, body) {
                    (Some(code), "json" | "html") => Ok(Self::Status { code, html: body == "html" }),
                    _ => Err(bad(text, "write status:503 or status:503:html, with a code from 200 to 599")),
                }
            }
            "rate-limit" => argument.parse().map(Self::RateLimitJson).map_err(|_| bad(text, "write rate-limit:SECONDS")),
            "timeout" => duration(argument).map(Self::Timeout).ok_or_else(|| bad(text, "write timeout:30s")),
            "slow-body" => duration(argument).map(Self::SlowBody).ok_or_else(|| bad(text, "write slow-body:5s")),
            "late-commit" => duration(argument).map(Self::LateCommit).ok_or_else(|| bad(text, "write late-commit:45s")),
            "reset-before-commit" => plain(Self::ResetBeforeCommit),
            "reset-after-commit" => plain(Self::ResetAfterCommit),
            "truncated-body" => plain(Self::TruncatedBody),
            "malformed" => plain(Self::Malformed),
            "empty-things" => plain(Self::EmptyThings),
            "html-200" => plain(Self::Html200),
            "prose" => plain(Self::Prose),
            _ => Err(bad(
                text,
                "known kinds: status:CODE[:html], rate-limit:SECONDS, timeout:TIME, slow-body:TIME, late-commit:TIME, reset-before-commit, \
                 reset-after-commit, truncated-body, malformed, empty-things, html-200, prose",
            )),
        }
    }
}

impl std::fmt::Display for FaultKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status { code, html } => write!(formatter, "status:{code}{}", if *html { ":html" } else { "" }),
            Self::RateLimitJson(seconds) => write!(formatter, "rate-limit:{seconds}"),
            Self::Timeout(time) => write!(formatter, "timeout:{}ms", time.as_millis()),
            Self::SlowBody(time) => write!(formatter, "slow-body:{}ms", time.as_millis()),
            Self::LateCommit(time) => write!(formatter, "late-commit:{}ms", time.as_millis()),
            Self::ResetBeforeCommit => formatter.write_str("reset-before-commit"),
            Self::ResetAfterCommit => formatter.write_str("reset-after-commit"),
            Self::TruncatedBody => formatter.write_str("truncated-body"),
            Self::Malformed => formatter.write_str("malformed"),
            Self::EmptyThings => formatter.write_str("empty-things"),
            Self::Html200 => formatter.write_str("html-200"),
            Self::Prose => formatter.write_str("prose"),
        }
    }
}

impl FromStr for Fault {
    type Err = Error;

    /// `TARGET=KIND`, then optionally `*TIMES` and `%PERCENT`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (target, rest) =
            text.split_once('=').ok_or_else(|| bad(text, "write TARGET=KIND, for example reddit:/api/comment=status:503*1"))?;
        let target = target.trim();
        if target != "*" && !target.starts_with("reddit:") && !target.starts_with("model:") {
            return Err(bad(text, "a target begins with reddit: or model:, or is * for everything"));
        }
        let (rest, percent) = match rest.rsplit_once('%') {
            None => (rest, 100.0),
            Some((rest, percent)) => (
                rest,
                percent
                    .trim()
                    .parse::<f64>()
                    .ok()
                    .filter(|percent| (0.0..=100.0).contains(percent))
                    .ok_or_else(|| bad(text, "the share after % is a number from 0 to 100"))?,
            ),
        };
        let (kind, times) = match rest.rsplit_once('*') {
            None => (rest, None),
            Some((kind, times)) => {
                let times = times.trim().parse().ok().filter(|times| *times > 0);
                (kind, Some(times.ok_or_else(|| bad(text, "the number after * says how often, at least once"))?))
            }
        };
        let kind = kind.trim().parse().map_err(|error| match error {
            Error::Fault { why, .. } => bad(text, &why),
            other => other,
        })?;
        Ok(Self { target: target.to_owned(), kind, times, probability: percent / 100.0 })
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}={}", self.target, self.kind)?;
        if let Some(times) = self.times {
            write!(formatter, "*{times}")?;
        }
        if self.probability < 1.0 {
            write!(formatter, "%{}", self.probability * 100.0)?;
        }
        Ok(())
    }
}

/// `500ms`, `5s`, `2m`, `1h` or plain seconds; at most a day.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok().filter(|time| *time <= LONGEST)
}

fn bad(text: &str, why: &str) -> Error {
    Error::Fault { text: text.to_owned(), why: why.to_owned() }
}

/// The faults in force.
#[derive(Debug)]
pub struct Faults(Mutex<Active>);

#[derive(Debug)]
struct Active {
    faults: Vec<Fault>,
    rng: fastrand::Rng,
}

impl Faults {
    /// The faults at the start; `seed` decides which requests are hit when a share is asked for.
    #[must_use]
    pub fn new(seed: u64, faults: Vec<Fault>) -> Self {
        Self(Mutex::new(Active { faults, rng: dice(seed, &["faults"]) }))
    }

    /// Order one more. Faults are looked at in the order in which they came.
    pub fn add(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// Take all faults back. Returns how many there were.
    pub fn clear(&self) -> usize {
        std::mem::take(&mut self.lock().faults).len()
    }

    /// The faults that can still hit, with what is left of their number.
    #[must_use]
    pub fn list(&self) -> Vec<Fault> {
        self.lock().faults.clone()
    }

    /// The fault for a request, counted as used. The control endpoint never fails.
    pub fn take(&self, service: Service, path: &str) -> Option<FaultKind> {
        if service == Service::Control {
            return None;
        }
        let active = &mut *self.lock();
        for (index, fault) in active.faults.iter_mut().enumerate() {
            if !fault.matches(service, path) || (fault.probability < 1.0 && active.rng.f64() >= fault.probability) {
                continue;
            }
            let kind = fault.kind.clone();
            if let Some(times) = &mut fault.times {
                *times = times.saturating_sub(1);
                if *times == 0 {
                    active.faults.remove(index);
                }
            }
            return Some(kind);
        }
        None
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Active> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn faults_are_read_from_text() {
        let fault: Fault = "reddit:/api/comment=reset-after-commit*1".parse().unwrap();
        assert_eq!(fault, Fault::times("reddit:/api/comment", FaultKind::ResetAfterCommit, 1));
        let fault: Fault = "model:/chat/completions=status:529:html%25".parse().unwrap();
        assert_eq!((fault.kind, fault.probability), (FaultKind::Status { code: 529, html: true }, 0.25));
        let fault: Fault = "reddit:/r/*/new=slow-body:1.5s*2%50".parse().unwrap();
        assert_eq!((fault.kind, fault.times), (FaultKind::SlowBody(Duration::from_millis(1500)), Some(2)));
    }

    #[test]
    fn a_bad_fault_says_what_to_write() {
        for text in [
            "",
            "x",
            "http:/a=malformed",
            "reddit:/a=explode",
            "reddit:/a=status:99",
            "reddit:/a=timeout:9y",
            "reddit:/a=malformed:1",
            "reddit:/a=malformed*x",
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(text) && error.len() > text.len() + 20, "{error}");
        }
    }

    #[test]
    fn a_counted_fault_runs_out() {
        let faults = Faults::new(1, vec![Fault::times("reddit:/api/*", FaultKind::Malformed, 2)]);
        assert_eq!(faults.take(Service::Model, "/api/v1/key"), None);
        assert_eq!(faults.take(Service::Reddit, "/api/comment"), Some(FaultKind::Malformed));
        assert_eq!(faults.take(Service::Reddit, "/r/test/new"), None);
        assert_eq!(faults.take(Service::Reddit, "/api/submit"), Some(FaultKind::Malformed));
        assert_eq!(faults.take(Service::Reddit, "/api/submit"), None);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn the_model_path_may_leave_out_the_prefix() {
        let faults = Faults::new(1, vec![Fault::always("model:/chat/completions", FaultKind::EmptyThings)]);
        assert_eq!(faults.take(Service::Model, "/api/v1/chat/completions"), Some(FaultKind::EmptyThings));
        assert_eq!(faults.take(Service::Reddit, "/chat/completions"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            if let Ok(fault) = text.parse::<Fault>() {
                fault.to_string().parse::<Fault>().unwrap();
            }
        }
    }
}
