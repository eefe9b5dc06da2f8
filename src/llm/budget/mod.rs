//! Budgets that really stop: what may be spent, set aside before a call and settled after it.
//!
//! | file | what it is for |
//! |---|---|
//! | [`model`], [`period`] | what a budget is and when it begins anew, pure |
//! | [`presets`] | the budgets of the runbooks |
//! | [`book`] | the table of budgets |
//! | [`admission`] | let a call through and set aside what it may cost, in one transaction; settle; recover |
//! | [`reserve`], [`notice`] | what the client does with it: estimate, set aside with the row of the call, settle, tell |
//! | [`correction`] | what a call of unknown cost was charged after all |
//! | [`outlook`] | how a budget stands |
//! | [`forecast`] | burn rate, time to a threshold, end of the month with an interval, spikes and what explains them; pure |
//!
//! A threshold tells once in a period; what it forbids is looked at again with every call.

pub mod admission;
pub mod book;
pub mod correction;
pub mod forecast;
pub mod model;
pub mod notice;
pub mod outlook;
pub mod period;
pub mod presets;
pub mod reserve;

pub use admission::{Admitted, Reached, Refused};
pub use model::{Action, Admission, Budget, Scope, Threshold, Used};
pub use period::{Period, Span};
