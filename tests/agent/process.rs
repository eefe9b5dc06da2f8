//! Starting, looking, stopping: several processes, one loop.

use super::house::{House, PATIENCE, ana};
use super::program::{Running, command, finished, until};
use super::scripted::{Scripted, sensible};
use quarterdeck::agent::runner::{self, Until};
use quarterdeck::agent::runs::{self, Run};
use quarterdeck::agent::{Event, Observer};
use quarterdeck::moderation::{On, State, decisions, outbox};
use quarterdeck::sandbox::ACCOUNT;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Hundredths of a second of processor time that a build for tests may use in five seconds of idleness.
const IDLE: u64 = 10;

impl House {
    fn program(&self, arguments: &[&str]) -> std::process::Command {
        command(self.directory.path(), &self.sandbox, None, arguments)
    }

    /// Waits until the loop's row says so.
    async fn until_run(&self, what: &str, wanted: impl Fn(&Run) -> bool + Send + Sync + 'static) -> Run {
        let persona = self.persona.clone();
        until(what, &self.deck, move |c| Ok(runs::get(c, &persona)?.filter(|run| wanted(run)))).await
    }

    async fn status(&self) -> String {
        let output = finished(self.program(&["agent", "status", "--json"])).await;
        assert!(output.status.success());
        let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        value["agents"][0]["state"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_runs_once_is_seen_and_is_stopped_from_another_process() {
    let house = House::new(None).await;
    assert_eq!(house.status().await, "not_running");
    let running = Running::start(house.program(&["agent", "run", "--persona", ACCOUNT]));
    house.until_run("a first cycle", |run| run.cycle_count == 1).await;
    assert_eq!(house.status().await, "running");
    let second = finished(house.program(&["agent", "run", "--persona", ACCOUNT])).await;
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("already runs") && said.contains("quarterdeck agent stop"), "{said}");
    let asked = Instant::now();
    assert!(finished(house.program(&["agent", "stop"])).await.status.success());
    assert_eq!(running.end().await.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!(house.status().await, "stopped");
    let stop = finished(house.program(&["agent", "stop"])).await;
    assert!(String::from_utf8_lossy(&stop.stdout).contains("no agent is running"));
    house.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_ends_it_in_order() {
    let house = House::new(None).await;
    let running = Running::start(house.program(&["agent", "run"]));
    house.until_run("a first cycle", |run| run.cycle_count == 1).await;
    running.signal("TERM");
    assert_eq!(running.end().await.code(), Some(0));
    assert_eq!((house.run().await.status.as_str(), house.status().await.as_str()), ("stopped", "stopped"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_kill_the_next_one_takes_over_at_once() {
    let house = House::new(None).await;
    let killed = Running::start(house.program(&["agent", "run"]));
    let first = house.until_run("a first cycle", |run| run.cycle_count == 1).await;
    killed.signal("KILL");
    assert_eq!(killed.end().await.code(), None);
    assert_eq!(house.run().await.status, "running", "nobody wrote its end");
    let next = Running::start(house.program(&["agent", "run"]));
    let process = first.process.clone();
    house.until_run("the takeover", move |run| run.process != process && run.cycle_count == 1).await;
    next.signal("TERM");
    assert_eq!(next.end().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_loop_whose_lock_lies_elsewhere_is_not_taken_over() {
    let house = House::new(None).await;
    let running = Running::start(house.program(&["agent", "run"]));
    house.until_run("a first cycle", |run| run.cycle_count == 1).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let mut second = house.program(&["agent", "run"]);
    second.env("QUARTERDECK_DATA_DIR", elsewhere.path());
    let second = finished(second).await;
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains(&running.id().to_string()), "it names the other process");
    running.signal("TERM");
    assert_eq!(running.end().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_it_uses_next_to_nothing_and_an_approval_elsewhere_is_sent_at_once() {
    let house = House::new(None).await;
    let parent = house.post("Rivers", "How fast do they fall?");
    let running = Running::start(house.program(&["agent", "run"]));
    let first = house.until_run("a first cycle", |run| run.cycle_count == 1).await;
    // From one heartbeat to the next: five seconds in which nothing has to be done. A machine that does other things at the same time
    // makes the same work cost more, never less: the quietest of a few counts.
    let mut beat = house.until_run("a heartbeat", move |run| run.heartbeat_at > first.heartbeat_at + 500).await.heartbeat_at;
    let mut used = Vec::new();
    while used.len() < 4 && used.last().is_none_or(|last| *last > IDLE) {
        let before = running.ticks();
        beat = house.until_run("the next heartbeat", move |run| run.heartbeat_at > beat).await.heartbeat_at;
        used.push(running.ticks() - before);
    }
    assert!(
        used.last().is_some_and(|last| *last <= IDLE),
        "hundredths of a second of processor time in five seconds of idleness: {used:?}"
    );

    let drafted = house.item_for(&parent).await;
    let (id, settings) = (drafted.id.clone(), house.services.moderation.clone());
    let approved = house
        .act(move |c, persona, at| {
            // The sandbox's model may have written something that screening blocks; what is asked here is how soon it leaves.
            c.exec(
                "UPDATE pending_posts SET verdict = 'allow', state = 'pending' WHERE persona_id = $1 AND id = $2",
                quarterdeck::vals![persona, &id],
            )?;
            decisions::approve(c, &On { persona, id: &id, version: None, actor: &ana(), at }, ACCOUNT, &settings)
        })
        .await;
    let (persona, id) = (house.persona.clone(), drafted.id);
    let attempt = until("the delivery", &house.deck, move |c| {
        let attempts = outbox::attempts(c, &persona, &id).unwrap();
        Ok(attempts.into_iter().find(|attempt| attempt.outcome.as_deref() == Some("confirmed")))
    })
    .await;
    let waited = attempt.started_at - approved.not_before.unwrap();
    assert!(waited < 500, "{waited} ms from the end of the undo window to the intent");
    running.signal("TERM");
    assert_eq!(running.end().await.code(), Some(0));
    assert_eq!(house.sandbox.world().replies_to(&parent).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_of_a_cycle_finishes_what_is_at_hand_and_loses_nothing() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let mut house = House::new(Some(&model.url)).await;
    house.services.seed = Some(1);
    let world = house.sandbox.world();
    let posts: Vec<String> = (0..4)
        .map(|number| {
            let post = house.post(&format!("Rivers {number}"), "How fast do they fall?");
            let ours = world.add_reply(&post, ACCOUNT, "Slower than the maps say.").unwrap();
            world.add_reply(&ours, "reader", "Which maps?").unwrap()
        })
        .collect();
    model.close();
    let (stopper, stop) = watch::channel(false);
    let running = tokio::spawn(runner::run(house.services.clone(), Observer::default(), stop, Until::Stopped));
    tokio::time::timeout(PATIENCE, model.arrival()).await.unwrap();
    stopper.send_replace(true);
    model.open();
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    let items = house.items().await;
    assert_eq!(items.len(), 1, "the one at hand, and no other");
    assert_eq!((items[0].state, house.unread().await.len()), (State::Pending, 3));
    assert_eq!(house.run().await.status, "stopped");
    // The next run takes up the rest.
    house.cycles_until(&posts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert!(house.unread().await.is_empty());
    house.audit_holds().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_cycle_that_will_not_end() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    let parent = house.post("Rivers", "How fast do they fall?");
    model.close();
    let (stopper, stop) = watch::channel(false);
    let (sender, mut events) = mpsc::unbounded_channel();
    let running = tokio::spawn(runner::run(house.services.clone(), Observer::new(sender), stop, Until::Stopped));
    tokio::time::timeout(PATIENCE, model.arrival()).await.unwrap();
    // From here on nothing can happen but that time passes.
    tokio::time::pause();
    let asked = tokio::time::Instant::now();
    stopper.send_replace(true);
    while !matches!(events.recv().await.expect("the loop ended without its cycle"), Event::CycleDone { .. }) {}
    let had = asked.elapsed();
    tokio::time::resume();
    assert!((runner::GRACE..runner::GRACE + Duration::from_secs(1)).contains(&had), "what was at hand had its time and no more: {had:?}");
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert!(house.items().await.is_empty());
    assert_eq!(house.run().await.status, "stopped");
    model.open();
    house.cycle().await.0.unwrap();
    assert_eq!(house.item_for(&parent).await.state, State::Pending);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_heart_beats_until_the_end_also_while_it_stops() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    house.post("Rivers", "How fast do they fall?");
    model.close();
    let (stopper, stop) = watch::channel(false);
    let running = tokio::spawn(runner::run(house.services.clone(), Observer::default(), stop, Until::Stopped));
    tokio::time::timeout(PATIENCE, model.arrival()).await.unwrap();
    stopper.send_replace(true);
    let before = house.run().await.heartbeat_at;
    let run = house.until_run("a heartbeat while it stops", move |run| run.heartbeat_at > before + 1_000).await;
    assert_eq!((run.status.as_str(), run.cycle_count), ("running", 0));
    model.open();
    tokio::time::timeout(PATIENCE, running).await.unwrap().unwrap().unwrap();
    assert_eq!(house.items().await.len(), 1);
}
