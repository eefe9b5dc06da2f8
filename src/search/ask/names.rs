//! Names as people type them: what was meant, and what is said about it.

use super::spelling::{Names, What};
use crate::base::SafeText;
use crate::config::nearest;
use crate::search::question::Filters;
use crate::search::{Error, Result};
use crate::store::Conn;
use crate::vals;
use std::sync::Arc;

/// The names of the filters, as they are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    /// Ids.
    pub personas: Vec<String>,
    /// Ids.
    pub not_personas: Vec<String>,
    /// In lower case.
    pub subreddits: Vec<String>,
    /// In lower case.
    pub not_subreddits: Vec<String>,
}

/// Find what the names of the filters mean. What was taken for another name is noted.
pub(super) fn resolve(c: &mut dyn Conn, filters: &Filters, spelling: &mut Spelling, notes: &mut Vec<String>) -> Result<Resolved> {
    let mut resolved = Resolved::default();
    for (asked, found) in [(&filters.personas, &mut resolved.personas), (&filters.not_personas, &mut resolved.not_personas)] {
        for name in asked {
            found.push(persona(c, name, notes)?);
        }
    }
    for (asked, found) in [(&filters.subreddits, &mut resolved.subreddits), (&filters.not_subreddits, &mut resolved.not_subreddits)] {
        for name in asked {
            found.push(subreddit(c, name, &resolved.personas, spelling, notes)?);
        }
    }
    Ok(resolved)
}

fn shown(name: &str) -> String {
    SafeText::clipped(name, 40).to_string()
}

fn persona(c: &mut dyn Conn, name: &str, notes: &mut Vec<String>) -> Result<String> {
    let rows = c.query("SELECT id, reddit_username, display_name FROM personas ORDER BY id", &[])?;
    let mut names: Vec<(String, String)> = Vec::new();
    for row in &rows {
        let id = row.text("id")?;
        names.push((id.clone(), id.clone()));
        names.push((row.text("reddit_username")?, id.clone()));
        names.extend(row.text_opt("display_name")?.map(|display| (display, id)));
    }
    let lower = name.to_lowercase();
    if let Some((_, id)) = names.iter().find(|(known, _)| known.to_lowercase() == lower) {
        return Ok(id.clone());
    }
    // An id is never taken for another one.
    let meant = nearest(name, names.iter().filter(|(known, id)| known != id).map(|(known, _)| known.as_str()));
    match meant.and_then(|meant| names.iter().find(|(known, _)| known == meant)) {
        Some((known, id)) => {
            notes.push(format!("there is no persona '{}': '{}' was searched", shown(name), shown(known)));
            Ok(id.clone())
        }
        None => Err(Error::Persona { name: shown(name), hint: ": `quarterdeck persona list` shows them".to_owned() }),
    }
}

fn subreddit(c: &mut dyn Conn, name: &str, personas: &[String], spelling: &mut Spelling, notes: &mut Vec<String>) -> Result<String> {
    let lower = name.to_lowercase();
    let owners = c.query("SELECT persona_id FROM search_names WHERE kind = 'subreddit' AND name = $1", vals![&lower])?;
    for row in &owners {
        let owner = row.text("persona_id")?;
        // Who asks within a persona is not told another one's names.
        if personas.is_empty() || owner.is_empty() || personas.contains(&owner) {
            return Ok(lower);
        }
    }
    match spelling.names(c)?.meant(&lower, What::Subreddit, personas) {
        Some(meant) => {
            notes.push(format!("nothing is from r/{}: r/{} was searched", shown(name), shown(meant)));
            Ok(meant.to_owned())
        }
        None => {
            notes.push(format!("nothing is from r/{}", shown(name)));
            Ok(lower)
        }
    }
}

/// The word of a known name that a word was probably meant to be.
pub(super) fn meant(c: &mut dyn Conn, word: &str, personas: &[String], spelling: &mut Spelling) -> Result<Option<String>> {
    Ok(spelling.names(c)?.meant(word, What::Word, personas).map(str::to_owned))
}

/// Names that are read when the first mistyped one is met.
#[derive(Debug, Default)]
pub(in crate::search) struct Spelling(pub Option<Arc<Names>>);

impl Spelling {
    fn names(&mut self, c: &mut dyn Conn) -> Result<Arc<Names>> {
        if let Some(names) = &self.0 {
            return Ok(Arc::clone(names));
        }
        let names = Arc::new(Names::load(c)?);
        self.0 = Some(Arc::clone(&names));
        Ok(names)
    }
}
