//! The sets: documents, and questions with the one document that answers each.

use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// Documents of one kind, with questions in other words than theirs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    #[serde(rename = "document")]
    pub documents: Vec<Document>,
    #[serde(rename = "question")]
    pub questions: Vec<Question>,
}

/// A section of a runbook, a belief with its title, or a text that has no heading.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub id: String,
    pub heading: Option<String>,
    pub text: String,
}

/// What somebody asks, and the id of the document that answers it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub text: String,
    pub answer: String,
    /// What it shares with the document: `words`, `names`, a `phrase`, `some` words, or a `typo`. None where it shares nothing on purpose.
    #[serde(default)]
    pub how: Option<String>,
}

/// Sections of runbooks: a heading and a few sentences, some of them long.
pub fn runbooks() -> Set {
    toml::from_str(include_str!("runbooks.toml")).unwrap()
}

/// Comments of a sentence or two.
pub fn comments() -> Set {
    toml::from_str(include_str!("comments.toml")).unwrap()
}

/// Beliefs: a title, and what is said about it.
pub fn beliefs() -> Set {
    toml::from_str(include_str!("beliefs.toml")).unwrap()
}

/// Reasons of decisions.
pub fn decisions() -> Set {
    toml::from_str(include_str!("decisions.toml")).unwrap()
}

/// Questions in the words of the documents, and documents that are nearly alike, by kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shared {
    question: HashMap<String, Vec<Question>>,
    document: HashMap<String, Vec<Document>>,
}

/// The set of a kind with more documents, and questions in their words: `runbooks`, `interactions`, `beliefs`, `decisions`.
pub fn shared(kind: &str, set: Set) -> Set {
    let mut all: Shared = toml::from_str(include_str!("shared.toml")).unwrap();
    let mut documents = set.documents;
    documents.extend(all.document.remove(kind).unwrap());
    Set { documents, questions: all.question.remove(kind).unwrap() }
}

#[test]
fn every_question_has_its_document() {
    let sets = [
        ("runbooks", runbooks(), 150, 130),
        ("interactions", comments(), 90, 70),
        ("beliefs", beliefs(), 60, 60),
        ("decisions", decisions(), 60, 60),
    ];
    let check = |set: &Set, documents: usize, questions: usize| {
        let ids: HashSet<&str> = set.documents.iter().map(|document| document.id.as_str()).collect();
        assert_eq!(ids.len(), set.documents.len(), "an id stands twice");
        assert!(ids.len() >= documents && set.questions.len() >= questions);
        for question in &set.questions {
            assert!(ids.contains(question.answer.as_str()), "{question:?}");
        }
    };
    for (kind, set, documents, questions) in sets {
        check(&set, documents, questions);
        let shared = shared(kind, set);
        check(&shared, documents + 20, 90);
        for how in ["words", "names", "phrase", "typo", "some"] {
            assert!(shared.questions.iter().any(|question| question.how.as_deref() == Some(how)), "{kind}: {how}");
        }
    }
}
