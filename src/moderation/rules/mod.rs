//! Rules as data: read from TOML, compiled once, asked about every text before it leaves.
//!
//! A rule says what it looks for ([`model`]), and fires with its places in the original text, whatever the text was disguised as
//! ([`folded`]). It knows three answers: found, not found, and cannot tell. It decides nothing by itself: the strictest of what fired is
//! the verdict of the draft, and a person's decision stands above every rule but the locked ones. The rules that ship stand in
//! `assets/rules.toml`, the user's own in `rules.toml` beside the configuration file.

pub mod backtest;
mod bank;
mod checks;
mod evaluate;
mod file;
pub mod folded;
mod history;
pub mod model;
mod own_texts;
mod prove;
pub mod reference;
mod screener;
mod set;
mod signals;
pub mod switches;

pub use evaluate::{Subject, evaluate};
pub use file::Fault;
pub use history::{Target, resembled};
pub use model::{Check, Mode, Rule};
pub use prove::examples;
pub use screener::{BrokenRules, FILE_NAME, Screener, read};
pub use set::{DEFAULT, DEFAULT_SOURCE, Modes, RuleSet};
pub use signals::{Alike, History, PersonaWishes, Signal, Signals};

/// What the words of the rules found in a text, by the rule's place in the set.
type Scan = std::collections::BTreeMap<usize, Vec<bank::Found>>;
