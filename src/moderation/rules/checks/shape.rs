//! The shape of a text: how long it is, and whether it hides something.

use super::{Finding, Outcome};
use crate::moderation::evaluation::Span;
use crate::moderation::rules::model::Rule;
use crate::moderation::screening::Outgoing;
use unicode_normalization::char::is_combining_mark;

/// Places that are shown of hidden characters.
const MOST_PLACES: usize = 20;
/// Marks on one letter that no language needs.
const MOST_MARKS: usize = 4;

/// Too short or too long, in Unicode scalar values, with the flags of the original system.
pub(super) fn length(content: &str, least: usize, most: usize) -> Outcome {
    let characters = content.chars().count();
    let flag = if characters < least {
        format!("content_too_short (min {least} chars)")
    } else if characters > most {
        format!("content_too_long (max {most} chars)")
    } else {
        return Outcome::CLEAR;
    };
    let message = format!("the text has {characters} characters, {least} to {most} are allowed");
    Outcome::Found(vec![Finding { spans: Vec::new(), message, evidence: None, flag }])
}

/// Characters that nobody sees, or that turn the direction of reading, or heaps of marks on one letter.
pub(super) fn hidden(rule: &Rule, outgoing: Outgoing<'_>, most: usize) -> Outcome {
    let spans = places(outgoing.content);
    let in_title = outgoing.title.map_or(0, |title| places(title).len());
    if spans.len() + in_title <= most {
        return Outcome::CLEAR;
    }
    let message = format!("{} characters hide from the reader, {most} are allowed", spans.len() + in_title);
    Outcome::one(rule, spans.into_iter().take(MOST_PLACES).collect(), message, None)
}

fn places(text: &str) -> Vec<Span> {
    let mut marks = 0;
    let mut before = None;
    let mut hidden = Vec::new();
    for (start, character) in text.char_indices() {
        let is_mark = is_combining_mark(character);
        marks = if is_mark { marks + 1 } else { 0 };
        // A joiner inside an emoji and a variation selector after a symbol are how these are written.
        let belongs = matches!(character, '\u{200d}' | '\u{fe0f}' | '\u{fe0e}')
            && before.is_some_and(|before: char| !before.is_alphanumeric() && before as u32 > 0x2000);
        if (is_invisible(character) && !belongs) || marks > MOST_MARKS {
            hidden.push(Span { start, end: start + character.len_utf8() });
        }
        if !is_mark {
            before = Some(character);
        }
    }
    hidden
}

/// Default-ignorable and direction-changing characters, and controls other than white space.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{e0000}'..='\u{e0fff}')
        || (character.is_control() && !character.is_whitespace())
}
