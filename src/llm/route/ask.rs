//! The way of a question: choose a model, look whether the answer is there, wait for a turn, try, try again, turn to the next.

use super::cache::{self, Kept, Place};
use super::choice::{self, chain};
use super::flight::{Landed, Part, landed};
use super::key;
use super::settings::Settings;
use super::trace::{Awaited, Step, Trace, millis, reason};
use super::traffic::{Pass, Traffic};
use crate::base::{Picos, new_id};
use crate::llm::budget::reserve::{self, Need};
use crate::llm::chat::{ChatReply, ChatRequest};
use crate::llm::client::{Attempt, Client};
use crate::llm::error::{Error, Result};
use crate::llm::ledger::Started;
use crate::llm::retry::{self, Next};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Ask.
pub(in crate::llm) async fn ask(client: &Client, request: &ChatRequest) -> Result<ChatReply> {
    if let Some(temperature) = request.temperature.filter(|temperature| !(0.0..=2.0).contains(temperature)) {
        let reason = format!("{temperature} is not from 0 to 2");
        return Err(Error::Settings { setting: "temperature", reason });
    }
    let settings = client.settings();
    let (input, output) = Need::of(request).tokens();
    let choice = choice::choose(request, input, &settings.route, &settings.response_model);
    let mut trace = Trace::default();
    trace.push(Step::Chosen { model: choice.model.clone(), complexity: choice.complexity, tokens: input, why: choice.why });
    let mut model = choice.model;
    if let Some((instead, budget)) = downgraded(client, request, &model).await? {
        trace.push(Step::Downgraded { from: model, to: instead.clone(), budget });
        model = instead;
    }
    let way = Way { client, request, tokens: u64::try_from(input.saturating_add(output)).unwrap_or(0) };
    match cache::plan(request, &settings.route) {
        Err(why) => {
            trace.push(Step::CacheSkipped { why });
            way.attempts(&model, trace, None).await
        }
        Ok(plan) => {
            let key = key::of(request, &model, &settings.base_url);
            way.in_common(&model, trace, &Place { key, persona: request.persona.clone(), plan }).await
        }
    }
}

/// The model that a budget wants to be asked instead, and the budget. Never in the middle of a task: what began with one model ends with it.
async fn downgraded(client: &Client, request: &ChatRequest, model: &str) -> Result<Option<(String, String)>> {
    let Some(database) = client.ledger() else { return Ok(None) };
    let (request, model, at) = (request.clone(), model.to_owned(), client.clock().now());
    Ok(database.read(move |c| reserve::downgraded(c, &request, &model, at)).await?)
}

fn no_model() -> Error {
    Error::Settings { setting: "response_model", reason: "no model is set".to_owned() }
}

struct Way<'a> {
    client: &'a Client,
    request: &'a ChatRequest,
    /// Input and output at most, for the limits.
    tokens: u64,
}

impl Way<'_> {
    fn settings(&self) -> &Settings {
        &self.client.settings().route
    }

    fn traffic(&self) -> &Traffic {
        self.client.traffic()
    }

    /// Ask what may be kept: the cache first, then as one of all who ask the same now.
    async fn in_common(&self, model: &str, mut trace: Trace, place: &Place) -> Result<ChatReply> {
        loop {
            let lead = match self.traffic().flights().join(&place.key) {
                Part::Lead(lead) => lead,
                Part::Follow(waiting) => match landed(waiting).await {
                    Some(Ok(kept)) => {
                        trace.push(Step::CacheShared { call_id: kept.call_id.clone(), saved: kept.cost });
                        return self.answer_with(&kept, &trace).await;
                    }
                    Some(Err(error)) if is_for_all(&error) => return Err(error),
                    // They went away, or failed for a reason of their own: somebody else leads now.
                    Some(Err(_)) | None => continue,
                },
            };
            if let Some(kept) = self.find(place).await? {
                let age = self.client.clock().now().saturating_sub(kept.created_at);
                trace.push(Step::CacheHit { call_id: kept.call_id.clone(), age, saved: kept.cost });
                let kept = Arc::new(kept);
                lead.land(Ok(Arc::clone(&kept)));
                return self.answer_with(&kept, &trace).await;
            }
            trace.push(Step::CacheMiss { keeps: millis(place.plan.lasts) });
            let answered = self.attempts(model, trace, Some(place)).await;
            let landed: Landed = answered.as_ref().map(|reply| Arc::new(Kept::of(reply, self.client.clock().now()))).map_err(Clone::clone);
            lead.land(landed);
            return answered;
        }
    }

    async fn find(&self, place: &Place) -> Result<Option<Kept>> {
        let Some(database) = self.client.ledger() else { return Ok(None) };
        let (key, persona, now) = (place.key.clone(), place.persona.clone(), self.client.clock().now());
        Ok(database.read(move |c| cache::find(c, &key, persona.as_ref(), now)).await?)
    }

    /// Answer with what was answered before: a row of the ledger, and no cost.
    async fn answer_with(&self, kept: &Kept, trace: &Trace) -> Result<ChatReply> {
        let (start, request) = (Instant::now(), self.request);
        let call = self.started(&kept.model_asked, &new_id(), 1, Duration::ZERO);
        self.client.record_hit(&call, kept, trace).await?;
        Ok(ChatReply {
            text: kept.text.clone(),
            refusal: kept.refusal.clone(),
            model_asked: call.model_asked,
            model_answered: kept.model_answered.clone(),
            provider: kept.provider.clone(),
            usage: None,
            cost_reported: None,
            cost_reported_picos: None,
            cost_computed: Some(Picos::ZERO),
            price_id: None,
            latency: start.elapsed(),
            first_token: request.stream.then(|| start.elapsed()),
            finish_reason: kept.finish_reason.clone(),
            generation_id: None,
            call_id: call.id,
            request_id: call.request_id,
            attempts: 1,
        })
    }

    fn started(&self, model: &str, request_id: &str, attempt: u32, queued: Duration) -> Started {
        Started {
            id: new_id(),
            request_id: request_id.to_owned(),
            attempt,
            persona: self.request.persona.clone(),
            module: self.request.module.clone(),
            correlation_id: self.request.correlation_id.clone(),
            model_asked: model.to_owned(),
            streamed: self.request.stream,
            started_at: self.client.clock().now(),
            category: self.request.category,
            queued,
            reserved: None,
        }
    }

    /// Try the models in order, each as often as the contract says. Each attempt is a row of the ledger.
    async fn attempts(&self, first: &str, mut trace: Trace, place: Option<&Place>) -> Result<ChatReply> {
        let settings = self.client.settings();
        let models = self.ready(chain(first, &settings.fallback_models), &mut trace).await;
        let max_attempts = settings.max_attempts.max(1);
        let request_id = new_id();
        let mut number = 0;
        let mut tried = Vec::new();
        let mut last = None;
        for (position, model) in models.iter().enumerate() {
            if position > 0 {
                trace.push(Step::NextModel);
            }
            tried.push(model.as_str());
            for attempt in 1..=max_attempts {
                let mut pass = match self.turn(model, &mut trace).await {
                    Ok(pass) => pass,
                    Err(crowded) => {
                        last = Some(crowded);
                        break;
                    }
                };
                number += 1;
                let call = self.started(model, &request_id, number, pass.waits.sum());
                let place = place.filter(|_| model == first);
                let result = self.client.attempt(Attempt { request: self.request, call, place }, &mut trace).await;
                self.settle(&mut pass, &result);
                drop(pass);
                let error = match result {
                    Ok(reply) => {
                        self.traffic().succeeded(model);
                        return Ok(reply);
                    }
                    Err(error) => error,
                };
                if let Some(cooling) = self.traffic().failed(model, &error) {
                    trace.push(Step::Cooled { model: model.clone(), lasts: millis(cooling.left), why: cooling.why.words() });
                }
                let next = retry::next(&error, attempt, max_attempts, settings.retry_base, fastrand::f64());
                tracing::warn!(%model, attempt = number, ?next, error = %error, "a model call failed");
                match next {
                    Next::Stop => return Err(error),
                    Next::Again(wait) => {
                        trace.push(Step::Again { after: millis(wait) });
                        tokio::time::sleep(wait).await;
                    }
                    Next::OtherModel => {}
                }
                last = Some(error);
                if next == Next::OtherModel {
                    break;
                }
            }
        }
        match last {
            Some(last) if number > 1 => Err(Error::GaveUp { attempts: number, models: tried.join(", "), last: Box::new(last) }),
            last => Err(last.unwrap_or_else(no_model)),
        }
    }

    /// The models that are not left alone. Where that leaves none, they are asked all the same, the one that is free first first of all; a service
    /// that asked to wait is waited for when that is no longer than a turn, and an answer, may take.
    async fn ready(&self, models: Vec<String>, trace: &mut Trace) -> Vec<String> {
        let mut cooling = Vec::new();
        let mut ready = Vec::new();
        for model in models {
            match self.traffic().cooling(&model) {
                Some(known) => cooling.push((model, known)),
                None => ready.push(model),
            }
        }
        for (model, known) in &cooling {
            trace.push(Step::LeftOut { model: model.clone(), left: millis(known.left), why: known.why.words() });
        }
        if !ready.is_empty() {
            return ready;
        }
        trace.push(Step::AllCooling);
        cooling.sort_by_key(|(_, known)| known.left);
        if let Some((model, known)) = cooling.first()
            && known.why == super::cooldown::Why::Asked
            && known.left <= self.settings().queue_within.min(self.client.settings().total_timeout)
        {
            self.traffic().wait(known.left).await;
            trace.push(Step::Queued { model: model.clone(), on: Awaited::Cooldown, micros: micros(known.left) });
        }
        cooling.into_iter().map(|(model, _)| model).collect()
    }

    async fn turn(&self, model: &str, trace: &mut Trace) -> Result<Pass> {
        match self.traffic().enter(model, self.tokens).await {
            Ok(pass) => {
                for (on, time) in pass.waits.each() {
                    trace.push(Step::Queued { model: model.to_owned(), on, micros: micros(time) });
                }
                Ok(pass)
            }
            Err(after) => {
                trace.push(Step::Crowded { model: model.to_owned(), after: millis(after) });
                Err(Error::Crowded { model: model.to_owned(), after })
            }
        }
    }

    /// Give back what an attempt did not take of a minute.
    fn settle(&self, pass: &mut Pass, result: &Result<ChatReply>) {
        match result {
            Ok(reply) => {
                if let Some(usage) = &reply.usage {
                    pass.turn.used(u64::try_from(usage.input.saturating_add(usage.output)).unwrap_or(0));
                }
            }
            Err(Error::Refused(_)) => pass.turn.used(0),
            Err(Error::OverBudget(_) | Error::Ledger(_) | Error::Unreachable { .. }) => pass.turn.unused(),
            // Nobody knows how far it came.
            Err(_) => {}
        }
    }
}

/// Whether a failure holds for everybody who asks the same: not what lies with whoever asked.
fn is_for_all(error: &Error) -> bool {
    !matches!(error, Error::OverBudget(_) | Error::Ledger(_) | Error::Crowded { .. })
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The step of an attempt that has ended.
pub(in crate::llm) fn step(call: &Started, answered: Option<&str>, error: Option<&Error>) -> Step {
    Step::Attempt {
        number: call.attempt,
        model: call.model_asked.clone(),
        failure: error.map(|error| reason(&error.to_string())),
        answered: answered.filter(|answered| *answered != call.model_asked).map(str::to_owned),
    }
}
