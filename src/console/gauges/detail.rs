//! One call with all that belongs to it: three costs, tokens, times, the attempts of its question, the decisions on its way, its draft. Pure.

use super::calls::{amount, class, outcome};
use super::request::About;
use super::{numbers, overview};
use crate::base::{SafeText, clock, short};
use crate::console::action::Action;
use crate::console::state::State;
use crate::console::text::{Piece, Pieces, line, wrap};
use crate::console::theme::Role;
use crate::llm::calls::Call;
use crate::llm::route::Trace;

/// Columns of the names on the left.
const NAMES: usize = 12;

/// All of it, `width` columns wide.
pub(super) fn lines(state: &State, about: &About, width: usize) -> Vec<Pieces> {
    let call = &about.call;
    let mut lines = Vec::new();
    let (sign, role) = outcome(state, call);
    let word = if call.is_cached { "answered from the cache" } else { call.outcome.as_str() };
    let mut head = vec![Piece::new(role, &format!("{sign} {}", SafeText::line(word)))];
    head.push(Piece::new(Role::Text, &format!("  {}", SafeText::line(call.model()))));
    head.push(Piece::new(Role::Dim, &format!("  {}  {}", SafeText::line(&call.module), clock::local(call.started_at))));
    lines.extend(wrap(&head, width, 0));
    if let Some(why) = &call.error_message {
        let kind = call.error_type.as_deref().unwrap_or("error");
        let status = call.http_status.map_or_else(String::new, |status| format!(" ({status})"));
        lines.extend(wrap(&[Piece::new(Role::Bad, &format!("{}{status}: {}", SafeText::line(kind), SafeText::line(why)))], width, 2));
    }
    lines.push(Vec::new());
    costs(state, call, width, &mut lines);
    measured(call, width, &mut lines);
    names(state, call, width, &mut lines);
    draft(state, about, width, &mut lines);
    attempts(state, about, width, &mut lines);
    trace(call, width, &mut lines);
    lines
}

fn heading(lines: &mut Vec<Pieces>, text: &str) {
    lines.push(Vec::new());
    lines.push(line(Role::Heading, text));
}

/// A name on the left, and words that go on under themselves.
fn named(lines: &mut Vec<Pieces>, width: usize, name: &str, pieces: &[Piece]) {
    let mut first = true;
    for mut words in wrap(pieces, width.saturating_sub(NAMES), 0) {
        let name = if std::mem::take(&mut first) { name } else { "" };
        words.insert(0, Piece::new(Role::Dim, &format!("{name:<NAMES$}")));
        lines.push(words);
    }
}

fn costs(state: &State, call: &Call, width: usize, lines: &mut Vec<Pieces>) {
    let reported = match &call.cost_reported {
        Some(text) => format!("${}", SafeText::line(text)),
        None => amount(call.cost_reported_picos),
    };
    let note = |text: &str| Piece::new(Role::Dim, &format!("  {text}"));
    let missing = |is: bool, text: &str| if is { vec![note(text)] } else { Vec::new() };
    let mut pieces = vec![Piece::new(Role::Heading, &reported)];
    pieces.extend(missing(call.cost_reported_picos.is_none(), "the provider reported no cost"));
    named(lines, width, "reported", &pieces);
    let mut pieces = vec![Piece::new(Role::Text, &amount(call.cost_computed_picos))];
    match &call.price_id {
        Some(price) => pieces.push(note(&format!("by the price {}", SafeText::line(price)))),
        None => pieces.extend(missing(call.cost_computed_picos.is_none(), "the price book has no price, or nothing was used")),
    }
    named(lines, width, "computed", &pieces);
    let mut pieces = vec![Piece::new(Role::Text, &amount(call.cost_reserved_picos))];
    pieces.extend(missing(call.cost_reserved_picos.is_none(), "nothing was set aside: no budget covered it"));
    named(lines, width, "set aside", &pieces);
    if let Some(class) = class(call) {
        let (sign, role) = overview::drift_sign(state, class);
        let words = match class {
            crate::llm::ledger::Drift::Same => "report and book agree",
            crate::llm::ledger::Drift::Near => "they differ by one percent at most",
            crate::llm::ledger::Drift::Above => "more was charged than the book says: a fee, another endpoint, a price that rose",
            crate::llm::ledger::Drift::Below => "less was charged than the book says: a discount, a price that fell",
            crate::llm::ledger::Drift::Waived => "nothing was charged for what has a price",
            crate::llm::ledger::Drift::Unpriced => "the book has no price for it",
            crate::llm::ledger::Drift::Unreported => "the provider reported no cost: the book's counts",
            crate::llm::ledger::Drift::Unknown => "nobody knows what it cost",
        };
        named(lines, width, "drift", &[Piece::new(role, &format!("{sign} {}", class.as_str())), note(words)]);
    }
}

fn measured(call: &Call, width: usize, lines: &mut Vec<Pieces>) {
    let count = numbers::count_opt;
    let tokens = format!(
        "in {}   cached {}   written {}   out {}   reasoning {}",
        count(call.tokens_in),
        count(call.tokens_cached),
        count(call.tokens_written),
        count(call.tokens_out),
        count(call.tokens_reasoning)
    );
    let mut pieces = vec![Piece::new(Role::Text, &tokens)];
    if let Some(flags) = &call.usage_flags {
        pieces.push(Piece::new(Role::Warning, &format!("   odd: {}", SafeText::line(flags))));
    }
    named(lines, width, "tokens", &pieces);
    let times = format!(
        "{}   first token {}   waited {} to be sent",
        numbers::micros_of(call.latency_us),
        numbers::micros_of(call.first_token_us),
        numbers::micros_of(call.queue_us)
    );
    named(lines, width, "took", &[Piece::new(Role::Text, &times)]);
}

fn names(state: &State, call: &Call, width: usize, lines: &mut Vec<Pieces>) {
    let safe = |text: &str| SafeText::line(text).as_str().to_owned();
    let mut add = |name: &str, text: String| named(lines, width, name, &[Piece::new(Role::Text, &text)]);
    if call.model() != call.model_asked {
        add("asked", safe(&call.model_asked));
    }
    if let Some(provider) = &call.provider {
        add("provider", safe(provider));
    }
    let whose = match &call.persona_id {
        Some(id) => super::table::shown(state, crate::report::sums::By::Persona, id),
        None => "nobody's".to_owned(),
    };
    add("persona", format!("{whose}   {}", safe(&call.category)));
    if let Some(reason) = &call.finish_reason {
        add("ended", safe(reason));
    }
    if let Some(id) = &call.generation_id {
        add("generation", safe(id));
    }
    if let Some(file) = &call.source_file {
        add("imported", format!("{}, line {}", safe(file), numbers::count_opt(call.source_line)));
    }
    add("call", safe(&call.id));
}

fn draft(state: &State, about: &About, width: usize, lines: &mut Vec<Pieces>) {
    let pieces = match &about.draft {
        Some((_, id)) => {
            let key = state.key(Action::GaugesDraft);
            vec![Piece::new(Role::Link, short(id)), Piece::new(Role::Dim, &format!("  {key} opens it in the queue"))]
        }
        None if about.call.persona_id.is_none() => vec![Piece::new(Role::Dim, "none: the call was made on nobody's behalf")],
        None => vec![Piece::new(Role::Dim, "none came of this piece of work")],
    };
    named(lines, width, "draft", &pieces);
}

fn attempts(state: &State, about: &About, width: usize, lines: &mut Vec<Pieces>) {
    let many = about.attempts.len();
    heading(lines, &if many == 1 { "its question was asked once".to_owned() } else { format!("its question was asked {many} times") });
    for attempt in &about.attempts {
        let (sign, role) = outcome(state, attempt);
        let here = if attempt.id == about.call.id { state.glyphs.selection } else { " " };
        let cost = attempt.charged().map_or_else(|| numbers::UNKNOWN.to_owned(), |picos| amount(Some(picos)));
        let mut pieces = vec![
            Piece::new(Role::Accent, here),
            Piece::new(Role::Dim, &format!("{} ", attempt.attempt)),
            Piece::new(role, &format!("{sign} {}", SafeText::line(&attempt.outcome))),
            Piece::new(Role::Text, &format!("  {}  {cost}  {}", SafeText::line(attempt.model()), numbers::micros_of(attempt.latency_us))),
        ];
        if let Some(why) = &attempt.error_type {
            pieces.push(Piece::new(Role::Dim, &format!("  {}", SafeText::line(why))));
        }
        lines.extend(wrap(&pieces, width, 0));
    }
}

fn trace(call: &Call, width: usize, lines: &mut Vec<Pieces>) {
    heading(lines, "its way");
    let told = call.trace.as_deref().map(Trace::read);
    match told {
        Some(Some(trace)) if !trace.steps.is_empty() => {
            for (number, step) in trace.lines().into_iter().enumerate() {
                let mut first = true;
                for mut words in wrap(&[Piece::new(Role::Text, &step)], width.saturating_sub(4), 0) {
                    let number = if std::mem::take(&mut first) { format!("{:>2}  ", number + 1) } else { "    ".to_owned() };
                    words.insert(0, Piece::new(Role::Dim, &number));
                    lines.push(words);
                }
            }
        }
        Some(None) => {
            lines.push(line(Role::Warning, "the trace in the ledger cannot be read: another version of this program may have written it"))
        }
        _ => lines.push(line(Role::Dim, "no trace was kept of it")),
    }
}
