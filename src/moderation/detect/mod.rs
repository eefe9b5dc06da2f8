//! Detectors: what screening rules look for in a text, each one a pure function from text to places in it.
//!
//! A detector says what stands there and where, in bytes of the text it was given; what follows from it is a rule's business. No file here
//! may do I/O, know a persona or a queue item, keep what it found beyond its return value, or panic, whatever the text.

pub mod links;
pub mod opaque;
pub mod personal;
pub mod similarity;
pub mod stop;
pub mod words;

/// The character that ends right before byte `at`.
fn before(text: &str, at: usize) -> Option<char> {
    text.get(..at)?.chars().next_back()
}

/// The character that begins at byte `at`.
fn after(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// How far back an address is looked for from a place inside it, in bytes.
const ADDRESS_REACH: usize = 512;

/// Whether byte `at` lies inside an address with a scheme (`https://…`): no white space stands between its `://` and the place.
fn in_address(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    let floor = at.saturating_sub(ADDRESS_REACH);
    let reach = bytes.get(floor..at).unwrap_or_default();
    let token = reach.iter().rposition(u8::is_ascii_whitespace).map_or(reach, |space| &reach[space + 1..]);
    token.windows(3).any(|three| three == b"://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_ends_at_white_space() {
        let text = "see https://example.org/a/b c";
        assert!(in_address(text, text.find("/b").unwrap()));
        assert!(!in_address(text, text.find(" c").unwrap() + 1));
        assert!(!in_address(text, 0));
    }
}
