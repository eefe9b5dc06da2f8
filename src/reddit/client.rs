//! The client: one request with its token, its place in the budget, and, for reads alone, its retries.

use super::answer::{Answer, read};
use super::auth::Auth;
use super::budget::{NoToken, Priority, RateBudget};
use super::error::{Error, Result};
use super::settings::Settings;
use super::transport::{Transport, send};
use crate::base::{Clock, Millis};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long a write waits for its place in the budget; its intent is committed by then, so not long.
const WRITE_PATIENCE: Duration = Duration::from_secs(15);

/// A client for one account. Clones share login, connections and budget.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
    priority: Priority,
}

#[derive(Debug)]
struct Inner {
    settings: Arc<Settings>,
    account: String,
    auth: Arc<Auth>,
    budget: Arc<RateBudget>,
    transport: Transport,
    /// The same without an account, made when it is first asked for.
    public: OnceLock<Arc<Inner>>,
}

/// Why a request that writes has no answer.
#[derive(Debug, Clone)]
pub(super) enum NoAnswer {
    /// Nothing left the machine, or the access token was refused.
    NotSent {
        /// Why.
        error: Error,
    },
    /// It may have arrived.
    Lost {
        /// What happened.
        reason: String,
    },
}

/// Why one try to read failed.
enum Failed {
    /// Trying again does not help.
    Final(Error),
    /// Lost connection, timeout, 408, 5xx.
    Transient(Error),
    /// 429.
    Limited(Error, Duration),
    /// The token of this generation was refused.
    Token(u64, Error),
}

impl Client {
    /// A client for one account, on the budget of its application.
    ///
    /// # Errors
    /// [`Error::Invalid`] when a setting cannot work. Nothing is sent before the first request.
    pub fn new(settings: Settings, budget: Arc<RateBudget>, clock: Arc<dyn Clock>) -> Result<Self> {
        settings.check()?;
        let transport = Transport::new(&settings)?;
        let account = settings.username.to_lowercase();
        let settings = Arc::new(settings);
        let auth = Arc::new(Auth::new(Arc::clone(&settings), transport.clone(), clock));
        Ok(Self {
            inner: Arc::new(Inner { settings, account, auth, budget, transport, public: OnceLock::new() }),
            priority: Priority::Normal,
        })
    }

    /// The same client for reads that look for a lost answer or look once more before sending: they may use the reserve.
    #[must_use]
    pub fn reconciling(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), priority: Priority::Reconcile }
    }

    /// A client that is logged in as the application alone: it sees what everybody sees. An account sees its own messages even after a
    /// moderator removed them, so it cannot tell whether they are visible. Same budget.
    #[must_use]
    pub fn public(&self) -> Self {
        let inner = &self.inner;
        let make = || {
            let settings = Arc::new(Settings {
                application_only: true,
                password: None,
                otp: None,
                refresh_token: None,
                token_file: None,
                ..Settings::clone(&inner.settings)
            });
            let auth = Arc::new(Auth::new(Arc::clone(&settings), inner.transport.clone(), inner.auth.clock()));
            let (account, budget, transport) = (inner.account.clone(), Arc::clone(&inner.budget), inner.transport.clone());
            Arc::new(Inner { settings, account, auth, budget, transport, public: OnceLock::new() })
        };
        Self { inner: Arc::clone(inner.public.get_or_init(make)), priority: Priority::Reconcile }
    }

    /// The account, without `u/`.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.inner.settings.username
    }

    /// The budget that this client shares with the other accounts of its application.
    #[must_use]
    pub fn budget(&self) -> &Arc<RateBudget> {
        &self.inner.budget
    }

    /// Until when this account may post nothing, if so.
    #[must_use]
    pub fn account_paused_until(&self) -> Option<Millis> {
        self.inner.budget.account_paused_until(&self.inner.account)
    }

    pub(super) fn account_pause_left(&self) -> Option<Duration> {
        self.inner.budget.account_pause_left(&self.inner.account)
    }

    pub(super) fn pause_account(&self, pause: Duration) {
        self.inner.budget.pause_account(&self.inner.account, pause);
    }

    /// GET, with retries.
    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value> {
        let what = format!("GET {path}");
        let policy = self.inner.settings.retry;
        let (mut tried, mut limited, mut refused) = (0, 0, None);
        loop {
            match self.get_once(&what, path, query, refused).await {
                Ok(value) => return Ok(value),
                Err(Failed::Final(error)) => return Err(error),
                // One fresh login; a second refusal is final.
                Err(Failed::Token(_, error)) if refused.is_some() => return Err(error),
                Err(Failed::Token(generation, _)) => refused = Some(generation),
                Err(Failed::Limited(error, wait)) => {
                    limited += 1;
                    if limited > policy.rate_limited || wait > policy.patience {
                        return Err(error);
                    }
                    tracing::info!(what, wait_ms = wait.as_millis(), "too many requests; waiting");
                    tokio::time::sleep(wait).await;
                }
                Err(Failed::Transient(error)) => {
                    tried += 1;
                    if tried >= policy.attempts {
                        return Err(error);
                    }
                    let wait = policy.wait(tried, fastrand::f64());
                    tracing::info!(what, tried, wait_ms = wait.as_millis(), %error, "trying again");
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    async fn get_once(&self, what: &str, path: &str, query: &[(&str, String)], refused: Option<u64>) -> std::result::Result<Value, Failed> {
        let inner = &self.inner;
        let token = inner.auth.token(refused).await.map_err(sort)?;
        let patience = inner.settings.retry.patience;
        inner.budget.acquire(1, self.priority, patience).await.map_err(|error| Failed::Final(no_token(what, error)))?;
        let request = inner
            .transport
            .get(&self.url(path), inner.settings.read_timeout)
            .bearer_auth(token.access.expose_secret())
            .query(query)
            .query(&[("raw_json", "1")]);
        let answer =
            send(request).await.map_err(|lost| Failed::Transient(Error::Unavailable { what: what.to_owned(), reason: lost.reason }))?;
        inner.budget.observe(&inner.account, &answer);
        read(what, &answer).map_err(|error| if answer.is_invalid_token() { Failed::Token(token.generation, error) } else { sort(error) })
    }

    /// POST, once. Only a refused access token, with which nothing was done, leads to a second one after a fresh login.
    pub(super) async fn post(&self, path: &str, form: &[(&str, String)]) -> std::result::Result<Answer, NoAnswer> {
        let inner = &self.inner;
        let what = format!("POST {path}");
        let mut refused = None;
        loop {
            let token = inner.auth.token(refused).await.map_err(|error| NoAnswer::NotSent { error })?;
            let place = inner.budget.acquire(1, Priority::Write, WRITE_PATIENCE).await;
            place.map_err(|error| NoAnswer::NotSent { error: no_token(&what, error) })?;
            let request = inner
                .transport
                .post(&self.url(path), inner.settings.write_timeout)
                .bearer_auth(token.access.expose_secret())
                .query(&[("raw_json", "1")])
                .form(form);
            let answer = send(request).await.map_err(|lost| match lost.is_unsent {
                true => NoAnswer::NotSent { error: Error::Unavailable { what: what.clone(), reason: lost.reason } },
                false => NoAnswer::Lost { reason: lost.reason },
            })?;
            inner.budget.observe(&inner.account, &answer);
            if answer.is_invalid_token() && refused.is_none() {
                refused = Some(token.generation);
                continue;
            }
            return Ok(answer);
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.inner.settings.oauth_base.trim_end_matches('/'))
    }
}

fn sort(error: Error) -> Failed {
    match error {
        Error::Unavailable { .. } => Failed::Transient(error),
        Error::RateLimited { wait, .. } => Failed::Limited(error, wait),
        error => Failed::Final(error),
    }
}

fn no_token(what: &str, error: NoToken) -> Error {
    match error {
        NoToken::TooLong(wait) => Error::RateLimited { what: what.to_owned(), wait },
        NoToken::Impossible(error) => Error::invalid(what, error.to_string()),
    }
}
