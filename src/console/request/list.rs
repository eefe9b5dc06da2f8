//! Parts of the list: from one of its ends, behind or before a line, or around one. The list may be of any length; a part is not.

use crate::base::Millis;
use crate::moderation::listing::{self, Filter, Line};
use crate::moderation::{self};
use crate::store::Conn;

/// Lines of one part.
const PAGE: usize = 200;

/// Which part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) enum From {
    /// Its first lines.
    Start,
    /// Its last lines.
    End,
    /// What follows this place.
    After((Millis, String)),
    /// What stands before this place.
    Before((Millis, String)),
    /// This place, with what stands before and behind it.
    Around((Millis, String)),
}

/// Lines of the list, in its order.
#[derive(Debug, Clone, Default)]
pub(in crate::console) struct Part {
    pub lines: Vec<Line>,
    /// Whether there are lines before these.
    pub above: bool,
    /// Whether there are lines behind these.
    pub below: bool,
}

/// Read a part. What is before a part that goes on from a line is known to whoever has that line: it is not looked for.
pub(super) fn part(c: &mut dyn Conn, filter: &Filter, from: &From) -> moderation::Result<Part> {
    let mut read = |after: Option<&(Millis, String)>, backwards: bool, inclusive: bool| {
        let page = listing::page(c, &Filter { after: after.cloned(), backwards, inclusive, ..filter.clone() }, PAGE)?;
        let mut lines = page.lines;
        if backwards {
            lines.reverse();
        }
        Ok::<_, moderation::Error>((lines, page.next.is_some()))
    };
    Ok(match from {
        From::Start => {
            let (lines, below) = read(None, false, false)?;
            Part { lines, above: false, below }
        }
        From::End => {
            let (lines, above) = read(None, true, false)?;
            Part { lines, above, below: false }
        }
        From::After(place) => {
            let (lines, below) = read(Some(place), false, false)?;
            Part { lines, above: true, below }
        }
        From::Before(place) => {
            let (lines, above) = read(Some(place), true, false)?;
            Part { lines, above, below: true }
        }
        From::Around(place) => {
            let (mut lines, above) = read(Some(place), true, false)?;
            let (behind, below) = read(Some(place), false, true)?;
            lines.extend(behind);
            Part { lines, above, below }
        }
    })
}
