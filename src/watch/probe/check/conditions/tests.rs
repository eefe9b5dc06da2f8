use super::*;
use proptest::prelude::*;
use serde_json::json;

#[track_caller]
fn verdict(condition: &str, facts: &Facts<'_>) -> Verdict {
    Condition::parse(condition).unwrap_or_else(|wrong| panic!("{condition}: {wrong}")).verdict(facts)
}

fn body(value: &Value) -> Facts<'_> {
    Facts { status: Some(200), response_ms: Some(120.4), connected: Some(true), body: Body::Text("", Some(value)), ..Facts::default() }
}

#[test]
fn what_holds_holds_and_what_does_not_says_what_it_is() {
    let value = json!({
        "status": "healthy", "count": 3, "share": 0.5, "on": true, "none": null, "name": "john doe", "a.b": 7,
        "data": [{ "id": 1, "tags": ["x", "y"] }, { "id": 2 }], "text": "3", "signs": "a == b"
    });
    let facts = Facts { certificate_ms: Some(3 * 86_400_000), value: Some(0.4), ..body(&value) };
    for holds in [
        "[STATUS] == 200",
        "[STATUS]==200",
        "200 == [STATUS]",
        "[STATUS] == any(200, 429)",
        "[STATUS] != any(500, 503)",
        "[STATUS] == pat(2*)",
        "[STATUS] < 300",
        "[RESPONSE_TIME] < 500",
        "[RESPONSE_TIME] <= 0.5s",
        "[CONNECTED] == true",
        "[CONNECTED] != false",
        "[CERTIFICATE_EXPIRATION] > 48h",
        "[CERTIFICATE_EXPIRATION] < 7d",
        "[VALUE] < 0.9",
        "[BODY].status == healthy",
        "[BODY].status == any(ok, healthy)",
        "[BODY].name == pat(john*)",
        "[BODY].name == any(pat(*doe), x)",
        "[BODY].name == john doe",
        "[BODY].count >= 3",
        "[BODY].count == 3.0",
        "[BODY].text == 3",
        "[BODY].text < 4",
        "[BODY].on == true",
        "[BODY].none == null",
        "[BODY].data[0].tags[1] == y",
        "[BODY].data[1].id == 2",
        "[BODY][\"a.b\"] == 7",
        "[BODY].[\"a.b\"] == 7",
        "[BODY].signs == \"a == b\"",
        "[BODY].signs == a == b",
        "len([BODY].data) < 5",
        "len([BODY].name) == 8",
        "has([BODY].errors) == false",
        "has([BODY].data[1].id) == true",
    ] {
        assert_eq!(verdict(holds, &facts), Verdict::Holds, "{holds}");
    }
    for (fails, reason) in [
        ("[STATUS] == 204", "it is 200"),
        ("[RESPONSE_TIME] < 100", "it is 120 ms"),
        ("[CERTIFICATE_EXPIRATION] > 7d", "it is 3 d"),
        ("[VALUE] > 0.9", "it is 0.4"),
        ("[BODY].status == ok", "it is “healthy”"),
        ("ok == [BODY].status", "it is “healthy”"),
        ("len([BODY].data) > 5", "it is 2"),
        ("has([BODY].data) == false", "it is “true”"),
        ("[BODY].text == 3.0", "it is “3”"),
    ] {
        let Verdict::Fails { reason: told, is_mild: false } = verdict(fails, &facts) else { panic!("{fails}") };
        assert!(told.starts_with(&format!("{fails} does not hold")) && told.contains(reason), "{told}");
    }
}

#[test]
fn what_cannot_be_known_never_passes() {
    let value = json!({ "a": { "b": [] }, "name": "x" });
    for (condition, reason) in [
        ("[BODY].missing != x", "no .missing"),
        ("[BODY].a.b[3] != x", "no .a.b[3]"),
        ("[BODY].name < 5", "“x” is not a number"),
        ("[BODY].a < 5", "is not a number"),
        ("[VALUE] != 3", "no value"),
        ("[CERTIFICATE_EXPIRATION] < 9d", "no certificate"),
        ("len([BODY].missing) < 5", "no .missing"),
    ] {
        let Verdict::Fails { reason: told, .. } = verdict(condition, &body(&value)) else { panic!("{condition}") };
        assert!(told.contains("cannot be known") && told.contains(reason), "{told}");
    }
    let html = Facts { body: Body::Text("<html>", None), value: Some(f64::NAN), ..Facts::default() };
    let cut = Facts { body: Body::Cut, ..Facts::default() };
    for condition in ["has([BODY].errors) == false", "[BODY].x != 1", "[VALUE] != 1", "[STATUS] != 500", "[CONNECTED] != false"] {
        assert!(matches!(verdict(condition, &html), Verdict::Fails { .. }), "{condition}");
        assert!(matches!(verdict(condition, &cut), Verdict::Fails { .. }), "{condition}");
    }
    assert!(matches!(verdict("[BODY] != pat(*x*)", &cut), Verdict::Fails { .. }));
    assert_eq!(verdict("[BODY] == pat(*html*)", &html), Verdict::Holds);
}

#[test]
fn a_target_that_calls_itself_degraded_is_believed() {
    let value = json!({ "status": "Degraded" });
    assert!(matches!(verdict("[BODY].status == healthy", &body(&value)), Verdict::Fails { is_mild: true, .. }));
    let value = json!({ "status": "unhealthy" });
    assert!(matches!(verdict("[BODY].status == healthy", &body(&value)), Verdict::Fails { is_mild: false, .. }));
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, at, words) in [
        ("", 1, "[STATUS] == 200"),
        ("[STATE] == 200", 1, "[STATE] is not known"),
        ("[STATUS", 1, "a placeholder"),
        ("[STATUS] = 200", 10, "=="),
        ("[STATUS] 200", 10, "=="),
        ("[STATUS] ==", 12, "the right side is missing"),
        ("[STATUS] == ok", 13, "a number"),
        ("[STATUS] == 2s", 13, "a plain number"),
        ("[CONNECTED] == yes", 16, "true or false"),
        ("[CONNECTED] < 3", 13, "true or false"),
        ("has([BODY].a) == 1", 18, "true or false"),
        ("has([STATUS]) == true", 5, "[BODY] only"),
        ("len([BODY].a == 1", 14, ") is wanted"),
        ("[CERTIFICATE_EXPIRATION] > 48", 28, "48h"),
        ("[BODY].a < pat(x*)", 10, "== and !="),
        ("[BODY].a == pat(x*", 17, "never closed"),
        ("[BODY].a == any(1, 2", 21, "closing bracket"),
        ("[BODY].a == \"x", 13, "never closed"),
        ("[BODY].a == \"x\" y", 17, "nothing may follow"),
        ("[BODY]. == 1", 8, "a name is missing"),
        ("[BODY][x] == 1", 8, "a number from 0"),
        ("[BODY].a > big", 12, "not a number"),
        ("200 == 200", 1, "looks at nothing"),
        ("[STATUS] == 200\u{1b}", 16, "control"),
    ] {
        let wrong = Condition::parse(text).expect_err(text);
        assert!(wrong.at == at && wrong.reason.contains(words), "{text}: {wrong}");
    }
    assert!(Condition::parse(&format!("[BODY] == {}", "x".repeat(2_000))).is_err());
    let misplaced = Condition::parse("[CONNECTED] == true").unwrap().fits("log_file").unwrap_err();
    assert!(misplaced.reason.contains("log_file never tells [CONNECTED]"), "{misplaced}");
    assert!(Condition::parse("[VALUE] < 0.9").unwrap().fits("prometheus").is_ok());
}

#[test]
fn patterns_need_all_their_parts_in_order() {
    for (pattern, text, is) in [
        ("john*", "john doe", true),
        ("*doe", "john doe", true),
        ("j*n*e", "john doe", true),
        ("*", "", true),
        ("", "", true),
        ("", "x", false),
        ("a*a", "a", false),
        ("*ab*ba*", "abba", true),
        ("*aba*aba*", "ababa", false),
        ("john", "john doe", false),
    ] {
        assert_eq!(matches_pattern(pattern, text), is, "{pattern} {text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), answer in any::<String>()) {
        if let Ok(condition) = Condition::parse(&text) {
            let value = json!(answer);
            let _ = condition.verdict(&Facts { body: Body::Text(&answer, Some(&value)), ..Facts::default() });
        }
    }

    #[test]
    fn nothing_that_is_made_of_its_own_words_makes_it_panic(
        words in proptest::collection::vec(prop_oneof![
            Just("[BODY]"), Just("[STATUS]"), Just("[VALUE]"), Just(".a"), Just("[0]"), Just("[\""), Just("\"]"), Just("len("), Just("has("),
            Just("any("), Just("pat("), Just(")"), Just("=="), Just("!="), Just("<"), Just(">="), Just(" "), Just("*"), Just("\""), Just("\\"),
            Just("48h"), Just("1e999"), Just("-"), Just("ü"), Just(","), Just("[CERTIFICATE_EXPIRATION]"), Just("true"),
        ], 0..12),
        number in any::<f64>(),
    ) {
        let text = words.concat();
        match Condition::parse(&text) {
            Ok(condition) => {
                let value = json!({ "a": [number, "x"] });
                let _ = condition.verdict(&Facts { value: Some(number), status: Some(200), body: Body::Text("x", Some(&value)), ..Facts::default() });
                // Nothing is known: nothing passes.
                prop_assert!(matches!(condition.verdict(&Facts::default()), Verdict::Fails { .. }), "{}", text);
                prop_assert_eq!(Condition::parse(condition.text()).unwrap(), condition);
            }
            Err(wrong) => prop_assert!(wrong.at >= 1 && wrong.at <= text.chars().count() + 1),
        }
    }
}
