//! The endpoint: `/metrics`, `/health`, `/health/ready`, `/health/live`. It only answers, and takes the
//! reports of jobs ([`super::heartbeat::serve`]); nothing else can be changed through it.

use super::collect::Collector;
use super::exposition::{Format, encode};
use super::health::Status;
use super::loader::Loader;
use super::shown;
use super::token::Token;
use super::{Error, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long answers that are under way may take when the endpoint closes.
const GRACE: Duration = Duration::from_secs(5);

/// How the endpoint is.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Who may ask; everybody when `None`.
    pub token: Option<Token>,
    /// Whether this process runs agents: it is not ready without them.
    pub runs_agents: bool,
    /// Where the board comes from.
    pub board: Loader,
    /// Which heartbeats there are.
    pub probes: super::probe::file::Source,
}

/// An endpoint that serves until it is closed.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct App {
    collector: Collector,
    token: Option<Token>,
    runs_agents: bool,
    board: Loader,
}

/// Serve.
///
/// # Errors
/// [`Error::Listen`] when the port is taken or not ours to take.
pub async fn start(collector: Collector, options: Options) -> Result<Server> {
    let failed = |error: std::io::Error| Error::Listen { address: options.listen, reason: error.to_string() };
    let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let reports = super::heartbeat::serve::Reports {
        db: collector.database().clone(),
        clock: Arc::clone(collector.clock()),
        source: options.probes,
        token: options.token.clone(),
    };
    let app = Arc::new(App { collector, token: options.token, runs_agents: options.runs_agents, board: options.board });
    let guarded = Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(whole))
        .route("/health/ready", get(ready))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&app), guard));
    // That the process is alive is no secret, and restarting it must not depend on one.
    let router = Router::new()
        .route("/health/live", get(live))
        .merge(guarded)
        .fallback(elsewhere)
        .with_state(app)
        .merge(super::heartbeat::serve::router(reports));
    let (stop, mut stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        let closing = async move {
            // It cannot be closed while the server holds its sender.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(closing).await {
            tracing::error!(%error, "the metrics endpoint ended");
        }
    });
    Ok(Server { address, stop, task })
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Close: nothing new is answered, what is under way is finished within five seconds.
    pub async fn close(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

fn answer(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn json(status: StatusCode, value: &impl serde::Serialize) -> Response {
    answer(status, "application/json", serde_json::to_string(value).unwrap_or_default())
}

async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    if app.token.as_ref().is_none_or(|token| token.is_in(given)) {
        return next.run(request).await;
    }
    let mut response = json(StatusCode::UNAUTHORIZED, &json!({ "error": "this endpoint asks for a bearer token" }));
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

async fn metrics(State(app): State<Arc<App>>, request: Request) -> Response {
    let accepted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let format = Format::accepted(accepted);
    match app.collector.collect().await {
        Ok(families) => {
            let mut response = answer(StatusCode::OK, format.content_type(), encode(&families, format));
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
            response
        }
        Err(error) => {
            // What the engine says may name hosts and files: it goes to the log.
            tracing::warn!(%error, "metrics: the database refused");
            answer(
                StatusCode::SERVICE_UNAVAILABLE,
                "text/plain; charset=utf-8",
                "the database does not answer; the log says why\n".to_owned(),
            )
        }
    }
}

async fn whole(State(app): State<Arc<App>>) -> Response {
    let board = app.board.load().await;
    let status = if board.status == Status::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    json(status, &shown::board(&board))
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    let board = app.board.load().await;
    let is_ready = shown::is_ready(&board, app.runs_agents);
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let at = crate::base::clock::rfc3339(board.at);
    json(status, &json!({ "ready": is_ready, "at": at, "components": shown::components(&board) }))
}

async fn live() -> Response {
    json(StatusCode::OK, &json!({ "alive": true }))
}

async fn elsewhere() -> Response {
    json(
        StatusCode::NOT_FOUND,
        &json!({ "error": "there is nothing here", "paths": ["/metrics", "/health", "/health/ready", "/health/live", "/heartbeat/NAME"] }),
    )
}
