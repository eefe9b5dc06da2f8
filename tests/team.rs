//! Several people at one queue: who may do what, what needs two of them, and what holds in whatever order they do it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use quarterdeck::base::{Millis, PersonaId};
use quarterdeck::memory::{self, PersonaConfig};
use quarterdeck::moderation::acknowledgements::{self, API_TERMS};
use quarterdeck::moderation::outbox::{self, Answer, Finding, Intent};
use quarterdeck::moderation::{
    Directive, DraftMetadata, Error, Item, Mode, On, RejectCode, Role, SecondApprover, Settings, State, Verdict, decisions, item,
    overrides, pauses, queue, roles, supersede, team,
};
use quarterdeck::store::audit::{self, Actor};
use quarterdeck::store::{Conn, Database};
use std::collections::{BTreeMap, BTreeSet};

mod support;
use support::{comment, screened};

const T0: Millis = 1_700_000_000_000;
const ACCOUNT: &str = "DemoAgentBot";
const CLEAN: &str = "a harmless remark about rivers";
const BLOCKED: &str = "the lottery of the river's bed";

/// Put together here, so that no scanner takes this file for a leak.
fn with_secret() -> String {
    format!("the lottery and my key AKIA{} of rivers", "Z7XQ4PLM2NB8VC1T")
}

fn settings() -> Settings {
    Settings { mode: Mode::Sandbox, ..Settings::default() }
}

type Result<T, E = Error> = std::result::Result<T, E>;

struct Desk {
    deck: Database,
    persona: PersonaId,
    _directory: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let (deck, directory) = quarterdeck::store::testing::database();
        let persona = deck
            .write_blocking(|c| {
                let actor = Actor::system("test");
                memory::personas::add(c, ACCOUNT, None, &PersonaConfig::default(), &memory::Author::new(&actor, T0))
            })
            .unwrap();
        Self { deck, persona: persona.id, _directory: directory }
    }

    /// With one person of each role, and `boss`, an admin who prepares things.
    fn staffed() -> Self {
        let desk = Self::new();
        desk.run(|c, _| {
            let boss = Actor::human("boss");
            let team =
                [("boss", Role::Admin), ("wil", Role::Watcher), ("rae", Role::Reviewer), ("sam", Role::Senior), ("ada", Role::Admin)];
            team.into_iter().try_for_each(|(name, role)| roles::set(c, name, role, &boss, T0).map(drop))
        })
        .unwrap();
        desk
    }

    fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut dyn Conn, &PersonaId) -> Result<T> + Send + 'static) -> Result<T> {
        let persona = self.persona.clone();
        self.deck.write_blocking(move |c| work(c, &persona))
    }

    fn add(&self, parent: &str, content: &str) -> String {
        let new = comment(parent, content);
        self.run(move |c, p| queue::enqueue(c, p, &new, &settings(), &Actor::agent("loop"), T0)).unwrap()
    }

    fn act<T: Send + 'static>(
        &self,
        actor: &Actor,
        id: &str,
        at: Millis,
        work: impl FnOnce(&mut dyn Conn, &On<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (actor, id) = (actor.clone(), id.to_owned());
        self.run(move |c, persona| work(c, &On { persona, id: &id, version: None, actor: &actor, at }))
    }

    fn by<T: Send + 'static>(
        &self,
        name: &str,
        id: &str,
        at: Millis,
        work: impl FnOnce(&mut dyn Conn, &On<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.act(&Actor::human(name), id, at, work)
    }

    fn load(&self, id: &str) -> Item {
        let id = id.to_owned();
        self.run(move |c, p| item::load(c, p, &id)).unwrap()
    }

    fn role(&self, name: &str) -> Option<Role> {
        self.run(|c, _| roles::team(c)).unwrap().role(name)
    }
}

fn approve(c: &mut dyn Conn, on: &On<'_>) -> Result<Item> {
    decisions::approve(c, on, ACCOUNT, &settings())
}

fn edit(c: &mut dyn Conn, on: &On<'_>, text: &str) -> Result<Item> {
    decisions::edit(c, on, None, text, &screened(text), &settings())
}

/// How an item has to stand before an operation is tried.
#[derive(Debug, Clone, Copy)]
enum Stands {
    Pending,
    Held,
    Returned,
    Blocked,
    OverrideAsked,
    ClaimedByBoss,
    PassedOnToBoss,
    ApprovedByBoss,
    /// By whoever tries.
    ApprovedByThem,
    Unresolved,
}

fn prepare(desk: &Desk, stands: Stands, parent: &str, who: &str) -> String {
    let blocked = matches!(stands, Stands::Blocked | Stands::OverrideAsked);
    let id = desk.add(parent, if blocked { BLOCKED } else { CLEAN });
    let boss = |work: fn(&mut dyn Conn, &On<'_>) -> Result<Item>| desk.by("boss", &id, T0 + 1, work).unwrap();
    match stands {
        Stands::Pending | Stands::Blocked => return id,
        Stands::Held => boss(|c, on| queue::hold(c, on, T0 + 900_000, "later")),
        Stands::Returned => boss(|c, on| queue::return_to_agent(c, on, "shorter", &settings())),
        Stands::OverrideAsked => boss(|c, on| overrides::ask_or_confirm(c, on, "a figure of speech").map(|(item, _)| item)),
        Stands::ClaimedByBoss => boss(|c, on| queue::claim(c, on, &settings())),
        Stands::PassedOnToBoss => boss(|c, on| team::escalate(c, on, "boss", "hard")),
        Stands::ApprovedByBoss | Stands::ApprovedByThem | Stands::Unresolved => boss(approve),
    };
    if matches!(stands, Stands::ApprovedByThem) {
        let (target, name) = (id.clone(), who.to_owned());
        let sql = "UPDATE pending_posts SET reviewed_by = $2 WHERE id = $1";
        desk.run(move |c, _| Ok(c.exec(sql, quarterdeck::vals![&target, &name])?)).unwrap();
    }
    if matches!(stands, Stands::Unresolved) {
        let target = id.clone();
        desk.run(move |c, p| {
            let Intent::Go(_, attempt) = outbox::commit_intent(c, p, &target, ACCOUNT, Mode::Sandbox, T0 + 40_000)? else {
                panic!("not due")
            };
            outbox::settle(c, p, &attempt, &Answer::Unknown { reason: "reset".into() }, T0 + 41_000)?;
            for at in [T0 + 50_000, T0 + 300_000] {
                let attempt = outbox::lost_attempt(c, p, &target)?.expect("lost");
                outbox::reconcile(c, p, &attempt, &Finding::Absent, at)?;
            }
            Ok(())
        })
        .unwrap();
    }
    id
}

type Work = fn(&mut dyn Conn, &On<'_>) -> Result<()>;

/// Everything a person can do, how the item has to stand for it, and the least role that may.
const OPERATIONS: &[(&str, Stands, Role, Work)] = &[
    ("claim", Stands::Pending, Role::Reviewer, |c, on| queue::claim(c, on, &settings()).map(drop)),
    ("release", Stands::Held, Role::Reviewer, |c, on| queue::release(c, on).map(drop)),
    ("hold", Stands::Pending, Role::Reviewer, |c, on| queue::hold(c, on, on.at + 1_000, "later").map(drop)),
    ("return", Stands::Pending, Role::Reviewer, |c, on| queue::return_to_agent(c, on, "shorter", &settings()).map(drop)),
    ("approve", Stands::Pending, Role::Reviewer, |c, on| approve(c, on).map(drop)),
    ("approve automatically", Stands::Pending, Role::Reviewer, |c, on| {
        decisions::approve_automatically(c, on, ACCOUNT, &settings()).map(drop)
    }),
    ("edit", Stands::Pending, Role::Reviewer, |c, on| edit(c, on, "another harmless remark").map(drop)),
    ("edit what is blocked", Stands::Blocked, Role::Reviewer, |c, on| edit(c, on, "another harmless remark").map(drop)),
    ("reject", Stands::Pending, Role::Reviewer, |c, on| {
        decisions::reject(c, on, RejectCode::Tone, Directive::Drop, None, &settings()).map(drop)
    }),
    ("give", Stands::Pending, Role::Reviewer, |c, on| team::hand_over(c, on, "boss", &settings()).map(drop)),
    ("escalate", Stands::Pending, Role::Reviewer, |c, on| team::escalate(c, on, "boss", "hard").map(drop)),
    ("skip", Stands::Pending, Role::Reviewer, |c, on| team::skip(c, on, None).map(drop)),
    ("resubmit", Stands::Returned, Role::Reviewer, |c, on| {
        queue::resubmit(c, on, CLEAN, &screened(CLEAN), &DraftMetadata::default()).map(drop)
    }),
    ("undo the own", Stands::ApprovedByThem, Role::Reviewer, |c, on| decisions::undo(c, on).map(drop)),
    ("enqueue", Stands::Pending, Role::Reviewer, |c, on| {
        let new = comment(&format!("t3_of{}", on.id.replace('-', "")), CLEAN);
        queue::enqueue(c, on.persona, &new, &settings(), on.actor, on.at).map(drop)
    }),
    ("supersede", Stands::Pending, Role::Reviewer, |c, on| {
        let old = item::load(c, on.persona, on.id)?;
        let new = comment(old.parent_id.as_deref().unwrap_or_default(), CLEAN);
        supersede::enqueue_newer(c, on.persona, &new, &settings(), on.actor, on.at).map(drop)
    }),
    ("pause", Stands::Pending, Role::Reviewer, |c, on| {
        pauses::pause(c, &pauses::Scope::Account("another".into()), "x", None, on.actor, on.at)
    }),
    ("undo another's", Stands::ApprovedByBoss, Role::Senior, |c, on| decisions::undo(c, on).map(drop)),
    ("release another's", Stands::ClaimedByBoss, Role::Senior, |c, on| queue::release(c, on).map(drop)),
    ("decide what was passed on", Stands::PassedOnToBoss, Role::Senior, |c, on| approve(c, on).map(drop)),
    ("ask for an override", Stands::Blocked, Role::Senior, |c, on| overrides::ask_or_confirm(c, on, "why not").map(drop)),
    ("confirm an override", Stands::OverrideAsked, Role::Senior, |c, on| overrides::ask_or_confirm(c, on, "agreed").map(drop)),
    ("discard", Stands::Blocked, Role::Senior, |c, on| decisions::discard(c, on, "spam").map(drop)),
    ("resolve as sent", Stands::Unresolved, Role::Senior, |c, on| {
        decisions::resolve(c, on, &decisions::Resolution::Sent { fullname: "t1_x".into() }, &settings()).map(drop)
    }),
    ("resolve as given up", Stands::Unresolved, Role::Senior, |c, on| {
        decisions::resolve(c, on, &decisions::Resolution::Abandon, &settings()).map(drop)
    }),
    ("send again", Stands::Unresolved, Role::Senior, |c, on| {
        decisions::resolve(c, on, &decisions::Resolution::Resend, &settings()).map(drop)
    }),
    ("resume", Stands::Pending, Role::Admin, |c, on| pauses::resume(c, &pauses::Scope::All, on.actor, on.at).map(drop)),
    ("acknowledge", Stands::Pending, Role::Admin, |c, on| acknowledgements::acknowledge(c, API_TERMS, "read", on.actor, on.at)),
    ("name a role", Stands::Pending, Role::Admin, |c, on| roles::set(c, "new", Role::Senior, on.actor, on.at).map(drop)),
    ("take from the list", Stands::Pending, Role::Admin, |c, on| {
        roles::set(c, "gone", Role::Watcher, &Actor::system("test"), on.at)?;
        roles::remove(c, "gone", on.actor, on.at)
    }),
    ("say what the unlisted may", Stands::Pending, Role::Admin, |c, on| roles::set_unlisted(c, Role::Watcher, on.actor, on.at)),
];

#[test]
fn each_operation_asks_for_its_role() {
    let desk = Desk::staffed();
    let people =
        [("stranger", Role::Watcher), ("wil", Role::Watcher), ("rae", Role::Reviewer), ("sam", Role::Senior), ("ada", Role::Admin)];
    let mut number = 0;
    for (name, stands, needed, work) in OPERATIONS {
        for (who, role) in people {
            number += 1;
            let id = prepare(&desk, *stands, &format!("t3_{number}"), who);
            let before = desk.load(&id);
            let rows = audit_rows(&desk);
            let did = desk.by(who, &id, T0 + 10, *work);
            if role >= *needed {
                assert!(did.is_ok(), "{name} by {who}: {did:?}");
                continue;
            }
            let refusal = did.expect_err(name);
            match &refusal {
                Error::NotAllowed { name: refused, needed, .. } => {
                    assert_eq!((refused.as_str(), *needed > role), (who, true), "{name}: {refusal}");
                    assert!(refusal.to_string().contains("can do it"), "{refusal}");
                }
                // A reviewer meets the rule among colleagues first.
                Error::ClaimedByOther { .. } | Error::Escalated { .. } if role == Role::Reviewer => {}
                other => panic!("{name} by {who}: {other}"),
            }
            assert_eq!((desk.load(&id).version, audit_rows(&desk)), (before.version, rows), "{name}: a refusal leaves nothing");
        }
    }
}

fn audit_rows(desk: &Desk) -> usize {
    desk.run(|c, _| Ok(audit::newest(c, None, 100_000)?.len())).unwrap()
}

#[test]
fn the_program_itself_is_not_asked_and_an_empty_team_restrains_nobody() {
    let desk = Desk::staffed();
    for (number, (name, stands, _, work)) in OPERATIONS.iter().enumerate() {
        let id = prepare(&desk, *stands, &format!("t3_{number}"), "delivery");
        let did = desk.act(&Actor::system("delivery"), &id, T0 + 10, *work);
        assert!(!matches!(did, Err(Error::NotAllowed { .. })), "{name}: {did:?}");
    }
    let alone = Desk::new();
    for (number, (name, stands, needed, work)) in OPERATIONS.iter().enumerate() {
        if *needed == Role::Admin {
            continue;
        }
        let id = prepare(&alone, *stands, &format!("t3_{number}"), "ana");
        let did = alone.by("ana", &id, T0 + 10, *work);
        // Where nobody stands above the others, claims and passing on hold for everybody.
        let among_colleagues = matches!(did, Err(Error::ClaimedByOther { .. } | Error::Escalated { .. }));
        assert!(did.is_ok() || (among_colleagues && *needed == Role::Senior), "{name}: {did:?}");
    }
}

#[test]
fn a_role_that_is_taken_away_counts_from_the_next_decision_on() {
    let desk = Desk::staffed();
    let [approved, waiting] = ["t3_a", "t3_b"].map(|parent| desk.add(parent, CLEAN));
    desk.by("rae", &approved, T0 + 1, approve).unwrap();
    desk.run(|c, _| roles::set(c, "rae", Role::Watcher, &Actor::human("boss"), T0 + 2)).unwrap();
    assert!(matches!(desk.by("rae", &waiting, T0 + 3, approve), Err(Error::NotAllowed { .. })));
    let intent = desk.run(move |c, p| outbox::commit_intent(c, p, &approved, ACCOUNT, Mode::Sandbox, T0 + 40_000)).unwrap();
    assert!(matches!(intent, Intent::Go(..)), "what she approved while she might is sent");
}

#[test]
fn a_block_is_overridden_by_two_people_for_one_text() {
    let desk = Desk::staffed();
    let ask = |who: &str, id: &str| desk.by(who, id, T0 + 5, |c, on| overrides::ask_or_confirm(c, on, "a figure of speech"));
    let id = desk.add("t3_a", BLOCKED);
    assert!(matches!(desk.by("sam", &id, T0 + 5, |c, on| overrides::ask_or_confirm(c, on, " ")), Err(Error::Invalid { .. })));
    let (item, wish) = ask("sam", &id).unwrap();
    assert_eq!((item.state, wish.confirmed_by), (State::Blocked, None));
    assert!(matches!(ask("sam", &id), Err(Error::SecondPersonNeeded { .. })), "one login, one vote");
    assert!(matches!(desk.by("boss", &id, T0 + 6, approve), Err(Error::WrongState { .. })), "a wish alone opens nothing");
    let (item, _) = ask("ada", &id).unwrap();
    assert_eq!(item.state, State::Pending);
    assert_eq!(item.state_reason.as_deref(), Some("override by sam, confirmed by ada: a figure of speech"));
    assert!(matches!(ask("boss", &id), Err(Error::NoOverride { .. })), "twice is enough");
    // No machine counts it, and a person may.
    let automatic = desk.act(&Actor::agent("loop"), &id, T0 + 7, |c, on| decisions::approve_automatically(c, on, ACCOUNT, &settings()));
    assert!(matches!(automatic, Err(Error::Blocked { .. })));
    assert_eq!(desk.by("rae", &id, T0 + 8, approve).unwrap().state, State::Scheduled);
    desk.by("rae", &id, T0 + 9, decisions::undo).unwrap();
    // Another text is another matter, even where it says the same.
    let other = "the lottery of the river's bed!";
    let edited = desk.by("rae", &id, T0 + 10, move |c, on| edit(c, on, other)).unwrap();
    assert_eq!((edited.verdict, edited.state_reason.as_deref()), (Verdict::Block, None));
    assert!(matches!(desk.by("rae", &id, T0 + 11, approve), Err(Error::Blocked { .. })));
    // A person who wrote the text may ask, and not confirm.
    desk.by("rae", &id, T0 + 12, queue::release).unwrap();
    desk.by("ada", &id, T0 + 13, move |c, on| edit(c, on, "the lottery, as I wrote it")).unwrap();
    desk.by("ada", &id, T0 + 14, queue::release).unwrap();
    ask("sam", &id).unwrap();
    let own = ask("ada", &id).unwrap_err();
    assert!(own.to_string().contains("ada wrote the present text"), "{own}");
    ask("boss", &id).unwrap();
    // Bytes changed behind the program's back are not what was confirmed.
    let target = id.clone();
    desk.run(move |c, _| Ok(c.exec("UPDATE pending_posts SET content = content || '!' WHERE id = $1", quarterdeck::vals![&target])?))
        .unwrap();
    assert!(matches!(desk.by("rae", &id, T0 + 15, approve), Err(Error::Blocked { .. })));
}

#[test]
fn nobody_overrides_a_credential_and_an_edit_opens_what_is_blocked() {
    let desk = Desk::staffed();
    let id = desk.add("t3_a", &with_secret());
    let refused = desk.by("ada", &id, T0 + 1, |c, on| overrides::ask_or_confirm(c, on, "trust me")).unwrap_err();
    assert!(matches!(&refused, Error::NoOverride { why, .. } if why.contains("queue edit")), "{refused}");
    // Rules that did not look for it change nothing.
    let target = id.clone();
    let evaluation = serde_json::to_string(&screened(BLOCKED)).unwrap();
    let sql = "UPDATE pending_posts SET evaluation = $2 WHERE id = $1";
    desk.run(move |c, _| Ok(c.exec(sql, quarterdeck::vals![&target, &evaluation])?)).unwrap();
    assert!(matches!(desk.by("ada", &id, T0 + 1, |c, on| overrides::ask_or_confirm(c, on, "trust me")), Err(Error::NoOverride { .. })));
    let still = desk.by("rae", &id, T0 + 2, |c, on| edit(c, on, BLOCKED)).unwrap();
    assert_eq!(still.state, State::Blocked);
    let opened = desk.by("rae", &id, T0 + 3, |c, on| edit(c, on, CLEAN)).unwrap();
    assert_eq!((opened.state, opened.lease_holder.as_deref()), (State::Claimed, Some("rae")));
    let plain = desk.by("ada", &id, T0 + 400_000, |c, on| overrides::ask_or_confirm(c, on, "x"));
    assert!(matches!(plain, Err(Error::NoOverride { .. })), "where nothing blocks there is nothing to override: {plain:?}");
}

#[test]
fn a_newer_draft_takes_the_place_of_an_undecided_one_only() {
    let desk = Desk::staffed();
    let newer = |parent: &str, at: Millis| {
        let new = comment(parent, "a newer harmless remark");
        desk.run(move |c, p| supersede::enqueue_newer(c, p, &new, &settings(), &Actor::agent("loop"), at))
    };
    for (number, stands) in [Stands::Pending, Stands::Held, Stands::Returned, Stands::Blocked].into_iter().enumerate() {
        let parent = format!("t3_{number}");
        let old = prepare(&desk, stands, &parent, "");
        let new = newer(&parent, T0 + 10).unwrap();
        let (old, new) = (desk.load(&old), desk.load(&new));
        assert_eq!((old.state, new.state), (State::Superseded, State::Pending), "{stands:?}");
        assert!(old.state_reason.unwrap().contains(&new.id));
    }
    let claimed = prepare(&desk, Stands::ClaimedByBoss, "t3_claimed", "");
    assert!(matches!(newer("t3_claimed", T0 + 10), Err(Error::ClaimedByOther { holder, .. }) if holder == "boss"));
    let after = newer("t3_claimed", T0 + 900_000).unwrap();
    assert_eq!(desk.load(&claimed).state, State::Superseded, "a lease that is over keeps nothing");
    assert_eq!(desk.load(&after).state, State::Pending);
    let passed_on = prepare(&desk, Stands::PassedOnToBoss, "t3_passed", "");
    let after = newer("t3_passed", T0 + 10).unwrap();
    assert_eq!(desk.load(&passed_on).state, State::Superseded);
    assert_eq!(desk.load(&after).escalated_to.as_deref(), Some("boss"), "what was passed on to somebody stays with them");
    for (parent, stands) in [("t3_approved", Stands::ApprovedByBoss), ("t3_lost", Stands::Unresolved)] {
        let kept = prepare(&desk, stands, parent, "");
        let before = desk.load(&kept);
        assert!(matches!(newer(parent, T0 + 10), Err(Error::AlreadyAnswered { .. })), "{stands:?}");
        assert_eq!(desk.load(&kept).version, before.version);
    }
    let written = desk.add("t3_written", CLEAN);
    desk.by("rae", &written, T0 + 1, |c, on| edit(c, on, "as a person wrote it")).unwrap();
    desk.by("rae", &written, T0 + 2, queue::release).unwrap();
    assert!(matches!(newer("t3_written", T0 + 10), Err(Error::AlreadyAnswered { .. })), "a person's work is not replaced");
    // What may have to give way: what an agent wrote, and nobody decided or holds.
    let held = prepare(&desk, Stands::ClaimedByBoss, "t3_held", "");
    let waiting = desk.run(|c, p| supersede::waiting(c, p, T0 + 20, 100)).unwrap();
    assert!(waiting.iter().all(|item| supersede::gives_way(item.state) && item.id != held && item.id != written), "{waiting:?}");
    assert!(waiting.iter().any(|item| item.id == after));
    assert!(desk.run(|c, p| supersede::waiting(c, p, T0 + 900_000, 100)).unwrap().iter().any(|item| item.id == held));
    assert_eq!(desk.run(|c, p| supersede::replaced(c, p, "t3_passed")).unwrap(), 1);
    // A rejection of the newer one counts, whatever the older one was.
    let last = newer("t3_again", T0 + 10).and_then(|_| newer("t3_again", T0 + 11)).unwrap();
    let redraft = |c: &mut dyn Conn, on: &On<'_>| decisions::reject(c, on, RejectCode::Tone, Directive::Redraft, None, &settings());
    desk.by("rae", &last, T0 + 12, redraft).unwrap();
    assert!(desk.run(|c, p| decisions::may_draft(c, p, "t3_again")).unwrap());
}

#[test]
fn an_edit_with_a_reason_is_learnt_from_once_it_is_approved() {
    let desk = Desk::new();
    let learnt = || desk.run(|c, p| decisions::recent_corrections(c, p, 2)).unwrap();
    let because = |id: &str, text: &'static str, why: Option<&'static str>, at: Millis| {
        desk.by("ana", id, at, move |c, on| decisions::edit_because(c, on, None, text, why, &screened(text), &settings())).unwrap()
    };
    let [first, second, silent] = ["t3_a", "t3_b", "t3_c"].map(|parent| desk.add(parent, CLEAN));
    because(&first, "a short remark about rivers", Some("  too soft "), T0 + 1);
    assert_eq!(learnt(), [], "nobody approved it yet");
    desk.by("ana", &first, T0 + 2, approve).unwrap();
    desk.by("ana", &second, T0 + 3, |c, on| decisions::reject(c, on, RejectCode::Tone, Directive::Drop, Some("too preachy"), &settings()))
        .unwrap();
    because(&silent, "a silent remark about rivers", None, T0 + 4);
    desk.by("ana", &silent, T0 + 5, approve).unwrap();
    let found = learnt();
    assert_eq!(found.iter().map(|one| one.reason.as_str()).collect::<Vec<_>>(), ["tone: too preachy", "too soft"], "newest first");
    assert_eq!(found[1].excerpt, "“harmless” became “short”");
    let other = desk.add("t3_d", CLEAN);
    because(&other, "a kind remark about rivers", Some("kinder"), T0 + 6);
    desk.by("ana", &other, T0 + 7, approve).unwrap();
    assert_eq!(
        learnt().iter().map(|one| one.reason.as_str()).collect::<Vec<_>>(),
        ["kinder", "tone: too preachy"],
        "at most as many as asked for"
    );
    desk.by("ana", &other, T0 + 8, decisions::undo).unwrap();
    assert_eq!(learnt().len(), 2, "what was taken back is not approved: {:?}", learnt());
    assert!(learnt().iter().all(|one| one.reason != "kinder"));
}

#[derive(Debug, Clone)]
enum Operation {
    Claim,
    Release,
    Approve,
    Edit(u8),
    Reject,
    Return,
    Resubmit(u8),
    Escalate(u8),
    Skip,
    Undo,
    Discard,
    Override,
    Supersede(u8),
    Automatic,
    Send,
    Answer(bool),
    SetRole(u8, u8),
    Sweep,
}

const PEOPLE: [&str; 5] = ["ana", "bob", "cy", "dee", "eve"];

fn text(kind: u8) -> String {
    match kind % 3 {
        0 => CLEAN.to_owned(),
        1 => BLOCKED.to_owned(),
        _ => with_secret(),
    }
}

fn operations() -> impl Strategy<Value = Vec<(u8, Operation, u32)>> {
    let operation = prop_oneof![
        2 => Just(Operation::Claim),
        2 => Just(Operation::Release),
        5 => Just(Operation::Approve),
        2 => (0..6_u8).prop_map(Operation::Edit),
        1 => Just(Operation::Reject),
        1 => Just(Operation::Return),
        1 => (0..3_u8).prop_map(Operation::Resubmit),
        1 => (0..5_u8).prop_map(Operation::Escalate),
        1 => Just(Operation::Skip),
        1 => Just(Operation::Undo),
        1 => Just(Operation::Discard),
        6 => Just(Operation::Override),
        2 => (0..3_u8).prop_map(Operation::Supersede),
        1 => Just(Operation::Automatic),
        4 => Just(Operation::Send),
        2 => any::<bool>().prop_map(Operation::Answer),
        2 => (0..5_u8, 0..4_u8).prop_map(|(who, role)| Operation::SetRole(who, role)),
        1 => Just(Operation::Sweep),
    ];
    proptest::collection::vec((0..5_u8, operation, 0..90_000_u32), 1..60)
}

fn finished(state: State) -> bool {
    State::ALL.iter().all(|next| !state.may_become(*next))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    /// A team whose roles change, texts of every kind, newer drafts and a sender, in any order.
    #[test]
    fn no_order_of_people_breaks_the_rules(
        steps in operations(), first in 0..3_u8, second in prop_oneof![Just(SecondApprover::Never), Just(SecondApprover::Flagged), Just(SecondApprover::Always)]
    ) {
        let rules = move || Settings { second_approver: second, ..settings() };
        let desk = Desk::new();
        desk.run(|c, _| {
            let ana = Actor::human("ana");
            let team = [("ana", Role::Admin), ("bob", Role::Senior), ("cy", Role::Senior), ("dee", Role::Reviewer)];
            team.into_iter().try_for_each(|(name, role)| roles::set(c, name, role, &ana, T0).map(drop))
        }).unwrap();
        let mut id = desk.add("t3_a", &text(first));
        let mut all = vec![id.clone()];
        let mut now = T0;
        // Who approved which text of which item, each while they might.
        let mut approvals: BTreeMap<(String, i64), BTreeSet<String>> = BTreeMap::new();
        let mut confirmed: BTreeSet<(String, i64)> = BTreeSet::new();
        let mut asked: BTreeMap<(String, i64), String> = BTreeMap::new();
        for (who, operation, pause) in steps {
            now += Millis::from(pause);
            let name = PEOPLE[usize::from(who)];
            let role = desk.role(name).unwrap();
            let before = desk.load(&id);
            let key = (id.clone(), before.revision);
            let mut is_a_persons = true;
            let result: Result<()> = match operation {
                Operation::Claim => desk.by(name, &id, now, move |c, on| queue::claim(c, on, &rules())).map(drop),
                Operation::Release => desk.by(name, &id, now, queue::release).map(drop),
                Operation::Approve => {
                    let did = desk.by(name, &id, now, move |c, on| decisions::approve(c, on, ACCOUNT, &rules()));
                    if let Ok(item) = &did {
                        prop_assert!(before.state.is_open(), "only what is open is decided");
                        let names = approvals.entry(key.clone()).or_default();
                        prop_assert!(names.insert(name.to_owned()) || second == SecondApprover::Never || item.state == State::Scheduled);
                        prop_assert!(item.verdict != Verdict::Block || confirmed.contains(&key), "a block that nobody lifted");
                    }
                    did.map(drop)
                }
                Operation::Edit(kind) => {
                    let text = text(kind);
                    desk.by(name, &id, now, move |c, on| edit(c, on, &text)).map(drop)
                }
                Operation::Reject => desk
                    .by(name, &id, now, |c, on| decisions::reject(c, on, RejectCode::Tone, Directive::Redraft, None, &settings()))
                    .map(drop),
                Operation::Return => desk.by(name, &id, now, |c, on| queue::return_to_agent(c, on, "shorter", &settings())).map(drop),
                Operation::Resubmit(kind) => {
                    is_a_persons = false;
                    let text = text(kind);
                    desk.act(&Actor::agent("loop"), &id, now, move |c, on| {
                        queue::resubmit(c, on, &text, &screened(&text), &DraftMetadata::default())
                    })
                    .map(drop)
                }
                Operation::Escalate(to) => desk.by(name, &id, now, move |c, on| team::escalate(c, on, PEOPLE[usize::from(to)], "hard")).map(drop),
                Operation::Skip => desk.by(name, &id, now, |c, on| team::skip(c, on, None)).map(drop),
                Operation::Undo => desk.by(name, &id, now, decisions::undo).map(drop),
                Operation::Discard => desk.by(name, &id, now, |c, on| decisions::discard(c, on, "spam")).map(drop),
                Operation::Override => {
                    let did = desk.by(name, &id, now, |c, on| overrides::ask_or_confirm(c, on, "a figure of speech"));
                    if let Ok((item, wish)) = &did {
                        prop_assert!(role >= Role::Senior);
                        prop_assert!(!item.content.contains("AKIA"), "a credential");
                        match &wish.confirmed_by {
                            None => drop(asked.insert(key.clone(), name.to_owned())),
                            Some(second) => {
                                prop_assert_eq!(second, name);
                                prop_assert_ne!(asked.get(&key).map(String::as_str), Some(name), "two people");
                                prop_assert!(asked.contains_key(&key));
                                confirmed.insert(key.clone());
                            }
                        }
                    }
                    did.map(drop)
                }
                Operation::Supersede(kind) => {
                    is_a_persons = false;
                    let new = comment("t3_a", &text(kind));
                    let did = desk.run(move |c, p| supersede::enqueue_newer(c, p, &new, &rules(), &Actor::agent("loop"), now));
                    if let Ok(new) = &did {
                        let old = desk.load(&id).state;
                        prop_assert!(old == State::Superseded || finished(before.state), "{} gave way", before.state);
                        all.push(new.clone());
                        id = new.clone();
                    }
                    did.map(drop)
                }
                Operation::Automatic => {
                    is_a_persons = false;
                    let did = desk.act(&Actor::agent("loop"), &id, now, |c, on| decisions::approve_automatically(c, on, ACCOUNT, &settings()));
                    prop_assert!(did.is_err() || before.verdict == Verdict::Allow);
                    if did.is_ok() {
                        approvals.entry(key.clone()).or_default().extend(["loop".to_owned(), "by itself".to_owned()]);
                    }
                    did.map(drop)
                }
                Operation::Send => {
                    is_a_persons = false;
                    let target = id.clone();
                    let intent = desk.run(move |c, p| outbox::commit_intent(c, p, &target, ACCOUNT, Mode::Sandbox, now)).unwrap();
                    if let Intent::Go(item, _) = intent {
                        let names = approvals.get(&key).cloned().unwrap_or_default();
                        prop_assert!(names.contains(item.reviewed_by.as_deref().unwrap()), "sent without an approval: {names:?}");
                        prop_assert!(!second.asks_for(&item) || names.len() >= 2, "one approval where two are asked for");
                        prop_assert!(item.verdict != Verdict::Block || confirmed.contains(&key));
                        prop_assert!(!item.content.contains("AKIA"));
                    }
                    Ok(())
                }
                Operation::Answer(arrived) => {
                    is_a_persons = false;
                    let target = id.clone();
                    let answer = if arrived {
                        Answer::Confirmed { fullname: "t1_x".into(), permalink: None }
                    } else {
                        Answer::BackToReview { code: "parent_edited".into(), reason: "edited".into() }
                    };
                    desk.run(move |c, p| {
                        let open = outbox::attempts(c, p, &target)?.into_iter().find(|attempt| attempt.outcome.is_none());
                        if let Some(attempt) = open {
                            outbox::settle(c, p, &attempt, &answer, now)?;
                        }
                        Ok(())
                    })
                }
                Operation::SetRole(whom, role) => {
                    let (actor, whom) = (Actor::human(name), PEOPLE[usize::from(whom)]);
                    let did = desk.run(move |c, _| roles::set(c, whom, Role::ALL[usize::from(role)], &actor, now));
                    prop_assert!(did.is_err() || desk.role(name) == Some(Role::Admin) || whom == name);
                    did.map(drop)
                }
                Operation::Sweep => {
                    is_a_persons = false;
                    desk.run(move |c, _| queue::sweep(c, now)).map(drop)
                }
            };
            prop_assert!(!matches!(result, Err(Error::ForbiddenStep { .. } | Error::Store(_) | Error::Memory(_))), "{:?}", result);
            prop_assert!(result.is_err() || !is_a_persons || role > Role::Watcher, "{name}, a watcher, did it");
            let old = desk.load(&before.id);
            if finished(before.state) {
                prop_assert_eq!(old.version, before.version, "what is decided stays decided");
            }
            if result.is_err() {
                prop_assert_eq!((before.state, before.version), (old.state, old.version), "a refusal changes nothing");
            }
            let team = desk.run(|c, _| roles::team(c)).unwrap();
            prop_assert!(team.members.iter().any(|member| member.role == Role::Admin), "an admin is left");
        }
        let steps: i64 = all.iter().map(|id| desk.load(id).version).sum();
        let (rows, changes) = desk.run(|c, _| {
            assert!(audit::verify(c)?.problems.is_empty());
            let rows = c.first("SELECT count(*) AS n FROM audit_log WHERE subject_kind = 'pending_post'", &[])?.unwrap().int("n")?;
            Ok((rows, quarterdeck::store::feed::position(c, "queue")?))
        }).unwrap();
        prop_assert_eq!((rows, changes), (steps, steps), "each step leaves one audit row and one change");
    }
}
