//! The options that choose items of the queue: the same for listing, counting, claiming the next and deciding many.

use super::Desk;
use crate::cli::{Failure, duration};
use crate::moderation::listing::{Filter, Holder, Sort};
use crate::moderation::{PostType, State, Verdict};

/// Which items.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
#[command(next_help_heading = "Which items")]
pub(super) struct Filters {
    /// Only these states; by default those that can be decided.
    #[arg(long, value_name = "STATE,…", value_delimiter = ',')]
    state: Vec<State>,
    /// Every state.
    #[arg(long, conflicts_with = "state")]
    all: bool,
    /// What screening said: allow, review, block.
    #[arg(long, value_name = "VERDICT,…", value_delimiter = ',', value_parser = verdict)]
    verdict: Vec<Verdict>,
    /// This rule fired, or this check is missing: banned_keyword, consistency, …
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Where it goes.
    #[arg(long, value_name = "NAME")]
    subreddit: Option<String>,
    /// post, comment or reply.
    #[arg(long = "type", value_name = "TYPE")]
    post_type: Option<PostType>,
    /// Who wrote what is answered.
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// What you have claimed.
    #[arg(long, conflicts_with_all = ["claimed", "unclaimed"])]
    mine: bool,
    /// What somebody has claimed.
    #[arg(long, conflicts_with = "unclaimed")]
    claimed: bool,
    /// What nobody has claimed.
    #[arg(long)]
    unclaimed: bool,
    /// Passed on to this person.
    #[arg(long, value_name = "NAME")]
    escalated_to: Option<String>,
    /// Answers to a text that tries to instruct its reader.
    #[arg(long, conflicts_with = "untainted")]
    tainted: bool,
    /// The others.
    #[arg(long)]
    untainted: bool,
    /// Title or text contain these words, in small or capital letters.
    #[arg(long = "text", value_name = "WORDS")]
    text: Option<String>,
    /// Drafted longer ago: 30m, 2h, 1d.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    older_than: Option<i64>,
    /// Drafted since.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    newer_than: Option<i64>,
    /// At risk of not being decided in time: expires within this.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    expires_within: Option<i64>,
    /// Screening's score is at least this, 0 to 1.
    #[arg(long, value_name = "SCORE", value_parser = score)]
    score: Option<f64>,
    /// Also what you passed over.
    #[arg(long)]
    skipped: bool,
}

fn verdict(text: &str) -> Result<Verdict, String> {
    text.parse().map_err(|()| format!("{text:?} is none of allow, review, block"))
}

fn score(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is no score; write a number from 0 to 1");
    text.parse().ok().filter(|score| (0.0..=1.0).contains(score)).ok_or_else(wrong)
}

impl Filters {
    /// Whether nothing is asked for.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The filter, with the names and the time of whoever asks. `states` are listed where the options name none.
    pub(super) fn resolve(self, desk: &Desk<'_>, states: &[State], sort: Sort) -> Result<Filter, Failure> {
        let now = desk.context.clock.now();
        let holder = match (self.mine, self.claimed, self.unclaimed) {
            (true, ..) => Some(Holder::Is { name: desk.context.operator()?, at: now }),
            (_, true, _) => Some(Holder::Somebody { at: now }),
            (.., true) => Some(Holder::Nobody { at: now }),
            _ => None,
        };
        let tainted = (self.tainted || self.untainted).then_some(self.tainted);
        let bare = |name: String, prefix: &str| name.trim_start_matches('/').trim_start_matches(prefix).to_owned();
        Ok(Filter {
            persona: desk.persona()?,
            states: match (self.all, self.state.is_empty()) {
                (true, _) => State::ALL.to_vec(),
                (_, true) => states.to_vec(),
                _ => self.state,
            },
            id: None,
            after: None,
            backwards: false,
            inclusive: false,
            // Who is not known by name has passed nothing over.
            not_skipped_by: desk.context.operator().ok().filter(|_| !self.skipped && !self.all),
            verdicts: self.verdict,
            rule: self.rule,
            subreddit: self.subreddit.map(|name| bare(name, "r/")),
            post_type: self.post_type,
            author: self.author.map(|name| bare(name, "u/")),
            holder,
            escalated_to: self.escalated_to,
            tainted,
            text: self.text.filter(|text| !text.trim().is_empty()),
            created_since: self.newer_than.map(|length| now - length),
            created_before: self.older_than.map(|length| now - length),
            expires_since: self.expires_within.map(|_| now),
            expires_before: self.expires_within.map(|length| now + length),
            least_score: self.score,
            sort,
        })
    }
}
