//! Legal holds, compared with what is known of a row. A hold keeps rather too much: it is looked at in every place, also in archives.

use crate::base::Millis;
use crate::store::{Conn, Result, Row, Val};
use crate::upkeep::retention::holds::{self, Hold};

/// The holds in force.
#[derive(Debug, Default)]
pub(super) struct Holds(Vec<Hold>);

/// What a hold can reach a row by.
#[derive(Debug, Default)]
pub(super) struct About<'a> {
    /// Ids of it and of what it hangs on.
    pub ids: Vec<&'a str>,
    /// Whose it is.
    pub persona: Option<&'a str>,
    /// The moment that its age is counted from.
    pub at: Option<Millis>,
    /// Everything that it says, in small letters.
    pub text: &'a str,
}

/// The columns that tell how old a row is, where nothing else says.
const AGES: [&str; 8] = ["at", "created_at", "started_at", "placed_at", "asked_at", "added_at", "paused_at", "updated_at"];

impl Holds {
    /// Read them.
    pub fn load(c: &mut dyn Conn) -> Result<Self> {
        Ok(Self(holds::list(c, false)?))
    }

    /// Whether one of them keeps it.
    pub fn keep(&self, about: &About<'_>) -> bool {
        self.0.iter().any(|hold| match hold.scope.as_str() {
            "item" => about.ids.contains(&hold.target.as_str()),
            "persona" => about.persona == Some(hold.target.as_str()),
            "period" => {
                about.at.is_some_and(|at| hold.from_at.is_some_and(|from| at >= from) && hold.until_at.is_some_and(|until| at < until))
            }
            "user" => about.text.contains(&hold.target) || about.text.contains(&hold.target.replace('_', "\\_")),
            _ => false,
        })
    }

    /// Whether one of them keeps a row of a table, of which every column is there.
    pub fn keep_row(&self, table: &str, row: &Row) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let text = |name: &str| match row.get(name) {
            Ok(Val::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let at = AGES.into_iter().find_map(|name| row.int_opt(name).ok().flatten());
        let all: Vec<&str> =
            row.entries().filter_map(|(_, value)| if let Val::Text(text) = value { Some(text.as_str()) } else { None }).collect();
        let persona = text(if table == "personas" { "id" } else { "persona_id" });
        let ids = ["id", "item_id", "subject_id", "interaction_id"].into_iter().filter_map(text).collect();
        self.keep(&About { ids, persona, at, text: &all.join("\n").to_lowercase() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(scope: &str, target: &str, period: Option<(Millis, Millis)>) -> Hold {
        Hold {
            id: "h".to_owned(),
            scope: scope.to_owned(),
            target: target.to_owned(),
            from_at: period.map(|period| period.0),
            until_at: period.map(|period| period.1),
            reason: "case".to_owned(),
            placed_by: "ana".to_owned(),
            placed_at: 1,
            released_by: None,
            released_at: None,
            release_reason: None,
        }
    }

    #[test]
    fn each_scope_reaches_what_it_names() {
        let keeps = |hold: Hold, about: &About<'_>| Holds(vec![hold]).keep(about);
        let about = About { ids: vec!["i"], persona: Some("p"), at: Some(7), text: r"says u/ann\_b" };
        assert!(keeps(hold("item", "i", None), &about) && !keeps(hold("item", "p", None), &about));
        assert!(keeps(hold("persona", "p", None), &about) && !keeps(hold("persona", "i", None), &about));
        assert!(keeps(hold("period", "", Some((7, 8))), &about) && !keeps(hold("period", "", Some((5, 7))), &about));
        assert!(keeps(hold("user", "ann_b", None), &about) && !keeps(hold("user", "ben", None), &about));
        assert!(!Holds::default().keep(&about));
    }
}
