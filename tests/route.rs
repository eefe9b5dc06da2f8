//! The way of a question, with the real client against the sandbox over HTTP and a real ledger: turns, cooldowns, kept answers, traces, and what the
//! service itself says of the calls.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::base::{Millis, PersonaId, Picos, TestClock, new_id};
use quarterdeck::llm::account::compare::{self, Compared, Verdict};
use quarterdeck::llm::account::{Key, Recovered};
use quarterdeck::llm::budget::{Action, Budget, Period, Scope, Threshold, book as budgets};
use quarterdeck::llm::calls;
use quarterdeck::llm::chat::Caching;
use quarterdeck::llm::ledger::rollup;
use quarterdeck::llm::price::Book;
use quarterdeck::llm::route::trace::{Awaited, Step, Why};
use quarterdeck::llm::route::{Limits, Trace};
use quarterdeck::llm::{ChatReply, ChatRequest, Client, Error, Settings};
use quarterdeck::sandbox::{self, Options, Sandbox};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Database, Row, testing};
use quarterdeck::vals;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// 2026-11-21 noon.
const NOW: Millis = 1_795_262_400_000;
const CHAT: &str = "model:/api/v1/chat/completions";

struct Scene {
    sandbox: Sandbox,
    client: Client,
    database: Database,
    clock: TestClock,
    _directory: tempfile::TempDir,
}

async fn scene(adjust: impl FnOnce(&mut Settings)) -> Scene {
    let clock = TestClock::at(NOW);
    let options = Options { posts: 1, clock: Arc::new(clock.clone()), ..Options::default() };
    let sandbox = sandbox::start(options).await.unwrap();
    let mut settings = Settings {
        base_url: sandbox.model_url(),
        api_key: Some(sandbox::MODEL_KEY.to_owned().into()),
        response_model: "sandbox/large".into(),
        retry_base: Duration::from_millis(1),
        ..Settings::default()
    };
    adjust(&mut settings);
    let (database, directory) = testing::database();
    let client = Client::new(settings, Some(database.clone()), Book::embedded().unwrap(), Arc::new(clock.clone())).unwrap();
    Scene { sandbox, client, database, clock, _directory: directory }
}

impl Scene {
    /// Questions that reached the service.
    fn asked(&self) -> u64 {
        self.sandbox.world().requests(CHAT)
    }

    fn fault(&self, text: &str) {
        self.sandbox.add_fault(text.parse().unwrap());
    }

    /// The rows of the ledger, the oldest first.
    async fn rows(&self) -> Vec<Row> {
        let sql = "SELECT id, model_asked, outcome, queue_us, is_cached, trace, cost_reported, cost_reported_picos, cost_computed_picos, latency_us, drift, \
                   generation_id, tokens_in, attempt FROM llm_calls ORDER BY started_at, id";
        self.database.read(move |c| c.query(sql, &[])).await.unwrap()
    }

    async fn trace(&self, reply: &ChatReply) -> Trace {
        let id = reply.call_id.clone();
        self.database.read(move |c| calls::trace(c, &id)).await.unwrap().unwrap().expect("a trace")
    }

    async fn sums_are_right(&self) {
        let off = self.database.read(|c| rollup::differences(c, NOW - rollup::DAY, NOW + 2 * rollup::DAY)).await.unwrap();
        assert_eq!(off, []);
    }

    async fn sum(&self, column: &'static str) -> i64 {
        let sql = format!("SELECT CAST(COALESCE(sum({column}), 0) AS BIGINT) AS n FROM roll_day");
        self.database.read(move |c| c.first(&sql, &[])).await.unwrap().unwrap().int("n").unwrap()
    }
}

fn limits(concurrent: u32, requests: u32) -> Limits {
    Limits { concurrent: NonZeroU32::new(concurrent), requests: NonZeroU32::new(requests), tokens: None }
}

fn question(text: &str) -> ChatRequest {
    ChatRequest { persona: Some(PersonaId::from_stored("p1")), ..ChatRequest::new("draft", None, text) }
}

/// A question whose answer would come again word for word.
fn cold(text: &str) -> ChatRequest {
    ChatRequest { temperature: Some(0.0), ..question(text) }
}

#[tokio::test]
async fn a_limit_of_calls_at_once_shows_as_queue_time() {
    let scene = scene(|settings| settings.route.limits = limits(1, 0)).await;
    scene.fault(&format!("{CHAT}=slow-body:120ms*3"));
    let asked = ["one", "two", "three"].map(|text| scene.client.chat(question(text)));
    let replies: Vec<ChatReply> = futures_util::future::join_all(asked).await.into_iter().map(Result::unwrap).collect();
    let mut queued: Vec<i64> = scene.rows().await.iter().map(|row| row.int("queue_us").unwrap()).collect();
    queued.sort_unstable();
    assert!(queued[0] == 0 && queued[1] >= 80_000 && queued[2] >= queued[1] + 80_000, "{queued:?}");
    let live = scene.client.gauges();
    assert_eq!((live.in_flight, live.waiting, live.cooling.len()), (0, 0, 0));
    let traces = futures_util::future::join_all(replies.iter().map(|reply| scene.trace(reply))).await;
    let waited = traces.iter().filter(|trace| trace.steps.iter().any(|step| matches!(step, Step::Queued { on: Awaited::Concurrency, .. })));
    assert_eq!(waited.count(), 2);
    let hour =
        scene.database.read(|c| c.first("SELECT CAST(sum(queue_us_sum) AS BIGINT) AS n FROM roll_hour", &[])).await.unwrap().unwrap();
    assert_eq!(hour.int("n").unwrap(), queued.iter().sum::<i64>());
}

#[tokio::test]
async fn the_traffic_of_a_process_is_seen_while_it_is_under_way() {
    let scene = scene(|settings| settings.route.limits = limits(1, 9)).await;
    scene.fault(&format!("{CHAT}=slow-body:150ms*1"));
    let (one, two) = (scene.client.clone(), scene.client.clone());
    let asking =
        [tokio::spawn(async move { one.chat(question("one")).await }), tokio::spawn(async move { two.chat(question("two")).await })];
    while scene.client.gauges().waiting == 0 || scene.client.gauges().in_flight == 0 {
        tokio::task::yield_now().await;
    }
    let live = scene.client.gauges();
    assert_eq!((live.in_flight, live.waiting), (1, 1));
    assert_eq!((live.buckets[0].model.as_str(), live.buckets[0].rpm_left, live.buckets[0].rpm_limit), ("sandbox/large", Some(8), Some(9)));
    for one in asking {
        one.await.unwrap().unwrap();
    }
    assert_eq!(scene.client.gauges().buckets[0].rpm_left, Some(7));
}

#[tokio::test]
async fn whose_turn_does_not_come_in_time_is_sent_to_the_next_model_or_told() {
    let scene = scene(|settings| {
        settings.route.model_limits.insert("sandbox/large".into(), limits(0, 1));
        settings.route.queue_within = Duration::from_millis(40);
        settings.fallback_models = vec!["sandbox/small".into()];
    })
    .await;
    assert_eq!(scene.client.chat(question("one")).await.unwrap().model_asked, "sandbox/large");
    let second = scene.client.chat(question("two")).await.unwrap();
    assert_eq!(second.model_asked, "sandbox/small");
    let lines = scene.trace(&second).await.lines();
    assert!(lines.iter().any(|line| line.contains("its turn with sandbox/large did not come within 40 ms")), "{lines:?}");

    let alone = self::scene(|settings| {
        settings.route.limits = limits(0, 1);
        settings.route.queue_within = Duration::from_millis(40);
    })
    .await;
    alone.client.chat(question("one")).await.unwrap();
    let error = alone.client.chat(question("two")).await.unwrap_err();
    assert!(matches!(&error, Error::Crowded { .. }) && error.to_string().contains("route.queue_seconds"), "{error}");
    assert_eq!((alone.asked(), alone.rows().await.len()), (1, 1), "nothing was sent and nothing is written down");
}

#[tokio::test]
async fn a_model_that_failed_is_left_alone_by_every_client_of_the_process() {
    let scene = scene(|settings| {
        settings.fallback_models = vec!["sandbox/small".into()];
        settings.max_attempts = 3;
    })
    .await;
    scene.fault(&format!("{CHAT}=status:503*3"));
    let first = scene.client.chat(question("one")).await.unwrap();
    assert_eq!((first.model_asked.as_str(), first.attempts), ("sandbox/small", 4));
    let lines = scene.trace(&first).await.lines();
    assert!(lines[0].starts_with("sandbox/large, the usual model (simple question, about"), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.contains("sandbox/large failed: the model service refused")).count(), 3, "{lines:?}");
    assert!(lines.contains(&"sandbox/large is left alone for 30 s: 3 failures in a row".to_owned()), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "attempt 4: sandbox/small answered");

    let second = scene.client.clone().chat(question("two")).await.unwrap();
    assert_eq!((second.model_asked.as_str(), second.attempts, scene.asked()), ("sandbox/small", 1, 5));
    assert!(scene.trace(&second).await.lines()[2].starts_with("sandbox/large was left out for another 29 s: 3 failures in a row"));
    let cooling = scene.client.gauges().cooling;
    assert!(cooling.len() == 1 && cooling[0].0 == "sandbox/large" && (NOW..=NOW + 30_000).contains(&cooling[0].1), "{cooling:?}");
}

#[tokio::test]
async fn a_service_that_asks_to_wait_is_left_alone_and_a_lone_model_is_asked_all_the_same() {
    let scene = scene(|settings| settings.fallback_models = vec!["sandbox/small".into()]).await;
    scene.fault(&format!("{CHAT}=rate-limit:300*1"));
    assert_eq!(scene.client.chat(question("one")).await.unwrap().model_asked, "sandbox/small");
    assert_eq!(scene.client.chat(question("two")).await.unwrap().model_asked, "sandbox/small");

    let alone = self::scene(|settings| settings.max_attempts = 1).await;
    alone.fault(&format!("{CHAT}=status:503*3"));
    for _ in 0..3 {
        alone.client.chat(question("one")).await.unwrap_err();
    }
    let reply = alone.client.chat(question("two")).await.unwrap();
    assert!(alone.trace(&reply).await.steps.contains(&Step::AllCooling));
    assert!(alone.client.gauges().cooling.is_empty(), "an answer ends it");
}

#[tokio::test]
async fn the_second_same_question_is_answered_without_a_call_and_without_cost() {
    let scene = scene(|_| {}).await;
    let first = scene.client.chat(cold("hello")).await.unwrap();
    let second = scene.client.chat(ChatRequest { stream: true, ..cold("hello") }).await.unwrap();
    assert_eq!((scene.asked(), &second.text, second.cost_computed, &second.usage), (1, &first.text, Some(Picos::ZERO), &None));
    let rows = scene.rows().await;
    let hit = rows.iter().find(|row| row.flag("is_cached").unwrap()).unwrap();
    assert_eq!((rows.len(), hit.text("id").unwrap(), hit.text("outcome").unwrap()), (2, second.call_id.clone(), "ok".to_owned()));
    assert_eq!(
        (hit.int_opt("cost_computed_picos").unwrap(), hit.int_opt("latency_us").unwrap(), hit.int_opt("tokens_in").unwrap()),
        (Some(0), None, None)
    );
    assert_eq!((scene.sum("calls").await, scene.sum("cache_hits").await, scene.sum("unpriced").await), (2, 1, 0));
    assert_eq!(scene.sum("charged_picos").await, first.cost_reported_picos.unwrap().0);
    scene.sums_are_right().await;
    let steps = scene.trace(&second).await.steps;
    assert!(
        matches!(&steps[1], Step::CacheHit { call_id, age: 0, saved } if *call_id == first.call_id && *saved == first.cost_reported_picos),
        "{steps:?}"
    );
    assert!(matches!(&scene.trace(&first).await.steps[1], Step::CacheMiss { keeps: 300_000 }));

    scene.clock.advance(299_999);
    scene.client.chat(cold("hello")).await.unwrap();
    assert_eq!(scene.asked(), 1);
    scene.clock.advance(1);
    scene.client.chat(cold("hello")).await.unwrap();
    assert_eq!(scene.asked(), 2, "kept for five minutes");
}

#[tokio::test]
async fn what_is_another_question_is_asked() {
    let scene = scene(|_| {}).await;
    scene.client.chat(cold("hello")).await.unwrap();
    let other = PersonaId::from_stored("p2");
    let questions = [
        cold("Hello"),
        ChatRequest { persona: Some(other), ..cold("hello") },
        ChatRequest { persona: None, ..cold("hello") },
        ChatRequest { model: Some("sandbox/small".into()), ..cold("hello") },
        ChatRequest { max_tokens: Some(9), ..cold("hello") },
        ChatRequest { system: Some("Be brief.".into()), ..cold("hello") },
        ChatRequest { caching: Caching::Never, ..cold("hello") },
        question("hello"),
        ChatRequest { temperature: Some(0.7), ..cold("hello") },
        ChatRequest { temperature: Some(0.7), ..cold("hello") },
    ];
    let count = questions.len() as u64;
    for question in questions {
        scene.client.chat(question).await.unwrap();
    }
    assert_eq!((scene.asked(), scene.sum("cache_hits").await), (1 + count, 0));
    // Asked for by name, a kept answer will do at any temperature.
    for _ in 0..2 {
        let reply = scene.client.chat(ChatRequest { temperature: Some(1.1), caching: Caching::Asked, ..cold("hello") }).await.unwrap();
        assert!(!reply.text.is_empty());
    }
    assert_eq!((scene.asked(), scene.sum("cache_hits").await), (2 + count, 1));
}

#[tokio::test]
async fn an_answer_that_is_cut_short_or_not_in_its_form_is_not_kept() {
    let scene = scene(|_| {}).await;
    for _ in 0..2 {
        let reply = scene.client.chat(ChatRequest { max_tokens: Some(1), ..cold("hello") }).await.unwrap();
        assert_eq!(reply.finish_reason.as_deref(), Some("length"));
    }
    scene.fault(&format!("{CHAT}=prose*2"));
    for _ in 0..2 {
        scene.client.chat(ChatRequest { json_mode: true, ..cold("hello") }).await.unwrap();
    }
    assert_eq!(scene.asked(), 4);
}

#[tokio::test]
async fn twenty_who_ask_the_same_at_once_are_one_request() {
    let scene = scene(|_| {}).await;
    scene.fault(&format!("{CHAT}=slow-body:60ms*1"));
    let replies = futures_util::future::join_all((0..20).map(|_| scene.client.chat(cold("hello")))).await;
    let replies: Vec<ChatReply> = replies.into_iter().map(Result::unwrap).collect();
    assert!(replies.iter().all(|reply| reply.text == replies[0].text));
    assert_eq!((scene.asked(), scene.sum("calls").await, scene.sum("cache_hits").await), (1, 20, 19));
    let mut shared = 0;
    for reply in &replies {
        shared += usize::from(scene.trace(reply).await.steps.iter().any(|step| matches!(step, Step::CacheShared { .. })));
    }
    assert_eq!(shared, 19);
    scene.sums_are_right().await;
}

#[tokio::test]
async fn who_asked_for_all_and_went_away_is_followed_by_another() {
    let scene = scene(|_| {}).await;
    scene.fault(&format!("{CHAT}=timeout:60s*1"));
    let (one, two) = (scene.client.clone(), scene.client.clone());
    let leads = tokio::spawn(async move { one.chat(cold("hello")).await });
    while scene.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let follows = tokio::spawn(async move { two.chat(cold("hello")).await });
    tokio::task::yield_now().await;
    leads.abort();
    assert!(!follows.await.unwrap().unwrap().text.is_empty());
    assert_eq!(scene.asked(), 2);
}

#[tokio::test]
async fn a_failure_holds_for_all_who_asked_the_same() {
    let scene = scene(|_| {}).await;
    scene.fault(&format!("{CHAT}=status:400*1"));
    let failed = futures_util::future::join_all((0..5).map(|_| scene.client.chat(cold("hello")))).await;
    assert!(failed.iter().all(|one| one.as_ref().is_err_and(|error| error.refusal().is_some_and(|refusal| refusal.status == 400))));
    assert_eq!((scene.asked(), scene.rows().await.len()), (1, 1));
    assert!(scene.client.chat(cold("hello")).await.is_ok(), "and is not kept");
}

#[tokio::test]
async fn hard_questions_ask_the_model_that_is_set_for_them() {
    let scene = scene(|settings| {
        settings.route.simple_model = Some("sandbox/small".into());
        settings.route.complex_model = Some("sandbox/large".into());
        settings.response_model = "sandbox/other".into();
    })
    .await;
    let long = "a long question ".repeat(3_000);
    for (request, model, why) in [
        (question("hello"), "sandbox/small", Why::Complexity),
        (question(&"some words ".repeat(300)), "sandbox/other", Why::Usual),
        (question(&long), "sandbox/large", Why::Complexity),
        (ChatRequest { json_mode: true, ..question(&long) }, "sandbox/other", Why::Usual),
        (ChatRequest { model: Some("renamed/model-20260101".into()), ..question("hello") }, "renamed/model-20260101", Why::Named),
    ] {
        let reply = scene.client.chat(request).await.unwrap();
        assert_eq!(reply.model_asked, model);
        assert!(matches!(&scene.trace(&reply).await.steps[0], Step::Chosen { why: found, .. } if *found == why));
    }
}

#[tokio::test]
async fn an_unknown_model_and_a_temperature_that_is_none_are_told() {
    let scene = scene(|settings| settings.fallback_models = vec!["sandbox/small".into()]).await;
    for temperature in [f64::NAN, f64::INFINITY, -0.1, 2.1] {
        let error = scene.client.chat(ChatRequest { temperature: Some(temperature), ..question("hello") }).await.unwrap_err();
        assert!(matches!(&error, Error::Settings { setting: "temperature", .. }), "{error}");
    }
    assert_eq!(scene.asked(), 0);
    scene.fault(&format!("{CHAT}=status:404*1"));
    let error = scene.client.chat(ChatRequest { model: Some("no/such".into()), ..question("hello") }).await.unwrap_err();
    assert!(error.to_string().contains("check the name of the model"), "{error}");
    let rows = scene.rows().await;
    let trace = Trace::read(&rows[0].text("trace").unwrap()).unwrap();
    assert!(trace.lines().last().unwrap().starts_with("attempt 1: no/such failed"), "{:?}", trace.lines());
}

fn budget(limit: Picos, thresholds: Vec<Threshold>) -> Budget {
    Budget {
        id: new_id(),
        name: "daily".into(),
        scope: Scope::Global,
        period: Period::Day,
        zone: chrono_tz::Tz::UTC,
        limit,
        is_hard: true,
        thresholds,
        unpriced_allowed: vec!["sandbox/large".into(), "sandbox/small".into()],
    }
}

impl Scene {
    async fn budget(&self, budget: Budget) {
        self.database.write(move |c| budgets::set(c, &budget, &Actor::human("ana"), NOW)).await.unwrap();
    }

    async fn used(&self) -> (i64, i64, i64) {
        let sql = "SELECT spent_picos, reserved_picos, unknown_calls FROM budget_periods";
        let row = self.database.read(move |c| c.first(sql, &[])).await.unwrap().unwrap();
        (row.int("spent_picos").unwrap(), row.int("reserved_picos").unwrap(), row.int("unknown_calls").unwrap())
    }
}

#[tokio::test]
async fn a_budget_s_wish_for_another_model_is_in_the_trace_and_a_stop_stops_kept_answers_too() {
    let scene = scene(|_| {}).await;
    scene.client.chat(cold("hello")).await.unwrap();
    let spent = scene.sum("charged_picos").await;
    let down = Threshold { percent: 50, actions: vec![Action::Downgrade("sandbox/small".into())] };
    let stop = Threshold { percent: 100, actions: vec![Action::StopAll] };
    scene.budget(budget(Picos(spent + spent / 2), vec![down.clone()])).await;
    let reply = scene.client.chat(question("two")).await.unwrap();
    let lines = scene.trace(&reply).await.lines();
    assert!(lines.contains(&"sandbox/small in place of sandbox/large, because the budget daily wants it".to_owned()), "{lines:?}");

    scene.budget(budget(Picos(spent), vec![stop])).await;
    let error = scene.client.chat(cold("hello")).await.unwrap_err();
    assert!(matches!(error, Error::OverBudget(_)), "{error}");
    assert_eq!(scene.sum("cache_hits").await, 0);
}

#[tokio::test]
async fn the_cost_of_a_stream_that_broke_off_is_looked_up_once() {
    let scene = scene(|settings| {
        settings.max_attempts = 1;
        settings.response_model = "openai/gpt-5-mini".into();
    })
    .await;
    scene.budget(budget(Picos(1_000_000_000_000), vec![])).await;
    scene.fault(&format!("{CHAT}=truncated-body*1"));
    let text = "Message: How do we measure shade in a city? ".repeat(4);
    let error = scene.client.chat(ChatRequest { stream: true, ..question(&text) }).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { generation_id: Some(_), .. }), "{error:?}");
    let row = scene.rows().await.remove(0);
    assert_eq!((row.text("outcome").unwrap(), row.int_opt("cost_reported_picos").unwrap()), ("interrupted".to_owned(), None));
    let (spent, reserved, unknown) = scene.used().await;
    assert!(scene.sum("unpriced").await == 1 && unknown == 1 && reserved == 0 && spent > 0, "what was set aside counts as spent meanwhile");

    // It is not known at once, and asked for again.
    scene.fault("model:/api/v1/generation=status:404*1");
    let found = scene.client.recover_costs(NOW - 1, 10).await.unwrap();
    let Recovered::Cost { cost, picos, .. } = &found[0].recovered else { panic!("{found:?}") };
    let row = scene.rows().await.remove(0);
    assert_eq!((row.text("cost_reported").unwrap(), row.int_opt("cost_reported_picos").unwrap()), (cost.clone(), Some(picos.0)));
    assert!(picos.0 > 0 && row.int_opt("tokens_in").unwrap().unwrap() > 0);
    assert_eq!(row.text("outcome").unwrap(), "interrupted", "its answer is as lost as before");
    assert_eq!((scene.sum("unpriced").await, scene.sum("charged_picos").await, scene.sum("calls").await), (0, picos.0, 1));
    assert_eq!(scene.used().await, (picos.0, 0, 0));
    scene.sums_are_right().await;

    assert!(scene.client.recover_costs(NOW - 1, 10).await.unwrap().is_empty(), "once");
    assert_eq!((scene.sum("charged_picos").await, scene.used().await), (picos.0, (picos.0, 0, 0)));
}

#[tokio::test]
async fn two_who_look_up_the_same_call_write_it_down_once() {
    let scene = scene(|settings| settings.max_attempts = 1).await;
    for _ in 0..4 {
        scene.fault(&format!("{CHAT}=truncated-body*1"));
        scene.client.chat(ChatRequest { stream: true, ..question("Message: How do we measure shade?") }).await.unwrap_err();
    }
    let (one, two) = tokio::join!(scene.client.recover_costs(0, 10), scene.client.recover_costs(0, 10));
    let costs = one.unwrap().into_iter().chain(two.unwrap()).filter(|one| matches!(one.recovered, Recovered::Cost { .. }));
    assert_eq!(costs.count(), 4);
    assert_eq!(scene.sum("calls").await, 4);
    scene.sums_are_right().await;
}

#[tokio::test]
async fn a_generation_that_is_not_known_stays_unknown() {
    let scene = scene(|settings| settings.max_attempts = 1).await;
    scene.fault(&format!("{CHAT}=truncated-body*1"));
    scene.client.chat(ChatRequest { stream: true, ..question("Message: How do we measure shade?") }).await.unwrap_err();
    scene.clock.advance(61_000);
    for (fault, expected) in [("status:404", "not_found"), ("status:500", "failed"), ("malformed", "failed")] {
        scene.fault(&format!("model:/api/v1/generation={fault}*1"));
        let found = scene.client.recover_costs(0, 10).await.unwrap();
        let told = serde_json::to_value(&found[0]).unwrap();
        assert_eq!(told["result"], expected, "{told}");
    }
    assert_eq!(scene.sum("unpriced").await, 1);
    scene.fault("model:/api/v1/generation=status:401*1");
    assert!(scene.client.recover_costs(0, 10).await.unwrap_err().to_string().contains("OPENROUTER_API_KEY"));
}

#[tokio::test]
async fn a_question_that_was_dropped_can_be_looked_up_as_well() {
    let scene = scene(|_| {}).await;
    scene.fault(&format!("{CHAT}=slow-body:30s*1"));
    let asking = scene.client.chat(ChatRequest { stream: true, ..question("Message: How do we measure shade?") });
    assert!(tokio::time::timeout(Duration::from_millis(400), asking).await.is_err());
    let row = loop {
        let row = scene.rows().await.remove(0);
        if row.text("outcome").unwrap() != "started" {
            break row;
        }
        tokio::task::yield_now().await;
    };
    assert!(row.text_opt("generation_id").unwrap().is_some_and(|id| id.starts_with("gen-")), "{row:?}");
    assert!(Trace::read(&row.text("trace").unwrap()).is_some());
    let found = scene.client.recover_costs(0, 10).await.unwrap();
    assert!(matches!(found[0].recovered, Recovered::Cost { .. }), "{found:?}");
}

impl Scene {
    async fn compared(&self, key: &Key) -> Vec<Compared> {
        let key = key.clone();
        self.database.read(move |c| compare::compare(c, &key, NOW, 0.01)).await.unwrap()
    }
}

#[tokio::test]
async fn the_service_s_view_of_the_key_is_compared_with_the_ledger() {
    let scene = scene(|settings| settings.max_attempts = 1).await;
    for text in ["one", "two", "three"] {
        scene.client.chat(question(&text.repeat(4_000))).await.unwrap();
    }
    let key = scene.client.key().await.unwrap();
    assert_eq!((key.limit, key.day, key.week), (Some(Picos(100_000_000_000_000)), key.total, key.total));
    let same = scene.compared(&key).await;
    assert!(same.iter().all(|one| one.verdict == Verdict::Same && one.ledger == key.day), "{same:?}");

    // A call of the last month, so that the ledger is older than the periods; then the service counts more than we know of.
    let older = NOW - 40 * rollup::DAY;
    scene
        .database
        .write(move |c| c.exec("UPDATE llm_calls SET started_at = $1 WHERE id = (SELECT min(id) FROM llm_calls)", vals![older]))
        .await
        .unwrap();
    let less = scene.compared(&key).await;
    assert!(less.iter().all(|one| one.verdict == Verdict::ServiceMore), "{less:?}");
    let elsewhere = Key { day: Picos::ZERO, ..key };
    assert_eq!(scene.compared(&elsewhere).await[0].verdict, Verdict::LedgerMore);

    scene.fault("model:/api/v1/key=status:404*1");
    assert!(scene.client.key().await.unwrap_err().to_string().contains("another service than OpenRouter"));
    scene.fault("model:/api/v1/key=html-200*1");
    assert!(scene.client.key().await.unwrap_err().to_string().contains("not JSON"));
}

#[tokio::test]
async fn every_persona_of_a_process_shares_its_limits_and_cooldowns() {
    let scene = scene(|_| {}).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.toml");
    let text = format!(
        "[llm]\nbase_url = \"{}\"\nfallback_models = [\"sandbox/small\"]\n[route]\nrequests_per_minute = 9\nmodel_limits = [\"sandbox/small rpm=7 tpm=100000\"]\ncooldown_after = 1\n",
        scene.sandbox.model_url()
    );
    std::fs::write(&file, text).unwrap();
    let environment =
        [("OPENROUTER_API_KEY", "sandbox-key"), ("RESPONSE_MODEL", "sandbox/large"), ("HOME", directory.path().to_str().unwrap())];
    let request = quarterdeck::config::Request {
        config: Some(file),
        data_dir: Some(directory.path().to_path_buf()),
        environment: environment.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        ..quarterdeck::config::Request::default()
    };
    let settings = quarterdeck::config::load(&request).settings().unwrap();
    let deck = quarterdeck::deck::Deck::open(settings, Arc::new(scene.clock.clone())).unwrap();
    let (one, other) = (deck.models().unwrap(), deck.models().unwrap());
    scene.fault(&format!("{CHAT}=status:503*3"));
    assert!(one.chat(question("one")).await.is_ok());
    assert_eq!(other.chat(question("two")).await.unwrap().model_asked, "sandbox/small");
    let live = deck.live();
    assert_eq!((live.cooling.len(), other.gauges().cooling.len()), (1, 1));
    let left: Vec<_> =
        live.buckets.iter().map(|bucket| (bucket.model.as_str(), bucket.rpm_left, bucket.rpm_limit, bucket.tpm_limit)).collect();
    assert_eq!(left, [("sandbox/large", Some(6), Some(9), None), ("sandbox/small", Some(5), Some(7), Some(100_000))]);
}
