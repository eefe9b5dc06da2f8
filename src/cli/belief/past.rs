//! How beliefs came to be what they are: changes, earlier times, differences, and what was said from them.

use super::time::Time;
use super::{Desk, words};
use crate::base::{Millis, SafeText, clock};
use crate::cli::events::short;
use crate::cli::output::{Table, Tone};
use crate::cli::{Failure, Outcome};
use crate::memory::history::{self, Moment, Post};
use crate::memory::{beliefs, undo};
use serde_json::json;

/// A place in the history, as `next` gives it: `TIME:ID`.
pub(super) fn cursor(text: &str) -> Result<(i64, String), String> {
    let wrong = || format!("{text:?} is no place in the history; take the `next` of the page before");
    let (at, id) = text.split_once(':').ok_or_else(wrong)?;
    Ok((at.parse().map_err(|_| wrong())?, id.to_owned()))
}

fn line(text: &str) -> String {
    SafeText::line(text).as_str().to_owned()
}

pub(super) fn history(desk: &Desk<'_>, belief: &str, limit: u32, after: Option<(Millis, String)>) -> Result<Outcome, Failure> {
    let id = desk.belief(belief)?;
    let updates = desk.read(move |c, persona| {
        beliefs::require(c, persona, &id)?;
        beliefs::history(c, persona, &id, after.as_ref().map(|(at, id)| (*at, id.as_str())), limit)
    })?;
    let full = updates.len() == limit as usize;
    let next = updates.last().filter(|_| full).map(|last| format!("{}:{}", last.created_at, last.id));
    let out = &desk.context.out;
    out.either(&json!({ "updates": updates, "next": next }), || {
        let mut table = Table::new(&["id", "when", "what", "confidence", "by", "why"]);
        for update in &updates {
            let (before, after) = (update.old_value["confidence"].as_f64(), update.new_value["confidence"].as_f64());
            let moved = match (before, after) {
                (_, None) => String::new(),
                (None, Some(after)) => format!("{after:.3}"),
                (Some(before), Some(after)) => format!("{before:.3} -> {after:.3}"),
            };
            let mut what = update.action.clone().unwrap_or_else(|| update.trigger_type.clone());
            if let Some(undone) = &update.undoes {
                what = format!("{what} ↶ {}", short(undone));
            }
            let why = SafeText::clipped(&update.reason, 70).as_str().to_owned();
            table.row([short(&update.id).to_owned(), clock::local(update.created_at), what, moved, update.updated_by.clone(), why]);
            if !undo::is_of_a_kind(update) {
                table.tone(0, Tone::Faint);
            }
        }
        out.table(&table, "nothing happened to it")?;
        next.as_ref().map_or(Ok(()), |next| out.say(format!("\nmore: the same command with --after {next}")))
    })?;
    Ok(Outcome::Done)
}

pub(super) fn at(desk: &Desk<'_>, time: Time, known_by: Option<Time>) -> Result<Outcome, Failure> {
    let moment = Moment { at: time.resolve(desk.now), known_by: known_by.map(|known| known.resolve(desk.now)) };
    let graph = desk.read(move |c, persona| history::as_of(c, persona, moment))?;
    let out = &desk.context.out;
    let value = json!({ "at": moment.at, "known_by": moment.known_by, "nodes": graph.nodes, "edges": graph.edges });
    out.either(&value, || {
        out.say(format!("as of {}: {} beliefs, {} edges", clock::local(moment.at), graph.nodes.len(), graph.edges.len()))?;
        let mut table = Table::new(&["id", "", "confidence", "belief", "stance"]);
        for node in &graph.nodes {
            let title = if node.locked { format!("⊘ {}", node.title) } else { node.title.clone() };
            let stance = SafeText::clipped(node.stance.as_deref().unwrap_or("none"), 60).as_str().to_owned();
            table.row([short(&node.id).to_owned(), words::mark(node.confidence).0.to_owned(), words::bar(node.confidence), title, stance]);
        }
        out.table(&table, "there was no belief yet")
    })?;
    Ok(Outcome::Done)
}

pub(super) fn diff(desk: &Desk<'_>, from: Time, to: Option<Time>) -> Result<Outcome, Failure> {
    let (from, to) = (from.resolve(desk.now), to.map_or(desk.now, |to| to.resolve(desk.now)));
    let found = desk.read(move |c, persona| {
        let (before, after) = (history::as_of(c, persona, from.into())?, history::as_of(c, persona, to.into())?);
        let titles: std::collections::HashMap<String, String> =
            before.nodes.iter().chain(&after.nodes).map(|node| (node.id.clone(), node.title.clone())).collect();
        Ok((history::difference(&before, &after), titles))
    })?;
    let (found, titles) = found;
    let mut value = json!(found);
    value["from"] = json!(from);
    value["to"] = json!(to);
    let out = &desk.context.out;
    out.either(&value, || {
        out.say(format!("from {} to {}", clock::local(from), clock::local(to)))?;
        if found.is_empty() {
            return out.say("nothing changed");
        }
        for change in &found.changed {
            let (moved, _) = words::drift(change.percent_points);
            let parts = change.parts.join(", ");
            out.say(format!("~ {}  {}  {moved}  ({parts})", short(&change.id), line(&change.title)))?;
        }
        for node in &found.added {
            out.say(format!("+ {}  {}  {}", short(&node.id), line(&node.title), words::bar(node.confidence)))?;
        }
        for node in &found.removed {
            out.say(format!("- {}  {}", short(&node.id), line(&node.title)))?;
        }
        for (sign, edges) in [("+", &found.edges_added), ("-", &found.edges_removed)] {
            for edge in edges {
                let title = |id: &str| line(titles.get(id).map_or(id, String::as_str));
                out.say(format!(
                    "{sign} {}  {} {} {}",
                    short(&edge.id),
                    title(&edge.source_id),
                    edge.relation.words(),
                    title(&edge.target_id)
                ))?;
            }
        }
        Ok(())
    })?;
    Ok(Outcome::Done)
}

pub(super) fn chain(desk: &Desk<'_>, belief: &str) -> Result<Outcome, Failure> {
    let id = desk.belief(belief)?;
    let chain = desk.read(move |c, persona| history::chain(c, persona, &id))?;
    let out = &desk.context.out;
    out.either(&chain, || {
        out.say(format!("{}  {}", line(&chain.belief.title), words::bar(chain.belief.confidence)))?;
        for link in &chain.stances {
            let until = link.until.map_or_else(|| "now".to_owned(), clock::local);
            let lock = if link.stance.status == crate::memory::stances::StanceStatus::Locked { " ⊘ locked" } else { "" };
            out.say("")?;
            for piece in &link.evidence {
                let way = piece.direction.map_or_else(String::new, |direction| format!(", {direction}"));
                out.say(format!("  evidence  {}{way}  {}  {}", piece.strength, piece.source_type.as_str(), line(&piece.source_ref)))?;
            }
            out.say(format!("stance  {:.3}{lock}  {} – {until}", link.stance.confidence, clock::local(link.stance.created_at)))?;
            out.text(&format!("  {}", line(&link.stance.text)))?;
            if let Some(why) = &link.stance.rationale {
                out.text(&out.paint(&format!("  {}", line(why)), Tone::Faint))?;
            }
            link.posts.iter().try_for_each(|post| said(desk, post))?;
        }
        if !chain.unplaced.is_empty() {
            out.say("\nsaid under words that none of these stances has")?;
            chain.unplaced.iter().try_for_each(|post| said(desk, post))?;
        }
        Ok(())
    })?;
    Ok(Outcome::Done)
}

fn said(desk: &Desk<'_>, post: &Post) -> Result<(), Failure> {
    let back = if post.retracted_at.is_some() { "  (taken back)" } else { "" };
    let text = SafeText::clipped(&post.content, 90);
    desk.context.out.say(format!("  said  {}  r/{}  {}{back}  {text}", clock::local(post.at), line(&post.subreddit), line(&post.reddit_id)))
}
