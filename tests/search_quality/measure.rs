//! Figures of a ranking: hit@1, hit@5, MRR@10, each with the interval that holds 95 of 100 resamplings of the questions.

use super::set::Question;
use std::fmt;

/// A figure with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// The figures of one ranking over one set.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    pub hit_1: Figure,
    pub hit_5: Figure,
    pub mrr: Figure,
    /// The rank of the right document for each question, from 1; `None` when it is not among the ten.
    pub ranks: Vec<Option<usize>>,
}

/// Ask each question. `rank` gives the ids of the best documents, best first.
pub fn measure(questions: &[Question], mut rank: impl FnMut(&str) -> Vec<String>) -> Figures {
    let ranks: Vec<Option<usize>> = questions
        .iter()
        .map(|question| rank(&question.text).iter().take(10).position(|id| *id == question.answer).map(|at| at + 1))
        .collect();
    let at_most = |limit: usize| move |rank: &Option<usize>| f64::from(u8::from(rank.is_some_and(|rank| rank <= limit)));
    let figure = |score: &dyn Fn(&Option<usize>) -> f64| bootstrap(&ranks.iter().map(score).collect::<Vec<_>>());
    Figures {
        hit_1: figure(&at_most(1)),
        hit_5: figure(&at_most(5)),
        mrr: figure(&|rank| rank.map_or(0.0, |rank| 1.0 / rank as f64)),
        ranks,
    }
}

/// The mean, and the bounds of the middle 95 of 100 means of resamplings. The same scores give the same interval.
fn bootstrap(scores: &[f64]) -> Figure {
    let mut dice = fastrand::Rng::with_seed(1);
    let mean = |sum: f64| sum / scores.len() as f64;
    let mut means: Vec<f64> = (0..2000).map(|_| mean((0..scores.len()).map(|_| scores[dice.usize(..scores.len())]).sum())).collect();
    means.sort_unstable_by(f64::total_cmp);
    Figure { value: mean(scores.iter().sum()), low: means[50], high: means[1949] }
}

impl fmt::Display for Figure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.3} ({:.3} to {:.3})", self.value, self.low, self.high)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "hit@1 {}, hit@5 {}, MRR {}", self.hit_1, self.hit_5, self.mrr)
    }
}

#[test]
fn figures_of_a_known_ranking() {
    let set = super::set::comments();
    let all = measure(&set.questions, |text| {
        let right = set.questions.iter().find(|question| question.text == text).unwrap().answer.clone();
        vec!["another".to_owned(), right]
    });
    assert_eq!((all.hit_1.value, all.hit_5.value, all.mrr.value), (0.0, 1.0, 0.5));
    assert_eq!((all.mrr.low, all.mrr.high), (0.5, 0.5));
}
