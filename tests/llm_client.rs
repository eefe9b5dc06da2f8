//! The model client against a real server on loopback and a real database: retries, fallback, streams, the ledger, and the key.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, header};
use futures_util::stream::{self, StreamExt as _};
use quarterdeck::base::{PersonaId, Picos, TestClock};
use quarterdeck::llm::calls::{self, Call};
use quarterdeck::llm::consistency::{BeliefLine, Consistency, ConsistencyRequest};
use quarterdeck::llm::price::{Book, book, import};
use quarterdeck::llm::{ChatRequest, Class, Client, Error, Settings};
use quarterdeck::store::audit::Actor;
use quarterdeck::store::{Database, testing};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const KEY: &str = "sk-or-v1-0123456789abcdef";
/// 2026-11-21.
const NOW: i64 = 1_795_219_200_000;

/// What the server does with one request.
enum Answer {
    Json(u16, Value),
    With(u16, Vec<(&'static str, &'static str)>, String),
    Stream(Vec<&'static str>, End),
    Hang,
}

enum End {
    Clean,
    Reset,
    Never,
}

#[derive(Clone, Default)]
struct Script(Arc<Mutex<(VecDeque<Answer>, Vec<Asked>)>>);

/// The headers and the body of a request.
type Asked = (HeaderMap, Value);

impl Script {
    fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().1.clone()
    }

    fn models(&self) -> Vec<String> {
        self.asked().into_iter().map(|(_, body)| body["model"].as_str().unwrap().to_owned()).collect()
    }
}

async fn handle(State(script): State<Script>, request: Request) -> Response<Body> {
    let headers = request.headers().clone();
    assert_eq!(request.uri().path(), "/v1/chat/completions");
    let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
    let answer = {
        let mut script = script.0.lock().unwrap();
        script.1.push((headers, serde_json::from_slice(&body).unwrap()));
        script.0.pop_front().expect("the client asked more often than the script says")
    };
    match answer {
        Answer::Json(status, body) => {
            Response::builder().status(status).header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
        }
        Answer::With(status, headers, body) => {
            let builder =
                headers.into_iter().fold(Response::builder().status(status), |builder, (name, value)| builder.header(name, value));
            builder.body(Body::from(body)).unwrap()
        }
        Answer::Stream(chunks, end) => {
            let chunks = stream::iter(chunks).map(|chunk| Ok::<_, std::io::Error>(chunk.to_owned()));
            let body = match end {
                End::Clean => Body::from_stream(chunks),
                End::Reset => Body::from_stream(chunks.chain(stream::once(async {
                    // The server sends what it has while it waits.
                    tokio::task::yield_now().await;
                    Err(std::io::Error::other("reset"))
                }))),
                End::Never => Body::from_stream(chunks.chain(stream::pending())),
            };
            Response::builder()
                .header(header::CONTENT_TYPE, "text/event-stream")
                .header("x-generation-id", "gen-header")
                .body(body)
                .unwrap()
        }
        Answer::Hang => std::future::pending().await,
    }
}

struct Scene {
    client: Client,
    script: Script,
    database: Database,
    _directory: tempfile::TempDir,
}

async fn scene(answers: Vec<Answer>, adjust: impl FnOnce(&mut Settings)) -> Scene {
    let script = Script(Arc::new(Mutex::new((answers.into(), Vec::new()))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(handle).with_state(script.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let mut settings = Settings {
        base_url: format!("http://{address}/v1"),
        api_key: Some(KEY.into()),
        retry_base: Duration::from_millis(1),
        ..Settings::default()
    };
    adjust(&mut settings);
    let (database, directory) = testing::database();
    let client = Client::new(settings, Some(database.clone()), Book::embedded().unwrap(), Arc::new(TestClock::at(NOW))).unwrap();
    Scene { client, script, database, _directory: directory }
}

impl Scene {
    async fn rows(&self) -> Vec<Call> {
        let mut rows = self.database.read(|c| calls::recent(c, None, None, 100)).await.unwrap();
        rows.sort_by_key(|row| row.attempt);
        rows
    }
}

fn question() -> ChatRequest {
    ChatRequest {
        persona: Some(PersonaId::from_stored("p1")),
        correlation_id: "cycle-1".into(),
        ..ChatRequest::new("draft", None, "hello")
    }
}

fn good() -> Value {
    json!({"id": "gen-1", "model": "openai/gpt-5-mini-2025-08-07", "provider": "OpenAI",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi."}}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100, "cost": 0.00045, "prompt_tokens_details": {"cached_tokens": 0}}})
}

fn refusal(code: u16) -> Answer {
    Answer::Json(code, json!({"error": {"code": code, "message": "not now"}}))
}

#[tokio::test]
async fn an_answer_is_returned_and_recorded_with_its_price() {
    let scene = scene(vec![Answer::Json(200, good())], |_| {}).await;
    let reply = scene.client.chat(question()).await.unwrap();
    assert_eq!((reply.text.as_str(), reply.attempts, reply.finish_reason.as_deref()), ("Hi.", 1, Some("stop")));
    assert_eq!(
        (reply.cost_reported.as_deref(), reply.cost_reported_picos, reply.cost_computed),
        (Some("0.00045"), Some(Picos(450_000_000)), Some(Picos(450_000_000)))
    );

    let rows = scene.rows().await;
    let row = &rows[0];
    assert_eq!((rows.len(), &row.id, &row.request_id), (1, &reply.call_id, &reply.request_id));
    assert_eq!((row.outcome.as_str(), row.http_status, row.tokens_in, row.tokens_out), ("ok", Some(200), Some(1000), Some(100)));
    assert_eq!(
        (row.model_asked.as_str(), row.model_answered.as_deref(), row.provider.as_deref()),
        ("openai/gpt-5-mini", Some("openai/gpt-5-mini-2025-08-07"), Some("OpenAI"))
    );
    assert_eq!((row.persona_id.as_deref(), row.module.as_str(), row.correlation_id.as_str()), (Some("p1"), "draft", "cycle-1"));
    assert_eq!(
        (row.cost_reported.as_deref(), row.cost_computed_picos, row.price_id.as_deref()),
        (Some("0.00045"), Some(450_000_000), Some("embedded:openai/gpt-5-mini@2025-08-07"))
    );
    let (headers, _) = &scene.script.asked()[0];
    assert_eq!(headers[header::AUTHORIZATION], format!("Bearer {KEY}"));
}

#[tokio::test]
async fn a_model_without_a_price_is_unpriced_not_free() {
    let mut body = good();
    body["model"] = json!("someone/new-model");
    body["usage"].as_object_mut().unwrap().remove("cost");
    let scene = scene(vec![Answer::Json(200, body)], |_| {}).await;
    let reply = scene.client.chat(question()).await.unwrap();
    assert_eq!((reply.cost_computed, reply.cost_reported), (None, None));
    let rows = scene.rows().await;
    assert_eq!((rows[0].cost_computed_picos, rows[0].cost_reported_picos, rows[0].tokens_in), (None, None, Some(1000)));
}

#[tokio::test]
async fn an_imported_price_counts_from_its_day_on() {
    let scene = scene(vec![Answer::Json(200, good()), Answer::Json(200, good())], |_| {}).await;
    let with_price = |from: i64| {
        scene.database.write(move |c| {
            let text =
                json!({"data": [{"id": "openai/gpt-5-mini", "pricing": {"prompt": "0.000001", "completion": "0.00001"}}]}).to_string();
            let (source, table) = import::read(&text).unwrap();
            book::import(c, source, table, from, NOW, &Actor::human("tester"))
        })
    };
    with_price(NOW + 1).await.unwrap();
    assert_eq!(scene.client.chat(question()).await.unwrap().cost_computed, Some(Picos(450_000_000)), "tomorrow's price is not today's");
    with_price(NOW).await.unwrap();
    let reply = scene.client.chat(question()).await.unwrap();
    assert_eq!(reply.cost_computed, Some(Picos(2_000_000_000)));
    assert_eq!(scene.rows().await.iter().find(|row| row.id == reply.call_id).unwrap().price_id, reply.price_id);
}

#[tokio::test]
async fn transient_failures_are_retried_and_each_attempt_is_a_row() {
    let scene = scene(vec![refusal(429), Answer::With(502, vec![], "<html>bad gateway".into()), Answer::Json(200, good())], |_| {}).await;
    let reply = scene.client.chat(question()).await.unwrap();
    assert_eq!(reply.attempts, 3);
    let rows = scene.rows().await;
    let told: Vec<_> = rows.iter().map(|row| (row.attempt, row.outcome.as_str(), row.http_status, row.error_type.as_deref())).collect();
    assert_eq!(
        told,
        [(1, "error", Some(429), Some("rate_limit")), (2, "error", Some(502), Some("unavailable")), (3, "ok", Some(200), None)]
    );
    assert!(rows.iter().all(|row| row.request_id == reply.request_id));
    assert_eq!(rows[0].cost_computed_picos, None, "what a failure cost is not known to be nothing");
}

#[tokio::test]
async fn the_server_s_wait_is_honoured_over_our_own() {
    let wait = Answer::With(429, vec![("retry-after", "0.01")], "{}".into());
    let scene = scene(vec![wait, Answer::Json(200, good())], |settings| settings.retry_base = Duration::from_secs(86_400)).await;
    assert_eq!(scene.client.chat(question()).await.unwrap().attempts, 2);
}

#[tokio::test]
async fn fallback_models_follow_in_order_when_the_first_is_not_to_be_had() {
    let mut body = good();
    body["model"] = json!("c/third");
    let long = Answer::With(429, vec![("retry-after", "3600")], "{}".into());
    let scene = scene(vec![refusal(503), refusal(529), long, Answer::Json(200, body)], |settings| {
        settings.max_attempts = 2;
        settings.fallback_models = vec!["b/second".into(), "c/third".into()];
    })
    .await;
    let reply = scene.client.chat(question()).await.unwrap();
    assert_eq!(scene.script.models(), ["openai/gpt-5-mini", "openai/gpt-5-mini", "b/second", "c/third"]);
    assert_eq!((reply.attempts, reply.model_asked.as_str()), (4, "c/third"));
    let rows = scene.rows().await;
    assert_eq!(rows.iter().map(|row| row.attempt).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn when_everything_fails_the_attempts_are_told() {
    let scene = scene((0..4).map(|_| refusal(500)).collect(), |settings| {
        settings.max_attempts = 2;
        settings.fallback_models = vec!["b/second".into()];
    })
    .await;
    let error = scene.client.chat(question()).await.unwrap_err();
    assert!(matches!(error, Error::GaveUp { attempts: 4, .. }));
    let text = error.to_string();
    assert!(text.contains("4 attempts") && text.contains("openai/gpt-5-mini, b/second") && text.contains("not now"), "{text}");
}

#[tokio::test]
async fn what_cannot_mend_itself_is_asked_once() {
    for (status, class) in [
        (400, Class::BadRequest),
        (401, Class::Unauthorised),
        (402, Class::OutOfCredit),
        (403, Class::Forbidden),
        (404, Class::NotFound),
        (307, Class::Unexpected),
    ] {
        let answer = Answer::With(
            status,
            vec![("location", "http://127.0.0.1:1/elsewhere")],
            json!({"error": {"code": status, "message": "no"}}).to_string(),
        );
        let scene = scene(vec![answer], |settings| settings.fallback_models = vec!["b/second".into()]).await;
        let error = scene.client.chat(question()).await.unwrap_err();
        assert_eq!(error.refusal().unwrap().class, class, "{status}");
        assert_eq!((scene.script.asked().len(), scene.rows().await.len()), (1, 1), "{status}");
    }
}

#[tokio::test]
async fn too_many_calls_in_flight_are_waited_for() {
    let busy = json!({"error": {"code": 402, "message": "busy", "metadata": {"limit_source": "openrouter_in_flight_budget", "reason": "in_flight_budget_exhausted"}}});
    let scene = scene(vec![Answer::Json(402, busy), Answer::Json(200, good())], |_| {}).await;
    assert_eq!(scene.client.chat(question()).await.unwrap().attempts, 2);
}

#[tokio::test]
async fn an_error_in_a_good_status_counts_by_its_own_code() {
    let hidden = json!({"error": {"code": 401, "message": "User not found."}, "user_id": "u"});
    let scene = scene(vec![Answer::Json(200, hidden)], |_| {}).await;
    let error = scene.client.chat(question()).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().class, Class::Unauthorised);
    assert_eq!(scene.rows().await[0].outcome, "error");
}

#[tokio::test]
async fn a_body_that_is_no_answer_is_malformed() {
    let scene =
        scene(vec![Answer::With(200, vec![], "<html>log in to the hotel network".into())], |settings| settings.max_attempts = 1).await;
    let error = scene.client.chat(question()).await.unwrap_err();
    assert!(matches!(&error, Error::Malformed { .. }) && error.to_string().contains("web page"), "{error}");
    assert_eq!(scene.rows().await[0].outcome, "malformed");
}

fn streamed() -> ChatRequest {
    ChatRequest { stream: true, ..question() }
}

#[tokio::test]
async fn a_stream_is_put_together_and_its_late_usage_recorded() {
    let chunks = vec![
        ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCE",
        "SSING\n\ndata: {\"id\":\"gen-7\",\"model\":\"openai/gpt-5-mini\",\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\ndata: {\"choices\":[{\"del",
        "ta\":{\"content\":\"lo\"},\"finish_reason\":\"stop\"}]}\r\n\r\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":null}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"cost\":0.0000062500}}\n\n",
        "data: [DONE]\n\n",
    ];
    let scene = scene(vec![Answer::Stream(chunks, End::Clean)], |_| {}).await;
    let reply = scene.client.chat(streamed()).await.unwrap();
    assert_eq!(
        (reply.text.as_str(), reply.finish_reason.as_deref(), reply.generation_id.as_deref()),
        ("Hello", Some("stop"), Some("gen-7"))
    );
    assert!(reply.first_token.is_some_and(|first| first <= reply.latency));
    let rows = scene.rows().await;
    assert_eq!((rows[0].outcome.as_str(), rows[0].cost_reported.as_deref(), rows[0].tokens_in), ("ok", Some("0.0000062500"), Some(9)));
    assert!(rows[0].first_token_us.is_some());
    assert_eq!(scene.script.asked()[0].1["stream_options"]["include_usage"], true);
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_interrupted_with_unknown_cost() {
    const HALF: &str = "data: {\"id\":\"gen-9\",\"choices\":[{\"delta\":{\"content\":\"Hel\"},\"finish_reason\":\"stop\"}]}\n\n";
    for end in [End::Clean, End::Reset] {
        let scene = scene(vec![Answer::Stream(vec![HALF], end)], |settings| settings.max_attempts = 1).await;
        let error = scene.client.chat(streamed()).await.unwrap_err();
        assert!(matches!(&error, Error::Interrupted { generation_id: Some(id), .. } if id == "gen-9"), "{error:?}");
        let rows = scene.rows().await;
        let row = &rows[0];
        assert_eq!((row.outcome.as_str(), row.generation_id.as_deref()), ("interrupted", Some("gen-9")));
        assert_eq!((row.cost_reported_picos, row.cost_computed_picos, row.tokens_in), (None, None, None));
    }
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_keeps_its_usage() {
    let chunks = vec![
        "data: {\"choices\":[{\"delta\":{\"content\":\"Hel\"}}]}\n\n",
        "data: {\"error\":{\"code\":400,\"message\":\"Token limit reached\"},\"choices\":[{\"delta\":{},\"finish_reason\":null}],\"usage\":{\"prompt_tokens\":43,\"completion_tokens\":10,\"cost\":0}}\n\n",
    ];
    let scene = scene(vec![Answer::Stream(chunks, End::Never)], |_| {}).await;
    let error = scene.client.chat(streamed()).await.unwrap_err();
    assert!(error.to_string().contains("Token limit reached"), "{error}");
    let rows = scene.rows().await;
    assert_eq!(
        (rows.len(), rows[0].outcome.as_str(), rows[0].cost_reported.as_deref(), rows[0].tokens_in),
        (1, "error", Some("0"), Some(43))
    );
}

#[tokio::test]
async fn silence_ends_in_a_timeout_that_says_what_was_awaited() {
    let keep_alive = Answer::Stream(vec![": OPENROUTER PROCESSING\n\n"], End::Never);
    for (answer, request, awaited) in
        [(Answer::Hang, question(), "complete answer"), (Answer::Hang, streamed(), "first token"), (keep_alive, streamed(), "first token")]
    {
        let scene = scene(vec![answer], |settings| {
            settings.max_attempts = 1;
            settings.first_token_timeout = Duration::from_millis(40);
            settings.total_timeout = Duration::from_millis(80);
        })
        .await;
        let error = scene.client.chat(request).await.unwrap_err();
        assert!(error.to_string().contains(awaited), "{error}");
        let rows = scene.rows().await;
        assert_eq!(
            (rows[0].outcome.as_str(), rows[0].error_type.as_deref(), rows[0].cost_computed_picos),
            ("interrupted", Some("timeout"), None)
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let scene = scene(vec![], |settings| settings.base_url = format!("http://{closed}/v1")).await;
    let error = scene.client.chat(question()).await.unwrap_err();
    assert!(matches!(&error, Error::GaveUp { attempts: 3, last, .. } if matches!(**last, Error::Unreachable { .. })), "{error:?}");
    assert!(error.to_string().contains(&closed.to_string()), "{error}");
    assert!(scene.rows().await.iter().all(|row| row.outcome == "error" && row.error_type.as_deref() == Some("unreachable")));
}

#[tokio::test]
async fn without_a_key_nothing_is_sent_to_a_service() {
    let client = Client::new(Settings::default(), None, Book::empty(), Arc::new(TestClock::at(NOW))).unwrap();
    let error = client.chat(question()).await.unwrap_err();
    assert!(matches!(error, Error::NoKey { .. }) && error.to_string().contains("OPENROUTER_API_KEY"), "{error}");
}

#[tokio::test]
async fn the_key_shows_nowhere() {
    let echo = format!("{} the key {KEY} is not valid", "x".repeat(375));
    for (status, body) in [
        (401, json!({"error": {"code": 401, "message": echo, "metadata": {"provider_name": KEY, "error_type": KEY}}})),
        (200, json!({"error": {"code": KEY, "message": echo}})),
    ] {
        let scene = scene(vec![Answer::Json(status, body)], |settings| settings.max_attempts = 1).await;
        let error = scene.client.chat(question()).await.unwrap_err();
        let row = scene.rows().await.remove(0);
        let shown = format!("{error} {error:?} {:?} {:?} {}", scene.client, scene.client.settings(), serde_json::to_string(&row).unwrap());
        assert!(!shown.contains(&KEY[..10]), "{shown}");
    }
}

#[tokio::test]
async fn a_question_that_is_dropped_settles_as_interrupted() {
    let scene = scene(vec![Answer::Hang], |_| {}).await;
    let (client, script) = (scene.client.clone(), scene.script.clone());
    let asking = tokio::spawn(async move { client.chat(question()).await });
    while script.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.rows().await[0].outcome, "started", "the row is there while the question is under way");
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    let row = loop {
        let row = scene.rows().await.remove(0);
        if row.outcome != "started" {
            break row;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((row.outcome.as_str(), row.error_type.as_deref(), row.cost_computed_picos), ("interrupted", Some("cancelled"), None));
}

#[tokio::test]
async fn every_change_of_a_call_is_in_the_feed_and_in_the_audit_log() {
    let scene = scene(vec![refusal(500), Answer::Json(200, good())], |_| {}).await;
    scene.client.chat(question()).await.unwrap();
    let (feed, audit) = scene
        .database
        .read(|c| {
            let feed = c.query("SELECT kind FROM change_feed WHERE topic = 'ledger' ORDER BY seq", &[])?;
            let audit = c.query("SELECT action FROM audit_log WHERE subject_kind = 'llm_call' ORDER BY seq", &[])?;
            Ok::<_, quarterdeck::store::Error>((feed, audit))
        })
        .await
        .unwrap();
    let expected = ["llm.call.start", "llm.call.settle", "llm.call.start", "llm.call.settle"];
    assert_eq!(feed.iter().map(|row| row.text("kind").unwrap()).collect::<Vec<_>>(), expected);
    assert_eq!(audit.iter().map(|row| row.text("action").unwrap()).collect::<Vec<_>>(), expected);
}

fn check(beliefs: Vec<BeliefLine>) -> ConsistencyRequest {
    ConsistencyRequest {
        persona: PersonaId::from_stored("p1"),
        correlation_id: "cycle-1".into(),
        draft: "Cars win.".into(),
        thread: "t".into(),
        beliefs,
    }
}

fn belief() -> Vec<BeliefLine> {
    vec![BeliefLine { id: "b1".into(), text: "Trains win".into(), confidence: 0.8 }]
}

#[tokio::test]
async fn a_consistency_check_asks_the_other_model_and_never_guesses() {
    let mut conflict = good();
    conflict["choices"][0]["message"]["content"] = json!(
        r#"{"is_consistent": false, "conflicts": [{"belief_id": "b1", "quote": "Cars win"}], "explanation": "opposite", "confidence": 0.9}"#
    );
    let scene = scene(vec![Answer::Json(200, conflict), Answer::Json(200, good()), refusal(401)], |_| {}).await;

    let none = scene.client.check_consistency(&check(vec![])).await;
    assert_eq!((none.result, scene.script.asked().len()), (Consistency::NotNeeded, 0), "no beliefs, no call");

    let found = scene.client.check_consistency(&check(belief())).await;
    assert!(matches!(found.result, Consistency::Inconsistent { ref conflicts, .. } if conflicts[0].belief_id == "b1"), "{found:?}");
    let (_, asked) = &scene.script.asked()[0];
    assert_eq!(
        (asked["model"].as_str(), asked["response_format"]["type"].as_str(), asked["max_tokens"].as_u64()),
        (Some("anthropic/claude-haiku-4.5"), Some("json_object"), Some(200))
    );

    let prose = scene.client.check_consistency(&check(belief())).await;
    let refused = scene.client.check_consistency(&check(belief())).await;
    for unknown in [prose.result, refused.result] {
        assert!(matches!(&unknown, Consistency::Unknown { reason } if !reason.is_empty()), "{unknown:?}");
    }
    assert_eq!(scene.rows().await.iter().filter(|row| row.module == "consistency").count(), 3);
}
