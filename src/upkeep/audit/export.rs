//! The log as a file for others, oldest row first, and the digest of all that was written.

use super::log::Filter;
use super::{Audit, Error, Result, rows};
use crate::base::clock;
use crate::store::audit::{Page, Record, Stored, stream};
use crate::upkeep::progress::{Progress, Unit, Watcher};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::io::Write;
use std::str::FromStr;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line.
    JsonLines,
    /// Fields separated by commas, with a line of names.
    Csv,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "jsonl" => Ok(Self::JsonLines),
            "csv" => Ok(Self::Csv),
            _ => Err("jsonl or csv".to_owned()),
        }
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// Rows.
    pub rows: u64,
    /// SHA-256 of every byte.
    pub sha256: String,
    /// The hash of the last row, with which the export fits a checkpoint.
    pub head: Option<String>,
}

const NAMES: &str = "seq,time,actor_kind,actor,action,subject_kind,subject_id,persona_id,reason,detail,prev_hash,hash\n";

impl Audit {
    /// Write every row that passes, as it is read; nothing is kept in memory.
    ///
    /// # Errors
    /// When the database cannot be read or `to` not be written, and [`Error::Stopped`]: what was written by then is not the whole.
    pub fn export(&self, filter: &Filter, format: Format, to: &mut dyn Write, watcher: &dyn Watcher) -> Result<Exported> {
        let total = self.db.read_blocking(rows::end)?.and_then(|(last, ..)| u64::try_from(last).ok());
        let (mut done, mut is_stopped) = (0, false);
        let mut exported = Exported { rows: 0, sha256: String::new(), head: None };
        let mut hasher = Sha256::new();
        let mut failed = None;
        let mut text = if format == Format::Csv { NAMES.as_bytes().to_vec() } else { Vec::new() };
        stream(self.db.address(), 0, |page: Page| {
            for row in page.rows() {
                let record = record(&row);
                if !filter.passes(&record) {
                    continue;
                }
                let (prev, hash) = (String::from_utf8_lossy(row.prev_hash), String::from_utf8_lossy(row.hash));
                match format {
                    Format::JsonLines => json_line(&mut text, &record, &prev, &hash),
                    Format::Csv => csv_line(&mut text, &record, &prev, &hash),
                }
                exported.rows += 1;
                exported.head = Some(hash.into_owned());
            }
            hasher.update(&text);
            failed = to.write_all(&text).err();
            text.clear();
            done += page.len() as u64;
            watcher.told(Progress { stage: "writing rows", done, total, unit: Unit::Rows });
            is_stopped = watcher.is_stopped();
            (failed.is_none() && !is_stopped).then_some(page)
        })?;
        if let Some(error) = failed {
            return Err(Error::Export(error));
        }
        if is_stopped {
            return Err(Error::Stopped);
        }
        // A log without rows has its line of names all the same.
        hasher.update(&text);
        to.write_all(&text)?;
        to.flush()?;
        exported.sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(exported)
    }
}

fn record(row: &Stored<'_>) -> Record {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Record {
        seq: row.seq,
        at: row.at,
        persona_id: row.persona_id.map(text),
        actor_kind: text(row.actor_kind),
        actor: text(row.actor),
        action: text(row.action),
        subject_kind: text(row.subject_kind),
        subject_id: text(row.subject_id),
        reason: row.reason.map(text),
        detail: serde_json::from_slice(row.detail).unwrap_or_default(),
    }
}

fn json_line(to: &mut Vec<u8>, record: &Record, prev: &str, hash: &str) {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    value["time"] = clock::rfc3339(record.at).into();
    value["prev_hash"] = prev.into();
    value["hash"] = hash.into();
    to.extend_from_slice(value.to_string().as_bytes());
    to.push(b'\n');
}

fn csv_line(to: &mut Vec<u8>, record: &Record, prev: &str, hash: &str) {
    let detail = record.detail.to_string();
    let (seq, time) = (record.seq.to_string(), clock::rfc3339(record.at));
    let fields = [
        seq.as_str(),
        &time,
        &record.actor_kind,
        &record.actor,
        &record.action,
        &record.subject_kind,
        &record.subject_id,
        record.persona_id.as_deref().unwrap_or_default(),
        record.reason.as_deref().unwrap_or_default(),
        &detail,
        prev,
        hash,
    ];
    for (number, field) in fields.iter().enumerate() {
        if number > 0 {
            to.push(b',');
        }
        // A spreadsheet takes a text that begins so for a formula: it is kept one by a mark before it.
        let mark = if number > 0 && field.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        if mark.is_empty() && !field.contains([',', '"', '\n', '\r']) {
            to.extend_from_slice(field.as_bytes());
        } else {
            to.extend_from_slice(format!("\"{mark}{}\"", field.replace('"', "\"\"")).as_bytes());
        }
    }
    to.push(b'\n');
}
