//! The model client: chat completions, retries and fallback, prices, the call ledger, and the questions that the agent asks a model.
//!
//! | file | what it is for |
//! |---|---|
//! | [`chat`], [`settings`] | what goes in and what comes out |
//! | [`client`], `opened` | one attempt over HTTP with its timeouts, and its ledger row |
//! | [`route`] | which model is asked, when it is its turn, what follows when it fails, what need not be asked |
//! | [`wire`], [`stream`], [`sse`], [`refusal`], [`reported`], [`usage`], [`retry`] | reading and deciding, pure |
//! | [`price`] | the price book, and what a call costs by it |
//! | [`budget`] | what may be spent, set aside before a call and settled after it |
//! | [`ledger`], [`calls`] | one row per attempt, written before the request and settled after it; reading them |
//! | [`account`] | what the service itself says of the calls |
//! | [`logs`] | calls of other programs, read from their logs |
//! | [`consistency`], [`proposals`] | the two judgements of a draft: against beliefs, and on them |
//! | [`relationships`] | how a belief bears on others |
//! | [`judge`] | optional judges of a draft's content: is it safe to say? |
//!
//! This room does not know what a draft or a belief is for, keeps no prompts, keeps answers only in the cache of [`route`] and for its time, and
//! never decides that something may be sent: a judgement that was not made is [`consistency::Consistency::Unknown`]. It writes only the tables of
//! calls, prices, budgets and kept answers.

pub(crate) mod connection;
mod opened;

pub mod account;
pub mod budget;
pub mod calls;
pub mod chat;
pub mod client;
pub mod consistency;
pub mod error;
pub mod judge;
pub mod ledger;
pub mod logs;
pub mod price;
pub mod proposals;
pub mod quote;
pub mod refusal;
pub mod relationships;
pub mod reported;
pub mod retry;
pub mod route;
pub mod settings;
pub mod sse;
pub mod stream;
pub mod usage;
pub mod wire;

pub use chat::{ChatReply, ChatRequest, Message, Role};
pub use client::Client;
pub use consistency::{Consistency, ConsistencyRequest};
pub use error::{Class, Error, Refusal, Result};
pub use proposals::{Proposals, ProposalsRequest};
pub use settings::Settings;
