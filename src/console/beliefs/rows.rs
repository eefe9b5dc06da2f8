//! Which beliefs are listed, and in which order. Pure.

use super::Loaded;
use crate::memory::graph::{BeliefRow, Graph};
use crate::memory::history::difference::percent_points;
use std::cmp::Ordering;
use std::collections::HashSet;

/// What the table is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::console) enum Sort {
    /// The highest first.
    #[default]
    Confidence,
    /// The furthest moved first, whichever way.
    Drift,
    /// The newest first.
    Change,
    /// What most rests on first.
    Centrality,
    /// The most edges first.
    Degree,
    /// The most that waits for a person first.
    Waiting,
    /// By the alphabet.
    Title,
    /// By the alphabet of the first tag.
    Tags,
}

impl Sort {
    /// Every order, as the key goes through them.
    pub const ALL: [Self; 8] =
        [Self::Confidence, Self::Drift, Self::Change, Self::Centrality, Self::Degree, Self::Waiting, Self::Title, Self::Tags];

    /// The next one.
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or(0);
        Self::ALL.get(at + 1).copied().unwrap_or_default()
    }

    /// The word that it is remembered by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confidence => "confidence",
            Self::Drift => "drift",
            Self::Change => "change",
            Self::Centrality => "centrality",
            Self::Degree => "degree",
            Self::Waiting => "waiting",
            Self::Title => "title",
            Self::Tags => "tags",
        }
    }

    /// In words, the usual way round and the other one.
    pub fn words(self, is_reversed: bool) -> &'static str {
        match (self, is_reversed) {
            (Self::Confidence, false) => "most confident first",
            (Self::Confidence, true) => "least confident first",
            (Self::Drift, false) => "furthest moved first",
            (Self::Drift, true) => "least moved first",
            (Self::Change, false) => "last changed first",
            (Self::Change, true) => "longest unchanged first",
            (Self::Centrality, false) => "most central first",
            (Self::Centrality, true) => "least central first",
            (Self::Degree, false) => "most edges first",
            (Self::Degree, true) => "fewest edges first",
            (Self::Waiting, false) => "most that waits first",
            (Self::Waiting, true) => "least that waits first",
            (Self::Title, false) => "by title",
            (Self::Title, true) => "by title, backwards",
            (Self::Tags, false) => "by tag",
            (Self::Tags, true) => "by tag, backwards",
        }
    }
}

/// What is typed into the filter: `tag:science confidence>0.8 is:locked words of the title`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::console) struct Filter {
    words: Vec<String>,
    tags: Vec<String>,
    at_least: Option<f64>,
    at_most: Option<f64>,
    is: Vec<Is>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Locked,
    Free,
    Waiting,
    Moved,
    Alone,
    Odds,
}

impl Filter {
    /// Read what was typed.
    ///
    /// # Errors
    /// Which word is not understood, and what would be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut filter = Self::default();
        for word in text.split_whitespace() {
            if let Some(bound) = word.strip_prefix("confidence").filter(|bound| bound.starts_with(['>', '<', ':'])) {
                filter.bound(bound)?;
                continue;
            }
            match word.split_once(':') {
                Some(("tag", "") | ("is", "")) => {}
                Some(("tag", tag)) => filter.tags.push(tag.to_lowercase()),
                Some(("is", what)) => filter.is.push(match what {
                    "locked" => Is::Locked,
                    "free" => Is::Free,
                    "waiting" => Is::Waiting,
                    "moved" => Is::Moved,
                    "alone" => Is::Alone,
                    "odds" => Is::Odds,
                    _ => return Err(format!("is:{what} — locked, free, waiting, moved, alone, odds")),
                }),
                _ => filter.words.push(word.to_lowercase()),
            }
        }
        Ok(filter)
    }

    fn bound(&mut self, bound: &str) -> Result<(), String> {
        let value = bound.trim_start_matches(['>', '<', ':', '=']);
        if value.is_empty() {
            return Ok(());
        }
        let wanted = || format!("confidence{bound} — confidence>0.8, confidence<0.3, in 0 to 1 or percent");
        let number: f64 = value.trim_end_matches('%').parse().map_err(|_| wanted())?;
        let number = if value.ends_with('%') || number > 1.0 { number / 100.0 } else { number };
        if !(0.0..=1.0).contains(&number) {
            return Err(wanted());
        }
        if bound.starts_with('<') {
            self.at_most = Some(number);
        } else {
            self.at_least = Some(number);
        }
        Ok(())
    }

    /// `odds` are the beliefs that are in a contradiction.
    fn passes(&self, row: &BeliefRow, words: &str, odds: &HashSet<&str>) -> bool {
        let is = |what: &Is| match what {
            Is::Locked => row.locked,
            Is::Free => !row.locked,
            Is::Waiting => row.suggestions > 0,
            Is::Moved => row.drift.is_some_and(|points| points != 0.0),
            Is::Alone => row.degree == 0,
            Is::Odds => odds.contains(row.id.as_str()),
        };
        self.words.iter().all(|word| words.contains(word.as_str()))
            && self.tags.iter().all(|tag| row.tags.iter().any(|known| known.to_lowercase().starts_with(tag)))
            && self.at_least.is_none_or(|least| row.confidence.is_some_and(|confidence| confidence >= least))
            && self.at_most.is_none_or(|most| row.confidence.is_some_and(|confidence| confidence <= most))
            && self.is.iter().all(is)
    }
}

/// What the filter looks through: titles and tags in small letters.
pub(super) fn words(graph: &Graph) -> Vec<String> {
    graph.rows().iter().map(|row| format!("{} {}", row.title, row.tags.join(" ")).to_lowercase()).collect()
}

/// How far a belief has moved: over the last week, or where the past is looked at, from then to now. None where one end is not known.
pub(super) fn moved(loaded: &Loaded, row: &BeliefRow, is_past: bool) -> Option<f64> {
    if !is_past {
        return row.drift;
    }
    let now = loaded.present.row(&row.id)?.confidence?;
    row.confidence.map(|then| percent_points(then, now))
}

/// The places in the graph of what passes the filter, in order.
pub(super) fn listed(loaded: &Loaded, filter: &Filter, sort: Sort, is_reversed: bool, is_past: bool) -> Vec<usize> {
    let rows = loaded.graph.rows();
    let odds: HashSet<&str> = loaded
        .contradictions
        .iter()
        // A large graph has many, and most filters do not ask for them.
        .filter(|_| filter.is.contains(&Is::Odds))
        .flat_map(|found| found.path.first().into_iter().chain([&found.against]))
        .map(|named| named.id.as_str())
        .collect();
    let mut shown: Vec<usize> = rows
        .iter()
        .zip(&loaded.words)
        .enumerate()
        .filter(|(_, (row, words))| filter.passes(row, words, &odds))
        .map(|(number, _)| number)
        .collect();
    // Unknown is last whichever way round: it is not a small value.
    let down = |one: Option<f64>, other: Option<f64>| match (one, other) {
        (Some(one), Some(other)) if is_reversed => one.total_cmp(&other),
        (Some(one), Some(other)) => other.total_cmp(&one),
        (one, other) => other.is_some().cmp(&one.is_some()),
    };
    let up = |order: Ordering| if is_reversed { order.reverse() } else { order };
    shown.sort_by(|one, other| {
        let (Some(a), Some(b)) = (rows.get(*one), rows.get(*other)) else { return Ordering::Equal };
        let order = match sort {
            Sort::Confidence => down(a.confidence, b.confidence),
            Sort::Drift => down(moved(loaded, a, is_past).map(f64::abs), moved(loaded, b, is_past).map(f64::abs)),
            Sort::Change => up(b.last_change.cmp(&a.last_change)),
            Sort::Centrality => down(Some(a.centrality), Some(b.centrality)),
            Sort::Degree => up(b.degree.cmp(&a.degree)),
            Sort::Waiting => up(b.suggestions.cmp(&a.suggestions)),
            Sort::Title => up(title(loaded, *one).cmp(title(loaded, *other))),
            Sort::Tags => match (a.tags.first(), b.tags.first()) {
                (Some(one), Some(other)) => up(one.to_lowercase().cmp(&other.to_lowercase())),
                (one, other) => other.is_some().cmp(&one.is_some()),
            },
        };
        order.then_with(|| title(loaded, *one).cmp(title(loaded, *other))).then(one.cmp(other))
    });
    shown
}

fn title(loaded: &Loaded, number: usize) -> &str {
    loaded.words.get(number).map_or("", String::as_str)
}
