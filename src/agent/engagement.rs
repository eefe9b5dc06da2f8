//! Which posts are worth an answer: own posts never, others by interest and by how much they engage people. No I/O.

use serde::{Deserialize, Serialize};

/// The midpoint that stands in for one that is not above zero.
const USUAL_MIDPOINT: f64 = 20.0;

/// How engagement becomes a probability of answering.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngagementConfig {
    /// What a point of score counts, 0 to 10.
    pub score_weight: f64,
    /// What a comment counts, 0 to 10.
    pub comment_weight: f64,
    /// The probability that the quietest post tends to, 0 to 1.
    pub min_probability: f64,
    /// The probability that the liveliest post tends to, 0 to 1.
    pub max_probability: f64,
    /// The engagement at which the probability is half way, 1 to 1000.
    pub probability_midpoint: f64,
}

impl Default for EngagementConfig {
    fn default() -> Self {
        Self { score_weight: 1.0, comment_weight: 2.0, min_probability: 0.1, max_probability: 0.8, probability_midpoint: USUAL_MIDPOINT }
    }
}

impl EngagementConfig {
    /// How much a post engages people.
    #[must_use]
    pub fn engagement(&self, score: i64, num_comments: i64) -> f64 {
        self.score_weight * score as f64 + self.comment_weight * num_comments as f64
    }

    /// The probability of answering a post with this engagement: a sigmoid from the least to the greatest probability.
    #[must_use]
    pub fn probability(&self, engagement: f64) -> f64 {
        let midpoint = if self.probability_midpoint > 0.0 { self.probability_midpoint } else { USUAL_MIDPOINT };
        let steepness = 3.0 * (engagement - midpoint) / midpoint;
        self.min_probability + (self.max_probability - self.min_probability) / (1.0 + (-steepness).exp())
    }
}

/// A post that might be answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<'a> {
    /// Who wrote it; none when the account is gone.
    pub author: Option<&'a str>,
    /// Its title.
    pub title: &'a str,
    /// Its text; empty for a link.
    pub body: &'a str,
    /// Up-votes minus down-votes.
    pub score: i64,
    /// How many comments it has.
    pub num_comments: i64,
}

/// Why a post is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The persona wrote it.
    OwnPost,
    /// It contains none of the persona's interest keywords.
    NoKeywordMatch,
    /// The dice said no.
    EngagementSampling,
}

impl SkipReason {
    /// The word in logs and summaries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OwnPost => "own_post",
            Self::NoKeywordMatch => "no_keyword_match",
            Self::EngagementSampling => "engagement_sampling",
        }
    }
}

impl std::fmt::Display for SkipReason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What was decided about a post.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decision {
    /// Answer it: it was drawn with this probability.
    Respond {
        /// 0..1.
        probability: f64,
    },
    /// Leave it.
    Skip(SkipReason),
}

/// Decide about a post. The checks that cost nothing come first; the dice are thrown only for posts that pass them.
#[must_use]
pub fn should_respond(
    candidate: &Candidate<'_>,
    own_username: &str,
    interest_keywords: &[String],
    config: &EngagementConfig,
    rng: &mut fastrand::Rng,
) -> Decision {
    if candidate.author.is_some_and(|author| author.eq_ignore_ascii_case(own_username)) {
        return Decision::Skip(SkipReason::OwnPost);
    }
    if !matches_interest(candidate, interest_keywords) {
        return Decision::Skip(SkipReason::NoKeywordMatch);
    }
    let probability = config.probability(config.engagement(candidate.score, candidate.num_comments));
    if rng.f64() < probability { Decision::Respond { probability } } else { Decision::Skip(SkipReason::EngagementSampling) }
}

/// Take the liveliest posts of a cycle: sorted by engagement, highest first, a random number of them from 1 to `max`.
#[must_use]
pub fn choose<T>(mut posts: Vec<T>, engagement: impl Fn(&T) -> f64, max: usize, rng: &mut fastrand::Rng) -> Vec<T> {
    let most = posts.len().min(max);
    if most == 0 {
        return Vec::new();
    }
    posts.sort_by(|one, two| engagement(two).total_cmp(&engagement(one)));
    posts.truncate(rng.usize(1..=most));
    posts
}

/// Whether title or body contain a keyword, in any case. No keywords match everything; a blank one matches nothing.
fn matches_interest(candidate: &Candidate<'_>, keywords: &[String]) -> bool {
    let mut wanted = keywords.iter().map(|keyword| keyword.trim().to_lowercase()).filter(|keyword| !keyword.is_empty()).peekable();
    if wanted.peek().is_none() {
        return true;
    }
    let text = format!("{}\n{}", candidate.title, candidate.body).to_lowercase();
    wanted.any(|keyword| text.contains(&keyword))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POST: Candidate<'static> =
        Candidate { author: Some("somebody"), title: "A Rust question", body: "How do I borrow?", score: 900, num_comments: 300 };

    fn rng() -> fastrand::Rng {
        fastrand::Rng::with_seed(7)
    }

    #[test]
    fn probability_has_the_golden_values() {
        let config = EngagementConfig::default();
        for (engagement, expected) in [(0.0, 0.1332), (20.0, 0.45), (200.0, 0.8)] {
            let found = config.probability(engagement);
            assert!((found - expected).abs() < 0.00005, "{engagement}: {found}");
        }
        assert_eq!(config.engagement(5, 3), 11.0);
        let no_midpoint = EngagementConfig { probability_midpoint: 0.0, ..config.clone() };
        assert_eq!(no_midpoint.probability(7.0), config.probability(7.0));
    }

    #[test]
    fn own_posts_and_other_interests_are_left_alone() {
        let always = EngagementConfig { min_probability: 1.0, max_probability: 1.0, ..EngagementConfig::default() };
        let decide = |post: &Candidate<'_>, words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            should_respond(post, "DemoAgentBot", &words, &always, &mut rng())
        };
        let own = Candidate { author: Some("demoagentbot"), ..POST };
        assert_eq!(decide(&own, &[]), Decision::Skip(SkipReason::OwnPost));
        assert_eq!(decide(&POST, &["gardening", " "]), Decision::Skip(SkipReason::NoKeywordMatch));
        for words in [&["BORROW"][..], &["gardening", "rust"], &[], &["  "]] {
            assert_eq!(decide(&POST, words), Decision::Respond { probability: 1.0 }, "{words:?}");
        }
        let orphan = Candidate { author: None, ..POST };
        assert_eq!(decide(&orphan, &[]), Decision::Respond { probability: 1.0 });
    }

    #[test]
    fn the_dice_are_fair_to_the_probability() {
        let config = EngagementConfig::default();
        let mut rng = rng();
        let quiet = Candidate { score: 0, num_comments: 0, ..POST };
        let answered =
            (0..10_000).filter(|_| matches!(should_respond(&quiet, "me", &[], &config, &mut rng), Decision::Respond { .. })).count();
        assert!((1_150..1_520).contains(&answered), "about 13.3 % of 10,000: {answered}");
    }

    #[test]
    fn the_liveliest_posts_are_taken() {
        let mut rng = rng();
        let mut sizes = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let chosen = choose(vec![3.0, 9.0, 1.0, 7.0], |post| *post, 3, &mut rng);
            assert_eq!(chosen, [9.0, 7.0, 3.0][..chosen.len()]);
            sizes.insert(chosen.len());
        }
        assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
        assert!(choose(Vec::<f64>::new(), |post| *post, 3, &mut rng).is_empty());
        assert!(choose(vec![1.0], |post| *post, 0, &mut rng).is_empty());
    }

    proptest! {
        #[test]
        fn probability_stays_between_its_bounds_and_rises(one in -1e6..1e6_f64, two in -1e6..1e6_f64) {
            let config = EngagementConfig::default();
            let (low, high) = if one <= two { (one, two) } else { (two, one) };
            let (low, high) = (config.probability(low), config.probability(high));
            prop_assert!(0.1 <= low && low <= high && high <= 0.8 + 1e-12);
        }
    }
}
