//! Asking the full-text index of either engine: which documents hold these words.

use super::tokens;
use crate::search::Result;
use crate::store::{Conn, Engine, Val};

/// What is looked for, in the words of neither engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// A stemmed word.
    Word(String),
    /// A stemmed word that begins so.
    Prefix(String),
    /// Stemmed words in this order.
    Phrase(Vec<String>),
    /// A word of the scope.
    Scope(String),
    /// One of them at least.
    Any(Vec<Look>),
    /// All of them.
    All(Vec<Look>),
    /// The first, and none of the others.
    Without(Box<Look>, Vec<Look>),
}

/// The stems of a text as something to look for: a word, or words in their order. None when there is nothing in it.
#[must_use]
pub fn look(text: &str) -> Option<Look> {
    let mut stems: Vec<String> = tokens::tokens(text).map(|token| tokens::stem(&token.text).into_owned()).collect();
    match stems.len() {
        0 => None,
        1 => stems.pop().map(Look::Word),
        _ => Some(Look::Phrase(stems)),
    }
}

/// A prefix as something to look for. The index holds stems, and an ending cut off may have gone beyond the prefix: what it finds is
/// compared with the text afterwards.
#[must_use]
pub fn prefix(text: &str) -> Option<Look> {
    let last = tokens::tokens(text).last()?.text.into_owned();
    let stem = tokens::stem(&last).into_owned();
    let letters = last.chars().count();
    let shorter: String = last.chars().take(if letters > 5 { letters - 2 } else { letters }).collect();
    let mut prefixes: Vec<String> = vec![last, stem, shorter];
    prefixes.sort_unstable();
    prefixes.dedup();
    // A prefix that begins another one covers it.
    let covered: Vec<String> =
        prefixes.iter().filter(|one| prefixes.iter().any(|other| *one != other && one.starts_with(other.as_str()))).cloned().collect();
    prefixes.retain(|one| !covered.contains(one));
    Some(any(prefixes.into_iter().map(Look::Prefix).collect()))
}

/// Any of these, without a group where there is only one.
#[must_use]
pub fn any(mut looks: Vec<Look>) -> Look {
    if looks.len() == 1 { looks.remove(0) } else { Look::Any(looks) }
}

/// All of these, without a group where there is only one.
#[must_use]
pub fn all(mut looks: Vec<Look>) -> Look {
    if looks.len() == 1 { looks.remove(0) } else { Look::All(looks) }
}

impl Look {
    /// As FTS5 reads it. Every word is quoted: nothing a person types is an operator.
    fn fts5(&self) -> String {
        let joined = |looks: &[Self], with: &str| format!("({})", looks.iter().map(Self::fts5).collect::<Vec<_>>().join(with));
        match self {
            Self::Word(word) => format!("{{title body}} : \"{word}\""),
            Self::Prefix(word) => format!("{{title body}} : \"{word}\" *"),
            Self::Phrase(words) => format!("{{title body}} : \"{}\"", words.join(" ")),
            Self::Scope(word) => format!("scope : \"{word}\""),
            Self::Any(looks) => joined(looks, " OR "),
            Self::All(looks) => joined(looks, " AND "),
            Self::Without(look, others) => format!("({} NOT {})", look.fts5(), joined(others, " OR ")),
        }
    }

    /// As PostgreSQL reads it.
    fn tsquery(&self) -> String {
        let joined = |looks: &[Self], with: &str| format!("({})", looks.iter().map(Self::tsquery).collect::<Vec<_>>().join(with));
        match self {
            Self::Word(word) => format!("'{word}':AB"),
            Self::Prefix(word) => format!("'{word}':*AB"),
            Self::Phrase(words) => format!("({})", words.iter().map(|word| format!("'{word}':AB")).collect::<Vec<_>>().join(" <-> ")),
            Self::Scope(word) => format!("'{word}':D"),
            Self::Any(looks) => joined(looks, " | "),
            Self::All(looks) => joined(looks, " & "),
            Self::Without(look, others) => format!("({} & !{})", look.tsquery(), joined(others, " | ")),
        }
    }

    fn on(&self, engine: Engine) -> String {
        match engine {
            Engine::Sqlite => self.fts5(),
            Engine::Postgres => self.tsquery(),
        }
    }
}

/// A condition on `search_documents d`, with its parameters from `$4` on. Empty when there is none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Condition {
    /// `AND …`, or nothing.
    pub sql: String,
    /// What stands for `$4`, `$5`, …
    pub params: Vec<Val>,
}

impl Condition {
    fn with(&self, first: [Val; 3]) -> Vec<Val> {
        first.into_iter().chain(self.params.iter().cloned()).collect()
    }
}

/// Rows that a word is counted in at the most. Beyond them the rest is reckoned from how dense they lie.
const SAMPLE: i64 = 4_000;

/// About how many documents hold this. Exact up to `SAMPLE`.
///
/// # Errors
/// When the database fails.
pub fn frequency(c: &mut dyn Conn, look: &Look, newest: i64) -> Result<f64> {
    let engine = c.engine();
    let sql = match engine {
        Engine::Sqlite => {
            "SELECT count(*) AS n, CAST(coalesce(max(id), 0) AS BIGINT) AS last FROM
               (SELECT rowid AS id FROM search_words WHERE search_words MATCH $1 LIMIT $2) AS part_of"
        }
        Engine::Postgres => {
            "SELECT count(*) AS n, CAST(coalesce(max(id), 0) AS BIGINT) AS last FROM
               (SELECT passage AS id FROM search_words WHERE words @@ CAST(CAST($1 AS TEXT) AS TSQUERY) LIMIT $2) AS part_of"
        }
    };
    let Some(row) = c.first(sql, crate::vals![look.on(engine), SAMPLE])? else { return Ok(0.0) };
    let (count, last) = (row.int("n")? as f64, row.int("last")?.max(1) as f64);
    // Rows come in the order of their ids: the sample lies between the first and `last`.
    Ok(if count < SAMPLE as f64 { count } else { (count * newest.max(1) as f64 / last).max(count) })
}

/// The newest documents that hold this, at most `limit`.
///
/// # Errors
/// When the database fails.
pub fn newest(c: &mut dyn Conn, look: &Look, condition: &Condition, limit: i64) -> Result<Vec<i64>> {
    let engine = c.engine();
    let Condition { sql: condition_sql, .. } = condition;
    let sql = match (engine, condition_sql.is_empty()) {
        (Engine::Sqlite, true) => {
            "SELECT rowid AS id FROM search_words WHERE search_words MATCH $1 ORDER BY rowid DESC LIMIT $2".to_owned()
        }
        (Engine::Sqlite, false) => format!(
            "SELECT w.rowid AS id FROM search_words w CROSS JOIN search_documents d ON d.id = w.rowid
             WHERE w.search_words MATCH $1 {condition_sql} ORDER BY w.rowid DESC LIMIT $2"
        ),
        (Engine::Postgres, _) => format!(
            "SELECT w.passage AS id FROM search_words w JOIN search_documents d ON d.id = w.passage
             WHERE w.words @@ CAST(CAST($1 AS TEXT) AS TSQUERY) AND CAST($3 AS TEXT) IS NULL {condition_sql} ORDER BY w.passage DESC LIMIT $2"
        ),
    };
    ids(c, &sql, &condition.with([Val::from(look.on(engine)), Val::from(limit), Val::Null]))
}

/// The documents that hold this best by the engine's own measure, at most `limit`. Every match is looked at: for rare words.
///
/// # Errors
/// When the database fails.
pub fn best(c: &mut dyn Conn, look: &Look, condition: &Condition, limit: i64) -> Result<Vec<i64>> {
    let engine = c.engine();
    let Condition { sql: condition_sql, .. } = condition;
    let sql = match (engine, condition_sql.is_empty()) {
        (Engine::Sqlite, true) => {
            "SELECT rowid AS id FROM search_words WHERE search_words MATCH $1 ORDER BY bm25(search_words, 4.0, 1.0, 0.0) LIMIT $2"
                .to_owned()
        }
        (Engine::Sqlite, false) => format!(
            "SELECT w.rowid AS id FROM search_words w CROSS JOIN search_documents d ON d.id = w.rowid
             WHERE w.search_words MATCH $1 {condition_sql} ORDER BY bm25(search_words, 4.0, 1.0, 0.0) LIMIT $2"
        ),
        (Engine::Postgres, _) => format!(
            "SELECT w.passage AS id FROM search_words w JOIN search_documents d ON d.id = w.passage
             WHERE w.words @@ CAST(CAST($1 AS TEXT) AS TSQUERY) AND CAST($3 AS TEXT) IS NULL {condition_sql}
             ORDER BY ts_rank('{{0, 0, 0.25, 1}}', w.words, CAST(CAST($1 AS TEXT) AS TSQUERY), 1) DESC, w.passage DESC LIMIT $2"
        ),
    };
    ids(c, &sql, &condition.with([Val::from(look.on(engine)), Val::from(limit), Val::Null]))
}

/// How many documents hold this, counted up to `limit`.
///
/// # Errors
/// When the database fails.
pub fn count(c: &mut dyn Conn, look: &Look, condition: &Condition, limit: i64) -> Result<i64> {
    Ok(i64::try_from(newest(c, look, condition, limit)?.len()).unwrap_or(limit))
}

fn ids(c: &mut dyn Conn, sql: &str, params: &[Val]) -> Result<Vec<i64>> {
    c.query(sql, params)?.iter().map(|row| Ok(row.int("id")?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_typed_becomes_an_operator() {
        for text in ["\" OR title:*", "NEAR(a b)", "a^2", "' | !b", "{title}: x", "x\0y"] {
            let Some(look) = look(text) else { continue };
            let words = look.fts5().replace("{title body} : ", "").replace('"', "");
            assert!(words.chars().all(|letter| letter.is_alphanumeric() || letter == ' '), "{words}");
            assert!(!look.tsquery().contains('!') && !look.tsquery().contains('|'), "{}", look.tsquery());
        }
    }

    #[test]
    fn a_prefix_reaches_what_the_stem_cut_off() {
        let Some(look) = prefix("rotati") else { unreachable!("it is a word") };
        assert_eq!(look, Look::Prefix("rota".into()));
        assert_eq!(prefix("cat"), Some(Look::Prefix("cat".into())));
    }
}
