//! Pieces with everything in them that logs were seen to hold.

use super::*;
use crate::llm::logs::Moment;
use proptest::prelude::*;

fn reading() -> Reading {
    Reading {
        unit: Unit::Dollars,
        zone: Some(chrono_tz::Tz::Europe__Berlin),
        prices: Arc::new(Prices::embedded().unwrap()),
        personas: Arc::new([("QuietOwl".to_owned(), "id-1".to_owned())].into()),
        prices_all: true,
        module: "imported".to_owned(),
        category: Category::Interactive,
        now: 1_795_219_200_000,
    }
}

fn found(text: &[u8]) -> Found {
    Reader::new(reading()).read(&Piece { bytes: text.to_vec(), first_line: 1, ..Piece::default() })
}

fn line(fields: &str) -> String {
    format!(
        r#"{{"timestamp":"2026-11-20T10:00:00Z","module":"draft","signature":"reply","model":"openai/gpt-5-mini","latency_ms":10,"tokens":{{"input":1000,"output":100}},{fields}}}"#
    )
}

#[test]
fn a_call_is_priced_by_the_book_and_keeps_what_was_reported() {
    let text = line(r#""cost_usd":0.00045,"success":true,"persona":"QuietOwl""#);
    let found = found(text.as_bytes());
    let call = &found.calls[0];
    assert_eq!((call.cost, call.computed.map(|(cost, _)| cost)), (Some(Picos(450_000_000)), Some(Picos(450_000_000))));
    assert_eq!((found.name(call.persona), found.text(call.cost_text), call.line), ("id-1", Some("0.00045"), 1));
    assert!(call.doubts.is_empty());
}

#[test]
fn bad_input_is_reported_and_counted_and_never_nothing() {
    let text = [
        "\u{feff}".to_owned() + &line(r#""cost_usd":NaN"#) + "\r",
        line(r#""cost_usd":"0.00045""#),
        line(r#""cost_usd":0.045"#),
        line(r#""cost_usd":-1"#),
        "{\"timestamp\":\"2026-11-20T10:00:0".to_owned(),
        "2026-11-20 10:00:00 WARNING plain".to_owned(),
        "[1,2]".to_owned(),
        r#"{"a":1}"#.to_owned(),
        line("").replace(",}", "}").replace("1000", "-5"),
        line("").replace(",}", "}").replace("2026-11-20T10", "2026-11-20T07"),
        line("").replace(",}", "}").replace("\"timestamp\":\"2026-11-20T10:00:00Z\",", ""),
        line("").replace(",}", "}").replace("2026-11-20T10:00:00Z", "1971-01-01T00:00:00Z"),
    ]
    .join("\n");
    let found = found(text.as_bytes());
    let whys: Vec<(u64, &str)> = found.rejects.iter().map(|reject| (reject.line, reject.why.word())).collect();
    assert_eq!(
        whys,
        [(5, "cut_off"), (6, "text"), (7, "no_object"), (8, "unknown_format"), (11, "no_time"), (12, "time_out_of_range")],
        "{:?}",
        found.rejects
    );
    let doubts: Vec<(u64, String)> = found.calls.iter().map(|call| (call.line, call.doubts.words().unwrap_or_default())).collect();
    let expected = [
        (1, "cost_unreadable,no_strict_json"),
        (2, "cost_as_text"),
        (3, "cost_in_cents"),
        (4, "cost_negative"),
        (9, "negative"),
        (10, "clock_went_back"),
    ];
    assert_eq!(doubts, expected.map(|(line, words)| (line, words.to_owned())));
    let charged: Vec<Option<i64>> = found.calls.iter().map(|call| call.charged().map(|picos| picos.0)).collect();
    // What was not reported is priced by the book, and where that needs a count that is not known, it stays unknown.
    assert_eq!(charged, [Some(450_000_000), Some(450_000_000), Some(45_000_000_000), Some(450_000_000), None, Some(450_000_000)]);
    assert_eq!((found.lines, found.next_line), (12, 13));
}

#[test]
fn the_same_call_has_one_id_in_every_format() {
    let modules = r#"{"timestamp":"2025-08-01T00:00:07.776Z","level":"INFO","module":"optimizer","signature":"s","latency_ms":498.9,"tokens":{"input":289,"output":160},"cost_usd":0.001089,"success":true,"model":"a/b","module_version":"v1","persona":"p0"}"#;
    let interactions = r#"{"module_name":"optimizer","module_version":"Baseline","signature":"s","timestamp_ms":1754006407776,"latency_ms":498,"tokens":{"prompt_tokens":289,"completion_tokens":160,"total_tokens":449},"cost_usd":0.001089,"model":"a/b","success":true,"error":null,"metadata":{"persona":"p0"}}"#;
    let found = found(format!("{modules}\n{interactions}\n").as_bytes());
    assert_eq!(found.calls.len(), 2, "{:?}", found.rejects);
    assert_eq!(found.calls[0].id, found.calls[1].id);
    assert!(uuid::Uuid::from_bytes(found.calls[0].id).to_string().starts_with("01986"), "the time leads");
}

#[test]
fn naive_times_take_the_stated_zone_or_end_the_reading() {
    let naive = line("").replace(",}", "}").replace("00Z", "00");
    assert_eq!(found(naive.as_bytes()).calls[0].at, crate::llm::logs::stamp::read("2026-11-20T09:00:00Z").map(utc).unwrap());
    let mut reader = Reader::new(Reading { zone: None, ..reading() });
    let found = reader.read(&Piece { bytes: format!("{naive}\n{naive}\n").into_bytes(), first_line: 7, ..Piece::default() });
    assert_eq!((found.no_zone, found.calls.len()), (Some((7, "2026-11-20T10:00:00.000".to_owned())), 0));
}

fn utc(moment: Moment) -> Millis {
    match moment {
        Moment::Utc(at) | Moment::Naive(at) => at,
    }
}

#[test]
fn objects_over_several_lines_and_lists_are_read() {
    let value: serde_json::Value = serde_json::from_str(&line(r#""success":true"#)).unwrap();
    let pretty = serde_json::to_string_pretty(&[&value, &value]).unwrap();
    let found_pretty = found(pretty.as_bytes());
    assert_eq!((found_pretty.calls.len(), found_pretty.rejects.len()), (2, 0), "{:?}", found_pretty.rejects);
    let listed = serde_json::to_string(&[&value, &value]).unwrap();
    assert_eq!(found(listed.as_bytes()).calls.len(), 2);
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let found = found(&bytes);
        prop_assert!(found.lines <= bytes.len() as u64);
    }

    /// Lines of a log with bytes changed, cut or put in: nothing is lost unseen.
    #[test]
    fn a_damaged_log_is_told_line_by_line(at in 0_usize..700, byte in any::<u8>(), cut in 0_usize..40) {
        let whole = format!("{}\n{}\n{}\n", line(r#""cost_usd":0.1"#), line(r#""cost_usd":"x","success":false"#), line(r#""cost_usd":1e-3"#));
        let mut bytes = whole.into_bytes();
        let at = at % bytes.len();
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, [byte]);
        let found = found(&bytes);
        prop_assert!(found.calls.len() + found.rejects.len() + found.other as usize + usize::from(found.no_zone.is_some()) >= 1);
    }
}
