//! Sent exactly once: the real program against the sandbox, killed at each boundary of a delivery, with answers that are lost or late.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use quarterdeck::base::{Clock, PersonaId, SystemClock, TestClock};
use quarterdeck::memory::{self, Author, PersonaConfig};
use quarterdeck::moderation::amendments::{self, Kind, Wish};
use quarterdeck::moderation::deliver::Deliverer;
use quarterdeck::moderation::rules::Screener;
use quarterdeck::moderation::screening::{Outgoing, Surroundings};
use quarterdeck::moderation::{self, DraftMetadata, Item, Mode, On, State, decisions, item, outbox, pauses, queue};
use quarterdeck::reddit::{self, RateBudget};
use quarterdeck::sandbox::{self, FaultKind, NewPost, Options, Sandbox};
use quarterdeck::store::audit::{self, Actor};
use quarterdeck::store::{Address, Conn, Database};
use secrecy::SecretString;
use std::process::{Command, ExitStatus, Output};
use std::sync::Arc;
use tokio::sync::watch;

const COMMENT: &str = "reddit:/api/comment";
const TEXT: &str = "They fall slower than the maps say; the gauges upstream show it well.";

mod support;
use support::comment;

/// A sandbox, a database in a directory, and one approved comment that is due.
struct Stage {
    sandbox: Sandbox,
    clock: TestClock,
    deck: Database,
    persona: PersonaId,
    parent: String,
    id: String,
    directory: tempfile::TempDir,
}

impl Stage {
    async fn new() -> Self {
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
        let directory = tempfile::tempdir().unwrap();
        let address = Address::Sqlite(directory.path().join("deck.db"));
        let system: Arc<dyn Clock> = Arc::new(SystemClock);
        let deck = Database::open(&address, &system).unwrap();
        let (name, target) = (sandbox::ACCOUNT, parent.clone());
        let (persona, id) = deck
            .write(move |c: &mut dyn Conn| -> moderation::Result<_> {
                let ana = Actor::human("ana");
                let persona = memory::personas::add(c, name, None, &PersonaConfig::default(), &Author::new(&ana, now))?.id;
                let settings = moderation::Settings { mode: Mode::Sandbox, ..moderation::Settings::default() };
                // Approved an hour ago, so that it is due.
                let at = now - 3_600_000;
                let id = queue::enqueue(c, &persona, &comment(&target, TEXT), &settings, &Actor::agent(name), at)?;
                let on = On { persona: &persona, id: &id, version: Some(1), actor: &ana, at };
                decisions::approve(c, &on, name, &settings)?;
                Ok((persona, id))
            })
            .await
            .unwrap();
        Self { sandbox, clock, deck, persona, parent, id, directory }
    }

    /// `quarterdeck agent once`, as an operator would start it.
    async fn agent_once(&self, crash_at: Option<&str>) -> ExitStatus {
        let crash: Vec<_> = crash_at.iter().map(|place| ("QUARTERDECK_CRASH_AT", *place)).collect();
        let output = self.command(&["agent", "once"], &crash).await;
        if crash_at.is_none() && !output.status.success() {
            eprintln!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        }
        output.status
    }

    /// A command that is done: what it said.
    async fn says(&self, words: &[&str]) -> String {
        let output = self.command(words, &[]).await;
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A command that fails: its exit code and why.
    async fn fails(&self, words: &[&str]) -> (i32, String) {
        let output = self.command(words, &[]).await;
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    /// The program, with the sandbox as its world, and more of the environment.
    async fn command(&self, words: &[&str], more: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.args(words).env_clear().env("USER", "ana").env("HOME", self.directory.path()).env("PATH", "/usr/bin:/bin");
        command
            .env("QUARTERDECK_MODE", "sandbox")
            .env("DATABASE_URL", format!("sqlite:{}", self.directory.path().join("deck.db").display()));
        command.env("QUARTERDECK_DATA_DIR", self.directory.path());
        for (name, value) in [
            ("REDDIT_CLIENT_ID", sandbox::CLIENT_ID.to_owned()),
            ("REDDIT_CLIENT_SECRET", sandbox::CLIENT_SECRET.to_owned()),
            ("REDDIT_USERNAME", sandbox::ACCOUNT.to_owned()),
            ("REDDIT_PASSWORD", sandbox::PASSWORD.to_owned()),
            ("REDDIT_BASE_URL", self.sandbox.reddit_url()),
            ("REDDIT_OAUTH_URL", self.sandbox.reddit_url()),
            ("OPENROUTER_API_KEY", sandbox::MODEL_KEY.to_owned()),
            ("OPENROUTER_BASE_URL", self.sandbox.model_url()),
        ] {
            command.env(name, value);
        }
        command.envs(more.iter().copied());
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    fn deliverer(&self) -> Deliverer {
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let secret = |text: &str| SecretString::from(text.to_owned());
        let mut settings =
            reddit::Settings::new(sandbox::CLIENT_ID, secret(sandbox::CLIENT_SECRET), sandbox::ACCOUNT, "test:quarterdeck:0 (by /u/test)");
        settings.password = Some(secret(sandbox::PASSWORD));
        (settings.login_base, settings.oauth_base) = (self.sandbox.reddit_url(), self.sandbox.reddit_url());
        Deliverer {
            db: self.deck.clone(),
            reddit: reddit::Client::new(settings, RateBudget::new(Arc::clone(&clock)), Arc::clone(&clock)).unwrap(),
            clock,
            mode: Mode::Sandbox,
            overturn_limit: 15,
            persona: self.persona.clone(),
            screener: Screener::open(None).unwrap(),
            account: sandbox::ACCOUNT.to_owned(),
        }
    }

    /// Let half an hour pass, in steps, with a deliverer at work.
    async fn let_time_pass(&self) {
        let deliverer = self.deliverer();
        let (_keep, ends) = watch::channel(false);
        for step in [0, 6_000, 30_000, 100_000, 500_000, 1_200_000] {
            self.clock.advance(step);
            deliverer.round(&ends).await.unwrap();
        }
    }

    async fn item(&self) -> Item {
        let (persona, id) = (self.persona.clone(), self.id.clone());
        self.deck.read(move |c| item::load(c, &persona, &id)).await.unwrap()
    }

    /// How many answers of ours the other side really holds.
    fn stored(&self) -> usize {
        self.sandbox.world().replies_to(&self.parent).iter().filter(|reply| reply.author == sandbox::ACCOUNT).count()
    }

    fn writes(&self) -> u64 {
        self.sandbox.world().requests(COMMENT)
    }

    async fn audit_holds(&self) {
        let chain = self.deck.read(audit::verify).await.unwrap();
        assert!(chain.problems.is_empty(), "{:?}", chain.problems);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approved_comment_is_sent_once_and_seen_in_public() {
    let stage = Stage::new().await;
    assert!(stage.agent_once(None).await.success());
    let sent = stage.item().await;
    assert_eq!((sent.state, stage.stored(), stage.writes()), (State::Confirmed, 1, 1));
    assert!(sent.fullname.is_some_and(|name| name.starts_with("t1_")));
    assert!(stage.agent_once(None).await.success());
    stage.let_time_pass().await;
    assert_eq!((stage.item().await.state, stage.stored(), stage.writes()), (State::Visible, 1, 1));
    stage.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_boundary_it_is_neither_sent_twice_nor_lost() {
    // Where the request had left before the kill, the message is there and is found; where it had not, nothing is there, and a person is asked.
    for (place, stored, state) in [
        ("before-intent", 1, State::Visible),
        ("after-intent", 0, State::Unresolved),
        ("after-request", 1, State::Visible),
        ("before-result", 1, State::Visible),
        ("after-result", 1, State::Visible),
    ] {
        let stage = Stage::new().await;
        assert!(!stage.agent_once(Some(place)).await.success(), "{place}: the program did not die");
        assert!(stage.agent_once(None).await.success(), "{place}");
        stage.let_time_pass().await;
        let item = stage.item().await;
        assert_eq!((stage.stored(), stage.writes(), item.state), (stored, stored as u64, state), "{place}: {:?}", item.state_reason);
        stage.audit_holds().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_and_late_answers_are_found_by_reading() {
    for (kind, state, stored) in [
        (FaultKind::ResetAfterCommit, State::Visible, 1),
        (FaultKind::LateCommit(std::time::Duration::from_secs(40)), State::Visible, 1),
        (FaultKind::EmptyThings, State::Visible, 1),
        (FaultKind::TruncatedBody, State::Visible, 1),
        (FaultKind::ResetBeforeCommit, State::Unresolved, 0),
    ] {
        let stage = Stage::new().await;
        stage.sandbox.add_fault(sandbox::Fault::times(COMMENT, kind.clone(), 1));
        assert!(stage.agent_once(None).await.success(), "{kind:?}");
        assert_eq!(stage.item().await.state, State::Unknown, "{kind:?}");
        stage.let_time_pass().await;
        let item = stage.item().await;
        assert_eq!((item.state, stage.stored(), stage.writes()), (state, stored, 1), "{kind:?}: {:?}", item.state_reason);
        stage.audit_holds().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_late_commit_is_under_way_it_is_still_sent_once() {
    let stage = Stage::new().await;
    stage.sandbox.add_fault(sandbox::Fault::times(COMMENT, FaultKind::LateCommit(std::time::Duration::from_secs(40)), 1));
    assert!(!stage.agent_once(Some("before-result")).await.success());
    assert!(stage.agent_once(None).await.success());
    stage.let_time_pass().await;
    assert_eq!((stage.item().await.state, stage.stored(), stage.writes()), (State::Visible, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changed_since_the_draft_stops_the_request() {
    let locked = Stage::new().await;
    locked.sandbox.world().lock_thread(&locked.parent).unwrap();
    locked.agent_once(None).await;
    let item = locked.item().await;
    assert_eq!((item.state, locked.writes()), (State::Expired, 0));
    assert!(item.state_reason.unwrap().contains("locked"));

    let edited = Stage::new().await;
    let (persona, id) = (edited.persona.clone(), edited.id.clone());
    let digest = moderation::ThreadEntry::digest(Some("Rivers"), "How fast do they fall?");
    let entry = moderation::ThreadEntry { fullname: edited.parent.clone(), body: "How fast do they fall?".into(), ..Default::default() };
    let metadata =
        serde_json::to_string(&DraftMetadata { parent_digest: Some(digest), thread: vec![entry], ..Default::default() }).unwrap();
    edited
        .deck
        .write(move |c| {
            c.exec(
                "UPDATE pending_posts SET draft_metadata = $3 WHERE persona_id = $1 AND id = $2",
                quarterdeck::vals![&persona, &id, metadata],
            )
        })
        .await
        .unwrap();
    edited.sandbox.world().edit(&edited.parent, "How slowly do they fall?").unwrap();
    edited.agent_once(None).await;
    let item = edited.item().await;
    assert_eq!((item.state, edited.writes(), item.approval_digest), (State::Pending, 0, None));
    let reason = item.state_reason.unwrap();
    assert!(reason.contains("fast") && reason.contains("slowly"), "{reason}");

    let gone = Stage::new().await;
    gone.sandbox.world().delete(&gone.parent).unwrap();
    gone.agent_once(None).await;
    assert_eq!((gone.item().await.state, gone.writes()), (State::Expired, 0));

    let suspended = Stage::new().await;
    suspended.sandbox.world().suspend(sandbox::ACCOUNT, true).unwrap();
    suspended.agent_once(None).await;
    assert_eq!((suspended.item().await.state, suspended.writes()), (State::Scheduled, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_shows_although_the_author_still_sees_the_message() {
    let stage = Stage::new().await;
    assert!(stage.agent_once(None).await.success());
    let fullname = stage.item().await.fullname.unwrap();
    stage.sandbox.world().remove(&fullname).unwrap();
    stage.let_time_pass().await;
    let item = stage.item().await;
    assert_eq!(item.state, State::Filtered, "{:?}", item.state_reason);
    stage.sandbox.world().delete(&fullname).unwrap();
    stage.clock.advance(7_200_000);
    stage.let_time_pass().await;
    assert_eq!(stage.item().await.state, State::Gone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_blocked_us_is_left_alone_from_then_on() {
    let stage = Stage::new().await;
    stage.sandbox.world().block(sandbox::ACCOUNT, "reader").unwrap();
    stage.agent_once(None).await;
    assert_eq!((stage.item().await.state, stage.stored()), (State::Expired, 0));
    let persona = stage.persona.clone();
    let muted = stage.deck.read(move |c| moderation::mutes::reason(c, &persona, None, "Reader", "test")).await.unwrap();
    assert!(muted.is_some_and(|reason| reason.starts_with("user muted")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_limit_pauses_the_account_and_the_item_waits() {
    let stage = Stage::new().await;
    stage.sandbox.limit_account(sandbox::ACCOUNT, 76.34);
    assert!(stage.agent_once(None).await.success());
    let item = stage.item().await;
    assert_eq!((item.state, stage.stored()), (State::Scheduled, 0));
    stage.let_time_pass().await;
    assert_eq!((stage.stored(), stage.item().await.state), (1, State::Visible));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_kill_switch_survives_a_restart_and_stops_everything() {
    let stage = Stage::new().await;
    let now = SystemClock.now();
    stage.deck.write(move |c| pauses::pause(c, &pauses::Scope::All, "incident 7", None, &Actor::human("ana"), now)).await.unwrap();
    assert!(stage.agent_once(None).await.success());
    assert_eq!((stage.item().await.state, stage.writes()), (State::Scheduled, 0));
    stage.deck.write(move |c| pauses::resume(c, &pauses::Scope::All, &Actor::human("ana"), now + 1)).await.unwrap();
    assert!(stage.agent_once(None).await.success());
    assert_eq!((stage.item().await.state, stage.writes()), (State::Confirmed, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_there_already_is_not_given_again() {
    let stage = Stage::new().await;
    // Somebody answered by hand, long before this item was approved.
    stage.sandbox.world().add_reply(&stage.parent, sandbox::ACCOUNT, "by hand").unwrap();
    let (persona, id, later) = (stage.persona.clone(), stage.id.clone(), SystemClock.now() + 60_000);
    stage
        .deck
        .write(move |c| {
            c.exec("UPDATE pending_posts SET reviewed_at = $3 WHERE persona_id = $1 AND id = $2", quarterdeck::vals![&persona, &id, later])
        })
        .await
        .unwrap();
    assert!(stage.agent_once(None).await.success());
    let item = stage.item().await;
    assert_eq!((item.state, stage.writes()), (State::Expired, 0));
    assert!(item.state_reason.unwrap().contains("answered"));
    let attempts = {
        let (persona, id) = (stage.persona.clone(), stage.id.clone());
        stage.deck.read(move |c| outbox::attempts(c, &persona, &id)).await.unwrap()
    };
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].code.as_deref(), Some("already_answered"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_boundary_what_was_sent_is_still_taken_back_or_changed() {
    const BETTER: &str = "They fall slower than the old maps say; the gauges show it.";
    for place in [
        "before-amendment-intent",
        "after-amendment-intent",
        "after-amendment-request",
        "before-amendment-result",
        "after-amendment-result",
    ] {
        for (kind, endpoint, state) in
            [(Kind::Retract, "reddit:/api/del", State::Retracted), (Kind::Amend, "reddit:/api/editusertext", State::Amended)]
        {
            let stage = Stage::new().await;
            stage.let_time_pass().await;
            let (persona, id) = (stage.persona.clone(), stage.id.clone());
            let ask = move |c: &mut dyn Conn| {
                let on = On { persona: &persona, id: &id, version: None, actor: &Actor::human("ana"), at: SystemClock.now() };
                let settings = moderation::Settings { mode: Mode::Sandbox, undo_comment: 0, ..moderation::Settings::default() };
                let evaluation = support::screened(BETTER);
                let wish = match kind {
                    Kind::Retract => Wish::Retract,
                    Kind::Amend => Wish::Amend { text: BETTER, evaluation: &evaluation },
                };
                amendments::ask(c, &on, wish, "clearer", sandbox::ACCOUNT, &settings)
            };
            stage.deck.write(ask).await.unwrap();
            assert!(!stage.agent_once(Some(place)).await.success(), "{place}: the program did not die");
            assert!(stage.agent_once(None).await.success(), "{place}");
            stage.let_time_pass().await;
            let item = stage.item().await;
            assert_eq!((item.state, stage.sandbox.world().requests(endpoint)), (state, 1), "{place} {kind:?}: {:?}", item.state_reason);
            let stored = stage.sandbox.world().get(&item.fullname.unwrap()).unwrap();
            assert!(stored.marks.deleted || stored.text == BETTER, "{place} {kind:?}");
            stage.audit_holds().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_take_back_and_change_by_command() {
    let stage = Stage::new().await;
    let id = stage.id.as_str();
    // Nothing was sent yet.
    let (code, why) = stage.fails(&["queue", "retract", id, "--reason", "wrong thread"]).await;
    assert!(code == 1 && why.contains("scheduled") && why.contains("retracted"), "{why}");
    assert!(stage.agent_once(None).await.success());
    assert_eq!(stage.fails(&["queue", "retract", id]).await.0, 2);
    assert_eq!(stage.fails(&["queue", "amend", id, "--text", "A new text for it."]).await.0, 2);
    let (code, why) = stage.fails(&["queue", "amend", id, "--text", "Our casino has it all.", "--reason", "joke"]).await;
    assert!(code == 1 && why.contains("casino"), "{why}");
    // Where nothing is carried out, the command says so.
    let dry = stage.command(&["queue", "retract", id, "--reason", "wrong thread"], &[("QUARTERDECK_MODE", "dry-run")]).await;
    let told = String::from_utf8_lossy(&dry.stdout);
    assert!(dry.status.success() && told.contains("dry run"), "{told}");
    assert!(stage.says(&["queue", "undo", id]).await.contains("taken back"));
    stage.says(&["pause", "--reason", "incident 7"]).await;
    let told = stage.says(&["queue", "retract", id, "--reason", "wrong thread"]).await;
    assert!(told.contains("incident 7"), "{told}");
    let (code, why) = stage.fails(&["queue", "amend", id, "--cancel"]).await;
    assert!(code == 1 && why.contains("amended"), "{why}");
    stage.says(&["queue", "retract", id, "--cancel"]).await;
    stage.says(&["resume"]).await;
    // A new text, and then away with it.
    let told = stage.says(&["queue", "amend", id, "--text", "They fall slower; the gauges show it.", "--reason", "shorter"]).await;
    assert!(told.contains("not done yet") && told.contains("+ They fall slower"), "{told}");
    let (code, why) = stage.fails(&["queue", "amend", id, "--text", "They fall.", "--reason", "shorter"]).await;
    assert!(code == 1 && why.contains("ana asked at"), "{why}");
    let told = stage.says(&["queue", "show", id]).await;
    assert!(told.contains("waits for the agent") && told.contains("the gauges show it."), "{told}");
    stage.says(&["queue", "retract", id, "--reason", "wrong thread"]).await;
    let told = stage.says(&["agent", "once"]).await;
    assert!(told.contains("retracted") && told.contains("nobody can read it any more"), "{told}");
    let list: serde_json::Value =
        serde_json::from_str(&stage.says(&["--json", "queue", "list", "--state", "retracted,amended"]).await).unwrap();
    assert_eq!(list["items"][0]["id"], id);
    let shown: serde_json::Value = serde_json::from_str(&stage.says(&["--json", "queue", "show", id]).await).unwrap();
    let outcomes: Vec<_> = shown["amendments"].as_array().unwrap().iter().map(|wish| wish["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["abandoned", "abandoned", "abandoned", "done"]);
    let (code, why) = stage.fails(&["queue", "undo", id]).await;
    assert!(code == 1 && why.contains("retracted"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_removed_names_the_next_steps() {
    let stage = Stage::new().await;
    assert!(stage.agent_once(None).await.success());
    stage.sandbox.world().remove(&stage.item().await.fullname.unwrap()).unwrap();
    stage.let_time_pass().await;
    let told = stage.says(&["queue", "show", &stage.id]).await;
    assert!(told.contains("queue retract") && told.contains("queue amend"), "{told}");
    let (code, why) = stage.fails(&["queue", "amend", &stage.id, "--text", "They fall slower.", "--reason", "shorter"]).await;
    assert!(code == 1 && why.contains("filtered"), "{why}");
}

#[tokio::test]
async fn what_was_approved_under_other_rules_is_looked_at_again_and_quiet_hours_are_kept() {
    let stage = Stage::new().await;
    let file = stage.directory.path().join("rules.toml");
    let rule = |id: &str, mode: &str, check: &str| {
        format!(
            "[[rule]]\nid = \"{id}\"\ntitle = \"t\"\ndoes = \"d\"\nwhy = \"w\"\nowner = \"me\"\nmode = \"{mode}\"\nweight = 0.1\ncheck = {{ {check} }}\n"
        )
    };
    // A rule in shadow finds something, and an hour of silence lies over the whole day but for a minute that is over.
    let now = chrono::DateTime::from_timestamp_millis(stage.clock.now()).unwrap();
    let minute = |minutes: i64| (now + chrono::TimeDelta::minutes(minutes)).format("%H:%M").to_string();
    let silence = format!("kind = \"quiet_hours\", from = \"{}\", to = \"{}\"", minute(-10), minute(10));
    std::fs::write(&file, rule("gauges", "shadow", "kind = \"text\", words = [\"gauges\"]") + &rule("silence", "review", &silence))
        .unwrap();
    let screener = Screener::open(Some(file.clone())).unwrap();
    let mut deliverer = stage.deliverer();
    deliverer.screener = screener.clone();
    let (_keep, ends) = watch::channel(false);
    // The quiet hours are a rule that the approval did not know: the item goes back to a person, who approves it all the same.
    deliverer.round(&ends).await.unwrap();
    let back = stage.item().await;
    assert_eq!(back.state, State::Pending);
    assert!(back.state_reason.as_deref().unwrap().contains("silence"), "{:?}", back.state_reason);
    assert!(stage.sandbox.world().replies_to(&stage.parent).is_empty());
    let (persona, id, at, again) = (stage.persona.clone(), stage.id.clone(), stage.clock.now(), screener.clone());
    stage
        .deck
        .write(move |c: &mut dyn Conn| -> moderation::Result<()> {
            let ana = Actor::human("ana");
            let item = item::load(c, &persona, &id)?;
            let around = Surroundings { consistency: item.draft_metadata.consistency.as_ref(), tainted: false };
            let text = format!("{} Truly.", item.content);
            let evaluation = again.screen_again(c, &item, Outgoing { title: None, content: &text }, around, at)?;
            let settings = moderation::Settings { mode: Mode::Sandbox, undo_comment: 0, ..moderation::Settings::default() };
            let on = On { persona: &persona, id: &id, version: None, actor: &ana, at };
            decisions::edit(c, &on, None, &text, &evaluation, &settings)?;
            decisions::approve(c, &On { version: None, ..on }, sandbox::ACCOUNT, &settings)?;
            Ok(())
        })
        .await
        .unwrap();
    deliverer.round(&ends).await.unwrap();
    let waits = stage.item().await;
    assert_eq!(waits.state, State::Scheduled);
    assert!(waits.state_reason.as_deref().unwrap().contains("quiet hours until"), "{:?}", waits.state_reason);
    assert!(waits.not_before.unwrap() > stage.clock.now());
    // When they are over it leaves by itself: the approval stood.
    stage.clock.advance(20 * 60_000);
    deliverer.round(&ends).await.unwrap();
    assert_eq!(stage.item().await.state, State::Confirmed);
}
