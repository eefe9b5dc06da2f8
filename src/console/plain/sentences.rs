//! An item in sentences, for somebody who hears it. Pure. Text from outside is made safe, and its lines are counted before they are said: what
//! stands in it cannot pass for what the program says.

use super::words::Part;
use crate::base::{Millis, SafeText, clock};
use crate::console::queue::View;
use crate::console::queue::case::{self, flagged, verdict};
use crate::console::request::Case;
use crate::console::text::{Piece, Pieces};
use crate::moderation::listing::Line;
use crate::moderation::screening::ConsistencyResult;
use crate::moderation::{Item, Mode, Span, State};

/// Columns of a text that is not to be wrapped here.
const UNWRAPPED: usize = 100_000;

/// Everything that a decision rests on.
pub(super) fn item(case: &Case, now: Millis) -> Vec<String> {
    let mut said = Vec::new();
    head(&mut said, case, now);
    thread(&mut said, &case.item);
    draft(&mut said, &case.item);
    findings(&mut said, case, now);
    said
}

/// One part of it by itself.
pub(super) fn part(case: &Case, part: Part, now: Millis) -> Vec<String> {
    let mut said = Vec::new();
    match part {
        Part::Thread => thread(&mut said, &case.item),
        Part::Beliefs => said.extend(laid_out(&case::lines(case, View::Beliefs, false, UNWRAPPED, now))),
        Part::Difference => {
            said.push("What was taken away stands in [- -], what was added in {+ +}.".to_owned());
            said.extend(laid_out(&case::lines(case, View::Difference, false, UNWRAPPED, now)));
        }
    }
    said
}

/// The text that was changed, and what screening says of it now.
pub(super) fn changed(case: &Case, now: Millis) -> Vec<String> {
    let mut said = Vec::new();
    draft(&mut said, &case.item);
    findings(&mut said, case, now);
    said
}

/// One item of the list.
pub(super) fn line(number: usize, line: &Line, is_here: bool, now: Millis) -> String {
    let here = if is_here { ", you are here" } else { "" };
    let stage = match (line.state, &line.lease_holder) {
        (State::Claimed, Some(holder)) if line.lease_until.is_some_and(|until| until > now) => {
            format!(", claimed by {}", SafeText::line(holder))
        }
        (State::Pending | State::Claimed, _) => String::new(),
        (other, _) => format!(", {other}"),
    };
    format!(
        "{number}. {}, {} in r/{}, {} old{stage}{here}: {}",
        verdict(line.verdict).1,
        line.post_type,
        SafeText::line(&line.target_subreddit),
        clock::duration((now - line.created_at).max(0)),
        SafeText::clipped(&line.preview, 80)
    )
}

/// How much of the world is touched.
pub(super) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::DryRun => "This is a dry run: nothing is sent.",
        Mode::Sandbox => "This is a sandbox: nothing leaves this machine.",
        Mode::Live => "This is live: what you approve is sent.",
    }
}

fn head(said: &mut Vec<String>, case: &Case, now: Millis) {
    let item = &case.item;
    let age = clock::duration((now - item.created_at).max(0));
    let answered = item.parent_author.as_deref().map(|author| format!(", to u/{}", SafeText::line(author))).unwrap_or_default();
    said.push(format!(
        "A {} by u/{} in r/{}{answered}. It is {age} old; its id is {}.",
        item.post_type,
        SafeText::line(&case.account),
        SafeText::line(&item.target_subreddit),
        crate::base::short(&item.id)
    ));
    if item.revision > 1 {
        said.push(format!("This is its text number {}; show difference tells what changed.", item.revision));
    }
    match item.state {
        State::Pending | State::Claimed => {}
        other => said.push(format!("It is {other}.")),
    }
    if let Some((holder, until)) = item.live_lease(now) {
        said.push(format!("{} has claimed it until {}.", SafeText::line(holder), clock::local(until)));
    }
    for (name, value) in [
        ("It is held", &item.hold_reason),
        ("It was passed on to", &item.escalated_to),
        ("It was passed on because", &item.escalation_reason),
        ("Note", &item.state_reason),
    ] {
        if let Some(value) = value {
            said.push(format!("{name}: {}", SafeText::line(value)));
        }
    }
    if item.draft_metadata.tainted {
        said.push("Careful: what is answered tries to instruct its reader.".to_owned());
    }
}

fn thread(said: &mut Vec<String>, item: &Item) {
    let thread = &item.draft_metadata.thread;
    if thread.is_empty() {
        said.push("Nothing was kept of the thread.".to_owned());
    }
    for entry in thread {
        let author = SafeText::line(&entry.author);
        if let Some(title) = &entry.title {
            said.push(format!("u/{author} posted, under the title: {}", SafeText::line(title)));
            if entry.body.trim().is_empty() {
                continue;
            }
        }
        quote(said, &format!("u/{author} wrote"), SafeText::new(&entry.body).as_str());
        hidden(said, &entry.body);
    }
}

fn draft(said: &mut Vec<String>, item: &Item) {
    if let Some(title) = &item.title {
        said.push(format!("The draft's title: {}", SafeText::line(title)));
    }
    let mut spans: Vec<Span> = item.evaluation.hits.iter().flat_map(|hit| hit.spans.iter().copied()).collect();
    spans.sort_by_key(|span| (span.start, span.end));
    let text: String = flagged(&item.content, &spans).iter().map(Piece::text).collect();
    quote(said, "The draft", &text);
    hidden(said, &item.content);
}

/// A text with the number of its lines before it.
fn quote(said: &mut Vec<String>, what: &str, safe: &str) {
    let lines: Vec<&str> = safe.trim_end().lines().collect();
    match lines.len() {
        0 => said.push(format!("{what} nothing.")),
        1 => said.push(format!("{what}, 1 line:")),
        count => said.push(format!("{what}, {count} lines:")),
    }
    said.extend(lines.into_iter().map(|line| format!("  {line}")));
}

/// What a reader would not notice: characters that were left out because they hide.
fn hidden(said: &mut Vec<String>, raw: &str) {
    match SafeText::new(raw).removed() {
        0 => {}
        1 => said.push("Careful: 1 hidden character in it was not printed.".to_owned()),
        count => said.push(format!("Careful: {count} hidden characters in it were not printed.")),
    }
}

fn findings(said: &mut Vec<String>, case: &Case, now: Millis) {
    let item = &case.item;
    let found = match item.evaluation.hits.len() {
        0 => "no rule found anything".to_owned(),
        1 => "1 rule found something".to_owned(),
        count => format!("{count} rules found something"),
    };
    said.push(format!("Screening says {}, with a score of {:.2}: {found}.", verdict(item.verdict).1, item.evaluation.score));
    for (number, hit) in item.evaluation.hits.iter().enumerate() {
        said.push(format!("Finding {}, {}: {}", number + 1, hit.rule_id, SafeText::line(&hit.message)));
    }
    for missing in &item.evaluation.missing {
        said.push(format!("Unknown: {}", SafeText::line(missing)));
    }
    match &item.draft_metadata.consistency {
        Some(ConsistencyResult::Consistent { explanation, confidence }) => {
            said.push(format!("It agrees with the beliefs, sure to {:.0} percent: {}", confidence * 100.0, SafeText::line(explanation)));
        }
        Some(ConsistencyResult::Unknown { reason }) => {
            said.push(format!("It was not checked against the beliefs: {}", SafeText::line(reason)));
        }
        Some(ConsistencyResult::Inconsistent { .. } | ConsistencyResult::NotNeeded) | None => {}
    }
    if let Some((text, at)) = &case.resembles {
        quote(said, &format!("It resembles what was said {} ago", clock::duration((now - at).max(0))), SafeText::new(text).as_str());
    }
    if !case.rules.is_empty() {
        let rules: Vec<String> = case.rules.iter().map(|rule| SafeText::line(rule).to_string()).collect();
        said.push(format!("Rules of r/{}: {}", SafeText::line(&item.target_subreddit), rules.join("; ")));
    }
}

fn laid_out(lines: &[Pieces]) -> Vec<String> {
    let text = lines.iter().map(|line| line.iter().map(Piece::text).collect::<String>().trim_end().to_owned());
    text.filter(|line| !line.is_empty()).collect()
}
