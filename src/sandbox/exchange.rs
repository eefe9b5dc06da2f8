//! A request as the handlers see it and an answer as they give it: plain data, so that no handler knows HTTP machinery.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The three faces of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The parts of the Reddit API.
    Reddit,
    /// The parts of the OpenAI-compatible model API.
    Model,
    /// The control endpoint.
    Control,
}

impl Service {
    /// As it is written in fault targets and counts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reddit => "reddit",
            Self::Model => "model",
            Self::Control => "control",
        }
    }
}

/// A request, read whole.
#[derive(Debug, Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Which face it is for.
    pub service: Service,
    /// The path without a trailing slash and without `.json`; always begins with `/`.
    pub path: String,
    /// The parameters of the query.
    pub query: HashMap<String, String>,
    /// The fields of a form body.
    pub form: HashMap<String, String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
    /// `http://127.0.0.1:PORT`.
    pub base: String,
    /// How much later than now a write takes effect, in milliseconds: zero but for a late-commit fault.
    pub delay: i64,
}

impl Request {
    /// The normal form of a path: what routing and fault targets look at.
    #[must_use]
    pub fn normal_path(uri: &Uri) -> String {
        let mut path = uri.path().trim_end_matches('/');
        path = path.strip_suffix(".json").unwrap_or(path).trim_end_matches('/');
        let mut normal = String::with_capacity(path.len() + 1);
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            normal.push('/');
            normal.push_str(segment);
        }
        if normal.is_empty() { "/".to_owned() } else { normal }
    }

    /// Which face serves `path`. `/api/v1` belongs to both services; no name is used by both.
    #[must_use]
    pub fn service_of(path: &str) -> Service {
        if path == "/sandbox" || path.starts_with("/sandbox/") {
            return Service::Control;
        }
        // Clients of these endpoints put `/v1` behind the host.
        if matches!(path, "/v1/moderations" | "/v1/embeddings") {
            return Service::Model;
        }
        let rest = path.strip_prefix("/api/v1/").unwrap_or("");
        let model = ["chat/completions", "models", "key", "generation", "credits", "moderations", "embeddings"];
        if model.contains(&rest) || rest.starts_with("models/") { Service::Model } else { Service::Reddit }
    }

    /// The parts of the path between slashes.
    #[must_use]
    pub fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|segment| !segment.is_empty()).collect()
    }

    /// A header as text; `None` when it is absent or not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A query parameter, or else the form field of that name; empty when neither was sent.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.query.get(name).or_else(|| self.form.get(name)).map_or("", String::as_str)
    }

    /// A form field; empty when it was not sent.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }

    /// A form field as a switch: `true`, `True`, `1`, `on` and `yes` are on.
    #[must_use]
    pub fn switch(&self, name: &str) -> bool {
        matches!(self.field(name).to_ascii_lowercase().as_str(), "true" | "1" | "on" | "yes")
    }
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub enum Content {
    /// JSON.
    Json(Value),
    /// An HTML page.
    Html(String),
    /// Server-sent events, each with its blank line.
    Events(Vec<String>),
    /// Nothing.
    Empty,
}

/// An answer before faults touch it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers besides the content type and the sandbox mark.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub content: Content,
}

impl Answer {
    /// JSON with status 200.
    #[must_use]
    pub fn json(value: Value) -> Self {
        Self::status(200, value)
    }

    /// JSON with another status.
    #[must_use]
    pub fn status(status: u16, value: Value) -> Self {
        Self { status, headers: Vec::new(), content: Content::Json(value) }
    }

    /// The plain error body of the Reddit API: `{"message", "error"}`.
    #[must_use]
    pub fn refused(status: u16) -> Self {
        Self::status(status, json!({"message": reason_phrase(status), "error": status}))
    }

    /// An HTML page, as proxies and content networks send.
    #[must_use]
    pub fn html(status: u16) -> Self {
        let phrase = reason_phrase(status);
        let page = format!(
            "<!doctype html><html><head><title>sandbox: {phrase}</title></head><body><h1>{status} {phrase}</h1><p>This page is made by the sandbox.</p></body></html>"
        );
        Self { status, headers: Vec::new(), content: Content::Html(page) }
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The usual words for a status.
#[must_use]
pub fn reason_phrase(status: u16) -> &'static str {
    axum::http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_suffixes_do_not_matter() {
        for path in ["/api/info", "/api/info/", "/api/info.json", "/api/info/.json", "//api//info"] {
            assert_eq!(Request::normal_path(&path.parse::<Uri>().unwrap()), "/api/info", "{path}");
        }
        assert_eq!(Request::normal_path(&"/".parse::<Uri>().unwrap()), "/");
    }

    #[test]
    fn the_shared_prefix_is_split_between_the_services() {
        assert_eq!(Request::service_of("/api/v1/me"), Service::Reddit);
        assert_eq!(Request::service_of("/api/v1/access_token"), Service::Reddit);
        assert_eq!(Request::service_of("/api/v1/chat/completions"), Service::Model);
        assert_eq!(Request::service_of("/api/v1/models"), Service::Model);
        assert_eq!(Request::service_of("/sandbox/state"), Service::Control);
    }
}
