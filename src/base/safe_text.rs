//! Text from outside, made safe for a terminal.
//!
//! Posts, model answers, server messages and names are data: they may carry escape sequences, bidirectional overrides, zero-width or
//! tag characters that move the cursor, set the clipboard or hide what a reviewer approves. The raw text stays in the database; what is
//! shown goes through [`SafeText`].

use unicode_segmentation::UnicodeSegmentation as _;

/// Combining marks kept on one character; more is "zalgo" that runs over the neighbouring lines.
const MAX_MARKS: usize = 4;

/// Text that cannot steer a terminal: no control characters but newline, no escape sequences, nothing invisible or direction-changing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SafeText {
    text: String,
    removed: usize,
}

impl SafeText {
    /// Clean `raw`. Escape sequences are swallowed whole; tabs become spaces; `\r\n` and `\r` become `\n`. Idempotent.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        let mut stripped = String::with_capacity(raw.len());
        let mut removed = 0;
        let mut characters = raw.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\n' => stripped.push('\n'),
                '\t' => stripped.push_str("    "),
                '\r' => {
                    characters.next_if_eq(&'\n');
                    stripped.push('\n');
                }
                '\u{1b}' => removed += 1 + swallow_escape(&mut characters),
                '\u{9b}' => removed += 1 + swallow_control_sequence(&mut characters),
                '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => removed += 1 + swallow_string(&mut characters),
                '\u{200d}' => stripped.push(character),
                _ if is_hidden(character) => removed += 1,
                _ => stripped.push(character),
            }
        }
        let mut text = String::with_capacity(stripped.len());
        for cluster in stripped.graphemes(true) {
            let mut marks = 0;
            // A zero-width joiner is kept only inside an emoji cluster: anywhere else it hides a word boundary.
            let joins_emoji = cluster.chars().any(is_pictograph);
            for character in cluster.chars() {
                let is_mark = unicode_width::UnicodeWidthChar::width(character) == Some(0) && character != '\u{200d}';
                marks += usize::from(is_mark);
                if (character == '\u{200d}' && !joins_emoji) || (is_mark && marks > MAX_MARKS) {
                    removed += 1;
                } else {
                    text.push(character);
                }
            }
        }
        Self { text, removed }
    }

    /// [`SafeText::new`] on one line: line breaks become spaces.
    #[must_use]
    pub fn line(raw: &str) -> Self {
        let mut safe = Self::new(raw);
        if safe.text.contains('\n') {
            safe.text = safe.text.replace('\n', " ");
        }
        safe
    }

    /// One line of at most `width` terminal columns, ended by `…` where it was cut.
    #[must_use]
    pub fn clipped(raw: &str, width: usize) -> Self {
        use unicode_width::UnicodeWidthStr as _;
        let safe = Self::line(raw);
        if safe.text.width() <= width {
            return safe;
        }
        let mut text = String::new();
        let mut columns = 0;
        for cluster in safe.text.graphemes(true) {
            columns += cluster.width();
            if columns + 1 > width {
                break;
            }
            text.push_str(cluster);
        }
        text.push('…');
        Self { text, removed: safe.removed }
    }

    /// The clean text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many characters were taken out: a reviewer is told when it is not zero.
    #[must_use]
    pub fn removed(&self) -> usize {
        self.removed
    }
}

impl std::fmt::Display for SafeText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

fn is_pictograph(character: char) -> bool {
    matches!(character, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// After ESC: a control sequence, a string (OSC, DCS, SOS, PM, APC) or a two-character escape. Returns how many characters went.
fn swallow_escape(characters: &mut Characters<'_>) -> usize {
    match characters.peek() {
        Some('[') => {
            characters.next();
            1 + swallow_control_sequence(characters)
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            characters.next();
            1 + swallow_string(characters)
        }
        Some('\u{20}'..='\u{7e}') => {
            let mut gone = 0;
            while let Some(character) = characters.next_if(|character| matches!(character, '\u{20}'..='\u{7e}')) {
                gone += 1;
                if !matches!(character, '\u{20}'..='\u{2f}') {
                    break;
                }
            }
            gone
        }
        _ => 0,
    }
}

/// Parameters and intermediates up to the final byte. Stops before anything that cannot belong to the sequence.
fn swallow_control_sequence(characters: &mut Characters<'_>) -> usize {
    let mut gone = 0;
    while characters.next_if(|character| matches!(character, '\u{20}'..='\u{3f}')).is_some() {
        gone += 1;
    }
    gone + usize::from(characters.next_if(|character| matches!(character, '\u{40}'..='\u{7e}')).is_some())
}

/// Up to and including the terminator (BEL, ST); an unterminated string ends at the end of the line, so that it cannot eat a document.
fn swallow_string(characters: &mut Characters<'_>) -> usize {
    let mut gone = 0;
    while let Some(character) = characters.next_if(|character| *character != '\n') {
        gone += 1;
        match character {
            '\u{7}' | '\u{9c}' => break,
            '\u{1b}' => {
                gone += usize::from(characters.next_if_eq(&'\\').is_some());
                break;
            }
            _ => {}
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escape_sequences_go_whole() {
        assert_eq!(SafeText::new("a\u{1b}[2Jb").as_str(), "ab");
        assert_eq!(SafeText::new("a\u{1b}]52;c;aGk=\u{7}b").as_str(), "ab");
        assert_eq!(SafeText::new("a\u{9b}31mb\u{9d}0;title\u{9c}c").as_str(), "abc");
        assert_eq!(SafeText::new("\u{1b}]8;;http://evil\u{1b}\\link\u{1b}]8;;\u{1b}\\").as_str(), "link");
    }

    #[test]
    fn invisible_and_direction_changing_characters_go_and_are_counted() {
        let safe = SafeText::new("pay\u{202e}pal\u{200b}.c\u{e0041}om");
        assert_eq!((safe.as_str(), safe.removed()), ("paypal.com", 3));
    }

    #[test]
    fn emoji_families_stay_and_zalgo_is_cut() {
        assert_eq!(SafeText::new("👩\u{200d}🔬 ok").as_str(), "👩\u{200d}🔬 ok");
        assert_eq!(SafeText::new("a\u{200d}b").as_str(), "ab");
        assert_eq!(SafeText::new(&format!("e{}", "\u{301}".repeat(40))).as_str().chars().count(), 1 + MAX_MARKS);
    }

    #[test]
    fn clipping_counts_columns_not_bytes() {
        assert_eq!(SafeText::clipped("日本語テキスト", 7).as_str(), "日本語…");
        assert_eq!(SafeText::clipped("two\nlines", 20).as_str(), "two lines");
    }

    proptest! {
        #[test]
        fn cleaning_is_idempotent_and_leaves_no_control_character(raw in any::<String>()) {
            let once = SafeText::new(&raw);
            prop_assert!(once.as_str().chars().all(|character| character == '\n' || !character.is_control()));
            let again = SafeText::new(once.as_str());
            prop_assert_eq!(once.as_str(), again.as_str());
        }
    }
}
