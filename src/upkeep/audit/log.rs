//! What is listed of the log: filters and pages, newest or oldest first.

use crate::base::Millis;
use crate::store::audit::Record;
use crate::store::{Conn, Result, Val};

/// Rows that are looked through at a time.
const PAGE: i64 = 2_000;
/// Rows that are looked through for one answer, before it is given as far as it got.
const MOST: i64 = 200_000;

/// Which rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The actor's name; `*` and `?` stand for any letters and for one.
    pub actor: Option<String>,
    /// The action, as `queue.*`.
    pub action: Option<String>,
    /// The subject's id, its beginning, or four or more characters of its end, or its kind, or `kind:id`; each may hold `*`.
    pub subject: Option<String>,
    /// The persona concerned.
    pub persona: Option<String>,
    /// Not before.
    pub since: Option<Millis>,
    /// Before.
    pub until: Option<Millis>,
    /// Letters of the reason, of before or of after, in any case.
    pub text: Option<String>,
}

/// Rows, and where to go on.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// The rows, newest first.
    pub rows: Vec<Record>,
    /// Ask for what stands before this number for more; `None` when there is no more.
    pub next: Option<i64>,
}

impl Filter {
    /// Whether everything passes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A filter from one line: words, `actor:`, `action:`, `subject:`, `persona:`. Words are looked for in the texts.
    #[must_use]
    pub fn of_line(line: &str) -> Self {
        let mut filter = Self::default();
        let mut words = Vec::new();
        for word in line.split_whitespace() {
            let field = word.split_once(':').filter(|(_, value)| !value.is_empty());
            match field {
                Some(("actor" | "who", value)) => filter.actor = Some(value.to_owned()),
                Some(("action" | "what", value)) => filter.action = Some(value.to_owned()),
                Some(("subject" | "on", value)) => filter.subject = Some(value.to_owned()),
                Some(("persona", value)) => filter.persona = Some(value.to_owned()),
                _ => words.push(word),
            }
        }
        filter.text = (!words.is_empty()).then(|| words.join(" "));
        filter
    }

    /// Whether a row passes; what SQL has decided is decided the same way again.
    #[must_use]
    pub fn passes(&self, row: &Record) -> bool {
        let is = |pattern: &Option<String>, text: &str| pattern.as_deref().is_none_or(|pattern| matches(pattern, text));
        // Lists show the end of an id, which begins with a time.
        let is_named = |id: &str| {
            let subject = &row.subject_id;
            matches(id, subject) || subject.starts_with(id) || (id.chars().count() >= 4 && subject.ends_with(id))
        };
        let subject = self.subject.as_deref().is_none_or(|wanted| {
            matches(wanted, &row.subject_kind)
                || is_named(wanted)
                || wanted.split_once(':').is_some_and(|(kind, id)| matches(kind, &row.subject_kind) && is_named(id))
        });
        let text = self.text.as_deref().is_none_or(|wanted| {
            let wanted = wanted.to_lowercase();
            let holds = |text: &str| text.to_lowercase().contains(&wanted);
            holds(row.reason.as_deref().unwrap_or_default())
                || holds(&row.action)
                || holds(&row.actor)
                || holds(&row.subject_id)
                || holds(&row.detail.to_string())
        });
        let persona = self.persona.as_deref().is_none_or(|wanted| row.persona_id.as_deref() == Some(wanted));
        let time = self.since.is_none_or(|since| row.at >= since) && self.until.is_none_or(|until| row.at < until);
        is(&self.actor, &row.actor) && is(&self.action, &row.action) && subject && text && persona && time
    }
}

/// Whether `text` is as `pattern` says, in any case of letters; `*` is any letters, `?` is one.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.to_lowercase().chars().collect(), text.to_lowercase().chars().collect());
    // The place of the last star, and what it has swallowed so far: no more than the product of the lengths is looked at.
    let (mut at, mut in_text, mut star) = (0, 0, None);
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(letter) if *letter == '?' || text.get(in_text) == Some(letter) => {
                at += 1;
                in_text += 1;
            }
            _ => match star {
                Some((place, swallowed)) => {
                    star = Some((place, swallowed + 1));
                    (at, in_text) = (place + 1, swallowed + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|letter| *letter == '*'))
}

/// At most `limit` rows that pass, before the number `before`, newest first. After 200,000 rows that do not pass the answer is given as far as
/// it got, with where to go on.
///
/// # Errors
/// When the engine refuses.
pub fn newest(c: &mut dyn Conn, filter: &Filter, before: Option<i64>, limit: usize) -> Result<Part> {
    let mut part = Part::default();
    let mut before = before.unwrap_or(i64::MAX);
    let mut seen = 0;
    loop {
        let page = page(c, filter, before)?;
        let is_last = (page.len() as i64) < PAGE;
        for row in page {
            before = row.seq;
            seen += 1;
            if filter.passes(&row) {
                part.rows.push(row);
                if part.rows.len() >= limit {
                    part.next = Some(before);
                    return Ok(part);
                }
            }
        }
        if is_last {
            return Ok(part);
        }
        if seen >= MOST {
            part.next = Some(before);
            return Ok(part);
        }
    }
}

/// What SQL can decide by equality and by time, a page of it; globs and words are looked at in memory.
fn page(c: &mut dyn Conn, filter: &Filter, before: i64) -> Result<Vec<Record>> {
    let mut sql =
        "SELECT seq, at, persona_id, actor_kind, actor, action, subject_kind, subject_id, reason, detail FROM audit_log WHERE seq < $1"
            .to_owned();
    let mut values = vec![Val::from(before)];
    let mut also = |condition: &str, value: Val| {
        values.push(value);
        sql.push_str(&condition.replace('?', &format!("${}", values.len())));
    };
    if let Some(since) = filter.since {
        also(" AND at >= ?", since.into());
    }
    if let Some(until) = filter.until {
        also(" AND at < ?", until.into());
    }
    if let Some(persona) = &filter.persona {
        also(" AND persona_id = ?", persona.into());
    }
    let plain = |pattern: &Option<String>| pattern.as_ref().filter(|pattern| !pattern.contains(['*', '?'])).map(|text| text.to_lowercase());
    if let Some(action) = plain(&filter.action) {
        also(" AND lower(action) = ?", action.into());
    }
    if let Some(actor) = plain(&filter.actor).filter(|actor| actor.is_ascii()) {
        also(" AND lower(actor) = ?", actor.into());
    }
    let limit = values.len() + 1;
    values.push(PAGE.into());
    sql.push_str(&format!(" ORDER BY seq DESC LIMIT ${limit}"));
    c.query(&sql, &values)?.iter().map(Record::of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::audit::{Actor, Entry, append};
    use crate::store::testing::database;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn globs_match_as_in_a_shell() {
        for (pattern, text) in [("queue.*", "queue.approve"), ("*", ""), ("a?c", "abc"), ("*.approve", "queue.approve"), ("ANN", "ann")] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("queue", "queue.approve"), ("?", ""), ("a*b", "ac"), ("", "x")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_and_every_star(text in "[a-z.]{0,20}", at in 0_usize..20) {
            prop_assert!(matches(&text, &text));
            let at = at.min(text.len());
            let starred = format!("{}*{}", &text[..at], &text[at..]);
            prop_assert!(matches(&starred, &text));
        }
    }

    #[test]
    fn rows_are_found_by_who_what_on_what_when_and_words_page_by_page() {
        let (db, _guard) = database();
        db.write_blocking(|c| {
            for number in 0..50 {
                let (actor, action) = if number % 2 == 0 { ("ann", "queue.approve") } else { ("bea", "belief.lock") };
                append(
                    c,
                    &Entry {
                        at: number * 10,
                        persona: None,
                        actor: &Actor::human(actor),
                        action,
                        subject_kind: "thing",
                        subject_id: &format!("t{number}"),
                        reason: (number == 7).then_some("because of Snow"),
                        before: &Value::Null,
                        after: &json!({ "number": number }),
                    },
                )?;
            }
            Ok::<_, crate::store::Error>(())
        })
        .unwrap();
        let find = |filter: Filter, before, limit| db.read_blocking(move |c| newest(c, &filter, before, limit)).unwrap();
        let seqs = |part: &Part| part.rows.iter().map(|row| row.seq).collect::<Vec<_>>();
        let first = find(Filter { action: Some("queue.*".into()), ..Filter::default() }, None, 3);
        assert_eq!((seqs(&first), first.next), (vec![49, 47, 45], Some(45)));
        assert_eq!(seqs(&find(Filter { action: Some("queue.*".into()), ..Filter::default() }, first.next, 2)), [43, 41]);
        assert_eq!(seqs(&find(Filter { actor: Some("BEA".into()), ..Filter::default() }, None, 1)), [50]);
        assert_eq!(seqs(&find(Filter::of_line("snow actor:b*"), None, 9)), [8]);
        assert_eq!(seqs(&find(Filter { subject: Some("thing:t3".into()), until: Some(40), ..Filter::default() }, None, 9)), [4]);
        // By the end of it, as lists show it; three characters are too few to name anything.
        let on = |subject: &str| Filter { subject: Some(subject.into()), ..Filter::default() };
        let id = "0195b0f2-1111-7222-8333-4444495e8ada";
        db.write_blocking(move |c| {
            let (ann, value) = (Actor::human("ann"), Value::Null);
            let (action, subject_kind, reason, before, after) = ("queue.approve", "pending_post", None, &value, &value);
            append(c, &Entry { at: 1, persona: None, actor: &ann, action, subject_kind, subject_id: id, reason, before, after })
        })
        .unwrap();
        for named in [id, "0195b0f2", "495e8ada", "pending_post:495e8ada", "*8ada"] {
            assert_eq!(seqs(&find(on(named), None, 9)), [51], "{named}");
        }
        for not in ["ada", "495e8adb", "belief:495e8ada"] {
            assert!(find(on(not), None, 9).rows.is_empty(), "{not}");
        }
        assert_eq!(seqs(&find(Filter { since: Some(480), ..Filter::default() }, None, 9)), [50, 49]);
        assert!(find(Filter { persona: Some("nobody".into()), ..Filter::default() }, None, 9).rows.is_empty());
    }
}
