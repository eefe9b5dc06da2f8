//! What is drafted, and what is left alone because it waits, was decided, or is muted.

use super::house::{House, ana, queued, skipped};
use super::scripted::{Kind, Say, Scripted, sensible};
use quarterdeck::agent::Event;
use quarterdeck::moderation::{Directive, On, RejectCode, State, decisions, queue};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_is_drafted_once_whatever_became_of_its_draft() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    let [waits, rejected, sent, muted_thread, muted_user] =
        ["Waits", "Rejected", "Sent", "Thread", "User"].map(|title| house.post(title, "How fast do rivers fall?"));
    house.cycles_until(&[&waits, &rejected, &sent, &muted_thread, &muted_user]).await;
    assert!(house.items().await.iter().all(|item| item.state == State::Pending));
    let settings = house.services.moderation.clone();
    let items = [&rejected, &muted_thread, &muted_user, &sent].map(|parent| house.item_for(parent));
    let [rejected_item, thread_item, user_item, sent_item] = {
        let [one, two, three, four] = items;
        [one.await.id, two.await.id, three.await.id, four.await.id]
    };
    house
        .act(move |c, persona, at| {
            let ana = ana();
            let on = |id| On { persona, id, version: None, actor: &ana, at };
            decisions::reject(c, &on(&rejected_item), RejectCode::Tone, Directive::Drop, None, &settings)?;
            decisions::reject(c, &on(&thread_item), RejectCode::Tone, Directive::MuteThread, None, &settings)?;
            decisions::reject(c, &on(&user_item), RejectCode::Tone, Directive::MuteUser, None, &settings)?;
            decisions::approve(c, &on(&sent_item), quarterdeck::sandbox::ACCOUNT, &settings)
        })
        .await;
    // A new post of the muted person; its answer in the muted thread is another test's.
    let by_muted = house.post("Another", "By the same person");
    let asked = model.asked(Kind::Draft).len();
    let (ended, events) = house.cycle().await;
    ended.unwrap();
    assert_eq!((queued(&events), model.asked(Kind::Draft).len()), (vec![], asked));
    assert_eq!(house.item_for(&sent).await.state, State::Confirmed);
    assert_eq!(house.sandbox.world().replies_to(&sent).len(), 1);
    assert!(skipped(&events, &by_muted).unwrap().contains("user muted"));
    for parent in [&waits, &rejected, &muted_thread] {
        assert!(skipped(&events, parent).unwrap().contains("waits in the queue, or was decided"), "{parent}");
    }
    let (_, events) = house.cycle().await;
    assert!(skipped(&events, &sent).unwrap().contains("already answered"));
    assert_eq!(house.items().await.len(), 5);
    house.audit_holds().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redraft_is_granted_once_and_carries_the_reviewer_s_words() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    let parent = house.post("Rivers", "How fast do they fall?");
    house.cycles_until(&[&parent]).await;
    let settings = house.services.moderation.clone();
    let first = house.item_for(&parent).await;
    let reject = |id: String| {
        let settings = settings.clone();
        house.act(move |c, persona, at| {
            let on = On { persona, id: &id, version: None, actor: &ana(), at };
            decisions::reject(c, &on, RejectCode::Tone, Directive::Redraft, Some("name the gauge at Aldwater"), &settings)
        })
    };
    // More rejections with a note than a prompt repeats, all of newer drafts.
    let newer: Vec<String> = (0..6).map(|number| house.post(&format!("Other {number}"), "Something else")).collect();
    house.cycles_until(&newer.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for other in &newer {
        let id = house.item_for(other).await.id;
        let settings = settings.clone();
        house
            .act(move |c, persona, at| {
                let on = On { persona, id: &id, version: None, actor: &ana(), at: at + 1 };
                decisions::reject(c, &on, RejectCode::Tone, Directive::Drop, Some("too long"), &settings)
            })
            .await;
    }
    reject(first.id.clone()).await;
    house.cycle().await.0.unwrap();
    let prompts = model.asked(Kind::Draft);
    let about_it =
        |prompts: &[String]| prompts.iter().filter(|prompt| prompt.contains("How fast do they fall?")).cloned().collect::<Vec<_>>();
    let about_it = about_it(&prompts);
    assert_eq!(about_it.len(), 2, "one draft and one redraft");
    assert!(!about_it[0].contains("Aldwater") && about_it[1].contains("tone: name the gauge at Aldwater"));
    let second = house.item_for(&parent).await;
    assert_ne!(second.id, first.id);
    assert_eq!(second.state, State::Pending);
    // Dropped now, it is left alone for good.
    let id = second.id.clone();
    let settings = house.services.moderation.clone();
    house
        .act(move |c, persona, at| {
            let on = On { persona, id: &id, version: None, actor: &ana(), at };
            decisions::reject(c, &on, RejectCode::Tone, Directive::Drop, None, &settings)
        })
        .await;
    house.cycles(2).await.0.unwrap();
    assert_eq!(house.items().await.iter().filter(|item| item.parent_id.as_deref() == Some(parent.as_str())).count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redraft_does_not_depend_on_the_dice_and_one_that_cannot_be_done_is_told_once() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let mut house = House::new(Some(&model.url)).await;
    let [open, closed] = ["Open", "Closed"].map(|title| house.post(title, "How fast do rivers fall?"));
    house.cycles_until(&[&open, &closed]).await;
    for parent in [&open, &closed] {
        let (id, settings) = (house.item_for(parent).await.id, house.services.moderation.clone());
        house
            .act(move |c, persona, at| {
                let on = On { persona, id: &id, version: None, actor: &ana(), at };
                decisions::reject(c, &on, RejectCode::Tone, Directive::Redraft, None, &settings)
            })
            .await;
    }
    house.sandbox.world().lock_thread(&closed).unwrap();
    // No post would be drawn any more.
    house.services.parameters.engagement.min_probability = 0.0;
    house.services.parameters.engagement.max_probability = 0.0;
    let (_, events) = house.cycle().await;
    assert_eq!(queued(&events), std::slice::from_ref(&open));
    assert_eq!(skipped(&events, &closed), Some("the post is closed"));
    let (_, events) = house.cycle().await;
    assert_eq!((queued(&events), skipped(&events, &closed)), (vec![], None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_returned_draft_is_written_again_in_place_with_the_note_and_its_own_proposals() {
    let model = Scripted::start(|kind, prompt| match kind {
        Kind::Draft if prompt.contains("shorter, please") => Say::Text("Look at the gauges upstream.".into()),
        Kind::Proposals if !prompt.contains("Look at the gauges") => {
            let new = serde_json::json!({"title": "Maps lie", "initial_confidence": 0.5, "tags": [], "summary": "Maps are wrong", "reason": "said so"});
            Say::Text(serde_json::json!({"updates": [], "new_belief": new}).to_string())
        }
        kind => sensible(kind),
    })
    .await;
    let house = House::new(Some(&model.url)).await;
    let parent = house.post("Rivers", "How fast do they fall?");
    house.cycles_until(&[&parent]).await;
    let first = house.item_for(&parent).await;
    assert!(first.draft_metadata.belief_proposals.new_belief.is_some());
    let (id, settings) = (first.id.clone(), house.services.moderation.clone());
    house
        .act(move |c, persona, at| {
            let on = On { persona, id: &id, version: None, actor: &ana(), at };
            queue::return_to_agent(c, &on, "shorter, please", &settings)
        })
        .await;
    let (_, events) = house.cycle().await;
    assert!(events.iter().any(|event| matches!(event, Event::Resubmitted { id, .. } if *id == first.id)));
    let again = house.item_for(&parent).await;
    assert_eq!((again.id.as_str(), again.state, again.revision), (first.id.as_str(), State::Pending, 2));
    assert_eq!(again.content, "Look at the gauges upstream.");
    assert!(again.draft_metadata.belief_proposals.new_belief.is_none(), "what was proposed with the first text went with it");
    assert!(again.draft_metadata.tokens_in > first.draft_metadata.tokens_in, "what the first text cost is not forgotten");
    assert!(again.draft_metadata.cost_picos > first.draft_metadata.cost_picos);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_answer_is_a_failure_and_a_huge_one_is_blocked() {
    let model = Scripted::start(|kind, prompt| match kind {
        Kind::Draft if prompt.contains("Say nothing") => Say::Text(" \"\" \n".into()),
        Kind::Draft if prompt.contains("Say much") => Say::Text("word ".repeat(4_000)),
        Kind::Draft if prompt.contains("Break off") => Say::Cut("The gauges upstream say it best, and they".into()),
        kind => sensible(kind),
    })
    .await;
    let house = House::new(Some(&model.url)).await;
    let [nothing, much, cut] =
        [("One", "Say nothing"), ("Two", "Say much"), ("Three", "Break off")].map(|(title, text)| house.post(title, text));
    house.cycles_until(&[&much, &cut]).await;
    let blocked = house.item_for(&much).await;
    // It is also longer than the persona's own limit.
    assert_eq!(
        (blocked.state, blocked.evaluation.flags.join(", ").as_str()),
        (State::Blocked, "content_too_long (max 10000 chars), persona_limits")
    );
    let broken_off = house.item_for(&cut).await;
    assert_eq!(broken_off.verdict, quarterdeck::moderation::Verdict::Review);
    assert!(broken_off.evaluation.missing[0].contains("end of the text"));
    // Nothing to review is not put before a reviewer, no check of it is paid for, and it is told.
    let failures = house.cycles_until_failure().await;
    assert_eq!(failures[0].0, nothing);
    assert!(failures[0].1.contains("without a text (stop)"), "{}", failures[0].1);
    assert_eq!((house.items().await.len(), model.asked(Kind::Check).len()), (2, 2));
}
