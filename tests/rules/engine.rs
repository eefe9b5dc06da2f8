//! Files of rules: what is wrong in them is told with its place, changes are laid over, modes and times are kept, unknown is not "no".

use super::evasions::look;
use quarterdeck::moderation::Verdict;
use quarterdeck::moderation::rules::{self, DEFAULT, Modes, RuleSet, Signal, Signals, Subject, reference};
use quarterdeck::moderation::rules::{Alike, History, Mode};
use quarterdeck::moderation::screening::{ConsistencyResult, Outgoing};

const TEXT: &str = "A harmless remark about rivers and the towns on them.";

fn with(own: &str) -> RuleSet {
    RuleSet::read(&[("default", DEFAULT), ("mine.toml", own)]).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn faults(own: &str) -> Vec<String> {
    RuleSet::read(&[("default", DEFAULT), ("mine.toml", own)]).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

fn rule(id: &str, rest: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\ntitle = \"t\"\ndoes = \"d\"\nwhy = \"w\"\nowner = \"me\"\nweight = 0.5\n{rest}\n")
}

fn flags(set: &RuleSet, modes: &Modes, persona: &str, subreddit: &str, content: &str, at: i64) -> Vec<String> {
    let signals = Signals { consistency: Some(&ConsistencyResult::NotNeeded), ..Signals::default() };
    let subject = Subject { outgoing: Outgoing { title: None, content }, persona, subreddit, at };
    rules::evaluate(set, modes, &subject, &signals).flags
}

#[test]
fn the_shipped_rules_do_what_they_say() {
    let set = RuleSet::embedded().unwrap();
    assert_eq!(rules::examples(&set), Vec::<String>::new());
    for rule in set.rules() {
        assert!(!rule.why.is_empty() && !rule.does.is_empty() && !rule.owner.is_empty(), "{}", rule.id);
    }
}

#[test]
fn the_pages_in_the_documents_are_those_of_the_rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md");
    let document = reference::document(&RuleSet::embedded().unwrap());
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == document, "docs/rules.md is not what the rules say; make it with `quarterdeck rules reference > docs/rules.md`");
    for rule in RuleSet::embedded().unwrap().rules() {
        assert!(document.contains(&format!("## {}: ", rule.id)), "{} has no page", rule.id);
    }
}

#[test]
fn what_is_wrong_is_told_with_place_and_reason() {
    let pattern = rule("mine", "mode = \"review\"\ncheck = { kind = \"text\", patterns = [\n  'fine',\n  'a(b',\n] }");
    let found = faults(&pattern);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("mine.toml, line 11, column 4") && found[0].contains("unclosed group"), "{}", found[0]);
    for (text, words) in [
        ("[[rule]\nid = 1", "mine.toml, line 1"),
        (&rule("length", "mode = \"block\"\ncheck = { kind = \"muted\" }"), "\"length\" is defined already, in default"),
        (
            &(rule("twice", "mode = \"off\"\ncheck = { kind = \"muted\" }")
                + &rule("twice", "mode = \"off\"\ncheck = { kind = \"muted\" }")),
            "mine.toml, line 10, column 1: rule \"twice\" is defined already, in mine.toml",
        ),
        (&rule("Bad Id", "mode = \"off\"\ncheck = { kind = \"muted\" }"), "small letters"),
        (&rule("mine", "mode = \"loud\"\ncheck = { kind = \"muted\" }"), "loud"),
        (&rule("mine", "mode = \"off\"\ncheck = { kind = \"guess\" }"), "guess"),
        (&rule("mine", "mode = \"off\"\nwieght = 2\ncheck = { kind = \"muted\" }"), "wieght"),
        (&rule("mine", "mode = \"off\"\nexpires = \"soon\"\ncheck = { kind = \"muted\" }"), "expected a day as 2027-01-31"),
        (&rule("mine", "mode = \"off\"\ncheck = { kind = \"text\", words = [\"...\"] }"), "no letter or digit"),
        (&rule("mine", "mode = \"off\"\ncheck = { kind = \"text\", patterns = ['x*'] }"), "empty text"),
        (&rule("mine", "mode = \"off\"\ncheck = { kind = \"text\", patterns = ['(?:a{1000}){1000}'] }"), "when compiled"),
        (&rule("mine", "mode = \"off\"\ncheck = { kind = \"quiet_hours\", from = \"25:00\", to = \"07:00\" }"), "no time of day"),
        ("[[change]]\nrule = \"nonesuch\"\nmode = \"off\"", "there is no rule \"nonesuch\""),
        ("[[change]]\nrule = \"secret\"\nmode = \"shadow\"", "locked"),
        ("[[change]]\nrule = \"length\"\ncheck = { kind = \"muted\" }", "another check"),
        ("[[change]]\nrule = \"length\"\ncheck = { most = \"many\" }", "invalid type"),
        ("[[change]]\nrule = \"length\"\nweight = 7.0", "0 to 1"),
    ] {
        let found = faults(text);
        assert!(found.iter().any(|fault| fault.contains(words)), "expected {words:?} in {found:?} for {text}");
        assert!(found.iter().all(|fault| fault.starts_with("mine.toml, line")), "{found:?}");
    }
}

#[test]
fn a_pattern_that_would_backtrack_for_ever_elsewhere_does_not() {
    let set = with(&rule("evil", "mode = \"review\"\ncheck = { kind = \"text\", patterns = ['(?:a+)+$', '(?:x|x)*y'] }"));
    let text = format!("{}! and {}", "a".repeat(9_000), "x".repeat(900));
    assert_eq!(flags(&set, &Modes::new(), "", "", &text, 0), Vec::<String>::new());
}

#[test]
fn the_narrowest_wording_is_in_force() {
    let set = with(
        "[[change]]\nrule = \"length\"\ncheck = { most = 40 }\n\n[[change]]\nrule = \"length\"\npersonas = [\"u/Ana\"]\ncheck = { most = 1000 }\n
         [[change]]\nrule = \"length\"\npersonas = [\"ana\"]\nsubreddits = [\"r/Haiku\"]\nmode = \"shadow\"\ncheck = { most = 20 }",
    );
    let length = |persona, subreddit| flags(&set, &Modes::new(), persona, subreddit, TEXT, 0);
    assert_eq!(length("bob", "test"), ["content_too_long (max 40 chars)"]);
    assert!(length("ANA", "test").is_empty());
    assert!(length("ana", "haiku").is_empty(), "in shadow there");
    assert_eq!(length("bob", "haiku"), ["content_too_long (max 40 chars)"]);
}

#[test]
fn shadow_is_recorded_and_changes_nothing() {
    let found = look("What a load of bullshit, honestly, the river was never that high.");
    assert_eq!((found.verdict, found.score), (Verdict::Allow, 0.0));
    assert!(found.flags.is_empty());
    assert_eq!(found.shadow.iter().map(|hit| hit.rule_id.as_str()).collect::<Vec<_>>(), ["rude"]);
    let kept: quarterdeck::moderation::Evaluation = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
    assert_eq!(kept, found);
}

#[test]
fn modes_that_people_set_stand_above_the_files_but_not_above_a_lock() {
    let set = RuleSet::embedded().unwrap();
    let rude = "What a load of bullshit, honestly, the river was never that high.";
    let modes = Modes::from([("rude".to_owned(), Mode::Block), ("length".to_owned(), Mode::Off), ("secret".to_owned(), Mode::Off)]);
    assert_eq!(flags(&set, &modes, "", "", rude, 0), ["rude: profanity"]);
    assert!(flags(&set, &modes, "", "", "short", 0).is_empty());
    let key = format!("so it is AKIA{}", "Z7XQ4PLM2NB8VC1T");
    assert_eq!(flags(&set, &modes, "", "", &key, 0), ["secret: AWS access key"]);
}

#[test]
fn what_expired_is_off() {
    let set = with("[[change]]\nrule = \"banned_keyword\"\nexpires = \"2027-01-31\"");
    let day = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
    let at = |text| flags(&set, &Modes::new(), "", "", "Try our casino tonight", day(text)).len();
    assert_eq!((at("2027-01-30T23:59:59Z"), at("2027-01-31T00:00:00Z")), (1, 0));
}

#[test]
fn an_exception_covers_what_stands_inside_it() {
    let set = with(&rule(
        "towns",
        "mode = \"review\"\ncheck = { kind = \"text\", words = [\"monte carlo\"], contains = [\"gambl\"], except = [\"Monte Carlo method\"] }",
    ));
    let of = |text| flags(&set, &Modes::new(), "", "", text, 0);
    assert!(of("We used a Monte Carlo method for that.").is_empty());
    assert_eq!(of("We went to Monte Carlo for that."), ["towns: monte carlo"]);
    assert_eq!(of("Monte Carlo method, and some gambling"), ["towns: gambl"]);
}

#[test]
fn a_missing_signal_is_not_a_good_one() {
    let set = RuleSet::embedded().unwrap();
    let subject = Subject { outgoing: Outgoing { title: None, content: TEXT }, persona: "ana", subreddit: "test", at: 0 };
    let fine = ConsistencyResult::NotNeeded;
    let known =
        Signals { consistency: Some(&fine), history: Signal::Known(History::default()), depth: Signal::Known(1), ..Signals::default() };
    assert_eq!(rules::evaluate(&set, &Modes::new(), &subject, &known).verdict, Verdict::Allow);
    let missing = Signals { history: Signal::Missing("the database is locked".into()), ..known.clone() };
    let found = rules::evaluate(&set, &Modes::new(), &subject, &missing);
    assert_eq!((found.verdict, found.hits.len()), (Verdict::Review, 0));
    assert_eq!(found.missing, ["our own messages (the database is locked)"]);
    let unchecked = Signals { consistency: None, ..known.clone() };
    assert_eq!(rules::evaluate(&set, &Modes::new(), &subject, &unchecked).missing, ["consistency"]);
    // A rule in shadow asks nobody to look.
    let shadow: Modes = set.rules().iter().map(|rule| (rule.id.clone(), Mode::Shadow)).collect();
    let found = rules::evaluate(&set, &shadow, &subject, &missing);
    assert_eq!(found.missing, Vec::<String>::new());
}

#[test]
fn near_duplicates_count_by_place_and_time() {
    let set = RuleSet::embedded().unwrap();
    let day = 86_400_000;
    let at = 100 * day;
    let fires = |alike: Alike| {
        let history = History { alike: vec![alike], ..History::default() };
        let fine = ConsistencyResult::NotNeeded;
        let signals = Signals { consistency: Some(&fine), history: Signal::Known(history), ..Signals::default() };
        let subject = Subject { outgoing: Outgoing { title: None, content: TEXT }, persona: "ana", subreddit: "test", at };
        rules::evaluate(&set, &Modes::new(), &subject, &signals).flags == ["near_duplicate"]
    };
    let alike = |similarity, days: i64, subreddit: &str| Alike {
        item: "i1".into(),
        similarity,
        at: at - days * day,
        subreddit: subreddit.into(),
        same_parent: false,
        same_thread: false,
        excerpt: "A harmless".into(),
        fullname: None,
    };
    assert!(fires(alike(0.9, 6, "other")) && !fires(alike(0.9, 8, "other")));
    assert!(fires(alike(0.9, 29, "TEST")) && !fires(alike(0.9, 31, "test")));
    assert!(fires(Alike { same_thread: true, ..alike(0.9, 900, "test") }) && !fires(alike(0.4, 0, "test")));
}

#[test]
fn the_example_of_the_documentation_is_in_order() {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/review.md")).unwrap();
    let example = document.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(rules::examples(&with(example)), Vec::<String>::new());
}
