//! JSON text that is safe to look at: what could steer a terminal or hide in a line is written as `\u` escapes. Parsers see no difference.

use crate::base::SafeText;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use std::io::{self, Write};

/// `value` as JSON, with indentation or on one line.
pub(super) fn text(value: &impl Serialize, indented: bool) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    if indented {
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Escaping(PrettyFormatter::new())))?;
    } else {
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Escaping(CompactFormatter)))?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A formatter that writes strings with escapes and leaves the layout to `F`.
struct Escaping<F>(F);

impl<F: Formatter> Formatter for Escaping<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.is_ascii() && !fragment.contains('\u{7f}') || SafeText::new(fragment).removed() == 0 {
            return writer.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            if character.is_ascii() && character != '\u{7f}' {
                write!(writer, "{character}")?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }
    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn steering_characters_are_escaped_and_foreign_letters_are_not() {
        let text = text(&serde_json::json!({ "a": "\u{1b}[2J \u{9b}31m \u{202e}x", "b": "日本語 é" }), false).unwrap();
        assert_eq!(text, r#"{"a":"\u001b[2J \u009b31m \u202ex","b":"日本語 é"}"#);
    }

    proptest! {
        #[test]
        fn a_parser_reads_back_what_went_in(value in any::<String>(), indented in any::<bool>()) {
            let json = serde_json::json!({ "key": [value, 1, null], value.clone(): true });
            let text = text(&json, indented).unwrap();
            prop_assert!(text.chars().all(|character| character == '\n' || !character.is_control()));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json);
        }
    }
}
