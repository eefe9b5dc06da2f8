//! The queue's promises: guarded steps, one winner, nothing sent twice, nothing lost, every change audited.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use quarterdeck::base::{Millis, PersonaId};
use quarterdeck::memory::{self, PersonaConfig};
use quarterdeck::moderation::outbox::{self, Answer, Finding, Intent, Visibility};
use quarterdeck::moderation::{
    Directive, DraftMetadata, Error, Filter, Item, Mode, NewItem, On, PostType, RejectCode, SecondApprover, Settings, State, decisions,
    item, pauses, queue, stats, team,
};
use quarterdeck::store::audit::{self, Actor};
use quarterdeck::store::{Conn, Database};

mod support;
use support::screened;

const T0: Millis = 1_700_000_000_000;
const ACCOUNT: &str = "DemoAgentBot";

fn settings() -> Settings {
    Settings { mode: Mode::Sandbox, ..Settings::default() }
}

/// As a comment, but all in one thread, and by somebody with capitals in their name.
fn comment(parent: &str, content: &str) -> NewItem {
    NewItem { thread_id: Some("t3_thread".into()), parent_author: Some("Curious_Reader".into()), ..support::comment(parent, content) }
}

fn persona(deck: &Database, name: &'static str) -> PersonaId {
    deck.write_blocking(move |c| {
        let actor = Actor::human("test");
        memory::personas::add(c, name, None, &PersonaConfig::default(), &memory::Author::new(&actor, T0)).map(|persona| persona.id)
    })
    .unwrap()
}

struct Desk {
    deck: Database,
    persona: PersonaId,
    _directory: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let (deck, directory) = quarterdeck::store::testing::database();
        let persona = persona(&deck, ACCOUNT);
        Self { deck, persona, _directory: directory }
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Conn, &PersonaId) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let persona = self.persona.clone();
        self.deck.write_blocking(move |c| work(c, &persona))
    }

    fn add(&self, parent: &'static str) -> String {
        self.run(move |c, p| {
            queue::enqueue(c, p, &comment(parent, "a harmless remark about rivers"), &settings(), &Actor::agent("loop"), T0)
        })
        .unwrap()
    }

    fn as_reviewer<T: Send + 'static>(
        &self,
        name: &str,
        id: &str,
        version: Option<i64>,
        at: Millis,
        work: impl FnOnce(&mut dyn Conn, &On<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (actor, id) = (Actor::human(name), id.to_owned());
        self.run(move |c, persona| work(c, &On { persona, id: &id, version, actor: &actor, at }))
    }

    fn approve(&self, name: &str, id: &str, version: Option<i64>, at: Millis) -> Result<Item, Error> {
        self.as_reviewer(name, id, version, at, |c, on| decisions::approve(c, on, ACCOUNT, &settings()))
    }

    fn load(&self, id: &str) -> Item {
        let id = id.to_owned();
        self.run(move |c, p| item::load(c, p, &id)).unwrap()
    }

    fn intent(&self, id: &str, at: Millis) -> Intent {
        let id = id.to_owned();
        self.run(move |c, p| outbox::commit_intent(c, p, &id, ACCOUNT, Mode::Sandbox, at)).unwrap()
    }
}

#[test]
fn approving_twice_sends_once_and_says_who_was_first() {
    let desk = Desk::new();
    let id = desk.add("t3_a");
    let approved = desk.approve("ana", &id, Some(1), T0 + 1_000).unwrap();
    assert_eq!((approved.state, approved.not_before), (State::Scheduled, Some(T0 + 31_000)));
    let refused = desk.approve("bob", &id, Some(1), T0 + 2_000).unwrap_err().to_string();
    assert!(refused.contains("scheduled by ana at"), "{refused}");
    assert!(matches!(desk.intent(&id, T0 + 30_999), Intent::NotDue));
    assert!(matches!(desk.intent(&id, T0 + 31_000), Intent::Go(..)));
    assert!(matches!(desk.intent(&id, T0 + 31_001), Intent::NotDue), "an item under way is not sent a second time");
}

#[test]
fn two_handles_approve_the_same_item_and_one_wins() {
    let directory = tempfile::tempdir().unwrap();
    let address = quarterdeck::store::Address::Sqlite(directory.path().join("deck.db"));
    let clock: std::sync::Arc<dyn quarterdeck::base::Clock> = std::sync::Arc::new(quarterdeck::base::SystemClock);
    let decks: Vec<Database> = (0..2).map(|_| Database::open(&address, &clock).unwrap()).collect();
    let owner = persona(&decks[0], ACCOUNT);
    let p = owner.clone();
    let id = decks[0]
        .write_blocking(move |c| queue::enqueue(c, &p, &comment("t3_a", "a harmless remark"), &settings(), &Actor::agent("loop"), T0))
        .unwrap();
    let results: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = ["ana", "bob"]
            .into_iter()
            .zip(&decks)
            .map(|(name, deck)| {
                let (id, persona) = (id.clone(), owner.clone());
                scope.spawn(move || {
                    deck.write_blocking(move |c| {
                        let actor = Actor::human(name);
                        let on = On { persona: &persona, id: &id, version: Some(1), actor: &actor, at: T0 + 1 };
                        decisions::approve(c, &on, ACCOUNT, &settings())
                    })
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let winner = results.iter().find_map(|result| result.as_ref().ok()).unwrap().reviewed_by.clone().unwrap();
    let refusal = results.iter().find_map(|result| result.as_ref().err()).unwrap().to_string();
    assert!(refusal.contains(&format!("by {winner} at")), "{refusal}");
}

#[test]
fn a_lease_keeps_others_out_until_it_ends() {
    let desk = Desk::new();
    let id = desk.add("t3_a");
    let claimed = desk.as_reviewer("ana", &id, Some(1), T0, |c, on| queue::claim(c, on, &settings())).unwrap();
    let refused = desk.approve("bob", &id, None, T0 + 1).unwrap_err();
    assert!(matches!(&refused, Error::ClaimedByOther { holder, .. } if holder == "ana"), "{refused}");
    let renewed = desk.as_reviewer("ana", &id, None, T0 + 200_000, |c, on| queue::claim(c, on, &settings())).unwrap();
    assert_eq!((renewed.fence, renewed.lease_until), (claimed.fence, Some(T0 + 500_000)));
    desk.run(|c, _| queue::sweep(c, T0 + 400_000)).unwrap();
    assert_eq!(desk.load(&id).state, State::Claimed, "a renewed lease is not swept");
    assert_eq!(desk.run(|c, _| queue::sweep(c, T0 + 500_000)).unwrap().leases_ended, 1);
    let stale = desk.approve("ana", &id, Some(renewed.version), T0 + 500_001).unwrap_err();
    assert!(matches!(stale, Error::Changed { .. }), "{stale}");
    assert_eq!(desk.approve("bob", &id, None, T0 + 500_002).unwrap().reviewed_by.as_deref(), Some("bob"));
    let log = desk.run(|c, _| Ok(audit::newest(c, None, 50)?)).unwrap();
    let ended = log.iter().find(|row| row.action == "queue.lease_over").unwrap();
    assert_eq!(ended.actor_kind, "timeout", "a deadline is not a person's decision");
}

#[test]
fn another_personas_item_is_not_found() {
    let desk = Desk::new();
    let id = desk.add("t3_a");
    let other = persona(&desk.deck, "OtherBot");
    let (actor, target) = (Actor::human("ana"), id.clone());
    let refused = desk.deck.write_blocking(move |c| {
        let on = On { persona: &other, id: &target, version: None, actor: &actor, at: T0 };
        decisions::approve(c, &on, ACCOUNT, &settings())
    });
    assert!(matches!(refused, Err(Error::NotFound { .. })));
    assert_eq!(desk.load(&id).version, 1);
}

#[test]
fn what_cannot_be_sent_cannot_be_approved() {
    let desk = Desk::new();
    for (post_type, parent, title, content) in [
        (PostType::Post, None, None, "a post without a title"),
        (PostType::Comment, None, None, "a comment without a parent"),
        (PostType::Comment, Some("nonsense"), None, "a comment under nothing"),
    ] {
        let new = NewItem { post_type, parent_id: parent.map(str::to_owned), title, ..comment("t3_x", content) };
        let id = desk.run(move |c, p| queue::enqueue(c, p, &new, &settings(), &Actor::agent("loop"), T0)).unwrap();
        let refused = desk.approve("ana", &id, None, T0 + 1).unwrap_err();
        assert!(matches!(refused, Error::Incomplete { .. }), "{refused}");
        assert_eq!(desk.load(&id).state, State::Pending, "the refusal leaves nothing half done");
    }
    let blocked =
        desk.run(|c, p| queue::enqueue(c, p, &comment("t3_b", "win the lottery"), &settings(), &Actor::agent("loop"), T0)).unwrap();
    assert_eq!(desk.load(&blocked).state, State::Blocked);
    assert!(matches!(desk.approve("ana", &blocked, None, T0 + 1), Err(Error::WrongState { .. })));
    let empty = desk.run(|c, p| {
        let fine = screened("a harmless remark");
        queue::enqueue(
            c,
            p,
            &NewItem { content: "  ".into(), evaluation: fine, ..comment("t3_c", "") },
            &settings(),
            &Actor::agent("loop"),
            T0,
        )
    });
    assert!(matches!(empty, Err(Error::Invalid { .. })));
}

#[test]
fn an_edit_is_screened_and_voids_what_was_seen() {
    let desk = Desk::new();
    let id = desk.add("t3_a");
    let edit = |text: &'static str, at| {
        desk.as_reviewer("ana", &id, None, at, move |c, on| decisions::edit(c, on, None, text, &screened(text), &settings()))
    };
    let edited = edit("now with a casino in it", T0 + 1).unwrap();
    assert_eq!((edited.revision, edited.state), (2, State::Claimed));
    let refused = desk.approve("ana", &id, None, T0 + 2).unwrap_err();
    assert!(matches!(&refused, Error::Blocked { flags, .. } if flags.contains("banned_keyword: casino")), "{refused}");
    assert!(matches!(edit("", T0 + 3), Err(Error::Incomplete { .. })));
    let mended = edit("now without it, and better", T0 + 4).unwrap();
    let approved = desk.approve("ana", &id, Some(mended.version), T0 + 5).unwrap();
    assert_eq!(approved.content, "now without it, and better");
    let texts = desk.run({
        let id = id.clone();
        move |c, p| item::revisions(c, p, &id)
    });
    assert_eq!(texts.unwrap().len(), 3);
}

#[test]
fn what_is_sent_is_what_was_approved() {
    let desk = Desk::new();
    let id = desk.add("t3_a");
    desk.approve("ana", &id, None, T0).unwrap();
    // Somebody changes the bytes behind the application's back.
    let target = id.clone();
    desk.run(move |c, _| Ok(c.exec("UPDATE pending_posts SET content = content || '!' WHERE id = $1", quarterdeck::vals![&target])?))
        .unwrap();
    assert!(matches!(desk.intent(&id, T0 + 40_000), Intent::Withdrawn(reason) if reason.contains("not the one that was approved")));
    assert_eq!(desk.load(&id).state, State::Pending);
    // An approval given in a dry run does not count in another mode.
    let dry = Settings { mode: Mode::DryRun, ..settings() };
    desk.as_reviewer("ana", &id, None, T0 + 50_000, move |c, on| decisions::approve(c, on, ACCOUNT, &dry)).unwrap();
    assert!(matches!(desk.intent(&id, T0 + 90_000), Intent::Withdrawn(reason) if reason.contains("dry-run")));
}

#[test]
fn a_rejection_is_obeyed() {
    let desk = Desk::new();
    let reject = |parent: &'static str, directive, note: Option<&'static str>| {
        let id = desk.add(parent);
        desk.as_reviewer("ana", &id, None, T0, move |c, on| decisions::reject(c, on, RejectCode::Tone, directive, note, &settings()))
            .unwrap()
    };
    let may = |parent: &'static str| desk.run(move |c, p| decisions::may_draft(c, p, parent)).unwrap();
    reject("t3_drop", Directive::Drop, Some("too preachy"));
    assert!(!may("t3_drop"));
    reject("t3_again", Directive::Redraft, None);
    assert!(may("t3_again"), "a redraft is granted");
    desk.run(|c, p| decisions::consume_directives(c, p, "t3_again", T0 + 1)).unwrap();
    assert!(!may("t3_again"), "once");
    let muted = |thread: &'static str, user: &'static str| {
        desk.run(move |c, p| quarterdeck::moderation::mutes::reason(c, p, Some(thread), user, "test")).unwrap()
    };
    assert_eq!(muted("t3_thread", "nobody"), None);
    reject("t3_mute", Directive::MuteThread, None);
    assert!(muted("t3_thread", "nobody").is_some());
    reject("t3_person", Directive::MuteUser, None);
    assert!(muted("t3_other", "curious_reader").is_some(), "names are compared without case");
    let corrections = desk.run(|c, p| decisions::recent_corrections(c, p, 5)).unwrap();
    assert_eq!(corrections[0].reason, "tone: too preachy");
    let id = desk.add("t3_z");
    let vague =
        desk.as_reviewer("ana", &id, None, T0, |c, on| decisions::reject(c, on, RejectCode::Other, Directive::Drop, None, &settings()));
    assert!(matches!(vague, Err(Error::Invalid { .. })), "another reason needs words");
}

#[test]
fn where_two_people_are_asked_for_one_is_not_enough() {
    let desk = Desk::new();
    let strict = || Settings { second_approver: SecondApprover::Always, ..settings() };
    let approve =
        |name: &str, id: &str, at| desk.as_reviewer(name, id, None, at, move |c, on| decisions::approve(c, on, ACCOUNT, &strict()));
    let id = desk.add("t3_a");
    let first = approve("ana", &id, T0 + 1).unwrap();
    assert_eq!((first.state, first.approval_digest), (State::Pending, None));
    assert!(matches!(desk.intent(&id, T0 + 99_000), Intent::NotDue), "one approval sends nothing");
    let again = approve("ana", &id, T0 + 2).unwrap_err();
    assert!(matches!(again, Error::SecondPersonNeeded { .. }), "one login, one vote: {again}");
    // An edit leaves the first approval behind, and whoever wrote the text cannot let it pass.
    let text = "another harmless remark";
    desk.as_reviewer("bob", &id, None, T0 + 3, move |c, on| decisions::edit(c, on, None, text, &screened(text), &strict())).unwrap();
    let own = approve("bob", &id, T0 + 4).unwrap_err();
    assert!(own.to_string().contains("bob wrote the present text"), "{own}");
    desk.as_reviewer("bob", &id, None, T0 + 5, |c, on| queue::release(c, on)).unwrap();
    assert_eq!(approve("ana", &id, T0 + 6).unwrap().state, State::Pending, "her earlier approval was of another text");
    assert_eq!(approve("cy", &id, T0 + 7).unwrap().state, State::Scheduled);
    let names = desk.run({
        let id = id.clone();
        move |c, p| {
            let item = item::load(c, p, &id)?;
            team::approvers(c, &item)
        }
    });
    assert_eq!(names.unwrap(), ["ana", "cy"]);
    // Only what the policy names needs it.
    let risky = Settings { second_approver: SecondApprover::Risky, ..settings() };
    let plain = desk.add("t3_b");
    let done = desk.as_reviewer("ana", &plain, None, T0 + 8, move |c, on| decisions::approve(c, on, ACCOUNT, &risky)).unwrap();
    assert_eq!(done.state, State::Scheduled);
}

#[test]
fn items_are_handed_over_passed_on_and_passed_over() {
    let desk = Desk::new();
    let id = desk.add("t3_a");
    let given = desk.as_reviewer("ana", &id, None, T0, |c, on| team::hand_over(c, on, "bob", &settings())).unwrap();
    assert_eq!((given.lease_holder.as_deref(), given.state), (Some("bob"), State::Claimed));
    let late = desk.approve("ana", &id, None, T0 + 1).unwrap_err();
    assert!(matches!(late, Error::ClaimedByOther { .. }), "{late}");
    let passed = desk.as_reviewer("bob", &id, None, T0 + 2, |c, on| team::escalate(c, on, "dee", "legal question")).unwrap();
    assert_eq!((passed.escalated_to.as_deref(), passed.lease_holder), (Some("dee"), None));
    let other = desk.approve("bob", &id, None, T0 + 3).unwrap_err();
    assert!(other.to_string().contains("passed on to dee"), "{other}");
    assert_eq!(desk.approve("dee", &id, None, T0 + 4).unwrap().state, State::Scheduled);

    let skipped = desk.add("t3_b");
    let listed = |name: &'static str| {
        let filter = Filter { not_skipped_by: Some(name.into()), ..Filter::default() };
        desk.run(move |c, _| item::list(c, &filter, 10)).unwrap().len()
    };
    for (number, name) in ["ana", "bob", "cy"].into_iter().enumerate() {
        assert_eq!(listed(name), 1);
        desk.as_reviewer(name, &skipped, None, T0 + 10 + number as i64, |c, on| team::skip(c, on, None)).unwrap();
        assert_eq!(listed(name), 0, "what was passed over does not come back to the same person");
    }
    assert!(desk.load(&skipped).state_reason.is_some_and(|reason| reason.contains("3 people")));
    assert_eq!(listed("dee"), 1);
}

#[test]
fn a_subreddit_that_removes_too_much_is_left_alone() {
    let desk = Desk::new();
    let mut sent = Vec::new();
    for parent in ["t3_a", "t3_b", "t3_c", "t3_d", "t3_e"] {
        let (id, attempt) = send(&desk, parent);
        let name = format!("t1_{parent}");
        settle(&desk, &attempt, Answer::Confirmed { fullname: name, permalink: None }, T0 + 31_000);
        sent.push(id);
    }
    let waiting = desk.add("t3_f");
    desk.approve("ana", &waiting, None, T0 + 40_000).unwrap();
    let see = |id: &str, what, at| {
        let id = id.to_owned();
        desk.run(move |c, p| outbox::record_visibility(c, p, &id, Some((what, "seen".into())), at)).unwrap()
    };
    let muted = || desk.run(|c, p| quarterdeck::moderation::mutes::reason(c, p, None, "nobody", "TEST")).unwrap();
    for (number, id) in sent[..4].iter().enumerate() {
        assert_eq!(muted(), None, "after {number} looks");
        let what = if number == 0 { Visibility::Visible } else { Visibility::Filtered };
        see(id, what, T0 + 100_000 + number as i64);
    }
    assert!(muted().is_some_and(|reason| reason.contains("3 of the newest 4")), "{:?}", muted());
    let withdrawn = desk.intent(&waiting, T0 + 200_000);
    assert!(matches!(withdrawn, Intent::Withdrawn(reason) if reason.contains("subreddit muted")));
    assert_eq!(desk.load(&waiting).state, State::Expired);
    let log = desk.run(|c, _| Ok(audit::newest(c, None, 20)?)).unwrap();
    assert!(log.iter().any(|row| row.action == "persona.leave_subreddit"));
}

#[test]
fn posting_without_a_person_ends_when_too_much_of_it_is_removed() {
    let desk = Desk::new();
    let enabled = || desk.run(|c, p| Ok(memory::settings::auto_posting_enabled(c, p)?)).unwrap();
    desk.run(|c, p| {
        let ana = Actor::human("ana");
        Ok(memory::settings::set(c, p, "auto_posting_enabled", serde_json::Value::Bool(true), &memory::Author::new(&ana, T0))?)
    })
    .unwrap();
    for number in 0..9_i64 {
        let parent = format!("t3_{number}");
        // Each in a subreddit of its own, so that none of them is left alone for itself.
        let id = desk
            .run(move |c, p| {
                let new = NewItem { target_subreddit: format!("sub{number}"), ..comment(&parent, "a harmless remark about rivers") };
                let agent = Actor::agent(ACCOUNT);
                let id = queue::enqueue(c, p, &new, &settings(), &agent, T0 + number)?;
                let on = On { persona: p, id: &id, version: None, actor: &agent, at: T0 + number };
                decisions::approve_automatically(c, &on, ACCOUNT, &settings())?;
                let Intent::Go(_, attempt) = outbox::commit_intent(c, p, &id, ACCOUNT, Mode::Sandbox, T0 + 60_000)? else {
                    panic!("not due")
                };
                let answer = Answer::Confirmed { fullname: format!("t1_{number}"), permalink: None };
                outbox::settle(c, p, &attempt, &answer, T0 + 61_000)?;
                Ok(id)
            })
            .unwrap();
        assert!(enabled(), "before look {number}");
        let what = if number < 6 { Visibility::Visible } else { Visibility::Filtered };
        desk.run(move |c, p| outbox::record_visibility(c, p, &id, Some((what, "seen".into())), T0 + 130_000)).unwrap();
    }
    assert!(!enabled(), "three of nine were removed");
    let log = desk.run(|c, _| Ok(audit::newest(c, None, 20)?)).unwrap();
    assert!(log.iter().any(|row| row.action == "persona.stop_auto_posting" && row.actor_kind == "system"));
}

#[test]
fn the_numbers_follow_what_was_done() {
    let desk = Desk::new();
    let (_, attempt) = send(&desk, "t3_a");
    settle(&desk, &attempt, Answer::Confirmed { fullname: "t1_new".into(), permalink: None }, T0 + 31_000);
    desk.add("t3_b");
    for persona in [None, Some(desk.persona.clone())] {
        let found = desk.run(move |c, _| stats::stats(c, persona.as_ref(), T0 - 1, T0 + 3_600_000)).unwrap();
        let metric = |name: &str| found.metrics.iter().find(|metric| metric.name == name).unwrap().clone();
        assert_eq!((metric("depth").value, metric("oldest").value), (Some(1.0), Some(3_600_000.0)));
        assert_eq!((metric("sent").n, metric("approved").n, metric("sent unchanged").n), (1, 1, 1));
        assert_eq!(found.subreddits["test"].sent, 1);
    }
}

#[test]
fn undo_works_until_it_leaves() {
    let desk = Desk::new();
    let id = desk.add("t3_a");
    let approved = desk.approve("ana", &id, None, T0).unwrap();
    let undone = desk.as_reviewer("ana", &id, Some(approved.version), T0 + 1_000, |c, on| decisions::undo(c, on)).unwrap();
    assert_eq!((undone.state, undone.approval_digest), (State::Pending, None));
    desk.approve("ana", &id, None, T0 + 2_000).unwrap();
    assert!(matches!(desk.intent(&id, T0 + 40_000), Intent::Go(..)));
    let late = desk.as_reviewer("ana", &id, None, T0 + 40_001, |c, on| decisions::undo(c, on)).unwrap_err();
    assert!(matches!(late, Error::TooLateToUndo { .. }), "{late}");
}

#[test]
fn the_kill_switch_stops_the_intent() {
    let desk = Desk::new();
    let id = desk.add("t3_a");
    desk.approve("ana", &id, None, T0).unwrap();
    let all = || pauses::Scope::All;
    desk.run(move |c, _| pauses::pause(c, &all(), "incident 12", None, &Actor::human("ana"), T0)).unwrap();
    assert!(matches!(desk.intent(&id, T0 + 60_000), Intent::Paused(pause) if pause.reason == "incident 12"));
    assert_eq!(desk.load(&id).state, State::Scheduled);
    assert!(desk.run(move |c, _| pauses::resume(c, &all(), &Actor::human("ana"), T0 + 61_000)).unwrap());
    assert!(matches!(desk.intent(&id, T0 + 62_000), Intent::Go(..)));
}

fn send(desk: &Desk, parent: &'static str) -> (String, outbox::Attempt) {
    let id = desk.add(parent);
    desk.approve("ana", &id, None, T0).unwrap();
    let Intent::Go(_, attempt) = desk.intent(&id, T0 + 30_000) else { panic!("not due") };
    (id, attempt)
}

fn settle(desk: &Desk, attempt: &outbox::Attempt, answer: Answer, at: Millis) -> Item {
    let attempt = attempt.clone();
    desk.run(move |c, p| outbox::settle(c, p, &attempt, &answer, at)).unwrap()
}

fn look(desk: &Desk, id: &str, finding: Finding, at: Millis) -> Item {
    let id = id.to_owned();
    desk.run(move |c, p| {
        let attempt = outbox::lost_attempt(c, p, &id)?.expect("a lost attempt");
        outbox::reconcile(c, p, &attempt, &finding, at)
    })
    .unwrap()
}

#[test]
fn a_confirmed_delivery_is_remembered_and_looked_at_again() {
    let desk = Desk::new();
    let (id, attempt) = send(&desk, "t3_a");
    let sent = settle(&desk, &attempt, Answer::Confirmed { fullname: "t1_new".into(), permalink: None }, T0 + 31_000);
    assert_eq!((sent.state, sent.next_check_at), (State::Confirmed, Some(T0 + 91_000)));
    let known = desk.run(|c, p| Ok(memory::interactions::already_answered(c, p, "t3_a")?)).unwrap();
    assert!(known, "what was said is in memory");
    let checks = desk.run(|c, p| outbox::due(c, p, T0 + 91_000)).unwrap();
    assert_eq!(checks.check, std::slice::from_ref(&id));
    let seen = desk.run({
        let id = id.clone();
        move |c, p| outbox::record_visibility(c, p, &id, Some((Visibility::Filtered, "removed by a moderator".into())), T0 + 91_000)
    });
    assert_eq!(seen.unwrap().next_check_at, Some(T0 + 31_000 + 900_000));
}

#[test]
fn a_lost_answer_is_looked_for_and_never_sent_again_by_itself() {
    let desk = Desk::new();
    let (id, attempt) = send(&desk, "t3_a");
    let lost = settle(&desk, &attempt, Answer::Unknown { reason: "connection reset".into() }, T0 + 31_000);
    assert_eq!(lost.state, State::Unknown);
    assert_eq!(desk.run(|c, p| outbox::due(c, p, T0 + 36_000)).unwrap().reconcile, std::slice::from_ref(&id));
    assert_eq!(look(&desk, &id, Finding::Absent, T0 + 36_000).state, State::Unknown);
    // Twenty-five seconds later is too soon to believe it.
    assert_eq!(look(&desk, &id, Finding::Absent, T0 + 61_000).state, State::Unknown);
    let given_up = look(&desk, &id, Finding::Absent, T0 + 151_000);
    assert_eq!(given_up.state, State::Unresolved);
    assert!(matches!(desk.intent(&id, T0 + 999_000), Intent::NotDue));
    let same = desk.as_reviewer("ana", &id, None, T0, |c, on| decisions::resolve(c, on, &decisions::Resolution::Resend, &settings()));
    assert!(matches!(same, Err(Error::SecondPersonNeeded { .. })));
    let again =
        desk.as_reviewer("bob", &id, None, T0 + 200_000, |c, on| decisions::resolve(c, on, &decisions::Resolution::Resend, &settings()));
    assert_eq!(again.unwrap().state, State::Scheduled);
    assert!(matches!(desk.intent(&id, T0 + 300_000), Intent::Go(..)));
}

#[test]
fn a_late_commit_is_found() {
    let desk = Desk::new();
    let (id, attempt) = send(&desk, "t3_a");
    settle(&desk, &attempt, Answer::Unknown { reason: "504".into() }, T0 + 31_000);
    look(&desk, &id, Finding::Absent, T0 + 36_000);
    let found = look(&desk, &id, Finding::Found { fullname: "t1_late".into(), permalink: None }, T0 + 61_000);
    assert_eq!((found.state, found.fullname.as_deref()), (State::Confirmed, Some("t1_late")));
    let attempts = desk.run(move |c, p| outbox::attempts(c, p, &id)).unwrap();
    assert_eq!(attempts.len(), 1);
}

#[test]
fn a_crash_between_intent_and_answer_is_unknown_after_restart() {
    let desk = Desk::new();
    let (id, _) = send(&desk, "t3_a");
    assert_eq!(desk.run(|c, p| outbox::recover(c, p, T0 + 40_000)).unwrap(), 1);
    assert_eq!(desk.load(&id).state, State::Unknown);
    assert_eq!(desk.run(|c, p| outbox::recover(c, p, T0 + 41_000)).unwrap(), 0);
}

#[test]
fn each_refusal_leads_where_the_table_says() {
    let answers = [
        (Answer::NotSent { reason: "no route".into(), wait: 5_000 }, State::Scheduled),
        (Answer::AccountPaused { code: "RATELIMIT".into(), reason: "slow down".into(), pause: Some(76_000) }, State::Scheduled),
        (Answer::Expired { code: "THREAD_LOCKED".into(), reason: "locked".into() }, State::Expired),
        (Answer::Refused { code: "SUBREDDIT_NOTALLOWED".into(), reason: "no".into() }, State::Refused),
        (Answer::BackToReview { code: "TOO_LONG".into(), reason: "text".into() }, State::Pending),
    ];
    for (answer, state) in answers {
        let desk = Desk::new();
        let (id, attempt) = send(&desk, "t3_a");
        assert_eq!(settle(&desk, &attempt, answer.clone(), T0 + 31_000).state, state, "{answer:?}");
        if matches!(answer, Answer::AccountPaused { .. }) {
            assert!(matches!(desk.intent(&id, T0 + 31_000 + 76_000), Intent::Go(..)), "the pause ends by itself");
        }
    }
}

#[test]
fn pages_of_the_list_meet_without_gap_or_overlap() {
    let desk = Desk::new();
    for number in 0..25 {
        desk.run(move |c, p| {
            let parent = format!("t3_{number}");
            queue::enqueue(c, p, &comment(&parent, "a harmless remark"), &settings(), &Actor::agent("loop"), T0 + number / 3)
        })
        .unwrap();
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let filter = Filter { after: after.take(), ..Filter::default() };
        let page = desk.run(move |c, _| item::list(c, &filter, 7)).unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.created_at, last.id.clone()));
        seen.extend(page.into_iter().map(|line| line.id));
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((seen.len(), unique.len()), (25, 25));
}

#[derive(Debug, Clone)]
enum Operation {
    Claim,
    Release,
    Approve,
    Edit,
    Reject,
    Return,
    Resubmit,
    Hold,
    Undo,
    Send,
    Answer(u8),
    Look(u8),
    Crash,
    Resolve(u8),
    Sweep,
}

fn operations() -> impl Strategy<Value = Vec<(u8, Operation, u32)>> {
    let operation = prop_oneof![
        3 => Just(Operation::Claim),
        1 => Just(Operation::Release),
        4 => Just(Operation::Approve),
        2 => Just(Operation::Edit),
        1 => Just(Operation::Reject),
        1 => Just(Operation::Return),
        1 => Just(Operation::Resubmit),
        1 => Just(Operation::Hold),
        1 => Just(Operation::Undo),
        4 => Just(Operation::Send),
        3 => (0..6_u8).prop_map(Operation::Answer),
        3 => (0..3_u8).prop_map(Operation::Look),
        1 => Just(Operation::Crash),
        2 => (0..3_u8).prop_map(Operation::Resolve),
        1 => Just(Operation::Sweep),
    ];
    proptest::collection::vec((0..3_u8, operation, 0..120_000_u32), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Several reviewers, a sender and crashes in any order: versions rise, at most one message may be out, every step is audited.
    #[test]
    fn no_order_of_operations_breaks_the_queue(steps in operations()) {
        let desk = Desk::new();
        let id = desk.add("t3_a");
        let mut now = T0;
        let mut sent = 0;
        let mut version = 1;
        for (who, operation, pause) in steps {
            now += Millis::from(pause);
            let name = ["ana", "bob", "cy"][usize::from(who)];
            let before = desk.load(&id);
            let result: Result<(), Error> = match operation {
                Operation::Claim => desk.as_reviewer(name, &id, None, now, |c, on| queue::claim(c, on, &settings())).map(drop),
                Operation::Release => desk.as_reviewer(name, &id, None, now, |c, on| queue::release(c, on)).map(drop),
                Operation::Approve => desk.approve(name, &id, Some(before.version), now).map(drop),
                Operation::Edit => desk
                    .as_reviewer(name, &id, None, now, |c, on| decisions::edit(c, on, None, "another harmless text", &screened("another harmless text"), &settings()))
                    .map(drop),
                Operation::Reject => desk
                    .as_reviewer(name, &id, None, now, |c, on| decisions::reject(c, on, RejectCode::Tone, Directive::Drop, None, &settings()))
                    .map(drop),
                Operation::Return => desk.as_reviewer(name, &id, None, now, |c, on| queue::return_to_agent(c, on, "shorter", &settings())).map(drop),
                Operation::Resubmit => desk
                    .as_reviewer(name, &id, None, now, |c, on| queue::resubmit(c, on, "a shorter harmless text", &screened("a shorter harmless text"), &DraftMetadata::default()))
                    .map(drop),
                Operation::Hold => desk.as_reviewer(name, &id, None, now, move |c, on| queue::hold(c, on, now + 60_000, "later")).map(drop),
                Operation::Undo => desk.as_reviewer(name, &id, None, now, |c, on| decisions::undo(c, on)).map(drop),
                Operation::Send => {
                    if let Intent::Go(item, attempt) = desk.intent(&id, now) {
                        sent += 1;
                        prop_assert_eq!(&Some(attempt.digest), &item.approval_digest);
                    }
                    Ok(())
                }
                Operation::Answer(kind) => {
                    let open = desk.run({ let id = id.clone(); move |c, p| outbox::attempts(c, p, &id) }).unwrap();
                    if let Some(attempt) = open.into_iter().find(|attempt| attempt.outcome.is_none()) {
                        let answer = match kind {
                            0 => Answer::Confirmed { fullname: "t1_x".into(), permalink: None },
                            1 => Answer::Unknown { reason: "reset".into() },
                            2 => Answer::NotSent { reason: "refused connection".into(), wait: 1_000 },
                            3 => Answer::Refused { code: "X".into(), reason: "no".into() },
                            4 => Answer::BackToReview { code: "parent_edited".into(), reason: "edited".into() },
                            _ => Answer::Expired { code: "locked".into(), reason: "locked".into() },
                        };
                        if matches!(answer, Answer::NotSent { .. } | Answer::BackToReview { .. } | Answer::Refused { .. } | Answer::Expired { .. }) {
                            sent -= 1; // surely nothing went out
                        }
                        settle(&desk, &attempt, answer, now);
                    }
                    Ok(())
                }
                Operation::Look(kind) => {
                    if desk.load(&id).state == State::Unknown {
                        let finding = match kind {
                            0 => Finding::Found { fullname: "t1_x".into(), permalink: None },
                            1 => Finding::Absent,
                            _ => Finding::Unclear { reason: "503".into() },
                        };
                        look(&desk, &id, finding, now);
                    }
                    Ok(())
                }
                Operation::Crash => desk.run(move |c, p| outbox::recover(c, p, now)).map(drop),
                Operation::Resolve(kind) => {
                    let resolution = match kind {
                        0 => decisions::Resolution::Sent { fullname: "t1_x".into() },
                        1 => decisions::Resolution::Abandon,
                        _ => decisions::Resolution::Resend,
                    };
                    let resent = resolution == decisions::Resolution::Resend;
                    let result = desk.as_reviewer(name, &id, None, now, move |c, on| decisions::resolve(c, on, &resolution, &settings())).map(drop);
                    if resent && result.is_ok() {
                        sent -= 1; // two people said that it is not there
                    }
                    result
                }
                Operation::Sweep => desk.run(move |c, _| queue::sweep(c, now)).map(drop),
            };
            prop_assert!(!matches!(result, Err(Error::ForbiddenStep { .. } | Error::Store(_) | Error::Memory(_))), "{:?}", result);
            let after = desk.load(&id);
            prop_assert!(after.version >= version, "a version never falls");
            version = after.version;
            prop_assert!((0..=1).contains(&sent), "at most one message may be out");
            if result.is_err() {
                prop_assert_eq!((before.state, before.version), (after.state, after.version), "a refusal changes nothing");
            }
        }
        let (rows, changes) = desk.run(|c, _| {
            let chain = audit::verify(c)?;
            assert!(chain.problems.is_empty());
            let rows = c.first("SELECT count(*) AS n FROM audit_log WHERE subject_kind = 'pending_post'", &[])?.unwrap().int("n")?;
            Ok((rows, quarterdeck::store::feed::position(c, "queue")?))
        }).unwrap();
        prop_assert_eq!((rows, changes), (version, version), "each step leaves one audit row and one change");
    }
}
