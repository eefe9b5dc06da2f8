//! What became of a request that writes, told from its answer alone. No input makes it panic; what it cannot tell is unknown.

use super::answer::Answer;
use super::excerpt::clean;
use super::names::names_a_thing;
use super::outcome::WriteOutcome;
use super::refusals::{Reason, refusal};
use serde_json::Value;

/// Reasons of one refusal that are looked at; real ones have one or two.
const REASONS_MOST: usize = 32;

/// What was asked for, which decides what counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action<'a> {
    /// A new post.
    Submit,
    /// A reply to a post or comment.
    Reply {
        /// Its fullname.
        parent: &'a str,
    },
    /// A new text for something of ours.
    Edit {
        /// Its fullname.
        fullname: &'a str,
    },
    /// Taking something of ours back.
    Delete {
        /// Its fullname.
        fullname: &'a str,
    },
}

/// What became of `action`, told from the answer.
#[must_use]
pub fn classify(action: Action<'_>, answer: &Answer) -> WriteOutcome {
    match answer.status {
        200..300 => succeeded(action, answer),
        300..400 => {
            let to = answer.headers.location.as_deref().map_or_else(|| "nowhere".to_owned(), clean);
            let code = if to.contains("/login") { "REDIRECTED_TO_LOGIN" } else { "REDIRECTED" };
            refused(code, &format!("redirected to {to}, which is never followed"))
        }
        401 if answer.is_invalid_token() => {
            WriteOutcome::NotSent { reason: "the access token was refused; a fresh one is needed".to_owned(), not_before: None }
        }
        401 => refused("HTTP_401", &answer.says()),
        403 if answer.headers.names_error("insufficient_scope") => {
            refused("INSUFFICIENT_SCOPE", "the token lacks the scope for this; log in again with it")
        }
        429 => WriteOutcome::NotSent { reason: format!("too many requests: {}", answer.says()), not_before: Some(answer.rate_wait()) },
        408 => unknown(format!("HTTP 408: {}", answer.says())),
        400..500 => envelope(action, answer),
        status => unknown(format!("HTTP {status}: {}", answer.says())),
    }
}

fn unknown(reason: String) -> WriteOutcome {
    WriteOutcome::Unknown { reason }
}

fn refused(code: &str, message: &str) -> WriteOutcome {
    refusal(&[Reason::new(code, message, None)], None).unwrap_or_else(|| unknown(message.to_owned()))
}

/// 400, 403, 404 and their kin: with a code in the envelope, or with nothing but the status.
fn envelope(action: Action<'_>, answer: &Answer) -> WriteOutcome {
    let json = answer.json().unwrap_or_default();
    let mut reasons = reasons(&json);
    if reasons.is_empty()
        && let Some(code) = answer.reason()
    {
        let field = json.get("fields").and_then(|fields| fields.get(0)).and_then(Value::as_str);
        reasons.push(Reason::new(&code, &answer.says(), field));
    }
    if reasons.is_empty() {
        let said = answer.says();
        let is_locked = matches!(action, Action::Reply { .. }) && answer.status == 403 && said.to_lowercase().contains("locked");
        let code = if is_locked { "THREAD_LOCKED".to_owned() } else { format!("HTTP_{}", answer.status) };
        reasons.push(Reason::new(&code, &said, None));
    }
    refusal(&reasons, ratelimit(&json)).unwrap_or_else(|| unknown(answer.says()))
}

fn succeeded(action: Action<'_>, answer: &Answer) -> WriteOutcome {
    let status = answer.status;
    if let Some(cut) = &answer.cut {
        return unknown(format!("HTTP {status}, and the answer broke off: {cut}"));
    }
    if answer.body.is_empty() {
        return unknown(format!("HTTP {status} without a body"));
    }
    let Ok(json) = serde_json::from_slice::<Value>(&answer.body) else {
        return unknown(format!("HTTP {status} without JSON: {}", answer.says()));
    };
    let made = made(action, &json);
    let reasons = reasons(&json);
    if !reasons.is_empty() {
        let codes = reasons.iter().map(|reason| reason.code.as_str()).collect::<Vec<_>>().join(", ");
        return match made {
            Some((fullname, _)) => unknown(format!("the answer names both {fullname} and the refusal {codes}")),
            None => refusal(&reasons, ratelimit(&json)).unwrap_or_else(|| unknown(codes)),
        };
    }
    if let Some((fullname, permalink)) = made {
        return WriteOutcome::Confirmed { fullname, permalink };
    }
    if let Action::Delete { fullname } = action
        && json.as_object().is_some_and(|object| object.is_empty() || object.contains_key("json"))
    {
        // The same `{}` comes when nothing changed: whoever needs to be sure looks at the thing afterwards.
        return WriteOutcome::Confirmed { fullname: fullname.to_owned(), permalink: None };
    }
    let shape = match &json {
        Value::Object(object) if object.contains_key("jquery") => "a list of page operations",
        Value::Array(_) => "a list",
        Value::Object(object) if object.contains_key("json") => "no id",
        _ => "nothing that was expected",
    };
    unknown(format!("HTTP {status}, and the answer holds {shape}"))
}

/// The reasons in `json.errors`: triples of code, message and field. Whatever else stands there is a reason as well.
fn reasons(json: &Value) -> Vec<Reason> {
    let errors = match json.pointer("/json/errors") {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(errors)) => errors.as_slice(),
        Some(other) => return vec![Reason::new("UNREADABLE", &other.to_string(), None)],
    };
    let reason = |error: &Value| {
        let part = |index: usize, key: &str| error.get(index).or_else(|| error.get(key)).and_then(Value::as_str);
        match part(0, "code").or(error.as_str()) {
            Some(code) if !clean(code).is_empty() => Reason::new(code, part(1, "message").unwrap_or_default(), part(2, "field")),
            _ => Reason::new("UNREADABLE", &error.to_string(), None),
        }
    };
    errors.iter().take(REASONS_MOST).map(reason).collect()
}

fn ratelimit(json: &Value) -> Option<f64> {
    let number = json.pointer("/json/ratelimit")?;
    number.as_f64().or_else(|| number.as_str()?.trim().parse().ok())
}

/// The fullname and link of what was made, if the answer names what was asked for.
fn made(action: Action<'_>, json: &Value) -> Option<(String, Option<String>)> {
    let data = json.pointer("/json/data")?;
    let thing = data.pointer("/things/0/data").unwrap_or(data);
    let text = |key: &str| thing.get(key).and_then(Value::as_str);
    let named = |kind: &str| {
        // Old answers have the fullname in `id`.
        [text("name"), text("id")].into_iter().flatten().find(|name| names_a_thing(name, kind)).map(str::to_owned)
    };
    let fullname = match action {
        Action::Submit => named("t3")?,
        Action::Reply { parent } => {
            let answers_it = text("parent_id").is_none_or(|named| named == parent);
            named("t1").filter(|_| answers_it)?
        }
        Action::Edit { fullname } => named("t1").or_else(|| named("t3")).filter(|named| named == fullname)?,
        Action::Delete { .. } => return None,
    };
    let link = text("permalink").or_else(|| text("url").filter(|_| action == Action::Submit));
    Some((fullname, link.map(|link| link.chars().take(2_000).collect())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reddit::headers::Headers;
    use crate::reddit::outcome::{ExpiredBecause, RefusalClass};
    use proptest::prelude::*;
    use std::time::Duration;

    const REPLY: Action<'_> = Action::Reply { parent: "t1_aaa" };

    fn outcome(action: Action<'_>, status: u16, body: &str) -> WriteOutcome {
        classify(action, &Answer::new(status, Headers::default(), body))
    }

    fn is_unknown(outcome: &WriteOutcome) -> bool {
        matches!(outcome, WriteOutcome::Unknown { .. })
    }

    #[test]
    fn answers_that_say_nothing_are_unknown() {
        let bodies = [
            "",
            "{",
            "null",
            "[]",
            "{}",
            "<html>ok</html>",
            "OK",
            r#"{"json": {"errors": [], "data": {"things": []}}}"#,
            r#"{"json": {"errors": []}}"#,
            r#"{"jquery": [[0, 1, "call", ["body"]]], "success": true}"#,
            r#"{"json": {"errors": [], "data": {"name": "t3_none"}}}"#,
            r#"{"json": {"errors": [], "data": {"things": [{"data": {"name": "t1_bbb", "parent_id": "t1_other"}}]}}}"#,
        ];
        for body in bodies {
            for action in [Action::Submit, REPLY] {
                assert!(is_unknown(&outcome(action, 200, body)), "{body}");
            }
        }
        for status in [204, 408, 500, 502, 503, 504, 520, 522, 100, 0] {
            assert!(is_unknown(&outcome(REPLY, status, "")), "{status}");
        }
    }

    #[test]
    fn an_answer_that_broke_off_is_unknown_only_where_the_status_does_not_tell() {
        let mut answer = Answer::new(200, Headers::default(), r#"{"json": {"errors": [], "da"#);
        answer.cut = Some("connection reset".to_owned());
        assert!(is_unknown(&classify(REPLY, &answer)));
        answer.status = 403;
        assert!(matches!(classify(REPLY, &answer), WriteOutcome::Refused { .. }));
        answer.status = 429;
        let expected = Some(Duration::from_secs(60));
        assert!(matches!(classify(REPLY, &answer), WriteOutcome::NotSent { not_before, .. } if not_before == expected));
    }

    #[test]
    fn an_id_beside_an_error_is_not_believed_either_way() {
        let body = r#"{"json": {"errors": [["RATELIMIT", "x", "ratelimit"]], "data": {"name": "t3_abc"}}}"#;
        assert!(is_unknown(&outcome(Action::Submit, 200, body)));
    }

    #[test]
    fn a_redirect_is_refused_and_one_to_the_login_stops_the_account() {
        let to = |location| Answer::new(302, Headers::from_pairs([("location", location)]), "");
        let class = |answer: &Answer| match classify(REPLY, answer) {
            WriteOutcome::Refused { class, .. } => class,
            other => panic!("{other:?}"),
        };
        assert_eq!(class(&to("https://www.reddit.com/login/?dest=x")), RefusalClass::AccountPaused);
        assert_eq!(class(&to("https://elsewhere.example/")), RefusalClass::Refused);
    }

    #[test]
    fn a_403_that_speaks_of_a_lock_ends_the_reply() {
        let class = |body| match outcome(REPLY, 403, body) {
            WriteOutcome::Refused { class, code, .. } => (class, code),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            class(r#"{"message": "Comments are locked.", "error": 403}"#),
            (RefusalClass::Expired(ExpiredBecause::Locked), "THREAD_LOCKED".to_owned())
        );
        assert_eq!(class(r#"{"message": "Forbidden", "error": 403}"#), (RefusalClass::Refused, "HTTP_403".to_owned()));
        assert_eq!(class(r#"{"reason": "quarantined", "message": "Forbidden"}"#).1, "QUARANTINED");
    }

    #[test]
    fn an_edit_is_done_when_the_answer_names_the_same_thing() {
        let body = r#"{"json": {"errors": [], "data": {"things": [{"kind": "t1", "data": {"name": "t1_aaa", "permalink": "/r/x/"}}]}}}"#;
        let done = WriteOutcome::Confirmed { fullname: "t1_aaa".to_owned(), permalink: Some("/r/x/".to_owned()) };
        assert_eq!(outcome(Action::Edit { fullname: "t1_aaa" }, 200, body), done);
        assert!(is_unknown(&outcome(Action::Edit { fullname: "t1_bbb" }, 200, body)));
        assert!(matches!(outcome(Action::Delete { fullname: "t1_aaa" }, 200, "{}"), WriteOutcome::Confirmed { .. }));
        assert!(is_unknown(&outcome(Action::Delete { fullname: "t1_aaa" }, 200, "<html>")));
    }

    fn bodies() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just("null".to_owned()),
            Just("[]".to_owned()),
            Just("3".to_owned()),
            Just(r#"[["RATELIMIT", "in 3 hours", null], 7, "X", {}, [[]]]"#.to_owned()),
            Just(r#"{"things": [{"data": {"name": 5, "id": "t1_x"}}], "name": "t3_y"}"#.to_owned()),
            "\"[a-zA-Z0-9_é<>\u{202e} ]{0,20}\"".prop_map(|text| text),
        ];
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            (piece.clone(), piece.clone(), piece).prop_map(|(errors, data, ratelimit)| {
                format!(r#"{{"json": {{"errors": {errors}, "data": {data}, "ratelimit": {ratelimit}}}, "reason": {data}}}"#).into_bytes()
            }),
        ]
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic_and_only_success_confirms(
            status in any::<u16>(),
            pairs in proptest::collection::vec(("(retry-after|x-ratelimit-reset|www-authenticate|location)", "\\PC{0,30}"), 0..4),
            body in bodies(),
            cut in any::<bool>(),
        ) {
            let headers = Headers::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let answer = Answer { status, headers, body, cut: cut.then(|| "reset".to_owned()) };
            for action in [Action::Submit, REPLY, Action::Edit { fullname: "t1_x" }, Action::Delete { fullname: "t1_x" }] {
                match classify(action, &answer) {
                    WriteOutcome::Confirmed { .. } => prop_assert!(answer.is_success() && !cut),
                    WriteOutcome::NotSent { .. } => prop_assert!(matches!(status, 401 | 429)),
                    WriteOutcome::Refused { message, .. } => prop_assert!(!message.contains('\n') && !message.is_empty()),
                    WriteOutcome::Unknown { reason } => prop_assert!(!reason.is_empty()),
                }
            }
            prop_assert!(super::super::answer::read("GET /x", &answer).is_ok() <= answer.is_success());
        }
    }
}
