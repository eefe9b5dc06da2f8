//! Reports over HTTP: `POST /heartbeat/NAME`, `/start`, `/fail` or an exit status behind it, `?run=ID`, and a text of at most 10 KiB.
//!
//! It is the one thing of the endpoint that changes anything: it asks for the token, and where there is none nobody is let in.

use super::{Ping, Pinged};
use super::{defined, ping};
use crate::base::Clock;
use crate::store::audit::Actor;
use crate::store::{self, Conn, Database};
use crate::watch::probe::file::Source;
use crate::watch::probe::model::Heartbeat;
use crate::watch::token::Token;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a text.
const MOST: usize = 10 * 1024;
/// How long a report may take, its text and the database together.
const PATIENCE: Duration = Duration::from_secs(10);

/// What reports need.
#[derive(Debug)]
pub struct Reports {
    /// Where they are kept.
    pub db: Database,
    /// When they come.
    pub clock: Arc<dyn Clock>,
    /// Which there are.
    pub source: Source,
    /// Who may report; nobody without one.
    pub token: Option<Token>,
}

#[derive(Debug, Deserialize)]
struct Asked {
    run: Option<String>,
}

/// What is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Start,
    Success,
    Failure(Option<i32>),
}

impl What {
    fn of(word: &str) -> Option<Self> {
        match word {
            "start" => Some(Self::Start),
            "success" => Some(Self::Success),
            "fail" => Some(Self::Failure(None)),
            status => match status.parse::<u8>().ok()? {
                0 => Some(Self::Success),
                status => Some(Self::Failure(Some(status.into()))),
            },
        }
    }
}

/// The routes.
pub fn router(reports: Reports) -> Router {
    Router::new().route("/heartbeat/{name}", post(plain)).route("/heartbeat/{name}/{what}", post(told)).with_state(Arc::new(reports))
}

async fn plain(State(reports): State<Arc<Reports>>, Path(name): Path<String>, asked: Query<Asked>, request: Request) -> Response {
    take(&reports, name, Some(What::Success), asked.0.run, request).await
}

async fn told(
    State(reports): State<Arc<Reports>>,
    Path((name, what)): Path<(String, String)>,
    asked: Query<Asked>,
    request: Request,
) -> Response {
    take(&reports, name, What::of(&what), asked.0.run, request).await
}

async fn take(reports: &Reports, name: String, what: Option<What>, run: Option<String>, request: Request) -> Response {
    let refused = |status: StatusCode, error: String| answer(status, &json!({ "error": error }));
    let Some(token) = &reports.token else {
        let error = "reports are taken only where a token is asked for: start the endpoint with --token-file";
        return refused(StatusCode::FORBIDDEN, error.to_owned());
    };
    if !token.is_in(request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes)) {
        let mut response = refused(StatusCode::UNAUTHORIZED, "this endpoint asks for a bearer token".to_owned());
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return response;
    }
    let Some(what) = what else {
        return refused(StatusCode::NOT_FOUND, "behind the name stands start, success, fail or an exit status from 0 to 255".to_owned());
    };
    let taken = async {
        let text = match axum::body::to_bytes(request.into_body(), MOST).await {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) => return refused(StatusCode::PAYLOAD_TOO_LARGE, format!("the text has at most {MOST} bytes")),
        };
        reports.source.reload();
        let heartbeat = match defined::definitions(&reports.source).and_then(|definitions| defined::find(&definitions, &name)) {
            Ok(heartbeat) => heartbeat,
            Err(error @ defined::Error::Unknown { .. }) => return refused(StatusCode::NOT_FOUND, error.to_string()),
            Err(defined::Error::Broken(reason)) => {
                // What is wrong with the file may name paths: it goes to the log.
                tracing::warn!(reason, "a heartbeat cannot be taken");
                return refused(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "probes.toml is broken; `quarterdeck probe validate` says where".to_owned(),
                );
            }
        };
        match report(reports, heartbeat, what, run, text).await {
            Ok(pinged) => answer(StatusCode::OK, &pinged),
            Err(ping::Error::Store(error)) => {
                tracing::warn!(%error, "a heartbeat could not be written down");
                refused(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer; the log says why".to_owned())
            }
            Err(error @ ping::Error::Run) => refused(StatusCode::BAD_REQUEST, error.to_string()),
            Err(error @ ping::Error::TooMany { .. }) => refused(StatusCode::TOO_MANY_REQUESTS, error.to_string()),
        }
    };
    let late = || refused(StatusCode::REQUEST_TIMEOUT, format!("the report did not come within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, taken).await.unwrap_or_else(|_| late())
}

async fn report(reports: &Reports, heartbeat: Heartbeat, what: What, run: Option<String>, text: String) -> Result<Pinged, ping::Error> {
    let at = reports.clock.now();
    let work = move |c: &mut dyn Conn| {
        let actor = Actor::system("heartbeat over HTTP");
        let exit_status = if let What::Failure(status) = what { status } else { None };
        let ping = Ping {
            run: run.as_deref(),
            exit_status,
            message: Some(&text).filter(|text| !text.is_empty()).map(String::as_str),
            actor: &actor,
            at,
        };
        match what {
            What::Start => ping::start(c, &heartbeat, &ping),
            What::Success => ping::success(c, &heartbeat, &ping),
            What::Failure(_) => ping::fail(c, &heartbeat, &ping),
        }
    };
    // An error of the report itself has changed nothing, and is no reason to roll others back.
    reports
        .db
        .write(move |c| match work(c) {
            Err(ping::Error::Store(error)) => Err(error),
            other => Ok::<_, store::Error>(other),
        })
        .await?
}

fn answer(status: StatusCode, value: &impl Serialize) -> Response {
    let mut response = Response::new(Body::from(serde_json::to_string(value).unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
