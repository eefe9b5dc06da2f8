//! Reading a question, one piece after another, each with its place for the error messages.

use super::dates::{self, End, Zone};
use super::{Bound, Question, SyntaxError, Term};
use crate::base::{Millis, SafeText};
use crate::config::nearest;
use crate::moderation::State;
use crate::search::Kind;
use crate::search::text::tokens::tokens;

/// Characters of a question at the most.
pub const LONGEST: usize = 2_000;
/// Words, phrases, prefixes and filters at the most.
const MOST_PIECES: usize = 64;
/// Letters of a prefix at the least: one letter begins every third word.
const SHORTEST_PREFIX: usize = 2;
const NAMES: [&str; 8] = ["persona", "subreddit", "kind", "since", "until", "is", "like", "confidence"];
/// States that are not a queue item's: of stances, and the types of interactions.
const OTHER_STATES: [&str; 6] = ["current", "locked", "deprecated", "post", "comment", "reply"];

fn fault(position: usize, message: impl Into<String>) -> SyntaxError {
    SyntaxError { position, message: message.into() }
}

fn shown(text: &str) -> SafeText {
    SafeText::clipped(text, 40)
}

/// A piece as it was written.
struct Piece {
    position: usize,
    negative: bool,
    /// What stands before the quotes, or the whole.
    bare: String,
    /// What stands between quotes, and where it begins.
    quoted: Option<String>,
}

pub(super) fn question(text: &str, zone: Zone, now: Millis) -> Result<Question, SyntaxError> {
    // Bytes first: counting the characters of a hundred kilobytes is work as well.
    if text.len() > LONGEST * 4 || text.chars().count() > LONGEST {
        return Err(fault(LONGEST, format!("the question is too long: ask with at most {LONGEST} characters")));
    }
    let mut question = Question { text: text.to_owned(), ..Question::default() };
    let pieces = pieces(text)?;
    if let Some(piece) = pieces.get(MOST_PIECES) {
        return Err(fault(piece.position, format!("there are more than {MOST_PIECES} words and filters: ask for fewer")));
    }
    for piece in &pieces {
        take(&mut question, piece, zone, now)?;
    }
    if let (Some(since), Some(until)) = (question.filters.since, question.filters.until)
        && since >= until
    {
        let at = pieces.iter().find(|piece| piece.bare.to_lowercase().starts_with("until:")).map_or(0, |piece| piece.position);
        return Err(fault(at, "until: ends before since: begins, so that nothing can fit"));
    }
    let nothing = question.words.is_empty() && question.filters.is_empty() && question.like.is_none();
    match (nothing, question.without.is_empty(), pieces.first()) {
        (true, true, None) => Err(fault(0, "the question is empty: write words to look for, or a filter such as kind:belief")),
        (true, true, Some(piece)) => {
            Err(fault(piece.position, "there is no letter or digit in it to look for: write words, or a filter such as kind:belief"))
        }
        (true, false, Some(piece)) => Err(fault(piece.position, "it only says what to leave out: write what to look for as well")),
        _ => Ok(question),
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, SyntaxError> {
    let mut pieces = Vec::new();
    let mut characters = text.chars().enumerate().peekable();
    while let Some((position, first)) = characters.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut piece = Piece { position, negative: false, bare: String::new(), quoted: None };
        let mut next = Some((position, first));
        if first == '-' && characters.peek().is_some_and(|(_, after)| !after.is_whitespace()) {
            piece.negative = true;
            next = characters.next();
        }
        while let Some((at, character)) = next {
            if is_quote(character) && (piece.bare.is_empty() || piece.bare.ends_with(':')) {
                let mut inside = String::new();
                loop {
                    match characters.next() {
                        Some((_, character)) if is_quote(character) => break,
                        Some((_, character)) => inside.push(character),
                        None => return Err(fault(at, "this quote is not closed: put another one behind the phrase")),
                    }
                }
                piece.quoted = Some(inside);
                break;
            }
            piece.bare.push(character);
            next = characters.next_if(|(_, character)| !character.is_whitespace());
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

/// The straight quote, and those that a word processor or a telephone makes of it.
fn is_quote(character: char) -> bool {
    matches!(character, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}')
}

fn take(question: &mut Question, piece: &Piece, zone: Zone, now: Millis) -> Result<(), SyntaxError> {
    if let (true, Some(phrase)) = (piece.bare.is_empty(), &piece.quoted) {
        if tokens(phrase).next().is_some() {
            add(question, piece.negative, Term::Phrase(phrase.trim().to_owned()));
        }
        return Ok(());
    }
    let lower = piece.bare.to_lowercase();
    if let Some(rest) = lower.strip_prefix("confidence")
        && rest.starts_with(['<', '>', '=', ':'])
    {
        return confidence(question, piece, rest);
    }
    if let Some((name, value)) = piece.bare.split_once(':') {
        let name = name.to_lowercase();
        if NAMES.contains(&name.as_str()) {
            let value = piece.quoted.as_deref().unwrap_or(value).trim();
            return filter(question, piece, &name, value, zone, now);
        }
        // A word with a colon, such as an address or a time, is a word; a mistyped filter is not.
        let is_name = name.len() > 3 && name.chars().all(char::is_alphabetic) && !value.starts_with('/');
        if let Some(meant) = is_name.then(|| nearest(&name, NAMES.into_iter())).flatten() {
            return Err(fault(piece.position, format!("there is no filter '{}:': did you mean {meant}: ?", shown(&name))));
        }
    }
    let text = piece.bare.trim_end_matches('*');
    if text.len() < piece.bare.len() {
        let letters = tokens(text).map(|token| token.text.chars().count()).sum::<usize>();
        if letters < SHORTEST_PREFIX {
            let message = format!("a prefix has at least {SHORTEST_PREFIX} letters before the *");
            return Err(fault(piece.position, message));
        }
        add(question, piece.negative, Term::Prefix(text.to_owned()));
    } else if tokens(text).next().is_some() {
        add(question, piece.negative, Term::Word(text.to_owned()));
    }
    Ok(())
}

fn add(question: &mut Question, negative: bool, term: Term) {
    let list = if negative { &mut question.without } else { &mut question.words };
    if !list.contains(&term) {
        list.push(term);
    }
}

fn filter(question: &mut Question, piece: &Piece, name: &str, value: &str, zone: Zone, now: Millis) -> Result<(), SyntaxError> {
    let at = piece.position + usize::from(piece.negative);
    if value.is_empty() {
        return Err(fault(at, format!("{name}: has no value: write it right behind the colon, in quotes if it has blanks")));
    }
    let value_at = at + name.len() + 1;
    let filters = &mut question.filters;
    let mut list = |yes: fn(&mut super::Filters) -> &mut Vec<String>, no: fn(&mut super::Filters) -> &mut Vec<String>, value: String| {
        let list = if piece.negative { no(filters) } else { yes(filters) };
        list.push(value);
    };
    match name {
        "persona" => list(|f| &mut f.personas, |f| &mut f.not_personas, value.trim_start_matches("u/").to_owned()),
        "subreddit" => {
            let bare = value.trim_start_matches('/').trim_start_matches("r/").trim_end_matches('/');
            list(|f| &mut f.subreddits, |f| &mut f.not_subreddits, bare.to_owned());
        }
        "kind" => {
            let kind = Kind::named(value).ok_or_else(|| {
                let words = Kind::ALL.map(Kind::as_str);
                fault(value_at, format!("there is no kind '{}'{}", shown(value), choices(value, &words)))
            })?;
            if piece.negative { filters.not_kinds.push(kind) } else { filters.kinds.push(kind) }
        }
        "is" => {
            let words: Vec<&str> = State::ALL.iter().map(|state| state.as_str()).chain(OTHER_STATES).collect();
            let state = value.to_lowercase();
            if !words.contains(&state.as_str()) {
                return Err(fault(value_at, format!("there is no state '{}'{}", shown(value), choices(value, &words))));
            }
            list(|f| &mut f.states, |f| &mut f.not_states, state);
        }
        _ if piece.negative => return Err(fault(piece.position, format!("{name}: cannot be turned round: leave the - away"))),
        "since" | "until" => {
            let end = if name == "since" { End::First } else { End::Behind };
            let time = dates::read(value, end, zone, now).ok_or_else(|| {
                let shown = shown(value);
                fault(value_at, format!("'{shown}' is no time: write a day such as 2026-11-21, today, yesterday, or how long ago: 12h, 7d"))
            })?;
            let kept = if name == "since" { &mut filters.since } else { &mut filters.until };
            if kept.replace(time).is_some() {
                return Err(fault(at, format!("{name}: stands twice: leave one of them away")));
            }
        }
        _ => {
            if question.like.replace(value.to_owned()).is_some() {
                return Err(fault(at, "like: stands twice: leave one of them away"));
            }
        }
    }
    Ok(())
}

fn choices(value: &str, words: &[&str]) -> String {
    match nearest(value, words.iter().copied()) {
        Some(meant) => format!(": did you mean {meant}?"),
        None => format!(": it is one of {}", words.join(", ")),
    }
}

fn confidence(question: &mut Question, piece: &Piece, rest: &str) -> Result<(), SyntaxError> {
    let form = "write confidence>0.8, confidence>=0.8, confidence<0.3 or confidence<=0.3";
    if piece.negative {
        return Err(fault(piece.position, format!("a confidence cannot be turned round: {form}")));
    }
    let sign_at = piece.position + "confidence".len();
    let (sign, value) = rest.split_at(rest.find(|letter| !matches!(letter, '<' | '>' | '=' | ':')).unwrap_or(rest.len()));
    let value_at = sign_at + sign.chars().count();
    let number = value.parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
    let value = number.ok_or_else(|| fault(value_at, format!("'{}' is no confidence between 0 and 1: {form}", shown(value))))?;
    let (kept, inclusive) = match sign {
        ">" => (&mut question.filters.least, false),
        ">=" => (&mut question.filters.least, true),
        "<" => (&mut question.filters.most, false),
        "<=" => (&mut question.filters.most, true),
        _ => return Err(fault(sign_at, format!("'{}' does not compare: {form}", shown(sign)))),
    };
    if kept.replace(Bound { value, inclusive }).is_some() {
        return Err(fault(piece.position, "this bound of the confidence stands twice: leave one of them away"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Filters, Question, Term, Zone};
    use super::*;
    use proptest::prelude::*;

    const NOW: Millis = 1_795_262_400_000; // 2026-11-21, 12:00 UTC

    fn utc() -> Zone {
        chrono::FixedOffset::east_opt(0).map_or(Zone::Local, Zone::Fixed)
    }

    fn read(text: &str) -> Result<Question, SyntaxError> {
        Question::parse(text, utc(), NOW)
    }

    #[test]
    fn each_piece_is_what_it_looks_like() {
        let question = read("refund* \"old plan\" -billing -\"to be\" persona:Ada subreddit:r/Rust -kind:note is:Pending policy").unwrap();
        assert_eq!(question.words, [Term::Prefix("refund".into()), Term::Phrase("old plan".into()), Term::Word("policy".into())]);
        assert_eq!(question.without, [Term::Word("billing".into()), Term::Phrase("to be".into())]);
        let filters = Filters {
            personas: vec!["Ada".into()],
            subreddits: vec!["Rust".into()],
            not_kinds: vec![Kind::Note],
            states: vec!["pending".into()],
            ..Filters::default()
        };
        assert_eq!(question.filters, filters);
        assert_eq!(read("see http://example.org 12:30 c++").unwrap().words.len(), 4);
    }

    #[test]
    fn days_are_the_readers_days() {
        let day = 86_400_000;
        let midnight = NOW - NOW % day;
        assert_eq!(read("since:today").unwrap().filters.since, Some(midnight));
        assert_eq!(read("until:yesterday").unwrap().filters.until, Some(midnight));
        assert_eq!(read("since:2d").unwrap().filters.since, Some(NOW - 2 * day));
        assert_eq!(read("until:1970-01-01").unwrap().filters.until, Some(day));
        let east = chrono::FixedOffset::east_opt(3_600).map_or(Zone::Local, Zone::Fixed);
        assert_eq!(Question::parse("since:1970-01-02", east, NOW).unwrap().filters.since, Some(day - 3_600_000));
    }

    #[test]
    fn faults_are_told_with_their_place() {
        for (text, position) in [
            ("", 0),
            ("   ", 0),
            ("  !!", 2),
            ("rust \"open", 5),
            ("rust kind:thing", 10),
            ("é subredit:x", 2),
            ("a since:soon", 8),
            ("a confidence>1.5", 13),
            ("a confidence=1", 12),
            ("a -since:today", 2),
            ("a x*", 2),
            ("persona:", 0),
            ("since:today until:2026-11-20", 12),
        ] {
            assert_eq!(read(text).unwrap_err().position, position, "{text:?}");
        }
        let long = "word ".repeat(20_000);
        assert!(read(&long).unwrap_err().message.contains("too long"));
        assert!(read(&"a ".repeat(900)).unwrap_err().message.contains("more than 64"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_at_a_place_in_it(text in ".{0,200}") {
            match read(&text) {
                Ok(question) => prop_assert!(!question.words.is_empty() || !question.filters.is_empty() || question.like.is_some()),
                Err(error) => {
                    prop_assert!(error.position <= text.chars().count());
                    prop_assert!(!error.message.contains(['\u{1b}', '\u{202e}', '\n']), "{}", error.message);
                }
            }
        }

        #[test]
        fn pieces_in_any_order_mean_the_same(mut pieces in proptest::collection::vec("(-?(kind:belief|is:pending|[a-z]{2,6}\\*?|\"[a-z]{2,5} [a-z]{2,5}\"))", 1..8)) {
            let first = read(&pieces.join(" "));
            pieces.reverse();
            let second = read(&pieces.join("  "));
            prop_assert_eq!(first.is_ok(), second.is_ok());
            if let (Ok(mut first), Ok(mut second)) = (first, second) {
                for list in [&mut first.words, &mut second.words, &mut first.without, &mut second.without] {
                    list.sort();
                }
                prop_assert_eq!(first.words, second.words);
                prop_assert_eq!(first.without, second.without);
            }
        }
    }
}
