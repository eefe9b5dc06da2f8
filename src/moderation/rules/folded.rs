//! Text as the eye reads it, with the way back into the original. Pure.
//!
//! Two views. [`Folded::new`] undoes what changes bytes and not the look: compatibility forms (NFKC), look-alikes of other scripts
//! (UTS 39), accents, invisible characters, case, runs of white space. [`Folded::undisguised`] goes on to what people do to slip a word
//! past a list: leetspeak, repeated letters, spaced letters, punctuation inside a word. Every byte of a view knows which bytes of the
//! original it came from, so that a finding is shown where it stands.

use crate::moderation::evaluation::Span;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// A view of a text.
#[derive(Debug, Clone, Default)]
pub struct Folded {
    text: String,
    /// For each byte of the view, where the original character begins …
    from: Vec<u32>,
    /// … and ends.
    to: Vec<u32>,
    /// For each byte, how many equal letters stand for it; empty in the first view.
    runs: Vec<u16>,
    /// For each byte, how many separators were dropped before it; empty in the first view.
    dropped: Vec<u32>,
}

impl Folded {
    /// The first view of `original`.
    #[must_use]
    pub fn new(original: &str) -> Self {
        Self::made(original, true)
    }

    /// The first view with upper and lower case as they are: for what is told apart by it, as keys are.
    #[must_use]
    pub fn with_case(original: &str) -> Self {
        Self::made(original, false)
    }

    fn made(original: &str, lower: bool) -> Self {
        let mut view = Self::with_capacity(original.len());
        for (start, character) in original.char_indices() {
            let end = start + character.len_utf8();
            if character.is_ascii() {
                view.fold(character, lower, start, end);
            } else if let Some(letter) = enclosed(character) {
                view.fold(letter, lower, start, end);
            } else {
                let mut buffer = [0; 4];
                for compatible in std::iter::once(character).nfkd().filter(|part| !is_combining_mark(*part)) {
                    if compatible.is_ascii() {
                        view.fold(compatible, lower, start, end);
                        continue;
                    }
                    // Of the look-alikes only those that look like ASCII: the prototype of every other letter is as good as itself.
                    for part in unicode_security::skeleton(compatible.encode_utf8(&mut buffer)).filter(|part| !is_combining_mark(*part)) {
                        view.fold(part, lower, start, end);
                    }
                }
            }
        }
        view
    }

    fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), from: Vec::with_capacity(bytes), to: Vec::with_capacity(bytes), ..Self::default() }
    }

    fn fold(&mut self, character: char, lower: bool, start: usize, end: usize) {
        if character.is_whitespace() {
            match self.text.as_bytes().last() {
                // A run of white space is one blank, which stands for all of it.
                Some(b' ') => {
                    if let Some(to) = self.to.last_mut() {
                        *to = position(end);
                    }
                }
                _ => self.push(' ', start, end),
            }
        } else if !lower {
            self.push(character, start, end);
        } else if character.is_ascii() {
            self.push(character.to_ascii_lowercase(), start, end);
        } else {
            character.to_lowercase().for_each(|lower| self.push(lower, start, end));
        }
    }

    fn push(&mut self, character: char, start: usize, end: usize) {
        self.text.push(character);
        for _ in 0..character.len_utf8() {
            self.from.push(position(start));
            self.to.push(position(end));
        }
    }

    /// The view's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where bytes `start..end` of the view stand in the original.
    #[must_use]
    pub fn original(&self, start: usize, end: usize) -> Span {
        let begin = self.from.get(start).copied().unwrap_or_default();
        let last = end.checked_sub(1).and_then(|last| self.to.get(last)).copied().unwrap_or(begin);
        Span { start: begin as usize, end: (last.max(begin)) as usize }
    }

    /// Whether `start..end` is a word or several: no letter or digit touches it, but over a separator that was dropped.
    #[must_use]
    pub fn is_whole(&self, start: usize, end: usize) -> bool {
        let dropped = |left: Option<usize>, right: usize| {
            let left = left.and_then(|left| self.dropped.get(left));
            left.zip(self.dropped.get(right)).is_some_and(|(left, right)| left < right)
        };
        let before = self.text.get(..start).and_then(|text| text.chars().next_back());
        let after = self.text.get(end..).and_then(|text| text.chars().next());
        (!before.is_some_and(char::is_alphanumeric) || dropped(start.checked_sub(1), start))
            && (!after.is_some_and(char::is_alphanumeric) || dropped(end.checked_sub(1), end))
    }

    /// The second view. Made from the first one.
    #[must_use]
    pub fn undisguised(&self) -> Self {
        let mut view = Self::with_capacity(self.text.len());
        let glyphs = self.glyphs();
        let joined = spaced_letters(&glyphs);
        let mut dropped = 0;
        let mut index = 0;
        while let Some(glyph) = glyphs.get(index) {
            let after = glyphs.get(index + 1);
            let inside = joined.get(index).copied().unwrap_or(false)
                || (is_joiner(glyph.character)
                    && index.checked_sub(1).and_then(|before| glyphs.get(before)).is_some_and(|before| before.character.is_alphabetic())
                    && after.is_some_and(|after| after.character.is_alphabetic()));
            if inside && !glyph.character.is_alphabetic() {
                dropped += 1;
            } else {
                view.append(glyph, dropped);
            }
            index += 1;
        }
        view
    }

    /// Append a glyph; a letter that equals the one before becomes part of its run.
    fn append(&mut self, glyph: &Glyph, dropped: u32) {
        let character = if glyph.character == 'l' { 'i' } else { glyph.character };
        if character.is_alphabetic() && self.text.ends_with(character) {
            for index in self.text.len() - character.len_utf8()..self.text.len() {
                if let (Some(run), Some(to)) = (self.runs.get_mut(index), self.to.get_mut(index)) {
                    *run = run.saturating_add(1);
                    *to = glyph.to;
                }
            }
            return;
        }
        self.text.push(character);
        for _ in 0..character.len_utf8() {
            self.from.push(glyph.from);
            self.to.push(glyph.to);
            self.runs.push(1);
            self.dropped.push(dropped);
        }
    }

    /// The characters with leetspeak undone: in a token that has a letter, what stands for one becomes one.
    fn glyphs(&self) -> Vec<Glyph> {
        let mut glyphs: Vec<Glyph> = self
            .text
            .char_indices()
            .map(|(at, character)| Glyph {
                character,
                from: self.from.get(at).copied().unwrap_or_default(),
                to: self.to.get(at).copied().unwrap_or_default(),
            })
            .collect();
        let mut start = 0;
        while start < glyphs.len() {
            let length = glyphs[start..].iter().take_while(|glyph| is_token(glyph.character)).count();
            let token = &mut glyphs[start..start + length];
            if token.iter().any(|glyph| glyph.character.is_alphabetic()) {
                for at in 0..token.len() {
                    let is_last = !token[at + 1..].iter().any(|later| later.character.is_alphanumeric());
                    let character = token[at].character;
                    // What ends a sentence stays what it is: `win!`, `a+`.
                    if !matches!(character, '!' | '+' | '|') || !is_last {
                        token[at].character = leet(character);
                    }
                }
            }
            start += length.max(1);
        }
        glyphs
    }

    /// Whether `start..end` of the second view spells `word`: repeated letters count as one, unless a short word is at stake.
    ///
    /// A doubled letter makes another word of a short one (`bot`, `boot`): there only three in a row are taken for a disguise. What was
    /// put together over separators has to be a word of its own.
    #[must_use]
    pub fn spells(&self, word: &Spelling, start: usize, end: usize) -> bool {
        let Some(runs) = self.runs.get(start..end) else { return false };
        let letters = word.runs.iter().map(|run| usize::from(*run)).sum::<usize>();
        let fits = word.runs.len() == runs.len()
            && word.runs.iter().zip(runs).all(|(wanted, found)| found == wanted || (found > wanted && (letters >= 5 || *found >= 3)));
        let straddles = self.dropped.get(start) != end.checked_sub(1).and_then(|last| self.dropped.get(last));
        fits && (!straddles || self.is_whole(start, end))
    }
}

#[derive(Debug, Clone, Copy)]
struct Glyph {
    character: char,
    from: u32,
    to: u32,
}

/// A word as it is looked for in the second view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelling {
    /// Its letters, each run as one.
    pub text: String,
    runs: Vec<u16>,
}

impl Spelling {
    /// The spelling of a word of a list.
    #[must_use]
    pub fn of(word: &str) -> Self {
        let mut view = Folded::default();
        for (at, character) in Folded::new(word).text.char_indices() {
            view.append(&Glyph { character, from: position(at), to: position(at) }, 0);
        }
        Self { text: view.text, runs: view.runs }
    }
}

fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Letters in circles, squares and flags, which have no compatibility form.
fn enclosed(character: char) -> Option<char> {
    let base = match character {
        '\u{1f130}'..='\u{1f149}' => 0x1f130,
        '\u{1f150}'..='\u{1f169}' => 0x1f150,
        '\u{1f170}'..='\u{1f189}' => 0x1f170,
        '\u{1f1e6}'..='\u{1f1ff}' => 0x1f1e6,
        _ => return None,
    };
    u8::try_from(u32::from(character) - base).ok().map(|offset| char::from(b'a' + offset))
}

fn is_token(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '@' | '$' | '!' | '|' | '+' | '€' | '£')
}

fn leet(character: char) -> char {
    match character {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        '£' => 'l',
        other => other,
    }
}

fn is_joiner(character: char) -> bool {
    matches!(character, '.' | '-' | '_' | '*' | '\'' | '`' | '~' | '/' | '\\' | ',' | '·' | '•' | '^' | '"' | ':' | ';' | '=' | '#')
}

/// Which separators stand between single letters: `c a s i n o`, `c.a.s.i.n.o`. At least three letters, the same separator between all.
fn spaced_letters(glyphs: &[Glyph]) -> Vec<bool> {
    let mut inside = vec![false; glyphs.len()];
    let letter = |at: usize| glyphs.get(at).is_some_and(|glyph| glyph.character.is_alphanumeric());
    let mut at = 0;
    while at < glyphs.len() {
        let starts = letter(at) && !(at > 0 && letter(at - 1));
        let separator = glyphs.get(at + 1).map(|glyph| glyph.character).filter(|separator| *separator == ' ' || is_joiner(*separator));
        let Some(separator) = separator.filter(|_| starts) else {
            at += 1;
            continue;
        };
        let mut last = at;
        while glyphs.get(last + 1).is_some_and(|glyph| glyph.character == separator) && letter(last + 2) && !letter(last + 3) {
            last += 2;
        }
        if last >= at + 4 {
            (at + 1..last).step_by(2).for_each(|separator| inside[separator] = true);
        }
        at = last + 1;
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finds(text: &str, word: &str) -> Option<String> {
        let first = Folded::new(text);
        let second = first.undisguised();
        let spelling = Spelling::of(word);
        if let Some(at) = first.text().find(word) {
            let span = first.original(at, at + word.len());
            return Some(text[span.start..span.end].to_owned());
        }
        second
            .text()
            .match_indices(&spelling.text)
            .map(|(at, found)| (at, at + found.len()))
            .find(|(start, end)| second.spells(&spelling, *start, *end))
            .map(|(start, end)| {
                let span = second.original(start, end);
                text[span.start..span.end].to_owned()
            })
    }

    #[test]
    fn disguises_are_seen_through_with_the_span_of_the_original() {
        for (text, shown) in [
            ("Try the CASINO now", "CASINO"),
            ("Try the ｃａｓｉｎｏ now", "ｃａｓｉｎｏ"),
            ("Try the сasіnо now", "сasіnо"),
            ("Try the ca\u{200b}si\u{ad}no now", "ca\u{200b}si\u{ad}no"),
            ("Try the cásïnô now", "cásïnô"),
            ("Try the c4s1n0 now", "c4s1n0"),
            ("Try the ca$ino now", "ca$ino"),
            ("Try the caaaasiiino now", "caaaasiiino"),
            ("Try the c a s i n o now", "c a s i n o"),
            ("Try the c.a.s.i.n.o now", "c.a.s.i.n.o"),
            ("Try the cas-ino now", "cas-ino"),
            ("Try the 𝓬𝓪𝓼𝓲𝓷𝓸 now", "𝓬𝓪𝓼𝓲𝓷𝓸"),
            ("Try the 🅲🅰🆂🅸🅽🅾 now", "🅲🅰🆂🅸🅽🅾"),
            ("Try the c\u{301}a\u{302}s\u{303}ino now", "c\u{301}a\u{302}s\u{303}ino"),
        ] {
            assert_eq!(finds(text, "casino").as_deref(), Some(shown), "{text}");
        }
        assert_eq!(finds("a lotttteryy ticket", "lottery").as_deref(), Some("lotttteryy"));
    }

    #[test]
    fn other_words_are_other_words() {
        assert_eq!(finds("my boot is wet", "bot"), None);
        assert_eq!(finds("grass-pampas in bloom", "spam"), None, "put together over a hyphen it has to be a whole word");
        assert_eq!(finds("at 5pm we left", "spam"), None);
        assert_eq!(finds("booot", "bot").as_deref(), Some("booot"));
    }

    #[test]
    fn a_text_of_nothing_but_marks_is_empty() {
        let text = "\u{200b}\u{301}\u{301}\u{200d}\u{feff}".repeat(1_000);
        assert_eq!(Folded::new(&text).text(), "");
        assert_eq!(Folded::new(&text).undisguised().original(0, 0), Span { start: 0, end: 0 });
    }

    proptest! {
        #[test]
        fn every_span_lies_on_characters(text in any::<String>(), a in 0_usize..60, b in 0_usize..60) {
            let first = Folded::new(&text);
            for view in [first.undisguised(), first] {
                let (start, end) = (a.min(b).min(view.text().len()), a.max(b).min(view.text().len()));
                let span = view.original(start, end);
                prop_assert!(text.get(span.start..span.end).is_some());
                prop_assert_eq!(view.from.len(), view.text().len());
            }
        }
    }
}
