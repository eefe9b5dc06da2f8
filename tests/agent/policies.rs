//! Subreddits' policies in the loop: read once a day before a draft, shown to model and reviewer, and never in the way.

use super::house::{House, failed};
use super::program::{command, finished};
use super::scripted::{Kind, Scripted, sensible};
use quarterdeck::base::Millis;
use quarterdeck::moderation::policies::{self, Known};
use quarterdeck::moderation::{PostType, State};
use quarterdeck::sandbox::Fault;
use serde_json::Value;

const RULES: &str = "reddit:/r/test/about/rules";

async fn known(house: &House) -> Option<Known> {
    house.act(|c, _, _| policies::known(c, "TEST")).await
}

/// As if the last try lay `back` milliseconds further in the past.
async fn age(house: &House, back: Millis) {
    house
        .act(move |c, _, _| {
            c.exec("UPDATE subreddit_policies SET tried_at = tried_at - $1, fetched_at = fetched_at - $1", quarterdeck::vals![back])?;
            Ok(())
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subreddit_s_rules_are_read_once_a_day_and_shown_to_the_model() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    assert_eq!(known(&house).await, None);
    let first = house.post("Rivers", "How fast do they fall?");
    house.cycles_until(&[&first]).await;
    let policy = known(&house).await.unwrap().policy.unwrap();
    assert_eq!(policy.names_for(PostType::Comment).collect::<Vec<_>>(), ["Be civil", "Bots say that they are bots"]);
    assert!(policy.requirements.is_some());
    let prompt = &model.asked(Kind::Draft)[0];
    assert!(prompt.contains("Be civil\nBots say that they are bots") && !prompt.contains("Say where it comes from"), "{prompt}");
    let second = house.post("Lakes", "How deep are they?");
    house.cycles_until(&[&second]).await;
    assert_eq!(known(&house).await.unwrap().policy.unwrap().fetched_at, policy.fetched_at, "not again on the same day");
    age(&house, 25 * 3_600_000).await;
    let third = house.post("Seas", "How salty are they?");
    house.cycles_until(&[&third]).await;
    assert!(known(&house).await.unwrap().policy.unwrap().fetched_at >= policy.fetched_at);
    house.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_cannot_be_read_stop_no_draft_and_lose_nothing_that_was_known() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    house.sandbox.add_fault(format!("{RULES}=status:503").parse::<Fault>().unwrap());
    let first = house.post("Rivers", "How fast do they fall?");
    house.cycles_until(&[&first]).await;
    let none = known(&house).await.unwrap();
    assert!(none.policy.is_none() && none.failure.is_some(), "{none:?}");
    house.sandbox.clear_faults();
    age(&house, policies::RETRY).await;
    let second = house.post("Lakes", "How deep are they?");
    house.cycles_until(&[&second]).await;
    let read = known(&house).await.unwrap();
    assert!(read.policy.is_some() && read.failure.is_none());
    house.sandbox.add_fault(format!("{RULES}=html-200").parse::<Fault>().unwrap());
    age(&house, policies::FRESH).await;
    let third = house.post("Seas", "How salty are they?");
    let (ended, events) = house.cycle().await;
    ended.unwrap();
    assert_eq!(failed(&events), []);
    house.cycles_until(&[&third]).await;
    let kept = known(&house).await.unwrap();
    assert_eq!(kept.policy.unwrap().rules, read.policy.unwrap().rules);
    assert!(kept.failure.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_shows_the_rules_and_what_the_judges_said_and_an_edit_was_seen_by_no_judge() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    let parent = house.post("Rivers", "How fast do they fall?");
    let run = |arguments: &[&str]| {
        let mut command = command(house.directory.path(), &house.sandbox, Some(&model.url), arguments);
        command.env("QUARTERDECK_JUDGES", "openai_moderation").env("OPENAI_API_KEY", quarterdeck::sandbox::MODEL_KEY);
        command.env("OPENAI_BASE_URL", house.sandbox.reddit_url());
        finished(command)
    };
    let text = async |arguments: &[&str]| {
        let output = run(arguments).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    text(&["agent", "once"]).await;
    let item = house.item_for(&parent).await;
    assert_eq!(item.state, State::Pending);
    let shown = text(&["queue", "show", &item.id]).await;
    assert!(shown.contains("openai_moderation (omni-moderation-2024-09-26) says safe"), "{shown}");
    assert!(shown.contains("rules of r/test") && shown.contains("  Be civil\n") && !shown.contains("Say where it comes from"), "{shown}");
    let shown: Value = serde_json::from_str(&text(&["--json", "queue", "show", &item.id]).await).unwrap();
    assert_eq!(shown["policy"]["rules"][0]["short_name"], "Be civil");
    assert_eq!(shown["item"]["draft_metadata"]["judges"][0]["judgement"]["result"], "safe");
    let listed = text(&["agent", "policies"]).await;
    assert!(listed.contains("r/test") && listed.contains("known"), "{listed}");
    let one = text(&["agent", "policies", "--subreddit", "r/Test"]).await;
    assert!(one.contains("Be civil (everything)") && one.contains("Disagree with the point"), "{one}");
    assert_eq!(run(&["agent", "policies", "--subreddit", "nowhere"]).await.status.code(), Some(1));
    text(&["queue", "claim", &item.id]).await;
    text(&["queue", "edit", &item.id, "--text", "The gauges say it best, and anybody may read them."]).await;
    let missing = house.item_for(&parent).await.evaluation.missing;
    assert!(missing.contains(&"judge openai_moderation (it has not seen the edited text)".to_owned()), "{missing:?}");
}
