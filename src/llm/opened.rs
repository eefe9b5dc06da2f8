//! The row of a call: opened before the request, settled after it, and what is set aside for it with it.

use super::budget::notice;
use super::budget::reserve::{self, Need};
use super::client::Client;
use super::error::{Error, Result};
use super::ledger::{self, Outcome, Priced, Settled, Started};
use super::route::Trace;
use super::route::cache::{self, Kept, Place};
use crate::base::Millis;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// A call that has begun. Dropped before it is settled (the agent stops, a deadline passes), it settles itself as interrupted, in the
/// background; where no runtime is left to do that, recovery does it at the next start.
pub(super) struct OpenCall<'a> {
    client: &'a Client,
    call: &'a Started,
    start: Instant,
    settled: bool,
    trace: Option<String>,
    generation: Arc<OnceLock<String>>,
}

impl Client {
    /// Write the row of an attempt before it is made. Whoever opened it settles it; dropped, it settles itself as interrupted.
    ///
    /// In the same transaction what it may cost is set aside: a call that a budget does not allow is not written down, and not made.
    pub(super) async fn open_call<'a>(&'a self, call: &'a Started, need: &Need) -> Result<OpenCall<'a>> {
        if let Some(database) = self.ledger() {
            let (row, need, client) = (call.clone(), *need, self.clone());
            let admitted = database.write(move |c| reserve::admit(c, client.prices(), row, need, client.lease())).await?;
            admitted.map_err(|refused| Error::OverBudget(Box::new(refused)))?;
        }
        Ok(OpenCall { client: self, call, start: Instant::now(), settled: false, trace: None, generation: Arc::default() })
    }

    /// How long what is set aside for a call stands when nobody settles it: longer than the call can take.
    fn lease(&self) -> Millis {
        i64::try_from(self.settings().total_timeout.as_millis()).unwrap_or(i64::MAX / 4).saturating_mul(2)
    }

    async fn settle(
        &self,
        call: &Started,
        settled: &Settled,
        trace: Option<String>,
        keep: Option<(Place, Kept)>,
    ) -> Result<Option<Priced>> {
        let Some(database) = self.ledger() else { return Ok(ledger::price_in_memory(self.prices(), call, settled)) };
        let (client, call, settled) = (self.clone(), call.clone(), settled.clone());
        let settle = database.write(move |c| {
            let (priced, reached) = reserve::settle(c, client.prices(), &call, &settled)?;
            if let Some(trace) = trace {
                ledger::annotate(c, &call.id, &trace)?;
            }
            if let Some((place, mut kept)) = keep {
                kept.cost = kept.cost.or(priced.as_ref().map(|priced| priced.cost));
                cache::keep(c, &place, &kept)?;
            }
            Ok::<_, crate::store::Error>((priced, reached))
        });
        let (priced, reached) = settle.await?;
        notice::tell(reached, &self.settings().budget_notify);
        Ok(priced)
    }

    /// Write down that a question was answered without a call: its row, and no cost. A budget that stops calls stops it as well.
    pub(super) async fn record_hit(&self, call: &Started, kept: &Kept, trace: &Trace) -> Result<()> {
        let Some(database) = self.ledger() else { return Ok(()) };
        let (row, kept, trace, client) = (call.clone(), kept.clone(), trace.to_json(), self.clone());
        let admitted = database.write(move |c| reserve::hit(c, client.prices(), row, &kept, &trace, client.lease())).await?;
        admitted.map_err(|refused| Error::OverBudget(Box::new(refused)))
    }
}

impl OpenCall<'_> {
    /// Keep what is known on the way for the case that the call is dropped.
    pub(super) fn traced(mut self, trace: &Trace, generation: &Arc<OnceLock<String>>) -> Self {
        self.trace = Some(trace.to_json());
        self.generation = Arc::clone(generation);
        self
    }

    /// Complete the row. Returns what the price book says.
    pub(super) async fn settle(self, settled: &Settled) -> Result<Option<Priced>> {
        self.settle_with(settled, None, None).await
    }

    /// Complete the row, with the decisions on its way, and keep its answer.
    pub(super) async fn settle_with(
        mut self,
        settled: &Settled,
        trace: Option<&Trace>,
        keep: Option<(Place, Kept)>,
    ) -> Result<Option<Priced>> {
        let priced = self.client.settle(self.call, settled, trace.map(Trace::to_json), keep).await;
        self.settled = true;
        priced
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        let (false, Ok(runtime)) = (self.settled, tokio::runtime::Handle::try_current()) else { return };
        let settled = Settled {
            finished_at: self.client.clock().now(),
            outcome: Outcome::Interrupted,
            model_answered: None,
            provider: None,
            generation_id: self.generation.get().cloned(),
            service_tier: None,
            latency: self.start.elapsed(),
            first_token: None,
            reported: None,
            http_status: None,
            error_type: Some("cancelled".to_owned()),
            error_message: Some("the question was dropped before its answer; what the call cost is unknown".to_owned()),
            finish_reason: None,
        };
        let (client, call, trace) = (self.client.clone(), self.call.clone(), self.trace.take());
        runtime.spawn(async move {
            if let Err(error) = client.settle(&call, &settled, trace, None).await {
                tracing::warn!(call = %call.id, %error, "a dropped model call was not settled; recovery will do it");
            }
        });
    }
}
