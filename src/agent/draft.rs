//! From a message worth an answer to a screened draft: recall, write, check, screen.

use super::error::{Error, Result};
use super::perceive::Opportunity;
use super::policy;
use super::prompt::{self, Correction, CorrectionKind, Material, Nonce, PromptBelief, Thread, ThreadComment};
use super::services::Services;
use super::statements;
use super::taint;
use crate::base::{PersonaId, Picos};
use crate::llm::consistency::BeliefLine;
use crate::llm::judge::{self, JudgeRequest};
use crate::llm::proposals::KnownBelief;
use crate::llm::{ChatRequest, Consistency, ConsistencyRequest, ProposalsRequest};
use crate::memory::interactions::BeliefSnapshot;
use crate::memory::{self, BeliefProposals};
use crate::moderation::rules::Target;
use crate::moderation::screening::{BeliefConflict, ConsistencyResult, Outgoing, Surroundings};
use crate::moderation::{DraftMetadata, Evaluation, ThreadEntry, Verdict, corrections, decisions, judged, quality::labels};
use crate::store::Conn;

/// Beliefs below this confidence are not recalled.
const MIN_CONFIDENCE: f64 = 0.5;
/// The most tokens that a draft may take.
const MAX_TOKENS: u32 = 1_000;

/// A draft, ready for the queue.
#[derive(Debug, Clone)]
pub(super) struct Drafted {
    /// The text.
    pub content: String,
    /// What screening said.
    pub evaluation: Evaluation,
    /// What goes with it.
    pub metadata: DraftMetadata,
}

/// What memory had to say.
struct Recalled {
    beliefs: Vec<PromptBelief>,
    recent_posts: Vec<String>,
    past_statements: Vec<String>,
    corrections: Vec<Correction>,
}

/// Write, check and screen an answer. `wish` is what a reviewer asked for when an earlier draft was returned, or rejected to be drafted anew.
///
/// # Errors
/// [`Error::NoText`] when the model wrote nothing: there is nothing to review, and the other calls are not paid for.
pub(super) async fn write(
    services: &Services,
    opportunity: &Opportunity,
    correlation_id: &str,
    wish: Option<Correction>,
) -> Result<Drafted> {
    let persona = services.persona.id.clone();
    let subreddit = opportunity.subreddit.clone();
    let policy = policy::current(services, &opportunity.subreddit).await?;
    let mut recalled = services.db.read(move |c| recall(c, &persona, &subreddit)).await?;
    if let Some(wish) = wish {
        recalled.corrections.retain(|correction| correction.reason != wish.reason);
        recalled.corrections.insert(0, wish);
    }
    recalled.past_statements = statements::about(services, opportunity, recalled.past_statements).await;
    let mut thread = thread(opportunity, &services.persona.reddit_username);
    thread.rules = policy.iter().flat_map(|policy| policy.names_for(opportunity.post_type)).map(str::to_owned).collect();
    let material = Material {
        username: &services.persona.reddit_username,
        config: &services.persona.config,
        recent_posts: &recalled.recent_posts,
        corrections: &recalled.corrections,
        beliefs: &recalled.beliefs,
        past_statements: &recalled.past_statements,
        thread: &thread,
    };
    let prompt = prompt::assemble(&material, &Nonce::random(), prompt::BUDGET_TOKENS);
    let mut request = ChatRequest::new("draft", Some(prompt.system), prompt.user);
    request.persona = Some(services.persona.id.clone());
    request.correlation_id = correlation_id.to_owned();
    request.temperature = Some(0.7);
    request.max_tokens = Some(MAX_TOKENS);
    let reply = services.llm.chat(request).await?;
    let content = tidy(&reply.text);
    if content.is_empty() {
        let reason = reply.refusal.or(reply.finish_reason).unwrap_or_else(|| "no reason given".to_owned());
        return Err(Error::NoText { model: reply.model_answered.unwrap_or(reply.model_asked), reason });
    }
    let is_cut = reply.finish_reason.as_deref() == Some("length");

    let known: Vec<&PromptBelief> = recalled.beliefs.iter().filter(|belief| prompt.belief_ids.contains(&belief.id)).collect();
    let thread_text = opportunity.chain.iter().map(|entry| entry.body.as_str()).collect::<Vec<_>>().join("\n\n");
    let consistency_request = ConsistencyRequest {
        persona: services.persona.id.clone(),
        correlation_id: correlation_id.to_owned(),
        draft: content.clone(),
        thread: thread_text.clone(),
        beliefs: known
            .iter()
            .map(|belief| BeliefLine { id: belief.id.clone(), text: belief.stance.clone(), confidence: belief.confidence.unwrap_or(0.5) })
            .collect(),
    };
    let proposals_request = ProposalsRequest {
        persona: services.persona.id.clone(),
        correlation_id: correlation_id.to_owned(),
        draft: content.clone(),
        thread: thread_text,
        known: known
            .iter()
            .map(|belief| KnownBelief { id: belief.id.clone(), title: belief.title.clone(), confidence: belief.confidence.unwrap_or(0.5) })
            .collect(),
    };
    // All of them only read the draft, so none waits for another.
    let judge_request =
        JudgeRequest { persona: services.persona.id.clone(), correlation_id: correlation_id.to_owned(), text: content.clone() };
    let (check, proposals, judges) = tokio::join!(
        services.llm.check_consistency(&consistency_request),
        services.llm.propose_beliefs(&proposals_request),
        services.judges.ask(&judge_request)
    );
    let consistency = consistency(check.result, &known);
    let taint = opportunity.chain.iter().find_map(|entry| taint::reason(&entry.body).or_else(|| taint::reason(entry.title.as_deref()?)));
    let taint = taint.or_else(|| thread.rules.iter().find_map(|rule| taint::reason(rule)));
    let mut evaluation = screen(services, opportunity, &content, &consistency, taint.is_some()).await?;
    judged::judged(&mut evaluation, &judges);
    if is_cut {
        // The end is not there: a person decides whether it can do without.
        evaluation.missing.push("the end of the text (the model stopped at its limit)".to_owned());
        evaluation.verdict = evaluation.verdict.max(Verdict::Review);
    }
    let (tokens_in, tokens_out, cost_picos) = spent(services, correlation_id).await?;
    let answered = opportunity.chain.last();
    let metadata = DraftMetadata {
        parent_digest: answered.map(|entry| ThreadEntry::digest(entry.title.as_deref(), &entry.body)),
        thread: opportunity.chain.clone(),
        conversation_depth: opportunity.depth,
        beliefs: known.iter().map(|belief| snapshot(belief)).collect(),
        consistency: Some(consistency),
        judges,
        proposals_missing: (proposals.is_empty() && !proposals.notes.is_empty()).then(|| proposals.notes.join("; ")),
        belief_proposals: BeliefProposals::from(proposals),
        model: Some(reply.model_answered.unwrap_or(reply.model_asked)),
        tokens_in,
        tokens_out,
        cost_picos,
        tainted: taint.is_some(),
        sandbox: services.moderation.mode == crate::moderation::Mode::Sandbox,
        ..DraftMetadata::default()
    };
    Ok(Drafted { content, evaluation, metadata })
}

/// Look at the text with all the rules in force.
async fn screen(
    services: &Services,
    opportunity: &Opportunity,
    content: &str,
    consistency: &ConsistencyResult,
    tainted: bool,
) -> Result<Evaluation> {
    let (screener, persona, at) = (services.screener.clone(), services.persona.id.clone(), services.clock.now());
    let (opportunity, content, consistency) = (opportunity.clone(), content.to_owned(), consistency.clone());
    let look = move |c: &mut dyn Conn| {
        let target = Target {
            item: None,
            subreddit: &opportunity.subreddit,
            parent: Some(opportunity.parent()),
            thread: opportunity.thread_id.as_deref(),
            author: Some(&opportunity.author),
            depth: Some(opportunity.depth),
            is_post: false,
        };
        let around = Surroundings { consistency: Some(&consistency), tainted };
        screener.screen(c, &persona, &target, Outgoing { title: None, content: &content }, around, at)
    };
    Ok(services.db.read(look).await?)
}

fn recall(c: &mut dyn Conn, persona: &PersonaId, subreddit: &str) -> Result<Recalled> {
    let mut beliefs = Vec::new();
    for belief in memory::beliefs::recall(c, persona, MIN_CONFIDENCE, 10)? {
        let detail = memory::beliefs::get(c, persona, &belief.id)?;
        beliefs.push(PromptBelief {
            // The stance in force is sorted first.
            stance: detail.stances.first().map_or_else(|| belief.summary.clone(), |stance| stance.text.clone()),
            evidence: detail.evidence.iter().map(|link| link.source_ref.clone()).collect(),
            id: belief.id,
            title: belief.title,
            confidence: belief.confidence,
        });
    }
    let mut corrections: Vec<Correction> = decisions::recent_corrections(c, persona, 5)?
        .into_iter()
        .map(|correction| match correction.kind {
            corrections::CorrectionKind::Rejected => Correction { kind: CorrectionKind::Rejected, reason: correction.reason },
            corrections::CorrectionKind::Labelled => Correction { kind: CorrectionKind::Labelled, reason: correction.reason },
            corrections::CorrectionKind::Edited => {
                // The words that went were a model's: what a thread may have put into its mouth is not repeated as an instruction.
                let excerpt =
                    if taint::reason(&correction.excerpt).is_some() { String::new() } else { format!("; {}", correction.excerpt) };
                Correction { kind: CorrectionKind::Edited, reason: correction.reason + &excerpt }
            }
        })
        .collect();
    // Five are shown: what was said of messages that were sent has its place among them, and does not push the rest out.
    let labels =
        labels::recent(c, persona, 2)?.into_iter().map(|label| Correction { kind: CorrectionKind::Labelled, reason: label.reason });
    corrections.splice(0..0, labels);
    let texts =
        |interactions: Vec<memory::interactions::Interaction>| interactions.into_iter().map(|interaction| interaction.content).collect();
    Ok(Recalled {
        beliefs,
        recent_posts: texts(memory::interactions::recent(c, persona, None, 4)?),
        past_statements: texts(memory::interactions::recent_in_subreddit(c, persona, subreddit, 5)?),
        corrections,
    })
}

fn thread(opportunity: &Opportunity, own_name: &str) -> Thread {
    let comment = |entry: &ThreadEntry| ThreadComment {
        author: Some(entry.author.clone()),
        body: entry.body.clone(),
        ours: entry.author.eq_ignore_ascii_case(own_name),
    };
    let (post, comments) = match opportunity.chain.split_first() {
        Some((post, comments)) => (Some(post), comments),
        None => (None, &[][..]),
    };
    let (answering, before) = match comments.split_last() {
        Some((last, before)) => (Some(comment(last)), before),
        None => (None, comments),
    };
    Thread {
        subreddit: opportunity.subreddit.clone(),
        rules: Vec::new(),
        title: post.and_then(|post| post.title.clone()).unwrap_or_default(),
        author: post.map(|post| post.author.clone()),
        body: post.map(|post| post.body.clone()).unwrap_or_default(),
        comments: before.iter().map(comment).collect(),
        answering,
        post_urls: Vec::new(),
        comment_urls: Vec::new(),
    }
}

/// Models like to wrap an answer in quotation marks, or to end it with blank lines.
fn tidy(text: &str) -> String {
    let text = text.trim();
    let unquoted = text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).filter(|inner| !inner.contains('"'));
    unquoted.unwrap_or(text).trim().to_owned()
}

fn consistency(result: Consistency, known: &[&PromptBelief]) -> ConsistencyResult {
    match result {
        Consistency::Consistent { explanation, confidence } => ConsistencyResult::Consistent { confidence, explanation },
        Consistency::Inconsistent { conflicts, explanation, confidence } => ConsistencyResult::Inconsistent {
            confidence,
            explanation,
            conflicts: conflicts
                .into_iter()
                .map(|conflict| BeliefConflict {
                    title: known
                        .iter()
                        .find(|belief| belief.id == conflict.belief_id)
                        .map(|belief| belief.title.clone())
                        .unwrap_or_default(),
                    belief_id: conflict.belief_id,
                    quote: conflict.quote,
                })
                .collect(),
        },
        Consistency::Unknown { reason } => ConsistencyResult::Unknown { reason },
        Consistency::NotNeeded => ConsistencyResult::NotNeeded,
    }
}

fn snapshot(belief: &PromptBelief) -> BeliefSnapshot {
    BeliefSnapshot {
        belief_id: belief.id.clone(),
        title: belief.title.clone(),
        confidence: belief.confidence,
        stance: belief.stance.clone(),
    }
}

/// What the calls for this draft took: tokens in, tokens out, and the cost, which is unknown as soon as one call's is.
async fn spent(services: &Services, correlation_id: &str) -> Result<(u64, u64, Option<Picos>)> {
    let correlation_id = correlation_id.to_owned();
    let calls = services.db.read(move |c| crate::llm::calls::correlated(c, &correlation_id)).await.map_err(Error::Store)?;
    let tokens = |count: fn(&crate::llm::calls::Call) -> Option<i64>| -> u64 {
        calls.iter().filter_map(count).filter_map(|count| u64::try_from(count).ok()).sum()
    };
    let cost = calls
        .iter()
        .filter(|call| !judge::is_free(call))
        .map(|call| call.cost_reported_picos.or(call.cost_computed_picos).map(Picos))
        .try_fold(Picos::ZERO, |sum, cost| cost.map(|cost| sum.saturating_add(cost)));
    Ok((tokens(|call| call.tokens_in), tokens(|call| call.tokens_out), cost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_quotation_marks_go_and_inner_ones_stay() {
        assert_eq!(tidy("  \"A plain answer.\"\n\n"), "A plain answer.");
        assert_eq!(tidy("\"One\" and \"two\""), "\"One\" and \"two\"");
    }
}
