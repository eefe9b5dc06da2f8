//! Looking after the whole: the doctor, the rounds of a day, a week and a month, and the bundle for whoever helps.
//!
//! | file | what it is for |
//! |---|---|
//! | [`found`] | what a look gives: verdict, reason, remedy; pure |
//! | [`patient`] | what is looked at: settings, database, terminal, also where one of them is broken |
//! | [`bounded`] | work that is given up when it takes too long |
//! | [`logs`] | the program's own log, counted by message |
//! | [`doctor`] | the checks, and what of it can be put right |
//! | [`bundle`] | what is sent to whoever helps, with everything secret taken out |
//! | [`stop`] | being asked to end, for who works and who waits |
//! | [`round`] | the checks of the runbooks at their rhythm, and the report |
//!
//! It asks the rooms below how they are and writes down what they say. It repairs only what can be repaired without losing anything.

pub mod bounded;
pub mod bundle;
pub mod doctor;
pub mod found;
pub mod logs;
pub mod patient;
pub mod round;
mod rows;
pub mod stop;

pub use found::{Found, Look, Remedy, Verdict};
pub use patient::{Patient, Terminal};
