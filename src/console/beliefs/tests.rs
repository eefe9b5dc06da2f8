//! Layouts and states without a terminal.
