//! What the online judges' answers mean for a draft: unsafe goes to a person, and so does a judge that gave no usable answer. Pure.
//!
//! A judge alone never blocks and never lets pass: it is a model, and it may be wrong either way.

use super::evaluation::{Evaluation, Hit, Verdict};
use crate::llm::judge::{JudgeAnswer, JudgedCategory, Judgement};

/// The rule under which a judge's finding stands.
pub const RULE: &str = "judge";
/// What a finding adds to the score.
const WEIGHT: f64 = 0.5;

/// Take the judges' answers into an evaluation of the same text.
pub fn judged(evaluation: &mut Evaluation, answers: &[JudgeAnswer]) {
    for answer in answers {
        match &answer.judgement {
            Judgement::Safe => {}
            Judgement::Unsafe { categories } => {
                let message = format!("{} ({}) holds against it: {}", answer.judge, answer.model, listed(categories));
                evaluation.hits.push(Hit {
                    rule_id: RULE.to_owned(),
                    rule_version: 1,
                    severity: Verdict::Review,
                    weight: WEIGHT,
                    spans: Vec::new(),
                    message,
                    evidence: Some(answer.model.clone()),
                });
                evaluation.flags.push(format!("judge ({})", answer.judge));
                evaluation.score = (evaluation.score + WEIGHT).min(1.0);
                evaluation.verdict = evaluation.verdict.max(Verdict::Review);
            }
            Judgement::Unknown { reason } => missing(evaluation, answer, reason),
        }
    }
}

/// The text was changed by hand: the judges that were asked about the draft have not seen it.
pub fn not_seen(evaluation: &mut Evaluation, answers: &[JudgeAnswer]) {
    for answer in answers {
        missing(evaluation, answer, "it has not seen the edited text");
    }
}

fn missing(evaluation: &mut Evaluation, answer: &JudgeAnswer, reason: &str) {
    evaluation.missing.push(format!("judge {} ({reason})", answer.judge));
    evaluation.verdict = evaluation.verdict.max(Verdict::Review);
}

/// Categories with their scores, as a person reads them: `hate 0.97, violence 0.88`.
#[must_use]
pub fn listed(categories: &[JudgedCategory]) -> String {
    let one = |category: &JudgedCategory| match category.score {
        Some(score) => format!("{} {score:.2}", category.name),
        None => category.name.clone(),
    };
    categories.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::judge::JudgeName;
    use crate::moderation::screening::{ConsistencyResult, Outgoing, Surroundings, evaluate};

    fn clean() -> Evaluation {
        let around = Surroundings { consistency: Some(&ConsistencyResult::NotNeeded), tainted: false };
        // How long it took differs from look to look.
        Evaluation { elapsed_us: 0, ..evaluate(Outgoing { title: None, content: "The gauges upstream say it best." }, around) }
    }

    fn answer(judgement: Judgement) -> JudgeAnswer {
        JudgeAnswer { judge: JudgeName::OpenaiModeration, model: "omni-moderation-2024-09-26".into(), judgement }
    }

    #[test]
    fn what_is_unsafe_or_unknown_goes_to_a_person_and_what_is_safe_changes_nothing() {
        let mut evaluation = clean();
        judged(&mut evaluation, &[answer(Judgement::Safe)]);
        assert_eq!(evaluation, clean());
        judged(&mut evaluation, &[answer(Judgement::Unknown { reason: "no answer within 20 s".into() })]);
        assert_eq!(evaluation.verdict, Verdict::Review);
        assert_eq!(evaluation.missing, ["judge openai_moderation (no answer within 20 s)"]);
        let mut evaluation = clean();
        let categories =
            vec![JudgedCategory { name: "hate".into(), score: Some(0.971) }, JudgedCategory { name: "S1 x".into(), score: None }];
        judged(&mut evaluation, &[answer(Judgement::Unsafe { categories })]);
        assert_eq!((evaluation.verdict, evaluation.hits[0].rule_id.as_str()), (Verdict::Review, RULE));
        assert_eq!(evaluation.hits[0].message, "openai_moderation (omni-moderation-2024-09-26) holds against it: hate 0.97, S1 x");
    }

    #[test]
    fn a_judge_never_softens_a_block() {
        let mut evaluation = Evaluation { verdict: Verdict::Block, ..clean() };
        judged(&mut evaluation, &[answer(Judgement::Unsafe { categories: vec![] }), answer(Judgement::Safe)]);
        assert_eq!(evaluation.verdict, Verdict::Block);
    }

    #[test]
    fn an_edited_text_was_seen_by_no_judge() {
        let mut evaluation = clean();
        not_seen(&mut evaluation, &[answer(Judgement::Safe)]);
        assert_eq!((evaluation.verdict, evaluation.missing.len()), (Verdict::Review, 1));
        let mut evaluation = clean();
        not_seen(&mut evaluation, &[]);
        assert_eq!(evaluation, clean());
    }
}
