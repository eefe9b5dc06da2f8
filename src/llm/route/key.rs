//! Which questions are the same: the digest of everything that decides the answer, written in one way only. Pure.

use crate::base::sha256_hex;
use crate::llm::chat::ChatRequest;
use crate::llm::wire::request_body;
use serde_json::{Value, json};

/// The form of the key; another one makes every kept answer unknown.
const FORM: u32 = 1;
/// What a random mark is replaced with.
const MARK: &str = "\u{1}mark\u{1}";

/// JSON without blanks, with the names of every object in order: the same value is always the same text.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(items) => {
            text.push('[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_unstable();
            text.push('{');
            for (number, name) in names.into_iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                text.push_str(&Value::String(name.clone()).to_string());
                text.push(':');
                write(&fields[name], text);
            }
            text.push('}');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

/// The key of a question to a model of the service at `base_url`. Whether the answer is streamed, who pays for it and what it belongs to do not
/// decide it; on whose behalf it is does, so that no persona ever gets another's.
#[must_use]
pub fn of(request: &ChatRequest, model: &str, base_url: &str) -> String {
    let mut body = request_body(&ChatRequest { stream: false, ..unmarked(request) }, model);
    if let Some(fields) = body.as_object_mut() {
        fields.remove("stream");
    }
    let persona = request.persona.as_ref().map(crate::base::PersonaId::as_str);
    sha256_hex(canonical(&json!({ "form": FORM, "service": base_url, "persona": persona, "body": body })).as_bytes())
}

/// The question without the random mark around what is quoted in it: that is another one each time, and means nothing.
fn unmarked(request: &ChatRequest) -> ChatRequest {
    let mut request = request.clone();
    if let Some(mark) = request.mark.take().filter(|mark| !mark.is_empty()) {
        request.system = request.system.map(|text| text.replace(&mark, MARK));
        for message in &mut request.messages {
            message.content = message.content.replace(&mark, MARK);
        }
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::PersonaId;
    use crate::llm::chat::{Message, Role};
    use proptest::prelude::*;

    const BASE: &str = "https://x/v1";

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            // Fractions that are read back as they were written.
            any::<i16>().prop_map(|number| json!(f64::from(number) / 8.0)),
            ".{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect()))
            ]
        })
    }

    /// The value as JSON with the names of its objects in an order of `turn`, and blanks.
    fn shuffled(value: &Value, turn: usize) -> String {
        match value {
            Value::Array(items) => format!("[ {} ]", items.iter().map(|item| shuffled(item, turn)).collect::<Vec<_>>().join(" ,")),
            Value::Object(fields) => {
                let mut all: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{} : {}", Value::from(name.clone()), shuffled(value, turn))).collect();
                if !all.is_empty() {
                    let by = turn % all.len();
                    all.rotate_left(by);
                }
                format!("{{\n{}}}", all.join(", "))
            }
            plain => plain.to_string(),
        }
    }

    fn requests() -> impl Strategy<Value = ChatRequest> {
        let few = |words: &'static [&'static str]| prop::sample::select(words);
        (
            (prop::option::of(few(&["p1", "p2"])), prop::option::of(few(&["be brief", ""]))),
            prop::collection::vec((any::<bool>(), few(&["hello", "Hello", "a\",\"b"])), 1..3),
            prop::option::of(few(&["0", "0.3", "1"])),
            (prop::option::of(1_u32..3), any::<bool>(), any::<bool>()),
        )
            .prop_map(|((persona, system), messages, temperature, (max_tokens, json_mode, stream))| ChatRequest {
                persona: persona.map(PersonaId::from_stored),
                system: system.map(str::to_owned),
                messages: messages
                    .into_iter()
                    .map(|(user, text)| Message { role: if user { Role::User } else { Role::Assistant }, content: text.to_owned() })
                    .collect(),
                temperature: temperature.map(|number| number.parse().unwrap()),
                max_tokens,
                json_mode,
                stream,
                ..ChatRequest::new("draft", None, "")
            })
    }

    #[test]
    fn what_does_not_decide_the_answer_is_not_in_the_key() {
        let one = ChatRequest::new("draft", None, "hello");
        let other = ChatRequest { stream: true, module: "check".into(), ..ChatRequest::new("x", None, "hello") };
        assert_eq!(of(&one, "m", BASE), of(&other, "m", BASE));
        let marked =
            |mark: &str| ChatRequest { mark: Some(mark.into()), ..ChatRequest::new("x", Some(format!("<{mark}>")), format!("{mark}: hi")) };
        assert_eq!(of(&marked("77aa"), "m", BASE), of(&marked("88bb"), "m", BASE));
        assert_ne!(of(&marked("77aa"), "m", BASE), of(&ChatRequest { mark: None, ..marked("77aa") }, "m", BASE));
    }

    proptest! {
        #[test]
        fn the_order_of_names_does_not_matter(value in values(), turn in 0_usize..4) {
            let again: Value = serde_json::from_str(&shuffled(&value, turn)).unwrap();
            prop_assert_eq!(canonical(&again), canonical(&value));
            prop_assert_eq!(serde_json::from_str::<Value>(&canonical(&value)).unwrap(), value);
        }

        #[test]
        fn questions_are_the_same_when_all_that_decides_is(
            one in requests(), other in requests(), models in prop::sample::select(&[("m", "m"), ("m", "n")][..]),
            bases in prop::sample::select(&[(BASE, BASE), (BASE, "https://y/v1")][..]),
        ) {
            let decides = |request: &ChatRequest, model: &str, base: &str| (
                (request.persona.clone(), request.system.clone(), request.messages.clone(), model.to_owned(), base.to_owned()),
                (request.temperature.map(f64::to_bits), request.max_tokens, request.json_mode),
            );
            let same = decides(&one, models.0, bases.0) == decides(&other, models.1, bases.1);
            prop_assert_eq!(of(&one, models.0, bases.0) == of(&other, models.1, bases.1), same);
        }
    }
}
