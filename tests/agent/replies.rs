//! Answers to us: first, with their chain, marked read when they were dealt with.

use super::house::{House, READ, ana, queued, skipped};
use super::scripted::{Kind, Say, Scripted, sensible};
use quarterdeck::moderation::{Directive, On, PostType, RejectCode, State, decisions};
use quarterdeck::sandbox::{ACCOUNT, Fault, FaultKind};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_first_with_their_chain_and_are_marked_read() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    let world = house.sandbox.world();
    let post = house.post("Rivers", "How fast do they fall?");
    let ours = world.add_reply(&post, ACCOUNT, "Slower than the maps say.").unwrap();
    let answer = world.add_reply(&ours, "reader", "Which maps do you mean?").unwrap();
    let other = house.post("Lakes", "And these?");
    let (ended, events) = house.cycle().await;
    ended.unwrap();
    assert_eq!(queued(&events)[0], answer);
    assert!(queued(&events).contains(&other) || queued(&events).contains(&post));
    let item = house.item_for(&answer).await;
    let chain: Vec<&str> = item.draft_metadata.thread.iter().map(|entry| entry.fullname.as_str()).collect();
    assert_eq!((item.post_type, item.state), (PostType::Reply, State::Pending));
    assert_eq!(chain, [post.as_str(), ours.as_str(), answer.as_str()]);
    assert_eq!(
        (item.thread_id.as_deref(), item.parent_author.as_deref(), item.draft_metadata.conversation_depth),
        (Some(post.as_str()), Some("reader"), 2)
    );
    let prompt = &model.asked(Kind::Draft)[0];
    assert!(prompt.find("How fast do they fall?").unwrap() < prompt.find("Slower than the maps").unwrap());
    assert!(prompt.find("Slower than the maps").unwrap() < prompt.find("Which maps do you mean?").unwrap());
    assert!(house.unread().await.is_empty());
    let (_, events) = house.cycle().await;
    assert!(!queued(&events).contains(&answer) && !queued(&events).contains(&ours));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_stays_unread_until_its_draft_is_stored() {
    let fails = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let failing = std::sync::Arc::clone(&fails);
    let model = Scripted::start(move |kind, prompt| match kind {
        Kind::Draft if failing.load(std::sync::atomic::Ordering::SeqCst) && prompt.contains("Which maps") => Say::Status(400),
        kind => sensible(kind),
    })
    .await;
    let house = House::new(Some(&model.url)).await;
    let world = house.sandbox.world();
    let post = house.post("Rivers", "How fast do they fall?");
    let ours = world.add_reply(&post, ACCOUNT, "Slower than the maps say.").unwrap();
    let answer = world.add_reply(&ours, "reader", "Which maps do you mean?").unwrap();
    let (ended, events) = house.cycle().await;
    ended.unwrap();
    assert_eq!(super::house::failed(&events)[0].0, answer);
    assert_eq!(queued(&events), [post], "the failure stopped nothing else");
    assert_eq!((house.unread().await, world.requests(READ)), (vec![answer.clone()], 0));
    // The draft is stored, but marking the answer read fails: it is not drafted again, and marked in the next cycle.
    fails.store(false, std::sync::atomic::Ordering::SeqCst);
    house.sandbox.add_fault(Fault::times(READ, FaultKind::Status { code: 503, html: false }, 1));
    let (ended, events) = house.cycle().await;
    ended.unwrap();
    assert_eq!((queued(&events), house.unread().await), (vec![answer.clone()], vec![answer.clone()]));
    let (_, events) = house.cycle().await;
    assert!(queued(&events).is_empty() && house.unread().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_answered_is_told_and_marked_read() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    let world = house.sandbox.world();
    let thread = || {
        let post = house.post("Rivers", "How fast do they fall?");
        let ours = world.add_reply(&post, ACCOUNT, "Slower than the maps say.").unwrap();
        (post, ours)
    };
    let (_, ours) = thread();
    let removed = world.add_reply(&ours, "reader", "removed").unwrap();
    world.remove(&removed).unwrap();
    let deleted = world.add_reply(&ours, "reader", "deleted").unwrap();
    world.delete(&deleted).unwrap();
    let (_, gone) = thread();
    let parent_gone = world.add_reply(&gone, "reader", "parent gone").unwrap();
    world.delete(&gone).unwrap();
    let (locked_post, ours) = thread();
    let locked = world.add_reply(&ours, "reader", "locked").unwrap();
    world.lock_thread(&locked_post).unwrap();
    let (_, ours) = thread();
    let one = world.add_reply(&ours, "reader", "one").unwrap();
    let two = world.add_reply(&one, ACCOUNT, "two").unwrap();
    let deep = world.add_reply(&two, "reader", "three").unwrap();
    let deeper = world.add_reply(&world.add_reply(&deep, ACCOUNT, "four").unwrap(), "reader", "five").unwrap();
    let mention = world.add_reply(&locked_post, "reader", &format!("what does u/{ACCOUNT} say?")).unwrap();
    let (ended, events) = house.cycle().await;
    ended.unwrap();
    for (fullname, why) in [(&parent_gone, "our comment is gone"), (&locked, "closed"), (&deeper, "deep"), (&mention, "does not answer")] {
        assert!(skipped(&events, fullname).is_some_and(|reason| reason.contains(why)), "{why}: {:?}", skipped(&events, fullname));
    }
    for fullname in [&removed, &deleted] {
        assert!(!queued(&events).contains(fullname));
    }
    assert!(queued(&events).contains(&deep), "four hops down is still answered");
    assert!(house.unread().await.is_empty(), "{:?}", house.unread().await);
    assert!(house.items().await.iter().all(|item| item.parent_author.as_deref() != Some(ACCOUNT)), "never our own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_posts_are_never_answered() {
    let house = House::new(None).await;
    let new = quarterdeck::sandbox::NewPost {
        subreddit: "test".into(),
        author: ACCOUNT.to_uppercase(),
        title: "Ours".into(),
        text: "By ourselves".into(),
        ..Default::default()
    };
    let own = house.sandbox.world().add_post(new).unwrap();
    let (ended, events) = house.cycle().await;
    ended.unwrap();
    assert!(skipped(&events, &own).unwrap().contains("own"), "{:?}", skipped(&events, &own));
    assert!(house.items().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_reply_is_drafted_anew_although_it_was_read() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    let world = house.sandbox.world();
    let post = house.post("Rivers", "How fast do they fall?");
    let ours = world.add_reply(&post, ACCOUNT, "Slower than the maps say.").unwrap();
    let answer = world.add_reply(&ours, "reader", "Which maps do you mean?").unwrap();
    house.cycle().await.0.unwrap();
    let (id, settings) = (house.item_for(&answer).await.id, house.services.moderation.clone());
    let first = id.clone();
    house
        .act(move |c, persona, at| {
            let on = On { persona, id: &id, version: None, actor: &ana(), at };
            decisions::reject(c, &on, RejectCode::Tone, Directive::Redraft, Some("the survey of 1998"), &settings)
        })
        .await;
    house.cycle().await.0.unwrap();
    let second = house.item_for(&answer).await;
    assert_ne!(second.id, first);
    assert_eq!(second.draft_metadata.thread.len(), 3);
    assert!(model.asked(Kind::Draft).last().unwrap().contains("the survey of 1998"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_personas_of_ours_do_not_talk_to_each_other() {
    let house = House::new(None).await;
    let now = house.services.clock.now();
    let added = house
        .deck
        .write(move |c| {
            let actor = ana();
            let author = quarterdeck::memory::Author::new(&actor, now);
            quarterdeck::memory::personas::add(c, "QuietOwl", None, &quarterdeck::memory::PersonaConfig::default(), &author)
        })
        .await;
    added.unwrap();
    let new = quarterdeck::sandbox::NewPost {
        subreddit: "test".into(),
        author: "quietowl".into(),
        title: "Rivers".into(),
        text: "How fast do they fall?".into(),
        ..Default::default()
    };
    let theirs = house.sandbox.world().add_post(new).unwrap();
    let (ended, events) = house.cycle().await;
    ended.unwrap();
    assert!(skipped(&events, &theirs).unwrap().contains("another persona of ours"), "{:?}", skipped(&events, &theirs));
    assert!(house.items().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_to_be_left_alone_is_and_what_waits_for_them_is_withdrawn() {
    let model = Scripted::start(|kind, _| sensible(kind)).await;
    let house = House::new(Some(&model.url)).await;
    let world = house.sandbox.world();
    let post = house.post("Rivers", "How fast do they fall?");
    let ours = world.add_reply(&post, ACCOUNT, "Slower than the maps say.").unwrap();
    let question = world.add_reply(&ours, "Reader", "Which maps do you mean?").unwrap();
    house.cycles_until(&[&question]).await;
    assert_eq!(house.item_for(&question).await.state, State::Pending);
    let enough = world.add_reply(&ours, "Reader", "Please stop replying to me.").unwrap();
    let (ended, events) = house.cycle().await;
    ended.unwrap();
    let told = skipped(&events, &enough).expect("it is told");
    assert!(told.contains("u/Reader") && told.contains("left alone") && told.contains("drafts there are withdrawn"), "{told}");
    let withdrawn = house.item_for(&question).await;
    assert_eq!(withdrawn.state, State::Expired);
    assert!(withdrawn.state_reason.unwrap().contains("Reader"));
    assert!(house.unread().await.is_empty());
    // Neither the person elsewhere nor anybody else in the thread is answered any more.
    let elsewhere = house.post("Lakes", "And these?");
    let there = world.add_reply(&elsewhere, ACCOUNT, "They keep their warmth.").unwrap();
    let again = world.add_reply(&there, "Reader", "How long do they?").unwrap();
    let other = world.add_reply(&ours, "somebody", "I would like to know that too, which maps?").unwrap();
    let (_, events) = house.cycle().await;
    assert!(!queued(&events).contains(&again) && !queued(&events).contains(&other), "{:?}", queued(&events));
    house.audit_holds().await;
}
