//! A model that says what a test tells it to, and keeps what it was asked.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

/// What it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Draft,
    Check,
    Proposals,
}

/// How it answers.
#[derive(Debug, Clone)]
pub enum Say {
    Text(String),
    /// A text that was cut off by the limit.
    Cut(String),
    Status(u16),
}

type Rule = Box<dyn Fn(Kind, &str) -> Say + Send + Sync>;

/// The model. It answers once `gate` is open.
#[derive(Clone)]
pub struct Scripted {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    rule: Rule,
    asked: Mutex<Vec<(Kind, String)>>,
    closed: Mutex<bool>,
    opened: Notify,
    arrived: Notify,
}

impl Scripted {
    pub async fn start(rule: impl Fn(Kind, &str) -> Say + Send + Sync + 'static) -> Self {
        let inner = Arc::new(Inner {
            rule: Box::new(rule),
            asked: Mutex::default(),
            closed: Mutex::new(false),
            opened: Notify::new(),
            arrived: Notify::new(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api/v1", listener.local_addr().unwrap());
        let router = Router::new().route("/api/v1/chat/completions", post(answer)).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    /// Everything it was asked of a kind: the whole prompt, system and user.
    pub fn asked(&self, kind: Kind) -> Vec<String> {
        self.inner.asked.lock().unwrap().iter().filter(|(asked, _)| *asked == kind).map(|(_, prompt)| prompt.clone()).collect()
    }

    /// From now on answers wait.
    pub fn close(&self) {
        *self.inner.closed.lock().unwrap() = true;
    }

    /// Answer what waits, and all that comes.
    pub fn open(&self) {
        *self.inner.closed.lock().unwrap() = false;
        self.inner.opened.notify_waiters();
    }

    /// Waits until it is asked.
    pub async fn arrival(&self) {
        self.inner.arrived.notified().await;
    }
}

async fn answer(State(inner): State<Arc<Inner>>, body: axum::Json<Value>) -> Response {
    let body = body.0;
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let prompt = messages.iter().filter_map(|message| message["content"].as_str()).collect::<Vec<_>>().join("\n\n");
    let kind = match () {
        () if prompt.contains("is_consistent") => Kind::Check,
        () if prompt.contains("new_belief") => Kind::Proposals,
        () => Kind::Draft,
    };
    inner.asked.lock().unwrap().push((kind, prompt.clone()));
    let opened = inner.opened.notified();
    let closed = *inner.closed.lock().unwrap();
    inner.arrived.notify_one();
    if closed {
        opened.await;
    }
    let (text, reason) = match (inner.rule)(kind, &prompt) {
        Say::Text(text) => (text, "stop"),
        Say::Cut(text) => (text, "length"),
        Say::Status(status) => {
            let body = json!({"error": {"code": status, "message": "told to refuse"}});
            return (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response();
        }
    };
    axum::Json(json!({
        "id": "gen-test", "object": "chat.completion", "created": 1, "model": body["model"],
        "choices": [{"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": 0.0001},
    }))
    .into_response()
}

/// What a sensible model says to each kind of question.
pub fn sensible(kind: Kind) -> Say {
    Say::Text(match kind {
        Kind::Draft => "The gauges upstream say it best, and they are open to everybody.".to_owned(),
        Kind::Check => json!({"is_consistent": true, "conflicts": [], "explanation": "fits", "confidence": 0.9}).to_string(),
        Kind::Proposals => json!({"updates": [], "new_belief": null}).to_string(),
    })
}
