//! The client: one question, its attempts, each attempt one ledger row.

use super::budget::notice;
use super::budget::reserve::{self, Need};
use super::chat::{ChatReply, ChatRequest};
use super::connection::{chain, endpoint, http_client, redacted, without_key};
use super::error::{Error, Result};
use super::ledger::{self, Outcome, Priced, Settled, Started};
use super::price::Book;
use super::retry::{self, Next};
use super::settings::Settings;
use super::stream::{Accumulator, Step};
use super::wire::{Answer, Problem, request_body};
use super::{refusal, sse};
use crate::base::{Clock, SafeText, new_id};
use crate::store::Database;
use reqwest::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, Url};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The largest answer that is read, in bytes.
const MAX_BODY: usize = 16 * 1024 * 1024;
/// The largest error page that is read, in bytes.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// Asks models. Clones share connections, ledger and prices.
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
    generation: Option<String>,
    first_token: Option<Duration>,
    /// The answer, and the error that may have come in a stream before it stalled.
    stream: Accumulator,
}

impl Seen {
    fn generation(&self) -> Option<String> {
        self.stream.answer.id.clone().or_else(|| self.generation.clone())
    }
}

impl Client {
    /// A client. Without a ledger nothing is recorded, which is for tests and one-off checks only.
    ///
    /// # Errors
    /// [`Error::Settings`] when the address, the key or a header cannot be used.
    pub fn new(settings: Settings, ledger: Option<Database>, prices: Book, clock: Arc<dyn Clock>) -> Result<Self> {
        let endpoint = endpoint(&settings.base_url)?;
        let host = endpoint
            .host_str()
            .map_or_else(String::new, |host| endpoint.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")));
        let http = http_client(&settings, &endpoint)?;
        Ok(Self(Arc::new(Inner { settings, endpoint, host, http, ledger, prices, clock })))
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

    /// Ask, and try again as the contract says: transient failures with the same model after a growing wait, then with the fallback models
    /// in order. Each attempt is a ledger row.
    ///
    /// # Errors
    /// The failure that ended it; [`Error::GaveUp`] when every attempt was used; [`Error::Ledger`] when a row cannot be written.
    pub async fn chat(&self, request: ChatRequest) -> Result<ChatReply> {
        let settings = &self.0.settings;
        if settings.api_key.is_none() && self.0.endpoint.scheme() == "https" {
            return Err(Error::NoKey { host: self.0.host.clone() });
        }
        let instead = self.downgraded(&request).await?;
        let first = instead.as_ref().or(request.model.as_ref()).unwrap_or(&settings.response_model);
        let mut models = vec![first];
        for model in &settings.fallback_models {
            if !models.contains(&model) {
                models.push(model);
            }
        }
        let request_id = new_id();
        let max_attempts = settings.max_attempts.max(1);
        let mut attempts = 0;
        let mut tried = Vec::new();
        let mut last = None;
        for model in models {
            tried.push(model.as_str());
            for attempt in 1..=max_attempts {
                attempts += 1;
                let error = match self.attempt(&request, model, &request_id, attempts).await {
                    Ok(reply) => return Ok(reply),
                    Err(error) => error,
                };
                let next = retry::next(&error, attempt, max_attempts, settings.retry_base, fastrand::f64());
                tracing::warn!(%model, attempt = attempts, ?next, error = %error, "a model call failed");
                match next {
                    Next::Stop => return Err(error),
                    Next::Again(wait) => tokio::time::sleep(wait).await,
                    Next::OtherModel => {}
                }
                last = Some(error);
                if next == Next::OtherModel {
                    break;
                }
            }
        }
        let nothing = Error::Settings { setting: "response_model", reason: "no model is set".to_owned() };
        match last {
            Some(last) if attempts > 1 => Err(Error::GaveUp { attempts, models: tried.join(", "), last: Box::new(last) }),
            last => Err(last.unwrap_or(nothing)),
        }
    }

    /// The model that a budget wants to be asked instead. Never in the middle of a task: what began with one model ends with it.
    async fn downgraded(&self, request: &ChatRequest) -> Result<Option<String>> {
        let Some(database) = &self.0.ledger else { return Ok(None) };
        let (request, settings, at) = (request.clone(), &self.0.settings, self.0.clock.now());
        let model = request.model.clone().unwrap_or_else(|| settings.response_model.clone());
        let found = database.read(move |c| reserve::downgraded(c, &request, &model, at)).await?;
        Ok(found.map(|(model, budget)| {
            tracing::info!(%model, %budget, "a budget wants another model to be asked");
            model
        }))
    }

    /// One attempt: the row, the request, the settlement.
    async fn attempt(&self, request: &ChatRequest, model: &str, request_id: &str, attempt: u32) -> Result<ChatReply> {
        let inner = &self.0;
        let call = Started {
            id: new_id(),
            request_id: request_id.to_owned(),
            attempt,
            persona: request.persona.clone(),
            module: request.module.clone(),
            correlation_id: request.correlation_id.clone(),
            model_asked: model.to_owned(),
            streamed: request.stream,
            started_at: inner.clock.now(),
            category: request.category,
            queued: Duration::ZERO,
            reserved: None,
        };
        let start = Instant::now();
        let open = self.open_call(&call, &Need::of(request)).await?;
        let mut seen = Seen::default();
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
        let priced = open.settle(&settled).await?;
        result.map(|()| reply(call, settled, seen.stream.answer, priced))
    }

    /// Write the row of an attempt before it is made. Whoever opened it settles it; dropped, it settles itself as interrupted.
    ///
    /// In the same transaction what it may cost is set aside: a call that a budget does not allow is not written down, and not made.
    pub(super) async fn open_call<'a>(&'a self, call: &'a Started, need: &Need) -> Result<OpenCall<'a>> {
        if let Some(database) = &self.0.ledger {
            let (row, need, client) = (call.clone(), *need, self.clone());
            let admitted = database.write(move |c| reserve::admit(c, &client.0.prices, row, need, client.lease())).await?;
            admitted.map_err(|refused| Error::OverBudget(Box::new(refused)))?;
        }
        Ok(OpenCall { client: self, call, start: Instant::now(), settled: false })
    }

    /// How long what is set aside for a call stands when nobody settles it: longer than the call can take.
    fn lease(&self) -> crate::base::Millis {
        i64::try_from(self.0.settings.total_timeout.as_millis()).unwrap_or(i64::MAX / 4).saturating_mul(2)
    }

    /// The same ledger, prices and clock behind another address, key or model.
    pub(super) fn with_settings(&self, settings: Settings) -> Result<Self> {
        Self::new(settings, self.0.ledger.clone(), self.0.prices.clone(), Arc::clone(&self.0.clock))
    }

    /// The present.
    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    async fn settle(&self, call: &Started, settled: &Settled) -> Result<Option<Priced>> {
        match &self.0.ledger {
            None => Ok(ledger::price_in_memory(&self.0.prices, call, settled)),
            Some(database) => {
                let (client, call, settled) = (self.clone(), call.clone(), settled.clone());
                let (priced, reached) = database.write(move |c| reserve::settle(c, &client.0.prices, &call, &settled)).await?;
                notice::tell(reached, &self.0.settings.budget_notify);
                Ok(priced)
            }
        }
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
        seen.generation = header("x-generation-id");
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
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(&error, model, seen.generation.clone()))? {
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

/// A call that has begun. Dropped before it is settled (the agent stops, a deadline passes), it settles itself as interrupted, in the
/// background; where no runtime is left to do that, recovery does it at the next start.
pub(super) struct OpenCall<'a> {
    client: &'a Client,
    call: &'a Started,
    start: Instant,
    settled: bool,
}

impl OpenCall<'_> {
    /// Complete the row. Returns what the price book says.
    pub(super) async fn settle(mut self, settled: &Settled) -> Result<Option<Priced>> {
        let priced = self.client.settle(self.call, settled).await;
        self.settled = true;
        priced
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        let (false, Ok(runtime)) = (self.settled, tokio::runtime::Handle::try_current()) else { return };
        let settled = Settled {
            finished_at: self.client.0.clock.now(),
            outcome: Outcome::Interrupted,
            model_answered: None,
            provider: None,
            generation_id: None,
            service_tier: None,
            latency: self.start.elapsed(),
            first_token: None,
            reported: None,
            http_status: None,
            error_type: Some("cancelled".to_owned()),
            error_message: Some("the question was dropped before its answer; what the call cost is unknown".to_owned()),
            finish_reason: None,
        };
        let (client, call) = (self.client.clone(), self.call.clone());
        runtime.spawn(async move {
            if let Err(error) = client.settle(&call, &settled).await {
                tracing::warn!(call = %call.id, %error, "a dropped model call was not settled; recovery will do it");
            }
        });
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

fn reply(call: Started, settled: Settled, answer: Answer, priced: Option<Priced>) -> ChatReply {
    let (cost_computed, price_id) = priced.map_or((None, None), |priced| (Some(priced.cost), Some(priced.price_id)));
    let reported = settled.reported;
    ChatReply {
        // The one character that a database refuses in a text.
        text: answer.text.replace('\0', ""),
        refusal: answer.refusal,
        model_asked: call.model_asked,
        model_answered: settled.model_answered,
        provider: settled.provider,
        usage: reported.as_ref().and_then(|reported| reported.usage.clone()),
        cost_reported_picos: reported.as_ref().and_then(|reported| reported.cost_picos),
        cost_reported: reported.and_then(|reported| reported.cost),
        cost_computed,
        price_id,
        latency: settled.latency,
        first_token: settled.first_token,
        finish_reason: settled.finish_reason,
        generation_id: settled.generation_id,
        call_id: call.id,
        request_id: call.request_id,
        attempts: call.attempt,
    }
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
