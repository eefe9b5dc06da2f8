//! Lengths of time as people write them.

/// `90s`, `30m`, `2h`, `1d`, or several in a row: `1d12h`. In milliseconds.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a length of time; write 90s, 30m, 2h or 1d12h");
    let mut total: i64 = 0;
    let mut digits = String::new();
    for character in text.trim().chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let unit: i64 = match character {
            's' => 1_000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            _ => return Err(wrong()),
        };
        let count: i64 = std::mem::take(&mut digits).parse().map_err(|_| wrong())?;
        total = count.checked_mul(unit).and_then(|length| total.checked_add(length)).ok_or_else(wrong)?;
    }
    // Ten years: beyond it a time would no longer be one.
    if digits.is_empty() && (1..=315_360_000_000).contains(&total) { Ok(total) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_nonsense_is_not() {
        assert_eq!(parse("90s"), Ok(90_000));
        assert_eq!(parse("1d12h"), Ok(129_600_000));
        for bad in ["", "5", "h", "2 h", "-1h", "99999999999999999999s", "1y", "0s", "99999999d"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
