//! The beliefs' tab: what it shows, and what the database holds after each thing that can be done there.

use crate::harness::{Console, Home, chosen, message};
use quarterdeck::base::{Clock, SystemClock};
use quarterdeck::llm::relationships::Suggested;
use quarterdeck::memory::beliefs::{self, BeliefDetail, BeliefFilter, BeliefGraph, NewBelief};
use quarterdeck::memory::edges::Relation;
use quarterdeck::memory::stances::StanceStatus;
use quarterdeck::memory::{self, Author, PersonaConfig, Strength, Trigger, personas, relationships, revisions, stances, suggestions};
use quarterdeck::store::Conn;
use quarterdeck::store::audit::Actor;

const DAY: i64 = 86_400_000;
const EVIDENCE: &str = "Evidence-based reasoning";

fn graph(home: &Home) -> BeliefGraph {
    let persona = home.persona.clone();
    home.database.read_blocking(move |c| beliefs::query(c, &persona, &BeliefFilter::default())).unwrap()
}

fn belief(home: &Home, title: &str) -> BeliefDetail {
    let (persona, title) = (home.persona.clone(), title.to_owned());
    let read = move |c: &mut dyn Conn| -> memory::Result<BeliefDetail> {
        let nodes = beliefs::query(c, &persona, &BeliefFilter::default())?.nodes;
        beliefs::get(c, &persona, &nodes.iter().find(|node| node.title == title).unwrap().id)
    };
    home.database.read_blocking(read).unwrap()
}

/// Something that somebody else does, so long ago.
fn elsewhere<T: Send + 'static>(
    home: &Home,
    ago: i64,
    work: impl FnOnce(&mut dyn Conn, &quarterdeck::base::PersonaId, &Author<'_>) -> memory::Result<T> + Send + 'static,
) -> T {
    let (persona, actor) = (home.persona.clone(), Actor::human("bea"));
    let at = SystemClock.now() - ago;
    home.database.write_blocking(move |c| work(c, &persona, &Author::new(&actor, at))).unwrap()
}

fn opened(home: &Home) -> Console {
    let mut console = home.console_of(140, 44);
    console.shows("Nothing waits for you").keys("gb").shows("8 beliefs").chooses(EVIDENCE).shows("how it was held");
    console
}

/// The newest change of a belief: who made it and why.
fn newest(home: &Home, title: &str) -> (String, String) {
    let update = belief(home, title).updates.remove(0);
    (update.updated_by, update.reason)
}

#[test]
fn the_table_is_ordered_filtered_and_left_as_it_was() {
    let home = Home::new();
    let mut console = opened(&home);
    console.shows("most confident first").shows("0.95").keys("O").shows("least confident first").chooses(EVIDENCE);
    console.keys("SSSSSS").shows("by title").keys("gg").chooses("AI alignment").keys("G").chooses("Skepticism");
    console.keys("/").shows("filter:").keys("tag:science").shows("of 8").keys("\r").wait_for(
        |screen| chosen(screen).is_some_and(|line| line.contains("Climate") || line.contains("Evidence")),
        "a belief with the tag",
    );
    console.keys("/").keys(" is:nonsense").shows("locked, free, waiting").keys("\r\x1b").shows("8 beliefs, by title");
    console.keys("gq").shows("Nothing waits for you").keys("gb").shows("8 beliefs, by title");
}

#[test]
fn a_nudge_asks_why_and_keeps_it() {
    let home = Home::new();
    let mut console = opened(&home);
    console.keys("K").shows("goes from 0.95 to 0.96 (weak").keys("\r").says("say why").keys("it held up\r").says("goes from 0.95 to 0.96");
    let changed = belief(&home, EVIDENCE);
    assert_eq!(changed.belief.confidence, Some(0.961));
    let (by, why) = newest(&home, EVIDENCE);
    assert!(by == "ana" && why.contains("Nudged by ana: it held up"), "{by}: {why}");
    console.keys("3J").shows("(strong").keys("too sure\r").says("goes from 0.96 to 0.90");
    console.shows("0.90").keys("u").shows("take back of").keys("it was right\r").says("as it was before that change").shows("0.96");
    assert_eq!(belief(&home, EVIDENCE).belief.confidence, Some(0.961));
    assert!(newest(&home, EVIDENCE).1.contains("it was right"));
}

#[test]
fn an_exact_confidence_and_a_new_stance_are_set_and_mistakes_are_asked_again() {
    let home = Home::new();
    let mut console = opened(&home);
    console.keys("c").shows("It is 0.95").keys("1.7 so\r").says("a number of 0 to 1").shows("1.7 so").keys("\x1b").hides("how sure");
    console.keys("c").shows("It is 0.95").keys("42% a survey says so\r").says("goes from 0.95 to 0.42").chooses(EVIDENCE);
    assert_eq!(belief(&home, EVIDENCE).belief.confidence, Some(0.42));
    assert_eq!(newest(&home, EVIDENCE).1, "a survey says so");
    console.shows("0.95 became 0.42").keys("e").shows("what is said about").keys(" Measure twice.\r").shows("put otherwise: why?");
    console.keys("shorter is better\r").says("has a new stance").shows("Measure twice.");
    let changed = belief(&home, EVIDENCE);
    assert!(changed.stances[0].text.ends_with("Measure twice.") && changed.stances[0].confidence == 0.42, "{:?}", changed.stances[0]);
    console
        .keys("T")
        .shows("title of")
        .keys(" (old)\r")
        .shows("another title")
        .keys("renamed\r")
        .says("has other words")
        .shows("Evidence-based reasoning (old)");
    assert_eq!(graph(&home).nodes.iter().filter(|node| node.title == "Evidence-based reasoning (old)").count(), 1);
    console.keys("t").shows("tags of").keys(", measured\r").keys("a tag more\r").says("has other tags").shows("#measured");
}

#[test]
fn a_locked_belief_says_what_to_do_and_what_was_typed_stays_when_it_is_locked_meanwhile() {
    let home = Home::new();
    let mut console = opened(&home);
    console.keys("z").shows("nothing moves it: why?").keys("settled\r").says("is locked; nothing moves it").shows("in force, locked");
    assert_eq!(belief(&home, EVIDENCE).stances[0].status, StanceStatus::Locked);
    console.keys("K").says("is locked; Z unlocks it").keys("z").says("it is locked already");
    console.keys("Z").shows("unlock").keys("asked to\r").says("is unlocked").hides("in force, locked");
    assert_eq!(belief(&home, EVIDENCE).stances[0].status, StanceStatus::Current);
    console.keys("K").shows("goes from 0.95").keys("a long thought");
    let id = belief(&home, EVIDENCE).belief.id;
    elsewhere(&home, 0, move |c, persona, author| stances::lock(c, persona, &id, "bea settled it", author));
    console.keys("\r").says("is locked; unlock it first").shows("a long thought").keys("\x1b").shows("in force, locked");
    assert_eq!(belief(&home, EVIDENCE).belief.confidence, Some(0.95));
}

#[test]
fn what_changed_under_ones_eyes_is_not_overwritten() {
    let home = Home::new();
    let mut console = opened(&home);
    console.keys("c").shows("It is 0.95");
    let id = belief(&home, EVIDENCE).belief.id;
    elsewhere(&home, 0, move |c, persona, author| revisions::update_by_hand(c, persona, &id, Some(0.3), None, "bea doubts it", author));
    console.keys("0.9 sure\r").says("was changed meanwhile, to 0.30").shows("how sure of");
    assert_eq!(belief(&home, EVIDENCE).belief.confidence, Some(0.3));
}

#[test]
fn beliefs_are_linked_walked_along_and_unlinked() {
    let home = Home::new();
    let mut console = home.console();
    console.shows("Nothing waits for you").keys("gb").chooses(EVIDENCE).shows("Before arguing");
    console.keys("l").shows("with which belief?").keys("priv").shows("> Privacy").keys("\r").shows("how do they bear on each other?");
    console.keys("depends").shows("depends on").keys("\r").shows("how much, 0 to 1?").keys("0.7\r").shows("why?").keys("they need it\r");
    console.says("is linked");
    let made = graph(&home).edges.into_iter().find(|edge| edge.relation == Relation::DependsOn && edge.weight == 0.7).unwrap();
    assert!(newest(&home, EVIDENCE).1.contains("they need it"));
    console.keys("v").shows("depends on 0.70").keys("\r").shows("backspace walk back");
    console.keys("j").chooses("Privacy").keys("\r").shows("walked Evidence").shows("║ Privacy").keys("\x7f").shows("║ Evidence-based");
    console.keys("+").shows("graph, 2 edges far").shows("Civility").keys("-").shows("graph, 1 edge far").keys("\x1b").shows("/ filter");
    console.keys("x").shows("which edge of").keys("privacy").shows("> ┄┄┄▶ depends on 0.70").keys("\r").shows("why?").keys("a mistake\r");
    console.says("is unlinked").hides("depends on 0.70");
    assert!(graph(&home).edges.iter().all(|edge| edge.id != made.id));
    assert!(newest(&home, EVIDENCE).1.contains("a mistake"));
    // The edge comes back with its reason.
    console.keys("u").shows("edge taken away").keys("no mistake\r").says("as it was before that change").shows("depends on 0.70");
}

#[test]
fn suggestions_and_conflicts_wait_with_a_badge_and_are_decided_with_a_reason() {
    let home = Home::new();
    let (source, target) = (belief(&home, EVIDENCE).belief.id, belief(&home, "Privacy").belief.id);
    let of = source.clone();
    elsewhere(&home, 0, move |c, persona, author| {
        let suggested = Suggested {
            target_id: target,
            target_title: "Privacy".into(),
            relation: "supports".into(),
            weight: 0.4,
            reasoning: "both ask for restraint".into(),
        };
        relationships::keep(c, persona, &of, &[suggested], Some("a-model"), None, author)?;
        revisions::update_from_conflict(c, persona, &of, "It said the opposite.", Strength::Weak, None, author)
    });
    let mut console = home.console_of(140, 44);
    // One suggestion is counted once, though it stands at both of its beliefs.
    console.shows("Beliefs 2").keys("gb").chooses(EVIDENCE).shows("waits for a person").shows("restraint").shows("It said the opposite");
    console.keys("a").shows("which suggestion is accepted?").keys("supports\r").shows("accept the suggestion").keys("true enough\r");
    console
        .says("is linked as it was suggested")
        .wait_for(|screen| ["Beliefs]1", "Beliefs 1]"].iter().any(|badge| screen.contents().contains(badge)), "one that waits");
    assert!(graph(&home).edges.iter().any(|edge| edge.source_id == source && edge.weight == 0.4));
    console
        .keys("r")
        .shows("refuse the suggestion")
        .keys("taken out of context\r")
        .says("the suggestion is refused")
        .hides("waits for a person");
    let persona = home.persona.clone();
    let refused = home.database.read_blocking(move |c| suggestions::list(c, &persona, memory::conflicts::Decided::Refused)).unwrap();
    assert!(matches!(refused.as_slice(), [suggestions::Suggestion::Conflict(it)] if it.reason.as_deref() == Some("taken out of context")));
    assert_eq!(belief(&home, EVIDENCE).belief.confidence, Some(0.95));
    console.keys("a").says("nothing waits at");
}

#[test]
fn a_belief_is_made_step_by_step() {
    let home = Home::new();
    let mut console = opened(&home);
    console.keys("n").shows("1 of 6").keys("\r").says("it cannot be empty").keys("Rivers rise\r").shows("2 of 6").keys("They do.\r");
    console.shows("3 of 6").keys("Watch the gauges.\r").shows("4 of 6").keys("\x7f\x7f\x7f0.77\r").shows("5 of 6").keys("water, science\r");
    console.shows("6 of 6").keys("the gauges say so\r").says("believed with 0.77 from now on").shows("9 beliefs").chooses("Rivers rise");
    let made = belief(&home, "Rivers rise");
    assert_eq!((made.belief.confidence, made.belief.tags.as_slice()), (Some(0.77), ["water".to_owned(), "science".to_owned()].as_slice()));
    assert_eq!((made.stances[0].text.as_str(), made.stances[0].rationale.as_deref()), ("Watch the gauges.", Some("the gauges say so")));
}

#[test]
fn the_past_is_shown_as_it_was_labelled_and_left_alone() {
    let home = Home::new();
    let id = elsewhere(&home, 10 * DAY, |c, persona, author| {
        let new = NewBelief { title: "Old rivers", summary: "s", confidence: 0.4, tags: &[], stance: "They were low.", rationale: "r" };
        Ok(beliefs::create(c, persona, &new, Trigger::Manual, author)?.id)
    });
    elsewhere(&home, DAY / 2, move |c, persona, author| {
        revisions::update_by_hand(c, persona, &id, Some(0.8), Some("They are high."), "it rained", author)
    });
    let mut console = home.console();
    console.shows("Nothing waits").keys("gb").shows("9 beliefs").keys("<").shows("AS IT WAS").shows("1d ago; read only").shows("1 belief,");
    console.chooses("Old rivers").chooses("0.40").shows("They were low.").hides("They are high").shows("now 0.80").shows("+40.0");
    console.keys("K").says("the past is not changed; . returns to the present").keys("n").says("the past is not changed");
    console.keys("d").shows("0.40 → 0.80").shows("new: 8").keys("d").keys("{").shows("8d ago").keys("}").shows("1d ago");
    console.keys("{{").shows("Nothing was believed yet").keys("<").says("nothing was believed before that");
    console.keys(".").shows("9 beliefs").hides("AS IT WAS").shows("They are high.");
    assert_eq!(belief(&home, "Old rivers").belief.confidence, Some(0.8));
}

#[test]
fn of_several_personas_one_is_asked_for() {
    let home = Home::new();
    elsewhere(&home, 0, |c, _, author| personas::add(c, "OtherBot", None, &PersonaConfig::default(), author));
    let mut console = home.console();
    console.shows("Nothing waits").keys("gb").shows("whose items").keys("\x1b").hides("whose items").shows("Beliefs belong to one persona");
    console.keys("n").says("beliefs belong to one persona").keys("P").shows("whose items").keys("jj\r").shows("Nothing is believed yet");
    console.keys("P").shows("whose items").keys("j\r").shows("8 beliefs");
}

#[test]
fn what_others_do_appears_by_itself_and_the_choice_stays() {
    let home = Home::new();
    let mut console = opened(&home);
    console.keys("jj").chooses("Civility");
    elsewhere(&home, 0, |c, persona, author| {
        let new = NewBelief { title: "A new one", summary: "s", confidence: 0.99, tags: &[], stance: "t", rationale: "r" };
        beliefs::create(c, persona, &new, Trigger::Manual, author)
    });
    console.shows("9 beliefs").shows("A new one").chooses("Civility");
}

#[test]
fn hostile_words_stay_words_and_the_mouse_and_small_screens_are_understood() {
    let home = Home::new();
    elsewhere(&home, 0, |c, persona, author| {
        let (title, tags) = ("\u{202e}Evil \u{1b}[2J\u{1b}]52;c;AAAA\u{7} 日本語", ["\u{1b}[31mred".to_owned()]);
        let new = NewBelief { title, summary: "\u{1b}[2J", confidence: 1.0, tags: &tags, stance: "\u{9b}2J", rationale: "\u{200b}" };
        beliefs::create(c, persona, &new, Trigger::Manual, author)
    });
    let mut console = home.console();
    console.shows("Nothing waits").keys("gb").shows("9 beliefs").chooses("Evil").shows("日本語").keys("v").shows("graph, 1 edge");
    assert!(!console.raw().windows(4).any(|window| window == b"]52;"), "nothing reaches the clipboard");
    assert_eq!(console.broken(), 0);
    // A click on the third belief, then on the name of a column.
    console.keys("\x1b[<0;20;6M\x1b[<0;20;6m").chooses("Climate").keys("\x1b[<0;30;3M\x1b[<0;30;3m").shows("by title");
    console.resize(60, 16).shows("9 beliefs").resize(140, 40).shows("9 beliefs").chooses("Climate").resize(80, 24).chooses("Climate");
    console.wait_for(|screen| !message(screen).contains('✗'), "no error");
    assert_eq!(console.broken(), 0);
}

#[test]
fn the_palette_and_the_help_know_every_action() {
    let home = Home::new();
    let mut console = opened(&home);
    console
        .keys(":")
        .shows("what do you want to do?")
        .keys("time looked")
        .shows("> time looked")
        .shows("Show what changed")
        .keys("\r")
        .shows("what changed");
    console.keys("?").shows("among beliefs").keys("\x1b");
}

#[test]
fn the_order_the_filter_and_the_belief_at_hand_are_remembered() {
    let home = Home::new();
    let mut console = opened(&home);
    console.keys("SSSSSSO").shows("by title, backwards").keys("/").shows("filter:").keys("tag:science\r").shows("of 8");
    console.chooses(EVIDENCE).keys("j").chooses("Climate").keys("q");
    assert_eq!(console.ended(std::time::Duration::from_secs(5)), 0);
    let mut console = home.console_of(140, 44);
    console.shows("by title, backwards").shows("tag:science").shows("of 8").chooses("Climate").shows("how it was held");
}
