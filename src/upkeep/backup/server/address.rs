//! Addresses and names of databases on a server. No I/O.

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as it stands in an address: there a `?` would end it, and a `%` begin a letter.
fn encoded(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::with_capacity(name.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// The address of another database on the same server.
pub(in crate::upkeep::backup) fn with_database(url: &str, name: &str) -> String {
    let (front, query) = url.split_once('?').map_or((url, None), |(front, query)| (front, Some(query)));
    let authority = front.find("://").map_or(0, |scheme| scheme + 3);
    let base =
        front.get(authority..).and_then(|rest| rest.find('/')).map_or(front, |slash| front.get(..authority + slash).unwrap_or(front));
    let kept: Vec<&str> = query.into_iter().flat_map(|query| query.split('&')).filter(|part| !part.starts_with("dbname=")).collect();
    let name = encoded(name);
    if kept.is_empty() { format!("{base}/{name}") } else { format!("{base}/{name}?{}", kept.join("&")) }
}

/// A name made of another one and an ending, no longer than a server takes. Of a name that is cut a digest stays: two long names that begin
/// alike do not become one.
pub(in crate::upkeep::backup) fn named(name: &str, end: &str) -> String {
    const LONGEST: usize = 63;
    const DIGEST: usize = 8;
    if name.len() + end.len() <= LONGEST {
        return format!("{name}{end}");
    }
    let digest = crate::base::sha256_hex(name.as_bytes());
    let room = LONGEST.saturating_sub(end.len() + 1 + DIGEST);
    let kept = name.char_indices().map(|(at, letter)| at + letter.len_utf8()).take_while(|at| *at <= room).last();
    format!("{}_{}{end}", name.get(..kept.unwrap_or(0)).unwrap_or_default(), digest.get(..DIGEST).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_database_of_the_same_server_keeps_all_else() {
        assert_eq!(with_database("postgres://u:p@h:5/deck?sslmode=require", "x"), "postgres://u:p@h:5/x?sslmode=require");
        assert_eq!(with_database("postgres://h", "x"), "postgres://h/x");
        assert_eq!(named("deck", "_old"), "deck_old");
        assert_eq!(named(&"ä".repeat(40), "_old").len(), 63);
        let (one, other) = (format!("{}1", "x".repeat(62)), format!("{}2", "x".repeat(62)));
        assert_ne!(named(&one, "_old"), named(&other, "_old"));
        assert_eq!(with_database("postgres://h/?dbname=deck", "x"), "postgres://h/x");
    }

    #[test]
    fn whatever_a_database_is_called_its_address_leads_to_it() {
        for name in ["my db?x", "a%20b", "a/b#c&d=e", "käse@home:5"] {
            let url = with_database("postgres://u:p@h:5/deck?sslmode=require", name);
            let config: postgres::Config = url.parse().unwrap();
            assert_eq!((config.get_dbname(), config.get_user(), config.get_ports()), (Some(name), Some("u"), &[5_u16] as &[u16]), "{url}");
        }
    }
}
