//! A text of one line that is typed into: its letters and the cursor. Pure; what it holds is safe to show.

use crate::base::SafeText;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Letters at the most: a little more than a question may have, so that the fault of one that is too long can be shown.
const LONGEST: usize = 2_100;

/// The text, and the place of the cursor between two of its letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::console) struct Field {
    text: String,
    /// Bytes before the cursor.
    at: usize,
}

impl Field {
    /// A field with this text, the cursor behind it.
    pub fn of(text: &str) -> Self {
        let mut field = Self::default();
        field.insert(text);
        field
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether there is nothing to ask for.
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Columns before the cursor.
    pub fn column(&self) -> usize {
        self.text.get(..self.at).map_or(0, |before| before.width())
    }

    /// Put a text where the cursor is; returns whether there was room for all of it.
    pub fn insert(&mut self, text: &str) -> bool {
        let text = SafeText::line(text);
        let room = LONGEST.saturating_sub(self.text.chars().count());
        let end = text.as_str().char_indices().nth(room).map_or(text.as_str().len(), |(end, _)| end);
        let taken = text.as_str().get(..end).unwrap_or_default();
        self.text.insert_str(self.at, taken);
        self.at += taken.len();
        end == text.as_str().len()
    }

    /// A key for the text: whether it changed. `None` when it is no key of a text.
    pub fn key(&mut self, key: KeyEvent) -> Option<bool> {
        let before = self.text.len();
        let is_alt = key.modifiers.contains(KeyModifiers::ALT);
        let is_ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            // What is both is a letter of keyboards that have a key for a third level.
            KeyCode::Char(letter) if is_ctrl == is_alt => {
                self.insert(letter.encode_utf8(&mut [0; 4]));
            }
            KeyCode::Char('a') if is_ctrl => self.at = 0,
            KeyCode::Char('e') if is_ctrl => self.at = self.text.len(),
            KeyCode::Char('w') if is_ctrl => self.remove(self.word_before()..self.at),
            KeyCode::Char('u') if is_ctrl => self.remove(0..self.at),
            KeyCode::Char('b') if is_alt => self.at = self.word_before(),
            KeyCode::Char('f') if is_alt => self.at = self.word_behind(),
            KeyCode::Backspace if is_alt || is_ctrl => self.remove(self.word_before()..self.at),
            KeyCode::Backspace => self.remove(self.letter_before()..self.at),
            KeyCode::Delete => self.remove(self.at..self.letter_behind()),
            KeyCode::Left if is_alt || is_ctrl => self.at = self.word_before(),
            KeyCode::Right if is_alt || is_ctrl => self.at = self.word_behind(),
            KeyCode::Left => self.at = self.letter_before(),
            KeyCode::Right => self.at = self.letter_behind(),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.at = self.text.len(),
            _ => return None,
        }
        Some(self.text.len() != before)
    }

    fn remove(&mut self, range: std::ops::Range<usize>) {
        self.at = range.start;
        self.text.drain(range);
    }

    fn letter_before(&self) -> usize {
        self.text.get(..self.at).and_then(|before| before.grapheme_indices(true).next_back()).map_or(0, |(start, _)| start)
    }

    fn letter_behind(&self) -> usize {
        self.text.get(self.at..).and_then(|behind| behind.graphemes(true).next()).map_or(self.at, |letter| self.at + letter.len())
    }

    fn word_before(&self) -> usize {
        let before = self.text.get(..self.at).unwrap_or_default().trim_end();
        before.char_indices().rfind(|(_, letter)| letter.is_whitespace()).map_or(0, |(start, blank)| start + blank.len_utf8())
    }

    fn word_behind(&self) -> usize {
        let behind = self.text.get(self.at..).unwrap_or_default();
        let blanks = behind.len() - behind.trim_start().len();
        let word = behind.trim_start();
        self.at + blanks + word.find(char::is_whitespace).unwrap_or(word.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn press(field: &mut Field, code: KeyCode, modifiers: KeyModifiers) -> Option<bool> {
        field.key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn it_is_typed_into_and_taken_from_where_the_cursor_is() {
        let mut field = Field::of("rivers kind:belief");
        assert_eq!(press(&mut field, KeyCode::Char('w'), KeyModifiers::CONTROL), Some(true));
        assert_eq!((field.text(), field.column()), ("rivers ", 7));
        press(&mut field, KeyCode::Left, KeyModifiers::NONE);
        press(&mut field, KeyCode::Backspace, KeyModifiers::NONE);
        press(&mut field, KeyCode::Char('日'), KeyModifiers::NONE);
        assert_eq!((field.text(), field.column()), ("river日 ", 7));
        press(&mut field, KeyCode::Home, KeyModifiers::NONE);
        assert_eq!(press(&mut field, KeyCode::Delete, KeyModifiers::NONE), Some(true));
        press(&mut field, KeyCode::Right, KeyModifiers::ALT);
        assert_eq!((field.text(), field.column()), ("iver日 ", 6));
        assert_eq!(press(&mut field, KeyCode::Char('u'), KeyModifiers::CONTROL), Some(true));
        assert_eq!(field.text(), " ");
        assert!(field.is_blank());
    }

    #[test]
    fn keys_of_the_console_are_not_its_own_and_letters_of_the_third_level_are() {
        let mut field = Field::default();
        for (code, modifiers) in [
            (KeyCode::Char('k'), KeyModifiers::CONTROL),
            (KeyCode::Char('c'), KeyModifiers::CONTROL),
            (KeyCode::Char('x'), KeyModifiers::ALT),
            (KeyCode::Tab, KeyModifiers::NONE),
            (KeyCode::Enter, KeyModifiers::NONE),
            (KeyCode::F(1), KeyModifiers::NONE),
        ] {
            assert_eq!(press(&mut field, code, modifiers), None, "{code:?}");
        }
        assert_eq!(press(&mut field, KeyCode::Char('@'), KeyModifiers::CONTROL | KeyModifiers::ALT), Some(true));
        assert_eq!(field.text(), "@");
    }

    #[test]
    fn what_is_pasted_is_safe_on_one_line_and_not_too_long() {
        let mut field = Field::default();
        assert!(field.insert("a\nb\u{1b}[2Jc\u{202e}"));
        assert_eq!(field.text(), "a bc");
        assert!(!field.insert(&"x".repeat(100_000)));
        assert_eq!(field.text().chars().count(), LONGEST);
    }

    proptest! {
        #[test]
        fn no_keys_make_it_panic(text in any::<String>(), keys in proptest::collection::vec(0_usize..10, 0..40)) {
            let codes = [KeyCode::Left, KeyCode::Right, KeyCode::Backspace, KeyCode::Delete, KeyCode::Home, KeyCode::End, KeyCode::Char('é'), KeyCode::Char('w'), KeyCode::Char('b'), KeyCode::Char('\u{301}')];
            let mut field = Field::of(&text);
            for key in keys {
                let modifiers = [KeyModifiers::NONE, KeyModifiers::ALT, KeyModifiers::CONTROL][key % 3];
                press(&mut field, codes[key], modifiers);
                prop_assert!(field.text().is_char_boundary(field.at));
            }
        }
    }
}
