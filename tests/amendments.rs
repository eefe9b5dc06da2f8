//! After sending: what was sent is taken back or changed, over real HTTP, with answers that are lost and a program that is killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::base::{Clock, Millis, PersonaId, SystemClock, TestClock};
use quarterdeck::memory::{self, Author, PersonaConfig, interactions};
use quarterdeck::moderation::amendments::{self, Amendment, Kind, Outcome, Wish};
use quarterdeck::moderation::deliver::{Deliverer, Round};
use quarterdeck::moderation::{
    self, Error, Item, Mode, NewItem, On, PostType, SecondApprover, Settings, State, decisions, item, pauses, queue,
};
use quarterdeck::reddit::{self, RateBudget};
use quarterdeck::sandbox::{self, Fault, FaultKind, NewPost, Options, Sandbox};
use quarterdeck::store::audit::{self, Actor};
use quarterdeck::store::{Conn, Database};
use secrecy::SecretString;
use std::sync::Arc;
use tokio::sync::watch;

mod support;
use support::{comment, screened};

const TEXT: &str = "They fall slower than the maps say; the gauges upstream show it well.";
const BETTER: &str = "They fall slower than the old maps say:  \nthe gauges upstream show it.";
const DEL: &str = "reddit:/api/del";
const EDIT: &str = "reddit:/api/editusertext";

fn settings() -> Settings {
    Settings { mode: Mode::Sandbox, ..Settings::default() }
}

/// A sandbox and a database in which one comment was sent, and is known as confirmed.
struct Stage {
    sandbox: Sandbox,
    clock: TestClock,
    deck: Database,
    persona: PersonaId,
    id: String,
    _directory: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
        Self::with(|parent| comment(parent, TEXT)).await
    }

    async fn with(new: impl Fn(&str) -> NewItem) -> Self {
        let now = SystemClock.now();
        let clock = TestClock::at(now);
        let options = Options { posts: 0, request_limit: 100_000, clock: Arc::new(clock.clone()), ..Options::default() };
        let sandbox = sandbox::start(options).await.unwrap();
        let parent = sandbox
            .world()
            .add_post(NewPost {
                subreddit: "test".into(),
                author: "reader".into(),
                title: "Rivers".into(),
                text: "How fast do they fall?".into(),
                ..NewPost::default()
            })
            .unwrap();
        let (deck, directory) = quarterdeck::store::testing::database();
        let new = new(&parent);
        let (persona, id) = deck
            .write(move |c: &mut dyn Conn| -> moderation::Result<_> {
                let ana = Actor::human("ana");
                let persona = memory::personas::add(c, sandbox::ACCOUNT, None, &PersonaConfig::default(), &Author::new(&ana, now))?.id;
                let at = now - 3_600_000;
                let id = queue::enqueue(c, &persona, &new, &settings(), &Actor::agent(sandbox::ACCOUNT), at)?;
                decisions::approve(
                    c,
                    &On { persona: &persona, id: &id, version: Some(1), actor: &ana, at },
                    sandbox::ACCOUNT,
                    &settings(),
                )?;
                Ok((persona, id))
            })
            .await
            .unwrap();
        let stage = Self { sandbox, clock, deck, persona, id, _directory: directory };
        stage.round().await;
        assert_eq!(stage.item().await.state, State::Confirmed);
        stage
    }

    fn deliverer(&self, mode: Mode) -> Deliverer {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let secret = |text: &str| SecretString::from(text.to_owned());
        let mut settings =
            reddit::Settings::new(sandbox::CLIENT_ID, secret(sandbox::CLIENT_SECRET), sandbox::ACCOUNT, "test:quarterdeck:0 (by /u/test)");
        settings.password = Some(secret(sandbox::PASSWORD));
        (settings.login_base, settings.oauth_base) = (self.sandbox.reddit_url(), self.sandbox.reddit_url());
        Deliverer {
            overturn_limit: 15,
            screener: quarterdeck::moderation::rules::Screener::open(None).unwrap(),
            db: self.deck.clone(),
            reddit: reddit::Client::new(settings, RateBudget::new(Arc::clone(&clock)), Arc::clone(&clock)).unwrap(),
            clock,
            mode,
            persona: self.persona.clone(),
            account: sandbox::ACCOUNT.to_owned(),
        }
    }

    async fn round(&self) -> Round {
        let (_keep, ends) = watch::channel(false);
        self.deliverer(Mode::Sandbox).round(&ends).await.unwrap()
    }

    async fn after(&self, millis: Millis) -> Round {
        self.clock.advance(millis);
        self.round().await
    }

    /// Let the times between tries pass.
    async fn let_time_pass(&self) {
        for step in [0, 6_000, 31_000, 121_000, 601_000] {
            self.after(step).await;
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut dyn Conn, &On<'_>) -> moderation::Result<T> + Send + 'static,
    ) -> moderation::Result<T> {
        let (persona, id, at) = (self.persona.clone(), self.id.clone(), self.clock.now());
        let actor = Actor::human(name);
        self.deck.write(move |c| work(c, &On { persona: &persona, id: &id, version: None, actor: &actor, at })).await
    }

    async fn retract(&self) -> moderation::Result<Amendment> {
        self.run("ana", |c, on| amendments::ask(c, on, Wish::Retract, "wrong thread", sandbox::ACCOUNT, &settings())).await
    }

    async fn amend(&self, text: &'static str, settings: Settings) -> moderation::Result<Amendment> {
        self.run("ana", move |c, on| {
            let evaluation = screened(text);
            amendments::ask(c, on, Wish::Amend { text, evaluation: &evaluation }, "clearer", sandbox::ACCOUNT, &settings)
        })
        .await
    }

    async fn item(&self) -> Item {
        let (persona, id) = (self.persona.clone(), self.id.clone());
        self.deck.read(move |c| item::load(c, &persona, &id)).await.unwrap()
    }

    async fn wish(&self) -> Amendment {
        let (persona, id) = (self.persona.clone(), self.id.clone());
        self.deck.read(move |c| amendments::of_item(c, &persona, &id)).await.unwrap().pop().unwrap()
    }

    async fn recalled(&self) -> Vec<String> {
        let persona = self.persona.clone();
        let recent = self
            .deck
            .read(move |c: &mut dyn Conn| -> memory::Result<_> {
                let mut said = interactions::recent(c, &persona, None, 9)?;
                said.extend(interactions::recent_in_subreddit(c, &persona, "test", 9)?);
                Ok(said)
            })
            .await
            .unwrap();
        recent.into_iter().map(|said| said.content).collect()
    }

    /// What the other side really holds.
    async fn stored(&self) -> sandbox::Stored {
        self.sandbox.world().get(&self.item().await.fullname.unwrap()).unwrap()
    }

    fn requests(&self, endpoint: &str) -> u64 {
        self.sandbox.world().requests(endpoint)
    }

    async fn audit_holds(&self) {
        let chain = self.deck.read(audit::verify).await.unwrap();
        assert!(chain.problems.is_empty(), "{:?}", chain.problems);
    }

    async fn pause(&self) {
        let now = self.clock.now();
        self.deck.write(move |c| pauses::pause(c, &pauses::Scope::All, "incident", None, &Actor::human("ana"), now)).await.unwrap();
    }

    async fn resume(&self) {
        let now = self.clock.now();
        self.deck.write(move |c| pauses::resume(c, &pauses::Scope::All, &Actor::human("ana"), now)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retract_deletes_looks_and_is_not_recalled() {
    let stage = Stage::new().await;
    assert_eq!(stage.recalled().await, [TEXT, TEXT]);
    stage.retract().await.unwrap();
    let round = stage.round().await;
    assert_eq!(round.amended.len(), 1);
    let (item, wish) = (stage.item().await, stage.wish().await);
    assert_eq!((item.state, wish.outcome, stage.requests(DEL)), (State::Retracted, Some(Outcome::Done), 1));
    assert!(stage.stored().await.marks.deleted);
    assert!(item.state_reason.unwrap().contains("ana asked: wrong thread"));
    assert!(stage.recalled().await.is_empty());
    // It is final: no look, no second wish, no undo.
    assert_eq!(item.next_check_at, None);
    assert!(matches!(stage.retract().await, Err(Error::NotThere { state: State::Retracted, .. })));
    assert!(stage.run("ana", |c, on| amendments::undo(c, on)).await.is_err());
    assert!(stage.after(90_000_000).await.is_idle());
    stage.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_amend_changes_looks_and_is_remembered() {
    let stage = Stage::new().await;
    stage.amend(BETTER, settings()).await.unwrap();
    assert!(stage.round().await.amended.is_empty(), "the undo window is not over");
    stage.after(31_000).await;
    let (item, wish) = (stage.item().await, stage.wish().await);
    assert_eq!((item.state, wish.outcome, stage.requests(EDIT)), (State::Amended, Some(Outcome::Done), 1), "{:?}", wish.message);
    assert_eq!((item.revision, item.content.as_str(), stage.stored().await.text.as_str()), (2, BETTER, BETTER));
    assert_eq!(stage.recalled().await, [BETTER, BETTER]);
    let (persona, id) = (stage.persona.clone(), stage.id.clone());
    let texts = stage.deck.read(move |c| item::revisions(c, &persona, &id)).await.unwrap();
    let last = texts.last().unwrap();
    assert_eq!((last.author_kind.as_str(), last.author.as_str(), last.note.as_deref()), ("human", "ana", Some("clearer")));
    // It is looked at again, stays amended while it is seen, and can be changed and taken away once more.
    stage.after(61_000).await;
    assert_eq!(stage.item().await.state, State::Amended);
    stage.amend(TEXT, settings()).await.unwrap();
    stage.after(31_000).await;
    assert_eq!((stage.item().await.revision, stage.stored().await.text.as_str()), (3, TEXT));
    stage.sandbox.world().remove(&item.fullname.unwrap()).unwrap();
    stage.after(61_000).await;
    assert_eq!(stage.item().await.state, State::Filtered);
    assert!(matches!(stage.amend(BETTER, settings()).await, Err(Error::NotThere { state: State::Filtered, .. })));
    stage.retract().await.unwrap();
    stage.round().await;
    assert_eq!((stage.item().await.state, stage.stored().await.marks.deleted), (State::Retracted, true));
    stage.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_is_taken_back_and_changed_as_well() {
    let post = |_: &str| NewItem {
        post_type: PostType::Post,
        parent_id: None,
        thread_id: None,
        parent_author: None,
        title: Some("Rivers and their maps".into()),
        ..comment("t3_none", TEXT)
    };
    let stage = Stage::with(post).await;
    stage.amend(BETTER, settings()).await.unwrap();
    stage.after(301_000).await;
    assert_eq!(
        (stage.item().await.state, stage.stored().await.text.as_str()),
        (State::Amended, BETTER),
        "{:?}",
        stage.wish().await.message
    );
    stage.retract().await.unwrap();
    stage.round().await;
    assert_eq!((stage.item().await.state, stage.stored().await.marks.deleted), (State::Retracted, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_looked_at_before_it_is_tried_again() {
    for (kind, requests) in [
        // It was carried out: the next try sees so, and asks for nothing.
        (FaultKind::ResetAfterCommit, 1),
        (FaultKind::TruncatedBody, 1),
        (FaultKind::Html200, 1),
        // It was not: the next try asks again.
        (FaultKind::ResetBeforeCommit, 2),
        (FaultKind::Status { code: 503, html: true }, 2),
    ] {
        for (wish, endpoint, state) in [(Kind::Retract, DEL, State::Retracted), (Kind::Amend, EDIT, State::Amended)] {
            let stage = Stage::new().await;
            stage.sandbox.add_fault(Fault::times(endpoint, kind.clone(), 1));
            match wish {
                Kind::Retract => stage.retract().await.unwrap(),
                Kind::Amend => stage.amend(BETTER, Settings { undo_comment: 0, ..settings() }).await.unwrap(),
            };
            stage.round().await;
            let waits = stage.wish().await;
            assert_eq!((waits.outcome, waits.tries, stage.item().await.state), (None, 1, State::Confirmed), "{kind:?} {wish:?}");
            assert!(waits.message.is_some_and(|message| !message.is_empty()));
            stage.let_time_pass().await;
            let (item, done) = (stage.item().await, stage.wish().await);
            assert_eq!((item.state, done.outcome, stage.requests(endpoint)), (state, Some(Outcome::Done), requests), "{kind:?} {wish:?}");
            stage.audit_holds().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_names_nothing_is_not_taken_for_gone() {
    let stage = Stage::new().await;
    stage.sandbox.add_fault(Fault::times("reddit:/api/info", FaultKind::EmptyThings, 1));
    stage.retract().await.unwrap();
    stage.round().await;
    assert_eq!((stage.stored().await.marks.deleted, stage.requests(DEL), stage.item().await.state), (true, 1, State::Retracted));
    let stage = Stage::new().await;
    stage.sandbox.add_fault(Fault::times("reddit:/api/info", FaultKind::EmptyThings, 1));
    stage.amend(BETTER, Settings { undo_comment: 0, ..settings() }).await.unwrap();
    stage.round().await;
    assert_eq!((stage.item().await.state, stage.wish().await.outcome), (State::Confirmed, None));
    stage.let_time_pass().await;
    assert_eq!(stage.item().await.state, State::Amended);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trying_ends_and_says_so() {
    let stage = Stage::new().await;
    stage.sandbox.add_fault(Fault::always(DEL, FaultKind::ResetBeforeCommit));
    stage.retract().await.unwrap();
    for step in [0].into_iter().chain(amendments::AGAIN_AFTER) {
        stage.after(step + 1_000).await;
    }
    let wish = stage.wish().await;
    let most = amendments::AGAIN_AFTER.len();
    assert_eq!((wish.outcome, wish.next_try_at, stage.requests(DEL)), (Some(Outcome::Failed), None, most as u64));
    // The message still stands there, and is looked at as before; a person may ask again.
    assert_eq!((stage.item().await.state, stage.recalled().await.len()), (State::Visible, 2));
    stage.sandbox.clear_faults();
    stage.retract().await.unwrap();
    stage.round().await;
    assert_eq!(stage.item().await.state, State::Retracted);
    stage.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_gone_is_retracted_and_gets_no_new_text() {
    let stage = Stage::new().await;
    stage.sandbox.world().delete(&stage.item().await.fullname.unwrap()).unwrap();
    stage.retract().await.unwrap();
    stage.round().await;
    assert_eq!((stage.item().await.state, stage.requests(DEL)), (State::Retracted, 0));

    let stage = Stage::new().await;
    stage.sandbox.world().delete(&stage.item().await.fullname.unwrap()).unwrap();
    stage.amend(BETTER, Settings { undo_comment: 0, ..settings() }).await.unwrap();
    stage.round().await;
    let (item, wish) = (stage.item().await, stage.wish().await);
    assert_eq!((item.state, wish.outcome, item.content.as_str(), stage.requests(EDIT)), (State::Gone, Some(Outcome::Refused), TEXT, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_somebody_else_is_left_alone() {
    let stage = Stage::new().await;
    let parent = stage.item().await.parent_id.unwrap();
    let foreign = stage.sandbox.world().add_reply(&parent, "reader", "somebody else's words").unwrap();
    let (persona, id, name) = (stage.persona.clone(), stage.id.clone(), foreign.clone());
    stage
        .deck
        .write(move |c| {
            c.exec("UPDATE pending_posts SET fullname = $3 WHERE persona_id = $1 AND id = $2", quarterdeck::vals![&persona, &id, name])
        })
        .await
        .unwrap();
    stage.retract().await.unwrap();
    stage.round().await;
    let wish = stage.wish().await;
    assert_eq!((wish.outcome, stage.requests(DEL), stage.item().await.state), (Some(Outcome::Refused), 0, State::Confirmed));
    assert!(wish.message.unwrap().contains("u/reader"));
    stage.amend(BETTER, Settings { undo_comment: 0, ..settings() }).await.unwrap();
    stage.round().await;
    assert_eq!((stage.wish().await.outcome, stage.requests(EDIT)), (Some(Outcome::Refused), 0));
    stage.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_and_a_dry_run_hold_it_back_and_a_cancel_ends_it() {
    let stage = Stage::new().await;
    stage.retract().await.unwrap();
    let (_keep, ends) = watch::channel(false);
    assert!(stage.deliverer(Mode::DryRun).round(&ends).await.unwrap().amended.is_empty());
    stage.pause().await;
    assert!(stage.after(6_000).await.amended.is_empty());
    let waits = stage.wish().await;
    assert_eq!((waits.tries, waits.started_at, stage.requests(DEL)), (0, None, 0));
    stage.resume().await;
    // Two wishes at once are not possible, and what was not begun can be taken back.
    assert!(matches!(stage.retract().await, Err(Error::AmendmentOpen { .. })));
    assert!(matches!(stage.amend(BETTER, settings()).await, Err(Error::AmendmentOpen { .. })));
    stage.run("bob", |c, on| amendments::cancel(c, on)).await.unwrap();
    stage.after(6_000).await;
    assert_eq!(
        (stage.wish().await.outcome, stage.requests(DEL), stage.item().await.state),
        (Some(Outcome::Abandoned), 0, State::Confirmed)
    );
    assert!(matches!(stage.run("bob", |c, on| amendments::cancel(c, on)).await, Err(Error::NoAmendment { .. })));
    stage.retract().await.unwrap();
    stage.round().await;
    assert_eq!(stage.item().await.state, State::Retracted);
    stage.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retract_takes_the_place_of_an_amend_and_what_began_cannot_be_taken_back() {
    let stage = Stage::new().await;
    stage.sandbox.add_fault(Fault::times(EDIT, FaultKind::ResetBeforeCommit, 1));
    stage.amend(BETTER, Settings { undo_comment: 0, ..settings() }).await.unwrap();
    stage.round().await;
    assert!(matches!(stage.run("ana", |c, on| amendments::cancel(c, on)).await, Err(Error::AmendmentStarted { .. })));
    stage.retract().await.unwrap();
    stage.let_time_pass().await;
    let (persona, id) = (stage.persona.clone(), stage.id.clone());
    let wishes = stage.deck.read(move |c| amendments::of_item(c, &persona, &id)).await.unwrap();
    let outcomes: Vec<_> = wishes.iter().map(|wish| (wish.kind, wish.outcome)).collect();
    assert_eq!(outcomes, [(Kind::Amend, Some(Outcome::Abandoned)), (Kind::Retract, Some(Outcome::Done))]);
    assert_eq!((stage.item().await.state, stage.requests(EDIT)), (State::Retracted, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_text_needs_what_the_first_one_needed() {
    let stage = Stage::new().await;
    assert!(
        matches!(stage.amend("Visit our casino tonight", settings()).await, Err(Error::Blocked { flags, .. }) if flags.contains("casino"))
    );
    assert!(matches!(stage.amend(TEXT, settings()).await, Err(Error::Invalid { .. })));
    let two = || Settings { second_approver: SecondApprover::Always, undo_comment: 0, ..settings() };
    assert!(stage.amend(BETTER, two()).await.unwrap().needs_second_person());
    stage.let_time_pass().await;
    assert_eq!((stage.wish().await.started_at, stage.requests(EDIT)), (None, 0));
    let confirm = move |c: &mut dyn Conn, on: &On<'_>| amendments::confirm(c, on, sandbox::ACCOUNT, &two());
    assert!(matches!(stage.run("ana", confirm).await, Err(Error::SecondPersonNeeded { .. })));
    // Under other rules it is another thing to confirm.
    let live = move |c: &mut dyn Conn, on: &On<'_>| amendments::confirm(c, on, sandbox::ACCOUNT, &Settings { mode: Mode::Live, ..two() });
    assert!(matches!(stage.run("bob", live).await, Err(Error::AmendmentStale { .. })));
    stage.run("bob", confirm).await.unwrap();
    assert!(matches!(stage.run("cid", confirm).await, Err(Error::NoAmendment { .. })));
    stage.round().await;
    let wish = stage.wish().await;
    assert_eq!((stage.item().await.state, wish.confirmed_by.as_deref()), (State::Amended, Some("bob")));
    // Taking away needs one.
    let ask = move |c: &mut dyn Conn, on: &On<'_>| amendments::ask(c, on, Wish::Retract, "wrong", sandbox::ACCOUNT, &two());
    assert!(!stage.run("ana", ask).await.unwrap().needs_second_person());
    // What was sent in the sandbox is not taken back in the real world, nor the other way round.
    stage.run("ana", |c, on| amendments::cancel(c, on)).await.unwrap();
    let live = move |c: &mut dyn Conn, on: &On<'_>| {
        amendments::ask(c, on, Wish::Retract, "wrong", sandbox::ACCOUNT, &Settings { mode: Mode::Live, ..settings() })
    };
    assert!(matches!(stage.run("ana", live).await, Err(Error::OtherMode { .. })));
    stage.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_looked_at_four_times_and_then_no_more() {
    let stage = Stage::new().await;
    let mut looks = Vec::new();
    let mut at = 0;
    for step in [59_000, 2_000, 838_000, 2_000, 6_298_000, 2_000, 79_198_000, 2_000, 90_000_000, 900_000_000] {
        at += step;
        if !stage.after(step).await.moved.is_empty() {
            looks.push(at / 1_000);
        }
    }
    assert_eq!(looks, [61, 901, 7_201, 86_401]);
    assert_eq!((stage.item().await.state, stage.item().await.next_check_at), (State::Visible, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_look_happens_once() {
    // The agent was down from before the first look until after the third.
    let stage = Stage::new().await;
    let sent = stage.clock.now();
    assert_eq!(stage.after(3 * 3_600_000).await.moved.len(), 1);
    assert_eq!(stage.item().await.next_check_at, Some(sent + 86_400_000));
    assert!(stage.round().await.is_idle() && stage.after(60_000).await.is_idle());
    assert_eq!(stage.after(22 * 3_600_000).await.moved.len(), 1);
    assert!(stage.after(90_000_000).await.is_idle());

    // It was down for longer than all of them.
    let stage = Stage::new().await;
    assert_eq!(stage.after(5 * 86_400_000).await.moved.len(), 1);
    assert_eq!((stage.item().await.state, stage.item().await.next_check_at), (State::Visible, None));
    assert!(stage.after(90_000_000).await.is_idle());

    // A look that failed is made up for a minute later.
    let stage = Stage::new().await;
    stage.sandbox.add_fault(Fault::always("reddit:/api/info", FaultKind::Status { code: 403, html: false }));
    stage.after(61_000).await;
    stage.sandbox.clear_faults();
    stage.after(61_000).await;
    assert_eq!(stage.item().await.state, State::Visible);
}
