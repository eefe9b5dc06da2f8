//! What the rules know of the past, on a real database: near-duplicates, limits, mutes, switches and the test on past decisions.

use super::support::{comment, screened};
use quarterdeck::base::{Millis, PersonaId, TestClock};
use quarterdeck::memory::{self, Author, PersonaConfig};
use quarterdeck::moderation::rules::{Mode, Modes, RuleSet, Screener, Target, backtest, switches};
use quarterdeck::moderation::screening::{ConsistencyResult, Outgoing, Surroundings};
use quarterdeck::moderation::{self, Directive, Evaluation, NewItem, On, RejectCode, Settings, Verdict, decisions, queue};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Conn, Database, testing};

const DAY: Millis = 86_400_000;
const SAID: &str = "They fall slower than the maps say, because the reservoirs upstream let water go all through the summer.";
const NEARLY: &str =
    "Honestly, they fall slower than the maps say, because the reservoirs upstream let water go all through the summer months.";

struct House {
    db: Database,
    persona: PersonaId,
    screener: Screener,
    now: Millis,
    _directory: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let (db, directory) = testing::database();
        let now = 1_800_000_000_000;
        let _clock = TestClock::at(now);
        let persona = db
            .write_blocking(move |c: &mut dyn Conn| -> moderation::Result<_> {
                let author = Actor::human("ana");
                Ok(memory::personas::add(c, "DeckBot", None, &PersonaConfig::default(), &Author::new(&author, now))?.id)
            })
            .unwrap();
        Self { db, persona, screener: Screener::open(None).unwrap(), now, _directory: directory }
    }

    fn add(&self, new: NewItem, at: Millis) -> String {
        let persona = self.persona.clone();
        self.db.write_blocking(move |c| queue::enqueue(c, &persona, &new, &Settings::default(), &Actor::agent("DeckBot"), at)).unwrap()
    }

    fn look(&self, subreddit: &'static str, parent: &'static str, author: &'static str, content: &'static str) -> Evaluation {
        let (persona, screener, now) = (self.persona.clone(), self.screener.clone(), self.now);
        self.db
            .read_blocking(move |c| {
                let target = Target {
                    subreddit,
                    parent: Some(parent),
                    thread: Some(parent),
                    author: Some(author),
                    depth: Some(1),
                    ..Target::default()
                };
                let around = Surroundings { consistency: Some(&ConsistencyResult::NotNeeded), tainted: false };
                screener.screen(c, &persona, &target, Outgoing { title: None, content }, around, now)
            })
            .unwrap()
    }

    fn reject(&self, id: &str, directive: Directive) {
        let (persona, id, at) = (self.persona.clone(), id.to_owned(), self.now);
        self.db
            .write_blocking(move |c: &mut dyn Conn| {
                let actor = Actor::human("ana");
                let on = On { persona: &persona, id: &id, version: None, actor: &actor, at };
                decisions::reject(c, &on, RejectCode::Tone, directive, Some("too stiff"), &Settings::default())
            })
            .unwrap();
    }

    fn approve(&self, id: &str) {
        let (persona, id, at) = (self.persona.clone(), id.to_owned(), self.now);
        self.db
            .write_blocking(move |c: &mut dyn Conn| {
                let actor = Actor::human("ana");
                let on = On { persona: &persona, id: &id, version: None, actor: &actor, at };
                decisions::approve(c, &on, "DeckBot", &Settings { expiry: DAY * 1_000, ..Settings::default() })
            })
            .unwrap();
    }
}

#[test]
fn what_was_said_before_is_found_and_shown_and_what_was_rejected_is_not() {
    let house = House::new();
    assert_eq!(house.look("rivers", "t3_new", "bo", NEARLY).verdict, Verdict::Allow);
    let first = house.add(comment("t3_old", SAID), house.now - 3 * DAY);
    let found = house.look("rivers", "t3_new", "bo", NEARLY);
    assert_eq!(found.flags, ["near_duplicate"]);
    let hit = &found.hits[0];
    assert!(hit.message.contains("in r/test 3 d") && hit.message.contains("They fall slower than the maps say"), "{}", hit.message);
    assert_eq!(hit.evidence.as_deref(), Some(first.as_str()));
    // The same screener sees what changed since: what nobody will read is no earlier message.
    house.reject(&first, Directive::Drop);
    assert_eq!(house.look("rivers", "t3_new", "bo", NEARLY).flags, Vec::<String>::new());
}

#[test]
fn where_it_was_said_long_ago_matters() {
    let house = House::new();
    // Long ago it counts in the same subreddit only, and longer ago not at all.
    house.add(comment("t3_older", SAID), house.now - 20 * DAY);
    assert_eq!(house.look("rivers", "t3_new", "bo", NEARLY).flags, Vec::<String>::new());
    assert_eq!(house.look("Test", "t3_new", "bo", NEARLY).flags, ["near_duplicate"]);
    assert_eq!(house.look("rivers", "t3_older", "bo", NEARLY).flags, ["near_duplicate"]);
}

#[test]
fn limits_count_what_was_said_and_what_waits() {
    let house = House::new();
    for number in 0..2 {
        let text = format!("Answer number {number} is about something else altogether, which is {}.", ["cheese", "rain"][number]);
        let mut new = comment(&format!("t3_p{number}"), &text);
        new.parent_author = Some("Reader".into());
        house.add(new, house.now - 3_600_000);
    }
    let found = house.look("other", "t3_new", "reader", "A third answer, which nobody had asked for at all.");
    assert_eq!(found.flags, ["person_limit"]);
    assert!(found.hits[0].message.contains("message 3 to this person within 1 d"), "{}", found.hits[0].message);
    assert!(house.look("other", "t3_new", "somebody", "A third answer, which nobody had asked for at all.").flags.is_empty());
}

#[test]
fn who_is_left_alone_and_what_the_persona_asks_for_is_known() {
    let house = House::new();
    let id = house.add(comment("t3_p", "A remark that the reviewer does not like at all."), house.now - 1_000);
    house.reject(&id, Directive::MuteUser);
    let found = house.look("other", "t3_new", "READER", "Another remark for the same person, a little longer.");
    assert_eq!(found.flags, ["muted"]);
    let long: &'static str = Box::leak("A sentence that goes on and on about rivers. ".repeat(12).into_boxed_str());
    assert_eq!(house.look("other", "t3_new", "bo", long).flags, ["persona_limits"]);
    assert_eq!(
        house.look("other", "t3_new", "bo", "It is all on https://my-river-site.org/gauges now.").flags,
        ["link_listed: my-river-site.org"]
    );
    let (persona, at) = (house.persona.clone(), house.now);
    house
        .db
        .write_blocking(move |c: &mut dyn Conn| -> moderation::Result<_> {
            let author = Actor::human("ana");
            memory::settings::set(c, &persona, "link_hosts", serde_json::json!(["my-river-site.org"]), &Author::new(&author, at))?;
            Ok(())
        })
        .unwrap();
    assert!(house.look("other", "t3_new", "bo", "It is all on https://my-river-site.org/gauges now.").flags.is_empty());
}

#[test]
fn a_switch_is_in_force_at_once_audited_and_never_opens_a_lock() {
    let house = House::new();
    let set = |rule: &'static str, mode, reason: &'static str| {
        let rules = house.screener.rules();
        let at = house.now;
        house.db.write_blocking(move |c: &mut dyn Conn| switches::set(c, &rules, rule, mode, reason, &Actor::human("ana"), at))
    };
    let rude = "What a load of bullshit, honestly, the river was never that high.";
    assert!(house.look("test", "t3_a", "bo", rude).flags.is_empty());
    let before = house.look("test", "t3_a", "bo", rude).engine_version;
    set("rude", Some(Mode::Review), "we had complaints").unwrap();
    let found = house.look("test", "t3_a", "bo", rude);
    assert_eq!(found.flags, ["rude: profanity"]);
    assert_ne!(found.engine_version, before, "an approval under the old rules is looked at again");
    set("rude", None, "enough").unwrap();
    assert_eq!(house.look("test", "t3_a", "bo", rude).engine_version, before);
    assert!(set("secret", Some(Mode::Off), "it annoys me").unwrap_err().to_string().contains("locked"));
    assert!(set("nonesuch", Some(Mode::Off), "x").unwrap_err().to_string().contains("rules list"));
    assert!(set("rude", Some(Mode::Off), "  ").is_err());
    let audited =
        house.db.read_blocking(|c: &mut dyn Conn| c.query("SELECT reason FROM audit_log WHERE action = 'rules.set_mode'", &[])).unwrap();
    assert_eq!(audited.len(), 2);
}

#[test]
fn a_backtest_counts_what_would_be_caught_and_missed() {
    let house = House::new();
    let texts: [(&str, bool); 6] = [
        ("What a load of bullshit, said the first of them, loudly.", false),
        ("More bullshit came from the second one, who was asked nothing.", false),
        ("The word bullshit stands here too, and the reviewer liked it.", true),
        ("A calm remark on rivers that was approved without any doubt.", true),
        ("Another calm remark, on lakes this time, that nobody wanted.", false),
        ("As an AI language model I have an opinion, and it was approved.", true),
    ];
    for (number, (text, approved)) in texts.iter().enumerate() {
        let id = house.add(comment(&format!("t3_p{number}"), text), house.now - 60_000 + number as Millis);
        if *approved {
            house.approve(&id);
        } else {
            house.reject(&id, Directive::Drop);
        }
    }
    let set = RuleSet::embedded().unwrap();
    let (now, other) = (Modes::new(), Modes::from([("rude".to_owned(), Mode::Review), ("bot_speak".to_owned(), Mode::Off)]));
    let pair = (backtest::Candidate { rules: &set, modes: &now }, backtest::Candidate { rules: &set, modes: &other });
    let mut seen = Vec::new();
    let result = backtest::run(&house.db, pair, Some(&house.persona), 0, |done, total| seen.push((done, total))).unwrap();
    assert_eq!(seen, [(6, 6)]);
    assert_eq!((result.decisions, result.approved, result.rejected), (6, 3, 3));
    assert_eq!((result.newly_caught, result.newly_caught_approved), (3, 1));
    assert_eq!((result.newly_missed, result.newly_missed_rejected), (1, 0));
    let rude = &result.rules["rude"];
    assert_eq!((rude.hits, rude.agreed, rude.overturned, rude.newly), (3, 2, 1, 0), "in shadow it fired before as well");
    assert!((rude.precision.unwrap() - 2.0 / 3.0).abs() < 1e-9);
    assert_eq!(result.rules["bot_speak"].no_more, 1);
    assert!(result.not_replayed.contains(&"near_duplicate".to_owned()));
    assert_eq!(result.caught.len(), 3);
    // Another persona's decisions are none of these.
    let nobody = PersonaId::from_stored("nobody".to_owned());
    assert_eq!(backtest::run(&house.db, pair, Some(&nobody), 0, |_, _| ()).unwrap().decisions, 0);
}

#[test]
fn a_text_screened_alone_names_the_set_it_was_screened_with() {
    assert!(screened("A harmless remark about rivers.").engine_version.starts_with("rules-"));
}
