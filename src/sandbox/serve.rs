//! From a connection to an answer: read the request, see whether a fault is ordered for it, let the service answer, damage the answer.

use super::control;
use super::exchange::{Answer, Content, Request, Service};
use super::faults::{FaultKind, Faults};
use super::model::{self, Model};
use super::reddit::{self, Reddit};
use super::wire::Line;
use super::world::World;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRequest, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures_util::stream;
use std::collections::HashMap;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::watch;

/// The largest body that is read: a submission of 40,000 characters, or a long prompt, fits many times.
const LARGEST_BODY: usize = 8 << 20;
/// A slow body comes in so many parts.
const SLOW_PARTS: usize = 10;

/// Everything that the handlers share.
#[derive(Debug)]
pub(super) struct App {
    pub(super) world: World,
    pub(super) reddit: Reddit,
    pub(super) model: Model,
    pub(super) faults: Faults,
    pub(super) base: String,
    pub(super) token_pace: Duration,
    /// Turns true when the server closes: every wait ends.
    pub(super) closing: watch::Receiver<bool>,
}

/// Answer a request.
pub(super) async fn serve(State(app): State<Arc<App>>, ConnectInfo(line): ConnectInfo<Line>, request: axum::extract::Request) -> Response {
    let mut request = match read(&app, request).await {
        Ok(request) => request,
        Err(status) => return app.response(Answer::refused(status)),
    };
    let endpoint = format!("{}:{}", request.service.name(), request.path);
    let fault = app.faults.take(request.service, &request.path);
    tracing::debug!(method = %request.method, endpoint, fault = fault.as_ref().map(ToString::to_string), "sandbox request");
    if request.service != Service::Control {
        let mut state = app.world.lock();
        // The paths of threads and users are many: they are counted by their first part.
        let key = if request.method == Method::POST { endpoint } else { counted(&endpoint) };
        *state.requests.entry(key).or_insert(0) += 1;
    }
    match fault {
        None => app.response(app.answer(&request)),
        Some(FaultKind::Status { code, html: true }) => app.response(Answer::html(code)),
        Some(FaultKind::Status { code, html: false }) if request.service == Service::Model => app.response(model::fault(code)),
        Some(FaultKind::Status { code, .. }) => app.response(Answer::refused(code)),
        Some(FaultKind::RateLimitJson(seconds)) if request.service == Service::Model => {
            app.response(model::rate_limited(seconds, app.world.now()))
        }
        Some(FaultKind::RateLimitJson(seconds)) => app.response(reddit::writes::rate_limited(seconds)),
        Some(FaultKind::Timeout(time)) => {
            app.pause(time).await;
            cut(&line)
        }
        Some(FaultKind::ResetBeforeCommit) => cut(&line),
        Some(FaultKind::ResetAfterCommit) => {
            app.answer(&request);
            cut(&line)
        }
        Some(FaultKind::LateCommit(time)) => {
            request.delay = i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4);
            app.answer(&request);
            cut(&line)
        }
        Some(FaultKind::SlowBody(time)) => slowly(&app, app.answer(&request), time),
        Some(FaultKind::TruncatedBody) => truncated(&app, app.answer(&request)),
        Some(FaultKind::Malformed) => app.response(malformed(app.answer(&request))),
        Some(FaultKind::EmptyThings) => app.response(emptied(app.answer(&request))),
        Some(FaultKind::Prose) => app.response(prose(app.answer(&request))),
        Some(FaultKind::Html200) => {
            app.answer(&request);
            app.response(Answer::html(200))
        }
    }
}

impl App {
    fn answer(&self, request: &Request) -> Answer {
        match request.service {
            Service::Reddit => self.reddit.answer(request),
            Service::Model => self.model.answer(request),
            Service::Control => control::answer(self, request),
        }
    }

    /// Wait, but not longer than the server lives.
    async fn pause(&self, time: Duration) {
        let mut closing = self.closing.clone();
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = closing.wait_for(|closing| *closing) => {}
        }
    }

    fn response(self: &Arc<Self>, answer: Answer) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        set_headers(headers, &answer);
        *response.body_mut() = match answer.content {
            Content::Events(events) if !self.token_pace.is_zero() => {
                self.paced(events.into_iter().map(Bytes::from).collect(), self.token_pace)
            }
            content => Body::from(bytes_of(&content)),
        };
        response
    }

    /// A body whose parts come one by one.
    fn paced(self: &Arc<Self>, parts: Vec<Bytes>, pace: Duration) -> Body {
        let app = Arc::clone(self);
        Body::from_stream(stream::unfold((parts.into_iter(), app, false), move |(mut parts, app, waiting)| async move {
            let part = parts.next()?;
            if waiting {
                app.pause(pace).await;
            }
            Some((Ok::<_, std::io::Error>(part), (parts, app, true)))
        }))
    }
}

async fn read(app: &App, request: axum::extract::Request) -> Result<Request, u16> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, LARGEST_BODY).await.map_err(|_| 413_u16)?;
    let path = Request::normal_path(&parts.uri);
    let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map(|Query(pairs)| pairs).unwrap_or_default();
    let service = Request::service_of(&path);
    let form = if service == Service::Reddit && !body.is_empty() { form(&body).await } else { HashMap::new() };
    Ok(Request {
        method: parts.method,
        service,
        path,
        query: query.into_iter().collect(),
        form,
        headers: parts.headers,
        body,
        base: app.base.clone(),
        delay: 0,
    })
}

/// The fields of a form, whatever content type was announced: clients differ.
async fn form(body: &Bytes) -> HashMap<String, String> {
    let mut request = axum::extract::Request::new(Body::from(body.clone()));
    *request.method_mut() = Method::POST;
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    axum::Form::<Vec<(String, String)>>::from_request(request, &())
        .await
        .map(|axum::Form(pairs)| pairs.into_iter().collect())
        .unwrap_or_default()
}

/// The key under which a read is counted: `reddit:/r`, `reddit:/comments`, `model:/api/v1/models`.
fn counted(endpoint: &str) -> String {
    let (service, path) = endpoint.split_once(':').unwrap_or(("", endpoint));
    if path.starts_with("/api/") || path.starts_with("/message/") {
        return endpoint.to_owned();
    }
    let first = path.split('/').nth(1).unwrap_or_default();
    format!("{service}:/{first}")
}

/// The empty answer behind which the connection goes: its first byte is already refused.
fn cut(line: &Line) -> Response {
    line.cut();
    Response::new(Body::empty())
}

fn bytes_of(content: &Content) -> Bytes {
    match content {
        Content::Json(value) => Bytes::from(value.to_string()),
        Content::Html(page) => Bytes::from(page.clone()),
        Content::Events(events) => Bytes::from(events.concat()),
        Content::Empty => Bytes::new(),
    }
}

fn set_headers(headers: &mut HeaderMap, answer: &Answer) {
    let mime = match answer.content {
        Content::Json(_) => Some("application/json; charset=UTF-8"),
        Content::Html(_) => Some("text/html; charset=UTF-8"),
        Content::Events(_) => Some("text/event-stream"),
        Content::Empty => None,
    };
    if let Some(mime) = mime {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    }
    headers.insert(HeaderName::from_static("x-quarterdeck-sandbox"), HeaderValue::from_static("1"));
    for (name, value) in &answer.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// The right answer, spread over `time`.
fn slowly(app: &Arc<App>, answer: Answer, time: Duration) -> Response {
    let bytes = bytes_of(&answer.content);
    let size = bytes.len().div_ceil(SLOW_PARTS).max(1);
    let parts: Vec<Bytes> = (0..bytes.len()).step_by(size).map(|at| bytes.slice(at..(at + size).min(bytes.len()))).collect();
    let pace = time / u32::try_from(parts.len().saturating_sub(1).max(1)).unwrap_or(1);
    let mut response = app.response(Answer { content: Content::Empty, ..answer.clone() });
    set_headers(response.headers_mut(), &answer);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    *response.body_mut() = app.paced(parts, pace);
    response
}

/// Half of the promised body, then the end of the connection.
fn truncated(app: &Arc<App>, answer: Answer) -> Response {
    let bytes = bytes_of(&answer.content);
    let mut response = app.response(Answer { content: Content::Empty, ..answer.clone() });
    set_headers(response.headers_mut(), &answer);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len().max(1)));
    let half = bytes.slice(..bytes.len() / 2);
    let mut step = 0;
    *response.body_mut() = Body::from_stream(stream::poll_fn(move |context| {
        step += 1;
        match step {
            1 => Poll::Ready(Some(Ok(half.clone()))),
            2 => {
                // The server sends what it has whenever a body is not ready; without this turn the half would be lost with the rest.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Some(Err(std::io::Error::other("the sandbox was told to break this answer off")))),
        }
    }));
    response
}

/// The answer as text that is complete but not JSON: the last third is missing and the length says so.
fn malformed(answer: Answer) -> Answer {
    let text = String::from_utf8_lossy(&bytes_of(&answer.content)).into_owned();
    let end = (0..=text.len() * 2 / 3).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let content = match answer.content {
        Content::Events(_) => Content::Events(vec![text[..end].to_owned()]),
        // A JSON content type over text that is none: what clients must survive.
        _ => Content::Html(text[..end].to_owned()),
    };
    Answer { content, ..answer }.with("content-type", "application/json; charset=UTF-8")
}

/// The answer with a sentence in place of what was asked for, as a talkative model gives it.
fn prose(mut answer: Answer) -> Answer {
    const SENTENCE: &str = "Sure! I had a close look at this text, and it seems to be quite safe.";
    if let Content::Json(value) = &mut answer.content {
        for pointer in ["/choices/0/message/content", "/results", "/data/0/embedding"] {
            if let Some(place) = value.pointer_mut(pointer) {
                *place = serde_json::json!(SENTENCE);
            }
        }
    }
    answer
}

/// The answer with the list that matters emptied.
fn emptied(mut answer: Answer) -> Answer {
    if let Content::Json(value) = &mut answer.content {
        for pointer in ["/json/data/things", "/data/children", "/choices", "/results", "/1/data/children"] {
            if let Some(list) = value.pointer_mut(pointer) {
                *list = serde_json::json!([]);
            }
        }
        // A list of vectors says so; other answers have more under this name.
        if value["object"] == "list" {
            value["data"] = serde_json::json!([]);
        }
        // A submission answers with an id instead of things: it goes.
        if let Some(data) = value.pointer_mut("/json/data").and_then(|data| data.as_object_mut()) {
            data.retain(|name, _| name == "things");
        }
    } else if let Content::Events(events) = &mut answer.content {
        events.retain(|event| !event.contains("\"content\":\"") || event.contains("\"content\":\"\""));
    }
    answer
}
