//! Shapes: nothing is told by colour alone. Each sign is one column wide, or has the columns that are said; each has a stand-in in ASCII.

use crate::console::theme::{Glyphs, Role};
use crate::memory::edges::Relation;

/// The signs of one kind of terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) struct Signs {
    is_plain: bool,
    pub rising: &'static str,
    pub falling: &'static str,
    pub still: &'static str,
    pub locked: &'static str,
    pub waits: &'static str,
    pub contradiction: &'static str,
}

const BLOCKS: [&str; 8] = ["▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"];
const SPARKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

impl Signs {
    pub fn of(glyphs: &Glyphs) -> Self {
        if *glyphs == Glyphs::ASCII {
            return Self { is_plain: true, rising: "^", falling: "v", still: "=", locked: "L", waits: "?", contradiction: "x" };
        }
        Self { is_plain: false, rising: "▲", falling: "▼", still: "=", locked: "■", waits: "?", contradiction: "✗" }
    }

    /// A bar of so many columns for 0..1; dots where nothing is known.
    pub fn bar(self, value: Option<f64>, width: usize) -> String {
        let Some(value) = value else { return ".".repeat(width) };
        let value = value.clamp(0.0, 1.0);
        if self.is_plain {
            let full = (value * width as f64).round() as usize;
            return format!("{}{}", "#".repeat(full), "-".repeat(width.saturating_sub(full)));
        }
        let eighths = (value * (width * 8) as f64).round() as usize;
        let (full, rest) = (eighths / 8, eighths % 8);
        let part = rest.checked_sub(1).and_then(|at| BLOCKS.get(at)).copied().unwrap_or_default();
        let blank = width.saturating_sub(full + usize::from(!part.is_empty()));
        format!("{}{part}{}", "█".repeat(full), "·".repeat(blank))
    }

    /// Values of 0..1 as columns, in order.
    pub fn sparkline(self, values: &[f64]) -> String {
        let step = |value: &f64| ((value.clamp(0.0, 1.0) * 8.0) as usize).min(7);
        if self.is_plain {
            return values.iter().map(|value| char::from(b'0' + (value.clamp(0.0, 1.0) * 9.0).round() as u8)).collect();
        }
        values.iter().map(|value| SPARKS[step(value)]).collect()
    }

    /// How far something moved, in percent points: an arrow and a number, nine columns. `absent` where nothing is known.
    pub fn moved(self, points: Option<f64>, absent: &str) -> (Role, String) {
        match points {
            None => (Role::Dim, format!("{absent:>9}")),
            Some(points) if points > 0.0 => (Role::Good, format!("{} {points:>+5.1}pp", self.rising)),
            Some(points) if points < 0.0 => (Role::Bad, format!("{} {points:>+5.1}pp", self.falling)),
            Some(_) => (Role::Dim, format!("{}        ", self.still)),
        }
    }

    /// The line of an edge, four columns: each relation has a stroke of its own, and the arrow says where it leads.
    pub fn edge(self, relation: Relation, leads_away: bool) -> &'static str {
        match (relation, leads_away, self.is_plain) {
            (Relation::Supports, true, false) => "───▶",
            (Relation::Supports, false, false) => "◀───",
            (Relation::Contradicts, true, false) => "─✗─▶",
            (Relation::Contradicts, false, false) => "◀─✗─",
            (Relation::DependsOn, true, false) => "┄┄┄▶",
            (Relation::DependsOn, false, false) => "◀┄┄┄",
            (Relation::EvidenceFor, true, false) => "═══▶",
            (Relation::EvidenceFor, false, false) => "◀═══",
            (Relation::Supports, true, true) => "--->",
            (Relation::Supports, false, true) => "<---",
            (Relation::Contradicts, true, true) => "-x->",
            (Relation::Contradicts, false, true) => "<-x-",
            (Relation::DependsOn, true, true) => "...>",
            (Relation::DependsOn, false, true) => "<...",
            (Relation::EvidenceFor, true, true) => "===>",
            (Relation::EvidenceFor, false, true) => "<===",
        }
    }

    /// The branches of a tree: goes on, last one, passing by, and nothing, three columns each. `up` for a tree that grows upwards.
    pub fn branch(self, is_last: bool, up: bool) -> &'static str {
        match (is_last, up, self.is_plain) {
            (false, _, false) => "├──",
            (true, false, false) => "└──",
            (true, true, false) => "┌──",
            (false, _, true) => "|--",
            (true, false, true) => "`--",
            (true, true, true) => ",--",
        }
    }

    /// Past a branch that goes on further below.
    pub fn passing(self) -> &'static str {
        if self.is_plain { "|  " } else { "│  " }
    }

    /// From where to where.
    pub fn becomes(self) -> &'static str {
        if self.is_plain { "->" } else { "→" }
    }
}

/// What colour confidence has: of the hues between red and green, as many as every theme has.
pub(super) fn confidence_role(confidence: Option<f64>) -> Role {
    match confidence {
        None => Role::Dim,
        Some(confidence) if confidence >= 2.0 / 3.0 => Role::Good,
        Some(confidence) if confidence >= 1.0 / 3.0 => Role::Warning,
        Some(_) => Role::Bad,
    }
}

/// What colour an edge has: green supports, red contradicts, everything else is grey.
pub(super) fn edge_role(relation: Relation) -> Role {
    match relation {
        Relation::Supports => Role::Good,
        Relation::Contradicts => Role::Bad,
        Relation::DependsOn | Relation::EvidenceFor => Role::Dim,
    }
}

/// A confidence in four columns.
pub(super) fn number(confidence: Option<f64>) -> String {
    confidence.map_or_else(|| "  ? ".to_owned(), |confidence| format!("{confidence:.2}"))
}

/// A length of time in its largest unit: `40s`, `12m`, `3h`, `9d`, `14w`, `3y`.
pub(super) fn brief(millis: i64) -> String {
    match millis.max(0) / 1_000 {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m", seconds / 60),
        seconds @ 3_600..86_400 => format!("{}h", seconds / 3_600),
        seconds @ 86_400..5_184_000 => format!("{}d", seconds / 86_400),
        seconds @ 5_184_000..63_072_000 => format!("{}w", seconds / 604_800),
        seconds => format!("{}y", seconds / 31_536_000),
    }
}

/// A time without its seconds.
pub(super) fn minute(at: crate::base::Millis) -> String {
    let time = crate::base::clock::local(at);
    time.get(..16).unwrap_or(&time).to_owned()
}
