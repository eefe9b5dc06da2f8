//! What the persona said before about what it answers now: found by words and meaning, then the newest of the subreddit.

use super::Services;
use super::perceive::Opportunity;
use crate::moderation::ThreadEntry;
use crate::search::{Filters, Kind, Page, Question, Term};

/// Statements that are shown to the model.
const MOST: usize = 5;
/// Of these so many are looked for; the rest are the newest.
const LOOKED_FOR: u32 = 3;
/// Words of what is answered that are looked for.
const WORDS: usize = 60;
/// A statement that is less near than this, and shares fewer words than that, is about something else.
const NEAR: (f32, usize) = (0.35, 3);

/// The statements, the best found first. `newest` are those of the subreddit. A search that fails costs only itself: the newest remain.
pub(super) async fn about(services: &Services, opportunity: &Opportunity, newest: Vec<String>) -> Vec<String> {
    let found = match looked_for(services, opportunity).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "what was said before cannot be looked for; the newest statements are used");
            Vec::new()
        }
    };
    let mut all = found;
    for text in newest {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.truncate(MOST);
    all
}

async fn looked_for(services: &Services, opportunity: &Opportunity) -> crate::search::Result<Vec<String>> {
    let Some(search) = &services.search else { return Ok(Vec::new()) };
    let question = question(&opportunity.chain, services.persona.id.as_str());
    if question.words.is_empty() {
        return Ok(Vec::new());
    }
    let answer = search.ask(&question, Page { limit: LOOKED_FOR, after: None }).await?;
    let mut texts = Vec::new();
    for hit in answer.hits {
        let is_near = hit.reason.similarity.is_some_and(|similarity| similarity >= NEAR.0) || hit.reason.words.len() >= NEAR.1;
        if is_near {
            texts.push(search.text(Some(&services.persona.id), hit.kind, &hit.id).await?);
        }
    }
    Ok(texts)
}

/// The words of what is answered, the newest message first: nothing of it is taken for a filter or a phrase.
fn question(chain: &[ThreadEntry], persona: &str) -> Question {
    let texts = chain.iter().rev().flat_map(|entry| [Some(entry.body.as_str()), entry.title.as_deref()]).flatten();
    let words: Vec<String> = texts
        .flat_map(|text| text.split(|letter: char| !letter.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .take(WORDS)
        .map(str::to_lowercase)
        .collect();
    Question {
        text: words.join(" "),
        words: words.into_iter().map(Term::Word).collect(),
        filters: Filters { personas: vec![persona.to_owned()], kinds: vec![Kind::Interaction], ..Filters::default() },
        ..Question::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn entry(body: &str) -> ThreadEntry {
        ThreadEntry { fullname: "t1_a".into(), author: "reader".into(), title: None, body: body.into(), permalink: None }
    }

    #[test]
    fn what_others_write_is_looked_for_as_words_alone() {
        let chain = [entry("older"), entry("persona:other -not \"a phrase\" kind:belief")];
        let question = question(&chain, "p1");
        let words: Vec<&str> = question.words.iter().map(Term::text).collect();
        assert_eq!(words, ["persona", "other", "not", "a", "phrase", "kind", "belief", "older"]);
        assert_eq!((question.filters.personas.as_slice(), question.without.len()), (&["p1".to_owned()][..], 0));
    }
}
