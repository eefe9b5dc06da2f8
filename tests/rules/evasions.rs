//! What people do to slip a word past a list, each found with its place in the original.

use quarterdeck::moderation::rules::{self, Modes, RuleSet, Signals, Subject};
use quarterdeck::moderation::screening::{ConsistencyResult, Outgoing};
use quarterdeck::moderation::{Evaluation, Verdict};

pub fn look(content: &str) -> Evaluation {
    let set = RuleSet::embedded().unwrap();
    let signals = Signals { consistency: Some(&ConsistencyResult::NotNeeded), ..Signals::default() };
    let subject = Subject { outgoing: Outgoing { title: None, content }, persona: "", subreddit: "", at: 0 };
    rules::evaluate(&set, &Modes::new(), &subject, &signals)
}

#[test]
fn each_evasion_is_caught_where_it_stands() {
    let key = format!("AKIA{}", "Z7XQ4PLM2NB8VC1T");
    let hidden_key = format!("AKIA{}\u{200b}{}", "Z7XQ4PLM", "2NB8VC1T");
    // base64 of the same key in a sentence.
    let encoded = "dGhlIGtleSBpcyBBS0lBWjdYUTRQTE0yTkI4VkMxVCB1c2UgaXQ=";
    let cases: Vec<(String, &str, &str)> = vec![
        ("come to the CaSiNo tonight".into(), "banned_keyword", "CaSiNo"),
        ("come to the c4s1n0 tonight".into(), "banned_keyword", "c4s1n0"),
        ("come to the ca$in0 tonight".into(), "banned_keyword", "ca$in0"),
        ("come to the c a s i n o tonight".into(), "banned_keyword", "c a s i n o"),
        ("come to the c_a_s_i_n_o tonight".into(), "banned_keyword", "c_a_s_i_n_o"),
        ("come to the cas.ino tonight".into(), "banned_keyword", "cas.ino"),
        ("come to the casiiiinooo tonight".into(), "banned_keyword", "casiiiinooo"),
        (
            "come to the c\u{200b}a\u{200d}s\u{feff}i\u{2060}n\u{ad}o tonight".into(),
            "banned_keyword",
            "c\u{200b}a\u{200d}s\u{feff}i\u{2060}n\u{ad}o",
        ),
        ("come to the сasinо tonight".into(), "banned_keyword", "сasinо"),
        ("come to the ｃａｓｉｎｏ tonight".into(), "banned_keyword", "ｃａｓｉｎｏ"),
        ("come to the 𝐜𝐚𝐬𝐢𝐧𝐨 tonight".into(), "banned_keyword", "𝐜𝐚𝐬𝐢𝐧𝐨"),
        ("come to the ⓒⓐⓢⓘⓝⓞ tonight".into(), "banned_keyword", "ⓒⓐⓢⓘⓝⓞ"),
        ("come to the 🄲🄰🅂🄸🄽🄾 tonight".into(), "banned_keyword", "🄲🄰🅂🄸🄽🄾"),
        ("come to the çàśïñö tonight".into(), "banned_keyword", "çàśïñö"),
        ("ä ö ü first, then v1@gr@ for you".into(), "banned_keyword", "v1@gr@"),
        (format!("so I set {key} and it worked"), "secret", &key),
        (format!("so I set {hidden_key} and it worked"), "secret", &hidden_key),
        (format!("decode {encoded} yourself"), "secret", encoded),
        ("his card is 4111-1111-1111-1111 by the way".into(), "personal_data", "4111-1111-1111-1111"),
        ("go and k i l l  y o u r s e l f".into(), "toxicity", ""),
        ("go and KILL   YOURSELF now".into(), "toxicity", "KILL   YOURSELF"),
        ("see https://xn--80ak6aa92e.com/ for it".into(), "link_safety", "https://xn--80ak6aa92e.com/"),
        ("see https://deck:pw@example.org/x for it".into(), "link_safety", "https://deck:pw@example.org/x"),
        ("As a lang\u{200b}uage model I have no view".into(), "bot_speak", "As a lang\u{200b}uage model"),
    ]
    .into_iter()
    .map(|(text, rule, shown)| (text, rule, shown.to_owned()))
    .map(|(text, rule, shown)| (text, rule, Box::leak(shown.into_boxed_str()) as &str))
    .collect();
    for (text, rule, shown) in &cases {
        let found = look(text);
        let hit = found.hits.iter().find(|hit| hit.rule_id == *rule);
        let Some(hit) = hit else {
            // Two blanks between spaced-out words end the first word: that one is not claimed.
            assert!(shown.is_empty(), "{rule} does not fire on {text:?}: {:?}", found.flags);
            continue;
        };
        let words: Vec<&str> = hit.spans.iter().map(|span| &text[span.start..span.end]).collect();
        assert!(shown.is_empty() || words.contains(shown), "{rule} on {text:?} shows {words:?}");
    }
}

#[test]
fn innocent_texts_are_let_through() {
    for text in [
        "The class assessed the Scunthorpe cocktail in Sussex, and the passage was cheap.",
        "At 5pm on 2024-01-15 we had 3.5 l of water left, which is 12 % less.",
        "Version 1.2.3.4 fixes #1234; see r/rivers or ask u/someone about main.rs.",
        "A naïve café in Zürich, 東京 and Москва, with Ελληνικά and العربية beside it.",
        "It is a well-known e-mail trick, i.e. nothing new, and/or something old.",
        "I spoke with a family 👨‍👩‍👧‍👦 there ❤️ and they were kind 👍🏽.",
        "commit da39a3ee5e6b4b0d3255bfef95601890afd80709 broke it, see 123e4567-e89b-12d3-a456-426614174000",
    ] {
        let found = look(text);
        assert_eq!(found.verdict, Verdict::Allow, "{text}: {:?}", found.hits);
    }
}

#[test]
fn monsters_are_looked_at_in_no_time_and_never_let_through() {
    let began = std::time::Instant::now();
    let million = "word and word, ".repeat(70_000);
    assert_eq!(look(&million).verdict, Verdict::Block);
    let marks = "a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{200b}\u{200d}".repeat(20_000);
    assert_eq!(look(&marks).verdict, Verdict::Block);
    let nothing = "\u{200b}\u{2060}\u{feff}\u{ad}".repeat(2_000);
    let found = look(&nothing);
    assert_eq!(found.verdict, Verdict::Block, "{:?}", found.flags);
    assert!(found.flags.contains(&"hidden_text".to_owned()));
    let spaced = "a ".repeat(200_000);
    assert_eq!(look(&spaced).verdict, Verdict::Block);
    // Linear: a fraction of this even in a build without optimisation; what backtracks would take years.
    assert!(began.elapsed().as_secs() < 60);
}
