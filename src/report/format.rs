//! Reports as CSV, JSON and Markdown. Pure; text for a terminal is made by the command line.

use super::sheet::{Cell, Report, Sheet};
use crate::base::{Picos, SafeText, clock};
use serde_json::{Map, Value, json};

/// `850 ms`, `4.21 s`, `2 min 5 s`.
#[must_use]
pub fn micros(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{:.1} ms", us as f64 / 1e3),
        10_000..1_000_000 => format!("{} ms", us / 1_000),
        1_000_000..100_000_000 => format!("{:.2} s", us as f64 / 1e6),
        _ => clock::duration(i64::try_from(us / 1_000).unwrap_or(i64::MAX)),
    }
}

/// `1,234,567`.
#[must_use]
pub fn count(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if count < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// All digits of an amount in USD: `0.000012`.
#[must_use]
pub fn exact(amount: Picos) -> String {
    let (sign, picos) = (if amount.0 < 0 { "-" } else { "" }, amount.0.unsigned_abs());
    let text = format!("{sign}{}.{:012}", picos / 1_000_000_000_000, picos % 1_000_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A cell for people.
#[must_use]
pub fn people(cell: &Cell) -> String {
    match cell {
        Cell::Nothing => "-".to_owned(),
        Cell::Text(text) => SafeText::line(text).as_str().to_owned(),
        Cell::Count(number) => count(*number),
        Cell::Number(number) => format!("{number:.1}"),
        Cell::Money(amount) => amount.to_string(),
        Cell::Share(share) => format!("{:.1} %", share * 100.0),
        Cell::Change(change) if change.abs() >= 10.0 => format!("x {:.1}", change + 1.0),
        Cell::Change(change) => format!("{:+.1} %", change * 100.0),
        Cell::Micros { us, .. } => micros(*us),
        Cell::Level(level) => level.as_str().to_owned(),
    }
}

/// A cell for a program: numbers without units, times in milliseconds, amounts in USD with all digits.
fn plain(cell: &Cell) -> String {
    match cell {
        Cell::Nothing => String::new(),
        Cell::Text(text) => SafeText::line(text).as_str().to_owned(),
        Cell::Count(number) => number.to_string(),
        Cell::Number(number) | Cell::Share(number) | Cell::Change(number) => format!("{number:.6}"),
        Cell::Money(amount) => exact(*amount),
        Cell::Micros { us, .. } => format!("{:.3}", *us as f64 / 1e3),
        Cell::Level(level) => level.as_str().to_owned(),
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Nothing => Value::Null,
        Cell::Text(text) => json!(text),
        Cell::Count(number) => json!(number),
        Cell::Number(number) | Cell::Share(number) | Cell::Change(number) => json!(number),
        Cell::Money(amount) => json!(amount.to_usd()),
        Cell::Micros { us, .. } => json!(*us as f64 / 1e3),
        Cell::Level(level) => json!(level),
    }
}

fn object(sheet: &Sheet, row: &[Cell]) -> Value {
    Value::Object(sheet.columns.iter().zip(row).map(|(column, cell)| (column.key.to_owned(), value(cell))).collect())
}

/// The report as one JSON object: `{report, title, since, until, zone, rows, total, notes, …}`, with further tables under their names. Times are
/// milliseconds, amounts USD, shares 0 to 1.
#[must_use]
pub fn json(report: &Report) -> Value {
    let mut all = Map::new();
    all.insert("report".to_owned(), json!(report.name));
    all.insert("title".to_owned(), json!(report.title));
    all.insert("since".to_owned(), json!(clock::rfc3339(report.window.since)));
    all.insert("until".to_owned(), json!(clock::rfc3339(report.window.until)));
    all.insert("zone".to_owned(), json!(report.zone.name()));
    for (number, sheet) in report.sheets.iter().enumerate() {
        let rows: Vec<Value> = sheet.rows.iter().map(|row| object(sheet, row)).collect();
        all.insert(if number == 0 { "rows".to_owned() } else { sheet.key.to_owned() }, json!(rows));
        if number == 0 {
            all.insert("total".to_owned(), sheet.total.as_ref().map_or(Value::Null, |total| object(sheet, total)));
        }
    }
    all.insert("notes".to_owned(), json!(report.notes));
    Value::Object(all)
}

/// The main table as CSV of RFC 4180 with a heading. What a spreadsheet would take for a formula is written as text.
#[must_use]
pub fn csv(report: &Report) -> String {
    let Some(sheet) = report.sheets.first() else { return String::new() };
    let mut text = sheet.columns.iter().map(|column| column.key).collect::<Vec<_>>().join(",");
    text.push_str("\r\n");
    for row in &sheet.rows {
        text.push_str(&row.iter().map(field).collect::<Vec<_>>().join(","));
        text.push_str("\r\n");
    }
    text
}

fn field(cell: &Cell) -> String {
    let mut text = plain(cell);
    if matches!(cell, Cell::Text(_)) && text.starts_with(['=', '+', '-', '@']) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The report as a Markdown document.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = format!("# {}\n\n{}\n", escaped(&report.title), report.span());
    for note in &report.notes {
        text.push_str(&format!("\n{}\n", escaped(note)));
    }
    for sheet in report.sheets.iter().filter(|sheet| !sheet.rows.is_empty()) {
        text.push_str(&format!("\n## {}\n\n", escaped(&sheet.title)));
        text.push_str(&table(sheet));
    }
    if report.sheets.iter().any(has_few) {
        text.push_str("\nIn italics: percentiles of fewer than 100 calls.\n");
    }
    text
}

fn has_few(sheet: &Sheet) -> bool {
    sheet.rows.iter().flatten().any(|cell| matches!(cell, Cell::Micros { is_few: true, .. }))
}

/// A table in Markdown.
#[must_use]
pub fn table(sheet: &Sheet) -> String {
    let right = |index: usize| sheet.rows.iter().any(|row| matches!(row.get(index), Some(cell) if is_number(cell)));
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(sheet.columns.iter().map(|column| column.title.to_owned()).collect());
    let rules: Vec<&str> = (0..sheet.columns.len()).map(|index| if right(index) { "---:" } else { "---" }).collect();
    text.push_str(&format!("|{}|\n", rules.join("|")));
    for row in &sheet.rows {
        text.push_str(&line(row.iter().map(marked).collect()));
    }
    if let Some(total) = &sheet.total {
        text.push_str(&line(total.iter().map(|cell| format!("**{}**", marked(cell))).collect()));
    }
    text
}

/// Whether a cell belongs to the right of its column.
#[must_use]
pub fn is_number(cell: &Cell) -> bool {
    !matches!(cell, Cell::Nothing | Cell::Text(_) | Cell::Level(_))
}

fn marked(cell: &Cell) -> String {
    match cell {
        Cell::Micros { is_few: true, .. } => format!("_{}_", people(cell)),
        Cell::Text(text) => escaped(text),
        _ => people(cell),
    }
}

/// Text from outside inside a Markdown document: it makes no links, no tags and no further cells.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in SafeText::line(text).as_str().chars() {
        if matches!(character, '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!' | '~') {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::sheet::Column;
    use super::super::slo::Level;
    use super::super::sums::Window;
    use super::*;
    use chrono_tz::Tz;

    fn report(name: &str) -> Report {
        Report {
            name: "cost",
            title: "Cost by model".to_owned(),
            window: Window { since: 1_795_219_200_000, until: 1_795_305_600_000 },
            zone: Tz::UTC,
            sheets: vec![Sheet {
                key: "rows",
                title: "By model".to_owned(),
                columns: vec![
                    Column::new("model", "model"),
                    Column::new("cost_usd", "cost"),
                    Column::new("p99_ms", "P99"),
                    Column::new("slo", "SLO"),
                ],
                rows: vec![vec![
                    Cell::Text(name.to_owned()),
                    Cell::Money(Picos(12_345_000_001)),
                    Cell::Micros { us: 1_234_567, is_few: true },
                    Cell::Level(Level::Unknown),
                ]],
                total: None,
            }],
            notes: Vec::new(),
        }
    }

    #[test]
    fn numbers_read_well_and_lose_nothing() {
        assert_eq!((count(1_234_567), count(-1_000), count(12)), ("1,234,567".into(), "-1,000".into(), "12".into()));
        assert_eq!(
            (exact(Picos(12_000_000)), exact(Picos(5_000_000_000_000)), exact(Picos(-1))),
            ("0.000012".into(), "5".into(), "-0.000000000001".into())
        );
        assert_eq!([999, 1_500, 850_000, 4_210_000, 125_000_000].map(micros), ["999 µs", "1.5 ms", "850 ms", "4.21 s", "2 min 5 s"]);
        assert_eq!(people(&Cell::change(2.0, 3.0)), "+50.0 %");
        assert_eq!((people(&Cell::change(0.0, 3.0)), people(&Cell::change(1.0, 20.0))), ("-".into(), "x 20.0".into()));
    }

    #[test]
    fn hostile_names_stay_text_in_every_format() {
        let report = report("=cmd|'/c calc',\"x\"\n[a](javascript:1)\u{1b}[2J");
        let csv = csv(&report);
        assert_eq!(csv.lines().count(), 2, "{csv}");
        assert!(csv.contains("\"'=cmd|'/c calc',\"\"x\"\" "), "{csv}");
        assert!(csv.contains(",0.012345000001,1234.567,unknown"), "{csv}");
        let markdown = markdown(&report);
        assert!(markdown.contains("=cmd\\|") && markdown.contains("\\[a\\](") && !markdown.contains('\u{1b}'), "{markdown}");
        assert!(markdown.contains("_1.23 s_") && markdown.contains("fewer than 100"), "{markdown}");
        assert_eq!(json(&report)["rows"][0]["p99_ms"], 1234.567);
    }
}
