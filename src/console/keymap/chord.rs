//! A key with the modifiers that are held: read from text, taken from the terminal, shown again in one form.
//!
//! Terminals disagree about what they send: Shift with a letter arrives as the capital or as both, Ctrl-I is the same byte as Tab, Ctrl-/
//! comes as Ctrl-7. A [`Chord`] has one form for each key, whichever way it came, so that a keymap means the same everywhere.

use crate::base::SafeText;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::fmt::{Display, Formatter};
use std::str::FromStr;

/// Chords that one sequence may have: more cannot be remembered.
pub const LONGEST: usize = 4;

/// The function keys that terminals can tell apart.
const FUNCTION_KEYS: std::ops::RangeInclusive<u8> = 1..=35;

/// The names of keys that are no character. The first name of a key is the one it is shown with.
const NAMES: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("return", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("escape", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("del", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("ins", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pgup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("pgdn", KeyCode::PageDown),
];

/// The prefixes of modifiers, in the order they are shown in. The first of each is the one that is shown.
const MODIFIERS: &[(&str, KeyModifiers)] = &[
    ("super-", KeyModifiers::SUPER),
    ("ctrl-", KeyModifiers::CONTROL),
    ("control-", KeyModifiers::CONTROL),
    ("alt-", KeyModifiers::ALT),
    ("meta-", KeyModifiers::ALT),
    ("shift-", KeyModifiers::SHIFT),
];

/// A key with its modifiers, in the one form that stands for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is nothing.
    #[error("there is no key: write it as \"j\", \"ctrl-k\", \"g g\" or \"pagedown\"")]
    Empty,
    /// A modifier without a key behind it.
    #[error("`{0}` is a modifier without a key: write `{0}k`")]
    NoKey(String),
    /// Not a character and no name.
    #[error(
        "`{0}` is no key: write a character, or one of enter, esc, tab, space, backspace, delete, insert, up, down, left, right, home, end, pageup, pagedown, f1 to f35, with ctrl-, alt- or shift- in front; keys in sequence with a blank between them"
    )]
    Unknown(String),
    /// Too many keys in sequence.
    #[error("{0} keys in sequence; {LONGEST} are the most")]
    TooLong(usize),
}

impl Chord {
    /// The chord of a key and what is held with it; `None` for what cannot be bound: modifiers alone, media keys, control characters.
    #[must_use]
    pub fn new(code: KeyCode, modifiers: KeyModifiers) -> Option<Self> {
        let known = KeyModifiers::SHIFT | KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SUPER;
        if !known.contains(modifiers) {
            return None;
        }
        let (code, modifiers) = match code {
            KeyCode::BackTab => (KeyCode::Tab, modifiers | KeyModifiers::SHIFT),
            KeyCode::Char(character) => of_character(character, modifiers)?,
            KeyCode::F(number) if FUNCTION_KEYS.contains(&number) => (code, modifiers),
            _ if name(code).is_some() => (code, modifiers),
            _ => return None,
        };
        Some(Self { code, modifiers })
    }

    /// The chord of an event: a press or a repeat of a key that can be bound.
    #[must_use]
    pub fn of(event: &KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release { None } else { Self::new(event.code, event.modifiers) }
    }

    /// The key. A letter that was typed with Shift is the capital; Shift-Tab is Tab with Shift.
    #[must_use]
    pub fn code(self) -> KeyCode {
        self.code
    }

    /// What is held with it. Never Shift with a character, but with Ctrl and a letter.
    #[must_use]
    pub fn modifiers(self) -> KeyModifiers {
        self.modifiers
    }

    /// Why this key may never arrive, or something else may take it first.
    #[must_use]
    pub fn caution(self) -> Option<&'static str> {
        let (control, alt, shift) = (KeyModifiers::CONTROL, KeyModifiers::ALT, KeyModifiers::SHIFT);
        match (self.code, self.modifiers) {
            (_, held) if held.contains(KeyModifiers::SUPER) => Some("most terminals keep the super key for themselves"),
            (KeyCode::Enter | KeyCode::Tab | KeyCode::Esc | KeyCode::Backspace, held) if held.contains(control) => {
                Some("most terminals send it without Ctrl")
            }
            (KeyCode::Enter | KeyCode::Esc | KeyCode::Backspace, held) if held.contains(shift) => {
                Some("most terminals send it without Shift")
            }
            (KeyCode::Char(_), held) if held.contains(control | shift) => Some("most terminals send it without Shift"),
            (KeyCode::Char('s' | 'q'), held) if held == control => Some("terminals may stop and resume their output with it"),
            (KeyCode::Char('a'), held) if held == control => Some("GNU screen takes it"),
            (KeyCode::Char('b'), held) if held == control => Some("tmux takes it"),
            (KeyCode::Esc, held) if held.contains(alt) => Some("most terminals send it as Esc twice"),
            _ => None,
        }
    }

    /// The chords of a sequence, as `g g`: keys with blanks between them.
    ///
    /// # Errors
    /// What is wrong with the first key that cannot be read.
    pub fn sequence(text: &str) -> Result<Vec<Self>, Unreadable> {
        let chords = text.split_whitespace().map(str::parse).collect::<Result<Vec<_>, _>>()?;
        match chords.len() {
            0 => Err(Unreadable::Empty),
            count if count > LONGEST => Err(Unreadable::TooLong(count)),
            _ => Ok(chords),
        }
    }

    /// The text of a sequence.
    #[must_use]
    pub fn show(sequence: &[Self]) -> String {
        sequence.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// The one form of a character with its modifiers.
fn of_character(character: char, modifiers: KeyModifiers) -> Option<(KeyCode, KeyModifiers)> {
    let is_visible = character.is_ascii_graphic()
        || character == ' '
        || (!character.is_whitespace()
            && unicode_width::UnicodeWidthChar::width(character).unwrap_or(0) > 0
            && SafeText::new(character.encode_utf8(&mut [0; 4])).removed() == 0);
    if !is_visible {
        return None;
    }
    if !modifiers.contains(KeyModifiers::CONTROL) {
        // The character that Shift made is there already: which key it stands on is the keyboard's affair.
        let made = if modifiers.contains(KeyModifiers::SHIFT) { single(character.to_uppercase(), character) } else { character };
        return Some((KeyCode::Char(made), modifiers - KeyModifiers::SHIFT));
    }
    let plain = modifiers - KeyModifiers::CONTROL;
    // With Ctrl there are no capitals: a terminal sends one byte for both.
    Some(match single(character.to_lowercase(), character) {
        'i' => (KeyCode::Tab, plain),
        'm' => (KeyCode::Enter, plain),
        '[' => (KeyCode::Esc, plain - KeyModifiers::SHIFT),
        // Bytes 28 to 31, which the terminal library names by digits.
        '4' => (KeyCode::Char('\\'), modifiers - KeyModifiers::SHIFT),
        '5' => (KeyCode::Char(']'), modifiers - KeyModifiers::SHIFT),
        '6' => (KeyCode::Char('^'), modifiers - KeyModifiers::SHIFT),
        '7' | '_' => (KeyCode::Char('/'), modifiers - KeyModifiers::SHIFT),
        // Byte 0.
        '@' | '2' => (KeyCode::Char(' '), modifiers - KeyModifiers::SHIFT),
        letter if letter.is_alphabetic() => (KeyCode::Char(letter), modifiers),
        sign => (KeyCode::Char(sign), modifiers - KeyModifiers::SHIFT),
    })
}

/// The only character of a change of case; `otherwise` where one character becomes several.
fn single(mut changed: impl Iterator<Item = char>, otherwise: char) -> char {
    changed.next().filter(|_| changed.next().is_none()).unwrap_or(otherwise)
}

fn name(code: KeyCode) -> Option<&'static str> {
    NAMES.iter().find(|(_, named)| *named == code).map(|(name, _)| *name)
}

impl FromStr for Chord {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let shown = || SafeText::clipped(text, 40).as_str().to_owned();
        let (mut rest, mut held) = (text, KeyModifiers::NONE);
        // A lone `-` is a key, and so is what stands behind the modifiers, whatever it is.
        while let Some((modifier, behind)) = modifier(rest) {
            if behind.is_empty() {
                return Err(Unreadable::NoKey(shown()));
            }
            (rest, held) = (behind, held | modifier);
        }
        let mut characters = rest.chars();
        let code = match (characters.next(), characters.next()) {
            (None, _) => return Err(Unreadable::Empty),
            (Some(character), None) => KeyCode::Char(character),
            _ => named(rest).ok_or_else(|| Unreadable::Unknown(shown()))?,
        };
        Self::new(code, held).ok_or_else(|| Unreadable::Unknown(shown()))
    }
}

/// The modifier that `text` begins with, and what stands behind it.
fn modifier(text: &str) -> Option<(KeyModifiers, &str)> {
    // Emacs's own writing, capitals only: `c-` would be too easily meant as two keys.
    let emacs = [("C-", KeyModifiers::CONTROL), ("M-", KeyModifiers::ALT), ("S-", KeyModifiers::SHIFT)];
    let exact = emacs.into_iter().find_map(|(prefix, modifier)| Some((modifier, text.strip_prefix(prefix)?)));
    exact.or_else(|| {
        MODIFIERS.iter().find_map(|(prefix, modifier)| {
            let (front, behind) = text.split_at_checked(prefix.len())?;
            front.eq_ignore_ascii_case(prefix).then_some((*modifier, behind))
        })
    })
}

fn named(text: &str) -> Option<KeyCode> {
    let found = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, code)| *code);
    found.or_else(|| {
        let number = text.strip_prefix(['f', 'F'])?;
        let number = number.parse().ok().filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0'))?;
        Some(KeyCode::F(number))
    })
}

impl Display for Chord {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let mut shown = KeyModifiers::NONE;
        for (prefix, modifier) in MODIFIERS {
            if self.modifiers.contains(*modifier) && !shown.contains(*modifier) {
                formatter.write_str(prefix)?;
                shown |= *modifier;
            }
        }
        match (self.code, name(self.code)) {
            (_, Some(name)) => formatter.write_str(name),
            (KeyCode::Char(character), None) => write!(formatter, "{character}"),
            (KeyCode::F(number), None) => write!(formatter, "f{number}"),
            // `new` lets nothing else in.
            (_, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEventState;
    use proptest::prelude::*;

    fn chord(text: &str) -> Chord {
        text.parse().unwrap()
    }

    fn typed(code: KeyCode, modifiers: KeyModifiers) -> String {
        Chord::of(&KeyEvent::new(code, modifiers)).map(|chord| chord.to_string()).unwrap_or_default()
    }

    #[test]
    fn keys_are_shown_as_they_are_written() {
        for text in "j J ctrl-k enter esc tab shift-tab space f1 f12 pageup pagedown alt-x alt-X alt-v ? : / [ ] - ctrl-/ alt-< ctrl-alt-x shift-up ctrl-space ctrl-- é ß 日"
            .split(' ')
        {
            assert_eq!(chord(text).to_string(), text);
        }
    }

    #[test]
    fn other_writings_mean_the_same_key() {
        for (text, same) in [
            ("Ctrl-K", "ctrl-k"),
            ("CONTROL-k", "ctrl-k"),
            ("C-k", "ctrl-k"),
            ("M-x", "alt-x"),
            ("meta-x", "alt-x"),
            ("alt-shift-x", "alt-X"),
            ("shift-j", "J"),
            ("Return", "enter"),
            ("ESCAPE", "esc"),
            ("backtab", "shift-tab"),
            ("ctrl-i", "tab"),
            ("ctrl-m", "enter"),
            ("ctrl-[", "esc"),
            ("ctrl-_", "ctrl-/"),
            ("shift-ctrl-k", "ctrl-shift-k"),
            ("PgDn", "pagedown"),
        ] {
            assert_eq!(chord(text).to_string(), same, "{text}");
        }
    }

    #[test]
    fn what_terminals_send_becomes_one_form() {
        let (none, shift, control) = (KeyModifiers::NONE, KeyModifiers::SHIFT, KeyModifiers::CONTROL);
        assert_eq!(typed(KeyCode::Char('J'), shift), "J");
        assert_eq!(typed(KeyCode::Char('j'), shift), "J");
        assert_eq!(typed(KeyCode::Char('J'), none), "J");
        assert_eq!(typed(KeyCode::Char('?'), shift), "?");
        assert_eq!(typed(KeyCode::Char('k'), control), "ctrl-k");
        assert_eq!(typed(KeyCode::Char('K'), control), "ctrl-k");
        assert_eq!(typed(KeyCode::Char('7'), control), "ctrl-/");
        assert_eq!(typed(KeyCode::Char(' '), none), "space");
        assert_eq!(typed(KeyCode::BackTab, shift), "shift-tab");
        assert_eq!(typed(KeyCode::BackTab, none), "shift-tab");
        assert_eq!(typed(KeyCode::Char('X'), KeyModifiers::ALT | shift), "alt-X");
        // What nobody binds is nobody's key.
        assert_eq!(typed(KeyCode::CapsLock, none), "");
        assert_eq!(typed(KeyCode::Char('\u{7}'), none), "");
        assert_eq!(typed(KeyCode::Char('a'), KeyModifiers::HYPER), "");
    }

    #[test]
    fn a_release_is_no_key_and_a_repeat_and_the_keypad_are() {
        let event = |kind| KeyEvent::new_with_kind_and_state(KeyCode::Enter, KeyModifiers::NONE, kind, KeyEventState::KEYPAD);
        assert_eq!(Chord::of(&event(KeyEventKind::Press)), Some(chord("enter")));
        assert_eq!(Chord::of(&event(KeyEventKind::Repeat)), Some(chord("enter")));
        assert_eq!(Chord::of(&event(KeyEventKind::Release)), None);
    }

    #[test]
    fn what_is_no_key_says_why() {
        let wrong = |text: &str| Chord::sequence(text).unwrap_err().to_string();
        assert!(wrong("").contains("no key") && wrong(" \t").contains("no key"));
        assert!(wrong("g ctrl-").contains("`ctrl-` is a modifier without a key"));
        assert!(wrong("gg").contains("`gg` is no key") && wrong("gg").contains("blank between them"));
        assert!(wrong("f0").contains("`f0`") && wrong("f36").contains("`f36`") && wrong("f300").contains("`f300`"));
        assert!(wrong("a b c d e").contains("5 keys"));
        assert!(!wrong("\u{202e}x").contains('\u{202e}'));
        assert_eq!(Chord::sequence(" g   G ").unwrap(), [chord("g"), chord("G")]);
    }

    #[test]
    fn keys_that_may_never_arrive_are_known() {
        for text in ["ctrl-enter", "shift-enter", "ctrl-tab", "ctrl-a", "ctrl-b", "ctrl-s", "ctrl-q", "ctrl-shift-k", "super-x"] {
            assert!(chord(text).caution().is_some(), "{text}");
        }
        for text in ["ctrl-k", "shift-tab", "J", "alt-X", "f1", "s", "alt-enter"] {
            assert_eq!(chord(text).caution(), None, "{text}");
        }
    }

    fn codes() -> impl Strategy<Value = KeyCode> {
        prop_oneof![
            any::<char>().prop_map(KeyCode::Char),
            "[!-~ ]".prop_map(|text| KeyCode::Char(text.chars().next().unwrap())),
            any::<u8>().prop_map(KeyCode::F),
            proptest::sample::select(NAMES).prop_map(|(_, code)| code),
        ]
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_as_the_same(code in codes(), held in any::<u8>()) {
            if let Some(chord) = Chord::new(code, KeyModifiers::from_bits_truncate(held)) {
                prop_assert_eq!(chord.to_string().parse::<Chord>(), Ok(chord));
                prop_assert_eq!(Chord::new(chord.code(), chord.modifiers()), Some(chord));
                prop_assert_eq!(Chord::sequence(&Chord::show(&[chord, chord])), Ok(vec![chord, chord]));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Chord::sequence(&text);
        }

        #[test]
        fn no_nearly_right_text_makes_it_panic(text in "((ctrl|alt|shift|C|M|f|é|日)?-?[a-z0-9 é-]{0,3}){0,4}") {
            if let Ok(sequence) = Chord::sequence(&text) {
                prop_assert_eq!(Chord::sequence(&Chord::show(&sequence)), Ok(sequence));
            }
        }
    }
}
