//! The endpoint, against the sandbox and against servers that answer wrongly.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use quarterdeck::sandbox::{Options, Sandbox, start};
use quarterdeck::search::embed::{Embedder, Error, Settings};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn settings(url: &str, dimensions: usize) -> Settings {
    Settings {
        url: Some(url.to_owned()),
        model: Some(format!("sandbox/embed-{dimensions}")),
        dimensions: Some(dimensions),
        api_key: Some("sk-canary".into()),
        batch: 3,
        ..Settings::default()
    }
}

async fn sandbox() -> Sandbox {
    start(Options { posts: 1, ..Options::default() }).await.unwrap()
}

fn cosine(left: &Option<Vec<f32>>, right: &Option<Vec<f32>>) -> f32 {
    left.as_ref().unwrap().iter().zip(right.as_ref().unwrap()).map(|(left, right)| left * right).sum()
}

#[tokio::test]
async fn texts_get_their_vectors_in_order_and_unreadable_ones_none() {
    let sandbox = sandbox().await;
    let embedder = Embedder::open(&settings(&sandbox.model_url(), 32)).unwrap();
    assert_eq!(embedder.model().dimensions, 32);
    assert!(embedder.embed_now(&["a"]).is_none());
    let long = format!("river\0gauges {}", "and more ".repeat(12_000));
    let texts = ["river gauges", "", "bread dough", "👍 \0 …", "the river gauges", &long, "a dough of bread", " \n"];
    let vectors = embedder.embed(&texts).await.unwrap();
    let found: Vec<bool> = vectors.iter().map(Option::is_some).collect();
    assert_eq!(found, [true, false, true, false, true, true, true, false]);
    assert!(cosine(&vectors[0], &vectors[4]) > cosine(&vectors[0], &vectors[2]) + 0.3);
    assert!(cosine(&vectors[2], &vectors[6]) > cosine(&vectors[2], &vectors[4]) + 0.3);
    let alone = embedder.embed(&["bread dough"]).await.unwrap();
    assert_eq!(alone[0], vectors[2]);
    assert_eq!(embedder.embed(&[]).await.unwrap(), Vec::<Option<Vec<f32>>>::new());
}

#[tokio::test]
async fn faults_of_the_endpoint_are_told_with_the_next_step_and_pass() {
    let sandbox = sandbox().await;
    let url = sandbox.model_url();
    let embedder = Embedder::open(&settings(&url, 32)).unwrap();
    for (fault, named) in [
        ("status:401", "search.embedder.api_key"),
        ("status:404", "search.embedder.url"),
        ("status:413", "search.embedder.batch"),
        ("status:503:html", "answered 503"),
        ("rate-limit:7", "answered 429"),
        ("reset-before-commit", "cannot be reached"),
        ("truncated-body", "cannot be reached"),
        ("malformed", "not JSON"),
        ("html-200", "not JSON"),
        ("empty-things", "0 vectors for 2 texts"),
        ("prose", "does not hold vectors"),
    ] {
        sandbox.add_fault(format!("model:/embeddings={fault}*1").parse().unwrap());
        let message = embedder.embed(&["one", "two"]).await.unwrap_err().to_string();
        assert!(message.contains(named) && !message.contains("canary"), "{fault}: {message}");
        assert!(embedder.embed(&["one", "two"]).await.is_ok(), "{fault} is over");
    }
    let hasty = Settings { timeout: Duration::from_millis(50), ..settings(&url, 32) };
    sandbox.add_fault("model:/embeddings=timeout:30s*1".parse().unwrap());
    let error = Embedder::open(&hasty).unwrap().embed(&["one"]).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }) && error.to_string().contains("timeout_seconds"), "{error}");
}

#[tokio::test]
async fn a_changed_dimension_is_refused_with_both_numbers() {
    let sandbox = sandbox().await;
    let wrong = Settings { dimensions: Some(48), ..settings(&sandbox.model_url(), 32) };
    let error = Embedder::open(&wrong).unwrap().embed(&["one"]).await.unwrap_err();
    assert!(matches!(error, Error::DimensionChanged { expected: 48, found: 32, .. }), "{error}");
    assert!(error.to_string().contains("index rebuild"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_down_is_unreachable() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let embedder = Embedder::open(&settings(&format!("http://{closed}/v1"), 8)).unwrap();
    let message = embedder.embed(&["one"]).await.unwrap_err().to_string();
    assert!(message.contains("cannot be reached") && message.contains(&closed.to_string()), "{message}");
}

#[derive(Default)]
struct Seen(Vec<(HeaderMap, Value)>);

/// A server that answers each request with the next of `answers`, and keeps what it was asked.
async fn server(answers: Vec<(u16, String)>) -> (String, Arc<Mutex<Seen>>) {
    type Shared = (Arc<Mutex<Seen>>, Arc<Mutex<Vec<(u16, String)>>>);
    async fn answer(State((seen, answers)): State<Shared>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
        seen.lock().unwrap().0.push((headers, serde_json::from_slice(&body).unwrap()));
        let (status, body) = answers.lock().unwrap().remove(0);
        (StatusCode::from_u16(status).unwrap(), body)
    }
    let seen = Arc::new(Mutex::new(Seen::default()));
    let app = Router::new().fallback(answer).with_state((Arc::clone(&seen), Arc::new(Mutex::new(answers))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (url, seen)
}

#[tokio::test]
async fn requests_are_cut_into_batches_and_nothing_is_kept_of_a_call_that_failed_half_way() {
    let rows = |count: usize| json!({"data": (0..count).map(|index| json!({"index": index, "embedding": [1, index]})).collect::<Vec<_>>()});
    let (url, seen) =
        server(vec![(200, rows(3).to_string()), (500, json!({"error": {"message": "key sk-canary broke"}}).to_string())]).await;
    let settings = Settings { longest: 100, ..settings(&url, 2) };
    let long = "word ".repeat(1000);
    let error = Embedder::open(&settings).unwrap().embed(&["a", "b", "c\0c", &long]).await.unwrap_err().to_string();
    assert!(error.contains("key [key] broke"), "{error}");
    let seen = seen.lock().unwrap();
    let (headers, first) = &seen.0[0];
    assert_eq!(headers["authorization"], "Bearer sk-canary");
    assert_eq!(first["input"], json!(["a", "b", "c c"]));
    let cut = seen.0[1].1["input"][0].as_str().unwrap().to_owned();
    assert!(cut.len() < 100 && cut.ends_with("word"), "{cut}");
}

#[tokio::test]
async fn vectors_that_are_none_are_refused_or_left_out() {
    let one = |vector: &str| (200, format!(r#"{{"data":[{{"embedding":{vector}}}]}}"#));
    let (url, _) = server(vec![one("[0,0]"), one("[null,1]"), one("[NaN,1]"), one("[1e39,1]"), one("[1,2,3]"), one("[3,4]")]).await;
    let embedder = Embedder::open(&settings(&url, 2)).unwrap();
    assert_eq!(embedder.embed(&["zero"]).await.unwrap(), [None]);
    for _ in 0..4 {
        assert!(embedder.embed(&["wrong"]).await.is_err());
    }
    assert_eq!(embedder.embed(&["right"]).await.unwrap(), [Some(vec![0.6, 0.8])]);
}
