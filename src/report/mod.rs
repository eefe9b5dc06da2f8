//! What the calls of the ledger add up to, for people: cost, latency, models, tokens, growth, and the documents of a week and of a month.
//!
//! | file | what it is for |
//! |---|---|
//! | [`sums`] | sums and percentiles of any span, as the ledger answers them |
//! | [`period`] | which span is meant: the last 24 hours, October, since Monday; pure |
//! | [`days`] | days in a zone |
//! | [`slo`] | what the runbooks call fast enough and cheap enough, as data |
//! | [`sheet`], [`mod@format`] | a table of typed cells; as CSV, JSON and Markdown; pure |
//! | [`cost`], [`latency`], [`tokens`], [`models`], [`growth`] | one report each |
//! | [`document`] | the reports of a week and of a month, with trends |
//!
//! This room reads the ledger and writes nothing. It knows no agent and no face: what it returns is data.

pub mod cost;
pub mod days;
pub mod document;
pub mod format;
pub mod growth;
pub mod latency;
pub mod models;
pub mod period;
pub mod sheet;
pub mod slo;
pub mod sums;
pub mod tokens;

use crate::base::PersonaId;
use chrono_tz::Tz;
use std::collections::BTreeMap;
use sums::{By, Only, Window};

pub use sheet::{Cell, Column, Report, Sheet};

/// What is reported on.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The span.
    pub window: Window,
    /// The zone in which days are counted and times are shown.
    pub zone: Tz,
    /// What it is divided by.
    pub by: By,
    /// What it is narrowed to.
    pub only: Only,
    /// Names of personas, by id.
    pub names: BTreeMap<PersonaId, String>,
}

impl Asked {
    /// What a group is called: a persona by its name, nobody as nobody.
    #[must_use]
    pub fn name(&self, group: &str) -> String {
        match self.by {
            By::Persona if group.is_empty() => "(nobody)".to_owned(),
            By::Persona => self.names.get(&PersonaId::from_stored(group)).cloned().unwrap_or_else(|| group.to_owned()),
            _ => group.to_owned(),
        }
    }

    /// What the groups are called.
    #[must_use]
    pub fn heading(&self) -> Column {
        match self.by {
            By::Model => Column::new("model", "model"),
            By::Module => Column::new("module", "module"),
            By::Persona => Column::new("persona", "persona"),
            By::Category => Column::new("category", "category"),
            By::Day => Column::new("day", "day"),
            By::Hour => Column::new("hour", "hour (UTC)"),
        }
    }
}
