//! Outcomes of the tab that a person would notice, without a terminal.
