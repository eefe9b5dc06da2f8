//! What is typed into the filter: `subreddit:rivers verdict:review is:tainted words of the text`. Pure.

use crate::base::{Millis, PersonaId};
use crate::moderation::listing::{Filter, Holder, Sort};
use crate::moderation::{State, Verdict};

/// The filter that a text stands for.
///
/// # Errors
/// Which word is not understood, and what would be.
pub(in crate::console) fn parse(text: &str, persona: Option<&PersonaId>, me: &str, sort: Sort, now: Millis) -> Result<Filter, String> {
    let mut filter = Filter { persona: persona.cloned(), not_skipped_by: Some(me.to_owned()), sort, ..Filter::default() };
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        let Some((field, value)) = word.split_once(':').filter(|(field, value)| is_field(field) && !value.starts_with("//")) else {
            words.push(word);
            continue;
        };
        if value.is_empty() {
            continue;
        }
        match field {
            "subreddit" => filter.subreddit = Some(value.trim_start_matches("r/").to_owned()),
            "author" => filter.author = Some(value.trim_start_matches("u/").to_owned()),
            // One item, wherever it stands.
            "id" => {
                (filter.id, filter.states, filter.not_skipped_by) = (Some(value.to_owned()), State::ALL.to_vec(), None);
            }
            "rule" => filter.rule = Some(value.to_owned()),
            "verdict" => filter.verdicts.push(value.parse::<Verdict>().map_err(|()| format!("verdict:{value} — allow, review or block"))?),
            "state" => filter.states.push(value.parse::<State>()?),
            "is" => match value {
                "tainted" => filter.tainted = Some(true),
                "mine" => filter.holder = Some(Holder::Is { name: me.to_owned(), at: now }),
                "free" => filter.holder = Some(Holder::Nobody { at: now }),
                "escalated" => filter.escalated_to = Some(me.to_owned()),
                "skipped" => filter.not_skipped_by = None,
                _ => return Err(format!("is:{value} — tainted, mine, free, escalated, skipped")),
            },
            _ => return Err(format!("{field}: — subreddit, author, rule, verdict, state, is")),
        }
    }
    if !words.is_empty() {
        filter.text = Some(words.join(" "));
    }
    Ok(filter)
}

fn is_field(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_words_are_told_apart() {
        let filter = parse("subreddit:r/Rivers verdict:review is:mine deep water", None, "ana", Sort::Oldest, 5).unwrap();
        assert_eq!((filter.subreddit.as_deref(), filter.text.as_deref()), (Some("Rivers"), Some("deep water")));
        assert_eq!(filter.verdicts, [Verdict::Review]);
        assert_eq!(filter.holder, Some(Holder::Is { name: "ana".into(), at: 5 }));
        assert!(parse("verdict:maybe", None, "ana", Sort::Oldest, 5).unwrap_err().contains("allow, review or block"));
        assert!(parse("colour:red", None, "ana", Sort::Oldest, 5).unwrap_err().contains("subreddit"));
        assert_eq!(parse("see https://x.org", None, "ana", Sort::Oldest, 5).unwrap().text.as_deref(), Some("see https://x.org"));
    }
}
