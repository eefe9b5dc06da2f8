//! Porter's rules for English endings (M. F. Porter, 1980), so that `rotating keys` finds `rotate the key`. Pure.
//!
//! It stands here and not in an engine, so that both engines, the ranking and the highlights agree on what the same word is.

use std::borrow::Cow;

/// The word without its ending. What is not lower-case ASCII letters stays as it is.
pub(super) fn stem(word: &str) -> Cow<'_, str> {
    if word.len() < 3 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(word);
    }
    let mut stem = Stem(word.as_bytes().to_vec());
    stem.plural();
    stem.past();
    if stem.0.last() == Some(&b'y') && stem.has_vowel(stem.0.len() - 1) {
        stem.end_with(1, b"i");
    }
    stem.table(&DOUBLE, 0);
    stem.table(&SINGLE, 0);
    stem.bare();
    stem.last();
    if stem.0 == word.as_bytes() { Cow::Borrowed(word) } else { Cow::Owned(String::from_utf8(stem.0).unwrap_or_else(|_| word.to_owned())) }
}

/// Endings that were built of two, and what is left of them.
const DOUBLE: [(&str, &str); 20] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("abli", "able"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
];
const SINGLE: [(&str, &str); 7] =
    [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];
const BARE: [&str; 18] =
    ["ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize", "al", "er", "ic", "ou"];

struct Stem(Vec<u8>);

impl Stem {
    fn is_consonant(&self, at: usize) -> bool {
        match self.0[at] {
            b'a' | b'e' | b'i' | b'o' | b'u' => false,
            b'y' => at == 0 || !self.is_consonant(at - 1),
            _ => true,
        }
    }

    /// How often a vowel is followed by a consonant before `end`.
    fn measure(&self, end: usize) -> usize {
        let mut count = 0;
        let mut vowel_before = false;
        for at in 0..end {
            let consonant = self.is_consonant(at);
            count += usize::from(consonant && vowel_before);
            vowel_before = !consonant;
        }
        count
    }

    fn has_vowel(&self, end: usize) -> bool {
        (0..end).any(|at| !self.is_consonant(at))
    }

    fn ends_double(&self, end: usize) -> bool {
        end >= 2 && self.0[end - 1] == self.0[end - 2] && self.is_consonant(end - 1)
    }

    /// Consonant, vowel, consonant, and the last one is not w, x or y.
    fn is_short(&self, end: usize) -> bool {
        end >= 3
            && self.is_consonant(end - 1)
            && !self.is_consonant(end - 2)
            && self.is_consonant(end - 3)
            && !matches!(self.0[end - 1], b'w' | b'x' | b'y')
    }

    /// The length without this ending, if it has it.
    fn without(&self, ending: &str) -> Option<usize> {
        self.0.ends_with(ending.as_bytes()).then(|| self.0.len() - ending.len())
    }

    fn end_with(&mut self, cut: usize, ending: &[u8]) {
        self.0.truncate(self.0.len() - cut);
        self.0.extend_from_slice(ending);
    }

    fn plural(&mut self) {
        if self.0.ends_with(b"sses") || self.0.ends_with(b"ies") {
            self.end_with(2, b"");
        } else if self.0.ends_with(b"s") && !self.0.ends_with(b"ss") {
            self.end_with(1, b"");
        }
    }

    fn past(&mut self) {
        if let Some(end) = self.without("eed") {
            if self.measure(end) > 0 {
                self.end_with(1, b"");
            }
            return;
        }
        let Some(end) = self.without("ed").or_else(|| self.without("ing")).filter(|end| self.has_vowel(*end)) else { return };
        self.0.truncate(end);
        if [b"at", b"bl", b"iz"].iter().any(|tail| self.0.ends_with(*tail)) {
            self.0.push(b'e');
        } else if self.ends_double(end) && !matches!(self.0[end - 1], b'l' | b's' | b'z') {
            self.0.pop();
        } else if self.measure(end) == 1 && self.is_short(end) {
            self.0.push(b'e');
        }
    }

    /// Replace the first ending of a table that the word has, when enough is left before it.
    fn table(&mut self, table: &[(&str, &str)], least: usize) {
        let longest = table.iter().filter(|(ending, _)| self.without(ending).is_some()).max_by_key(|(ending, _)| ending.len());
        if let Some((ending, rest)) = longest
            && self.measure(self.0.len() - ending.len()) > least
        {
            self.end_with(ending.len(), rest.as_bytes());
        }
    }

    fn bare(&mut self) {
        let plain = BARE.iter().find_map(|ending| self.without(ending));
        let ion = || self.without("ion").filter(|end| *end > 0 && matches!(self.0[end - 1], b's' | b't'));
        if let Some(end) = plain.or_else(ion)
            && self.measure(end) > 1
        {
            self.0.truncate(end);
        }
    }

    fn last(&mut self) {
        if let Some(end) = self.without("e") {
            let measure = self.measure(end);
            if measure > 1 || (measure == 1 && !self.is_short(end)) {
                self.0.truncate(end);
            }
        }
        let end = self.0.len();
        if self.0.ends_with(b"ll") && self.measure(end) > 1 {
            self.0.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn the_examples_of_the_paper() {
        let pairs = "caresses caress ponies poni caress caress cats cat feed feed agreed agre plastered plaster bled bled motoring motor sing sing \
            conflated conflat troubled troubl sized size hopping hop tanned tan falling fall hissing hiss fizzed fizz failing fail filing file \
            happy happi sky sky relational relat conditional condit rational ration valenci valenc hesitanci hesit digitizer digit \
            conformabli conform radicalli radic differentli differ vileli vile analogousli analog vietnamization vietnam predication predic \
            operator oper feudalism feudal decisiveness decis hopefulness hope callousness callous formaliti formal sensitiviti sensit \
            sensibiliti sensibl triplicate triplic formative form formalize formal electriciti electr electrical electr hopeful hope \
            goodness good revival reviv allowance allow inference infer airliner airlin gyroscopic gyroscop adjustable adjust \
            defensible defens irritant irrit replacement replac adjustment adjust dependent depend adoption adopt homologou homolog \
            communism commun activate activ angulariti angular homologous homolog effective effect bowdlerize bowdler probate probat \
            rate rate cease ceas controll control roll roll rotating rotat rotate rotat rotation rotat keys kei";
        let words: Vec<&str> = pairs.split_whitespace().collect();
        for pair in words.chunks(2) {
            assert_eq!(stem(pair[0]), pair[1], "{}", pair[0]);
        }
    }

    #[test]
    fn what_is_not_english_stays() {
        for word in ["is", "größe", "v2s", "a", ""] {
            assert_eq!(stem(word), word);
        }
    }
}
