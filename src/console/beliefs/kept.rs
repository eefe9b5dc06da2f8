//! What the console remembers of the tab between two starts: how a person looked at it, and the belief that was at hand.

use super::rows::Sort;
use super::{MOST_HOPS, Tab, View};
use crate::base::SafeText;
use serde::{Deserialize, Serialize};

/// The most columns of a filter and of an id.
const WIDEST: (usize, usize) = (400, 80);

/// A part of the file. Ids and what was typed, never a text of a belief.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::console) struct Kept {
    filter: String,
    order: String,
    reversed: bool,
    graph: bool,
    hops: u32,
    selected: Option<String>,
}

impl Kept {
    /// What is remembered of a tab.
    pub fn of(tab: &Tab) -> Self {
        Self {
            filter: tab.filter.clone(),
            order: tab.sort.as_str().to_owned(),
            reversed: tab.is_reversed,
            graph: tab.view == View::Graph,
            hops: tab.hops,
            selected: tab.selected.clone(),
        }
    }

    /// Put it into a tab that was just made. What another version of the program wrote, or somebody by hand, is no reason to start fresh.
    pub fn recall(self, tab: &mut Tab) {
        tab.filter = SafeText::clipped(&self.filter, WIDEST.0).as_str().to_owned();
        tab.sort = Sort::ALL.into_iter().find(|sort| sort.as_str() == self.order).unwrap_or_default();
        tab.is_reversed = self.reversed;
        tab.view = if self.graph { View::Graph } else { View::Detail };
        tab.hops = self.hops.min(MOST_HOPS);
        tab.selected = self.selected.map(|id| SafeText::clipped(&id, WIDEST.1).as_str().to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_comes_back_and_nonsense_is_harmless() {
        for sort in Sort::ALL {
            let tab = Tab { sort, is_reversed: true, filter: "tag:science".into(), selected: Some("b1".into()), ..Tab::default() };
            let (mut other, text) = (Tab::default(), serde_json::to_string(&Kept::of(&tab)).unwrap());
            serde_json::from_str::<Kept>(&text).unwrap().recall(&mut other);
            assert_eq!((other.sort, other.is_reversed, &other.filter, &other.selected), (sort, true, &tab.filter, &tab.selected));
        }
        let mut tab = Tab::default();
        let text = r#"{"filter":"a\u001b[2Jb","order":"by colour","hops":4000000000,"selected":"\u202ex"}"#;
        serde_json::from_str::<Kept>(text).unwrap().recall(&mut tab);
        assert_eq!((tab.filter.as_str(), tab.sort, tab.reach(), tab.selected.as_deref()), ("ab", Sort::Confidence, MOST_HOPS, Some("x")));
    }
}
