//! The sets: documents, and questions with the one document that answers each.

use serde::Deserialize;
use std::collections::HashSet;

/// A set of one kind of document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    #[serde(rename = "document")]
    pub documents: Vec<Document>,
    #[serde(rename = "question")]
    pub questions: Vec<Question>,
}

/// A section of a runbook, or a comment, which has no heading.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub id: String,
    pub heading: Option<String>,
    pub text: String,
}

/// What somebody asks, and the id of the document that answers it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub text: String,
    pub answer: String,
}

/// Sections of runbooks: a heading and a few sentences, some of them long.
pub fn runbooks() -> Set {
    toml::from_str(include_str!("runbooks.toml")).unwrap()
}

/// Comments of a sentence or two.
pub fn comments() -> Set {
    toml::from_str(include_str!("comments.toml")).unwrap()
}

#[test]
fn every_question_has_its_document() {
    for (set, documents, questions) in [(runbooks(), 150, 130), (comments(), 90, 70)] {
        let ids: HashSet<&str> = set.documents.iter().map(|document| document.id.as_str()).collect();
        assert_eq!(ids.len(), set.documents.len(), "an id stands twice");
        assert!(ids.len() >= documents && set.questions.len() >= questions);
        for question in &set.questions {
            assert!(ids.contains(question.answer.as_str()), "{question:?}");
        }
    }
}
