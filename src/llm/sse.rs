//! Server-sent events, taken apart as the bytes arrive.
//!
//! Pure: bytes in, events out. Chunks may end anywhere, inside a line ending or a character too. Comment lines (`: …`) are keep-alives and
//! are skipped. What is inside an event is none of this file's business.

/// The largest event that is accepted, in bytes. A server that sends more without an empty line is not speaking this protocol.
pub const MAX_EVENT: usize = 4 * 1024 * 1024;

/// One event of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The value of the last `event:` line, if there was one.
    pub name: Option<String>,
    /// The `data:` lines, joined by newlines.
    pub data: String,
}

/// An event grew beyond [`MAX_EVENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one event of the stream is larger than {MAX_EVENT} bytes")]
pub struct TooLarge;

/// The state between two chunks.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    name: Option<String>,
    data: String,
    has_data: bool,
    after_return: bool,
    started: bool,
}

impl Parser {
    /// A parser at the beginning of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Take the next chunk, and return the events that it completes.
    ///
    /// # Errors
    /// [`TooLarge`] when an event does not end.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut events = Vec::new();
        for &byte in chunk {
            let ends_pair = self.after_return && byte == b'\n';
            self.after_return = byte == b'\r';
            match byte {
                _ if ends_pair => {}
                b'\r' | b'\n' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.data.len() > MAX_EVENT {
                return Err(TooLarge);
            }
        }
        Ok(events)
    }

    /// The stream has ended: the event that no empty line has closed, if any. It may be cut off.
    #[must_use]
    pub fn finish(mut self) -> Option<Event> {
        if self.line.is_empty() {
            return self.dispatch();
        }
        self.end_line();
        self.dispatch()
    }

    fn end_line(&mut self) -> Option<Event> {
        let bytes = std::mem::take(&mut self.line);
        // Whole lines only are decoded, so that a character split over two chunks stays one character.
        let text = String::from_utf8_lossy(&bytes);
        let text = if self.started { &*text } else { text.strip_prefix('\u{feff}').unwrap_or(&text) };
        self.started = true;
        if text.is_empty() {
            return self.dispatch();
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(value);
                self.has_data = true;
            }
            "event" => self.name = Some(value.to_owned()),
            // An empty field name is a comment; `id`, `retry` and unknown fields have no meaning here.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Event> {
        let name = self.name.take();
        let data = std::mem::take(&mut self.data);
        std::mem::take(&mut self.has_data).then_some(Event { name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8]) -> Vec<Event> {
        let mut parser = Parser::new();
        let mut events = parser.push(bytes).unwrap();
        events.extend(parser.finish());
        events
    }

    fn data(bytes: &[u8]) -> Vec<String> {
        all(bytes).into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn comments_are_skipped_and_data_lines_are_joined() {
        assert_eq!(data(b": PROCESSING\n\n: PROCESSING\n\ndata: a\ndata: b\n\ndata:c\n\n"), ["a\nb", "c"]);
    }

    #[test]
    fn all_line_endings_mean_the_same() {
        for ending in ["\n", "\r\n", "\r"] {
            let stream = format!("\u{feff}event: error{ending}data: one{ending}{ending}data: [DONE]{ending}{ending}");
            let events = all(stream.as_bytes());
            assert_eq!(events[0], Event { name: Some("error".into()), data: "one".into() });
            assert_eq!(events[1], Event { name: None, data: "[DONE]".into() });
        }
    }

    #[test]
    fn an_unclosed_event_comes_out_at_the_end() {
        assert_eq!(data(b"data: a\n\ndata: [DONE]"), ["a", "[DONE]"]);
        assert_eq!(data(b"data: a\n\n"), ["a"]);
        assert!(data(b": only a comment").is_empty());
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut parser = Parser::new();
        parser.push(b"data: ").unwrap();
        assert_eq!(parser.push(&vec![b'x'; MAX_EVENT + 1]), Err(TooLarge));
    }

    proptest! {
        #[test]
        fn where_the_chunks_end_makes_no_difference(
            lines in proptest::collection::vec((0..6usize, "\\PC{0,12}", 0..3usize), 0..24),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let mut stream = String::new();
            for (kind, text, ending) in lines {
                let line = match kind { 0 => String::new(), 1 => format!(": {text}"), 2 => format!("event: {text}"), 3 => text, _ => format!("data: {text}") };
                stream.push_str(&line);
                stream.push_str(["\n", "\r\n", "\r"][ending]);
            }
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.sort_unstable();
            let mut parser = Parser::new();
            let mut events = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                events.extend(parser.push(&bytes[from..cut]).unwrap());
                from = cut;
            }
            events.extend(parser.finish());
            prop_assert_eq!(events, all(bytes));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
            let _ = all(&bytes);
        }
    }
}
