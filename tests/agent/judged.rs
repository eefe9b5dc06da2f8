//! The online judges in the loop: what they say stays with the draft, and what they hold against it keeps it from leaving by itself.

use super::house::{House, ana};
use super::scripted::{Kind, Say, Scripted, sensible};
use quarterdeck::llm::judge::{JudgeName, Judgement, Judges, Settings};
use quarterdeck::moderation::{State, Verdict};
use quarterdeck::{memory, sandbox};

/// A house whose drafts leave by themselves when nothing speaks against them, and whose judge is the sandbox's.
async fn house(model: &Scripted) -> House {
    let mut house = House::new(Some(&model.url)).await;
    let settings = Settings {
        judges: vec![JudgeName::OpenaiModeration],
        openai_base_url: house.sandbox.reddit_url(),
        openai_api_key: Some(sandbox::MODEL_KEY.into()),
        ..Settings::default()
    };
    house.services.judges = Judges::new(&settings, &house.services.llm).unwrap();
    house
        .act(|c, persona, at| {
            let ana = ana();
            Ok(memory::settings::set(c, persona, memory::settings::AUTO_POSTING, true.into(), &memory::Author::new(&ana, at)).map(drop)?)
        })
        .await;
    house
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_that_a_judge_flags_waits_for_a_person() {
    let model = Scripted::start(|kind, _| match kind {
        Kind::Draft => Say::Text("Whoever says so, I will kill, and I mean it.".to_owned()),
        other => sensible(other),
    })
    .await;
    let house = house(&model).await;
    let parent = house.post("Rivers", "How fast do they fall?");
    house.cycles_until(&[&parent]).await;
    let item = house.item_for(&parent).await;
    assert_eq!((item.state, item.verdict), (State::Pending, Verdict::Review));
    assert!(item.evaluation.hits.iter().any(|hit| hit.rule_id == "judge" && hit.message.contains("violence")), "{:?}", item.evaluation);
    assert!(matches!(item.draft_metadata.judges[0].judgement, Judgement::Unsafe { .. }));
    assert_eq!(house.sandbox.world().replies_to(&parent).len(), 0);
    house.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judge_that_is_away_keeps_a_draft_back_and_one_that_is_there_lets_it_go() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = house(&model).await;
    let parent = house.post("Rivers", "How fast do they fall?");
    house.cycles_until(&[&parent]).await;
    let item = house.item_for(&parent).await;
    assert_eq!((item.verdict, &item.draft_metadata.judges[0].judgement), (Verdict::Allow, &Judgement::Safe));
    assert!(item.draft_metadata.auto_posted && item.draft_metadata.cost_picos.is_some(), "the free call does not hide the cost");
    house.sandbox.add_fault("model:/v1/moderations=prose".parse::<sandbox::Fault>().unwrap());
    let other = house.post("Lakes", "How deep are they?");
    house.cycles_until(&[&other]).await;
    let item = house.item_for(&other).await;
    assert_eq!((item.state, item.verdict), (State::Pending, Verdict::Review));
    assert!(
        item.evaluation.missing.iter().any(|missing| missing.starts_with("judge openai_moderation (")),
        "{:?}",
        item.evaluation.missing
    );
}
