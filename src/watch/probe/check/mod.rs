//! One look at one target. Bounded in time and memory, and without a panic whatever the target answers.
//!
//! | file | what it is for |
//! |---|---|
//! | [`conditions`] | what an answer must be; pure |
//! | [`outcome`] | what a look found, and why a target is not well |
//! | `look`, `judge` | what a check brings back, and what it means; pure |
//! | `http`, `tcp`, `redis`, `postgres`, `qdrant`, `prometheus`, `command`, `log_file` | one kind of target each |
//! | `log_lines`, `resp` | the lines of a log, the words of Redis; pure |
//! | `secrets` | what no error may tell |
//!
//! A target that nobody can judge is unknown, and never healthy. No proxy of the environment is used, nothing is followed to another host,
//! and of an answer at most 1 MiB is read.

mod command;
pub mod conditions;
mod http;
mod judge;
mod log_file;
mod log_lines;
mod look;
pub mod outcome;
mod postgres;
mod prometheus;
mod qdrant;
mod redis;
mod resp;
mod secrets;
mod tcp;
#[cfg(test)]
mod testing;

pub use outcome::{Cause, Outcome};
pub(super) use secrets::{HIDDEN, Secrets};

use super::model::{Probe, Target};
use crate::base::{Clock, SystemClock, clock};
use conditions::Condition;
use look::{Look, Reached, Trouble};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;

/// Bytes of an answer that are read.
const MOST: usize = 1 << 20;
/// Log files that are read at the same time.
const FILES: usize = 4;

/// Why no checks can be made.
#[derive(Debug, thiserror::Error)]
#[error("no checks can be made: {reason}")]
pub struct Error {
    /// Why.
    pub reason: String,
}

/// What checks share: clients, made once. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tools {
    http: reqwest::Client,
    tls: Arc<rustls::ClientConfig>,
    files: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

impl Tools {
    /// Make them, with the certificates that this machine trusts.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new() -> Result<Self, Error> {
        Self::with(Arc::new(SystemClock), &[])
    }

    /// Make them with another clock, and trust these authorities (DER) as well.
    ///
    /// # Errors
    /// When an authority is not a certificate, or the client cannot be made.
    pub fn with(clock: Arc<dyn Clock>, authorities: &[Vec<u8>]) -> Result<Self, Error> {
        let failed = |reason: String| Error { reason };
        let mut roots = rustls::RootCertStore::empty();
        // A broken certificate in the system's store leaves the others usable; with none at all the handshake says so.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for authority in authorities {
            roots.add(authority.clone().into()).map_err(|error| failed(format!("an authority is not usable: {error}")))?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?;
        let mut tls = builder.with_root_certificates(roots).with_no_client_auth();
        // The certificate is to be the one that is served now, and not that of an earlier session.
        tls.resumption = rustls::client::Resumption::disabled();
        let http = reqwest::Client::builder()
            .user_agent(concat!("quarterdeck/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls.clone())
            .tls_info(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { http, tls: Arc::new(tls), files: Arc::new(Semaphore::new(FILES)), clock })
    }
}

/// A text about a probe without its secrets: they may stand in an address or a question.
#[must_use]
pub fn told(probe: &Probe, text: String) -> String {
    Secrets::of(probe).without(text)
}

/// Look at a target. Never longer than its timeout.
pub async fn check(probe: &Probe, tools: &Tools) -> Outcome {
    let secrets = Secrets::of(probe);
    let conditions: Result<Vec<Condition>, _> = probe.conditions.iter().map(|text| Condition::parse(text)).collect();
    let conditions = match conditions {
        Ok(conditions) => conditions,
        Err(wrong) => return judge::outcome(probe, &[], Look::failed(Trouble::unknown(Cause::Other, wrong.to_string())), None, &secrets),
    };
    let reached = Reached::default();
    let started = Instant::now();
    let look = tokio::time::timeout(probe.timeout, look(probe, &conditions, tools, &reached)).await;
    // What was cut off took no time that says anything.
    let elapsed = look.is_ok().then(|| started.elapsed());
    let look = look.unwrap_or_else(|_| {
        let patience = clock::duration(i64::try_from(probe.timeout.as_millis()).unwrap_or(i64::MAX));
        let text = match probe.target {
            Target::Command { .. } => format!("it did not end within {patience}, and was killed with what it had started"),
            _ => format!("no whole answer within {patience}"),
        };
        Look::failed(Trouble::unhealthy(Cause::Timeout, text).with_connection(reached.connection()))
    });
    judge::outcome(probe, &conditions, look, elapsed, &secrets)
}

async fn look(probe: &Probe, conditions: &[Condition], tools: &Tools, reached: &Reached) -> Look {
    // Who asks whether there is a connection is told of just that, whatever comes after it.
    if conditions.iter().any(Condition::is_about_connection)
        && let Some((host, port)) = place(&probe.target)
        && let Err(trouble) = tcp::connect(&host, port, reached).await
    {
        return Look::failed(trouble);
    }
    match &probe.target {
        Target::Http { url, method, headers, body, follow } => {
            let wants_body = conditions.iter().any(Condition::is_about_body);
            let request = http::Request { url, method, headers, body: body.as_deref(), follow: *follow, wants_body };
            http::look(&request, conditions, tools).await
        }
        Target::Tcp { host, port } => tcp::look(host, *port, reached).await,
        Target::Redis { host, port, password } => redis::look(host, *port, password.as_ref(), reached).await,
        Target::Postgres { url, connections_degraded, connections_unhealthy } => {
            postgres::look(url, (*connections_degraded, *connections_unhealthy), tools).await
        }
        Target::Qdrant { url, collection, api_key } => qdrant::look(url, collection.as_deref(), api_key.as_ref(), tools).await,
        Target::Prometheus { url, query } => prometheus::look(url, query, tools).await,
        Target::Command { argv, env } => command::look(argv, env).await,
        Target::LogFile { path, error, window, max_rate, min_lines } => {
            let rule = log_file::Rule { error: error.clone(), window: *window, max_rate: *max_rate, min_lines: *min_lines };
            log_file::look(path.clone(), rule, conditions.iter().any(Condition::is_about_value), tools).await
        }
    }
}

/// Where a target is connected to that is asked through a client of its own; nothing for those that are connected to here.
fn place(target: &Target) -> Option<(String, u16)> {
    match target {
        Target::Http { url, .. } | Target::Qdrant { url, .. } | Target::Prometheus { url, .. } => {
            let url = url::Url::parse(url).ok()?;
            Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
        }
        Target::Postgres { url, .. } => postgres::place(url),
        Target::Tcp { .. } | Target::Redis { .. } | Target::Command { .. } | Target::LogFile { .. } => None,
    }
}
