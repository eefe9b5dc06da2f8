//! The client: one attempt over HTTP, and what was seen of it. The way there is [`super::route`], its row `opened`.

use super::budget::reserve::Need;
use super::chat::{ChatReply, ChatRequest};
use super::connection::{chain, endpoint, http_client, redacted, without_key};
use super::error::{Error, Result};
use super::ledger::{Outcome, Priced, Settled, Started};
use super::price::Book;
use super::route::cache::{Kept, Place};
use super::route::{self, Live, Trace, Traffic};
use super::settings::Settings;
use super::stream::{Accumulator, Step};
use super::wire::{Answer, Problem, request_body};
use super::{refusal, sse};
use crate::base::{Clock, SafeText};
use crate::store::Database;
use reqwest::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, Url};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The largest answer that is read, in bytes.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// The largest error page that is read, in bytes.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// Asks models. Clones share connections, ledger, prices and traffic.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: Settings,
    endpoint: Url,
    host: String,
    http: reqwest::Client,
    ledger: Option<Database>,
    prices: Book,
    clock: Arc<dyn Clock>,
    traffic: Traffic,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Client").field("host", &self.0.host).finish_non_exhaustive()
    }
}

/// What has been seen of an attempt, whether it succeeds or not.
#[derive(Debug, Default)]
struct Seen {
    status: Option<u16>,
    /// Known as soon as the service says it, so that a call that is dropped can be looked up.
    generation: Arc<OnceLock<String>>,
    first_token: Option<Duration>,
    /// The answer, and the error that may have come in a stream before it stalled.
    stream: Accumulator,
}

impl Seen {
    fn generation(&self) -> Option<String> {
        self.stream.answer.id.clone().or_else(|| self.generation.get().cloned())
    }
}

/// One attempt to be made.
pub(super) struct Attempt<'a> {
    /// The question.
    pub(super) request: &'a ChatRequest,
    /// Its row.
    pub(super) call: Started,
    /// Where its answer is kept.
    pub(super) place: Option<&'a Place>,
}

impl Client {
    /// A client with traffic of its own. Without a ledger nothing is recorded, which is for tests and one-off checks only.
    ///
    /// # Errors
    /// [`Error::Settings`] when the address, the key or a header cannot be used.
    pub fn new(settings: Settings, ledger: Option<Database>, prices: Book, clock: Arc<dyn Clock>) -> Result<Self> {
        let traffic = Traffic::new(settings.route.clone());
        Self::sharing(settings, ledger, prices, clock, traffic)
    }

    /// A client that shares limits, cooldowns and questions in common with others of its process.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn sharing(settings: Settings, ledger: Option<Database>, prices: Book, clock: Arc<dyn Clock>, traffic: Traffic) -> Result<Self> {
        let endpoint = endpoint(&settings.base_url)?;
        let host = endpoint
            .host_str()
            .map_or_else(String::new, |host| endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")));
        let http = http_client(&settings, &endpoint)?;
        Ok(Self(Arc::new(Inner { settings, endpoint, host, http, ledger, prices, clock, traffic })))
    }

    /// The settings, for the rooms that ask with a certain model.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The embedded prices that this client was given.
    #[must_use]
    pub fn prices(&self) -> &Book {
        &self.0.prices
    }

    /// What is under way in this process: calls, questions that wait, what is left of the limits, models that are left alone.
    #[must_use]
    pub fn gauges(&self) -> Live {
        self.0.traffic.live(self.0.clock.as_ref())
    }

    /// Ask, and try again as the contract says: transient failures with the same model after a growing wait, then with the fallback models
    /// in order. Each attempt is a ledger row.
    ///
    /// # Errors
    /// The failure that ended it; [`Error::GaveUp`] when every attempt was used; [`Error::Ledger`] when a row cannot be written.
    pub async fn chat(&self, request: ChatRequest) -> Result<ChatReply> {
        if self.0.settings.api_key.is_none() && self.0.endpoint.scheme() == "https" {
            return Err(Error::NoKey { host: self.0.host.clone() });
        }
        route::ask(self, &request).await
    }

    /// One attempt: the row, the request, the settlement.
    pub(super) async fn attempt(&self, attempt: Attempt<'_>, trace: &mut Trace) -> Result<ChatReply> {
        let Attempt { request, call, place } = attempt;
        let (inner, model, start) = (&self.0, call.model_asked.as_str(), Instant::now());
        let mut seen = Seen::default();
        let open = self.open_call(&call, &Need::of(request)).await?.traced(trace, &seen.generation);
        let total = inner.settings.total_timeout;
        let exchanged = tokio::time::timeout(total, self.exchange(request, model, start, &mut seen)).await;
        let result =
            exchanged.unwrap_or_else(|_| Err(Error::TimedOut { model: model.to_owned(), awaited: "complete answer", after: total }));
        let result = match (&result, seen.stream.error()) {
            // The stream said why it failed, and then failed to end.
            (Err(Error::TimedOut { .. } | Error::Interrupted { .. }), Some(error)) => Err(self.refused(error, 200, None, model)),
            _ => result,
        };
        let result = result.map_err(|error| redacted(error, inner.settings.api_key.as_ref()));
        let latency = start.elapsed();
        let answer = &seen.stream.answer;
        let settled = Settled {
            finished_at: inner.clock.now(),
            outcome: result.as_ref().map_or_else(outcome, |()| Outcome::Ok),
            model_answered: answer.model.as_deref().map(word),
            provider: answer.provider.as_deref().map(word),
            generation_id: seen.generation().as_deref().map(word),
            service_tier: answer.service_tier.as_deref().map(word),
            latency,
            first_token: seen.first_token,
            reported: answer.reported.clone(),
            http_status: seen.status,
            error_type: result.as_ref().err().map(Error::kind),
            error_message: result.as_ref().err().map(ToString::to_string),
            finish_reason: answer.finish_reason.as_deref().map(word),
        };
        trace.push(route::step(&call, settled.model_answered.as_deref(), result.as_ref().err()));
        let reply = result.map(|()| reply(&call, &settled, seen.stream.answer));
        let keep = place.zip(reply.as_ref().ok().filter(|reply| route::cache::is_whole(request, reply)));
        let keep = keep.map(|(place, reply)| (place.clone(), Kept::of(reply, settled.finished_at)));
        let priced = open.settle_with(&settled, Some(trace), keep).await?;
        reply.map(|reply| with_price(reply, priced))
    }

    /// The same ledger, prices, clock and traffic behind another address, key or model.
    pub(super) fn with_settings(&self, settings: Settings) -> Result<Self> {
        let inner = &self.0;
        Self::sharing(settings, inner.ledger.clone(), inner.prices.clone(), Arc::clone(&inner.clock), inner.traffic.clone())
    }

    /// The present.
    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// Where calls are written down.
    pub(super) fn ledger(&self) -> Option<&Database> {
        self.0.ledger.as_ref()
    }

    /// What is under way in this process.
    pub(super) fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }

    /// The connections.
    pub(super) fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    /// The name of the service, for messages.
    pub(super) fn host(&self) -> &str {
        &self.0.host
    }

    /// The request and its answer; what was seen of it stays in `seen`.
    async fn exchange(&self, request: &ChatRequest, model: &str, start: Instant, seen: &mut Seen) -> Result<()> {
        let settings = &self.0.settings;
        let accept = if request.stream { "text/event-stream, application/json" } else { "application/json" };
        let body = request_body(request, model).to_string();
        let sending =
            self.0.http.post(self.0.endpoint.clone()).header(CONTENT_TYPE, "application/json").header(ACCEPT, accept).body(body).send();
        let deadline = request.stream.then(|| tokio::time::Instant::now() + settings.first_token_timeout);
        let sent = within(deadline, sending).await.ok_or_else(|| self.no_first_token(model))?;
        let mut response = sent.map_err(|error| self.broken(&error, model, None))?;
        seen.status = Some(response.status().as_u16());
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if let Some(id) = header("x-generation-id") {
            // Set once: an attempt has one answer.
            let _ = seen.generation.set(word(&id));
        }
        let retry_after = header(RETRY_AFTER.as_str());
        let is_stream = header(CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with("text/event-stream"));
        let status = response.status();
        if !status.is_success() {
            let text = self.body(&mut response, model, seen, MAX_ERROR_BODY).await.unwrap_or_default();
            let context = refusal::Context { status: status.as_u16(), retry_after: retry_after.as_deref(), model, now: self.0.clock.now() };
            // Before it is read: a message that is cut short must not keep half of the key.
            let text = without_key(text, self.0.settings.api_key.as_ref());
            return Err(Error::Refused(Box::new(refusal::read(&text, context))));
        }
        let read = if is_stream {
            self.stream(&mut response, model, start, deadline, seen).await?
        } else {
            let text = self.body(&mut response, model, seen, MAX_BODY).await?;
            seen.stream.answer.read_body(&text)
        };
        read.map_err(|problem| match problem {
            Problem::Refused(error) => self.refused(&error, status.as_u16(), retry_after.as_deref(), model),
            Problem::NotUnderstood(reason) => Error::Malformed { model: model.to_owned(), reason },
            Problem::Interrupted(reason) => Error::Interrupted { model: model.to_owned(), reason, generation_id: seen.generation() },
        })
    }

    async fn stream(
        &self,
        response: &mut Response,
        model: &str,
        start: Instant,
        deadline: Option<tokio::time::Instant>,
        seen: &mut Seen,
    ) -> Result<Result<(), Problem>> {
        let mut parser = sse::Parser::new();
        let mut size = 0;
        loop {
            let waiting = deadline.filter(|_| seen.first_token.is_none());
            let chunk = within(waiting, response.chunk()).await.ok_or_else(|| self.no_first_token(model))?;
            let chunk = chunk.map_err(|error| self.broken(&error, model, seen.generation()))?;
            let Some(chunk) = chunk else { break };
            size += chunk.len();
            let events = parser.push(&chunk).map_err(|error| Error::Malformed { model: model.to_owned(), reason: error.to_string() })?;
            if size > MAX_BODY {
                return Err(too_large(model));
            }
            for event in events {
                match seen.stream.event(&event.data) {
                    Ok(Step::Token) => _ = seen.first_token.get_or_insert_with(|| start.elapsed()),
                    Ok(Step::Other) => {}
                    Ok(Step::Done) => return Ok(seen.stream.finish()),
                    Err(problem) => return Ok(Err(problem)),
                }
            }
        }
        // An end mark without its empty line is an end mark; anything else here may be cut off.
        if let Some(event) = parser.finish() {
            let _ = seen.stream.event(&event.data);
        }
        Ok(seen.stream.finish())
    }

    async fn body(&self, response: &mut Response, model: &str, seen: &Seen, limit: usize) -> Result<String> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(&error, model, seen.generation()))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > limit {
                return if limit == MAX_BODY { Err(too_large(model)) } else { Ok(String::from_utf8_lossy(&bytes).into_owned()) };
            }
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn refused(&self, error: &serde_json::Value, status: u16, retry_after: Option<&str>, model: &str) -> Error {
        let text = without_key(error.to_string(), self.0.settings.api_key.as_ref());
        let error = serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text));
        Error::Refused(Box::new(refusal::from_error(&error, refusal::Context { status, retry_after, model, now: self.0.clock.now() })))
    }

    fn no_first_token(&self, model: &str) -> Error {
        Error::TimedOut { model: model.to_owned(), awaited: "first token", after: self.0.settings.first_token_timeout }
    }

    /// A failure of the transport: before the connection stood nothing was asked; after it an answer may be on its way and cost money.
    fn broken(&self, error: &reqwest::Error, model: &str, generation_id: Option<String>) -> Error {
        if error.is_connect() || error.is_builder() {
            Error::Unreachable { host: self.0.host.clone(), reason: chain(error) }
        } else {
            Error::Interrupted { model: model.to_owned(), reason: chain(error), generation_id }
        }
    }
}

/// A word of the service as the ledger keeps it: one line, nothing invisible, not endless.
fn word(text: &str) -> String {
    SafeText::clipped(text, 200).as_str().to_owned()
}

fn outcome(error: &Error) -> Outcome {
    match error {
        Error::Interrupted { .. } | Error::TimedOut { .. } => Outcome::Interrupted,
        Error::Malformed { .. } => Outcome::Malformed,
        _ => Outcome::Error,
    }
}

fn reply(call: &Started, settled: &Settled, answer: Answer) -> ChatReply {
    let reported = settled.reported.clone();
    ChatReply {
        // The one character that a database refuses in a text.
        text: answer.text.replace('\0', ""),
        refusal: answer.refusal,
        model_asked: call.model_asked.clone(),
        model_answered: settled.model_answered.clone(),
        provider: settled.provider.clone(),
        usage: reported.as_ref().and_then(|reported| reported.usage.clone()),
        cost_reported_picos: reported.as_ref().and_then(|reported| reported.cost_picos),
        cost_reported: reported.and_then(|reported| reported.cost),
        cost_computed: None,
        price_id: None,
        latency: settled.latency,
        first_token: settled.first_token,
        finish_reason: settled.finish_reason.clone(),
        generation_id: settled.generation_id.clone(),
        call_id: call.id.clone(),
        request_id: call.request_id.clone(),
        attempts: call.attempt,
    }
}

fn with_price(reply: ChatReply, priced: Option<Priced>) -> ChatReply {
    let (cost_computed, price_id) = priced.map_or((None, None), |priced| (Some(priced.cost), Some(priced.price_id)));
    ChatReply { cost_computed, price_id, ..reply }
}

async fn within<T>(deadline: Option<tokio::time::Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, work).await.ok(),
        None => Some(work.await),
    }
}

fn too_large(model: &str) -> Error {
    Error::Malformed { model: model.to_owned(), reason: format!("it is larger than {MAX_BODY} bytes") }
}
