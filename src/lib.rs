//! Quarterdeck: an operations console for AI agents that act in public.
//!
//! The map of the house, from the faces down. A room may call only rooms that stand below it; no service knows a face.
//!
//! | room | what it is for |
//! |---|---|
//! | [`cli`] | subcommands, one file each: call a service, print a table or JSON |
//! | [`console`] | the terminal interface: tabs, keys, themes; drives the deck |
//! | [`deck`] | the open application: settings, database, services. Every face drives this |
//! | [`rounds`] | the doctor, the daily, weekly and monthly rounds, the bundle for whoever helps: asks the rooms below, repairs what is safe |
//! | [`watch`] | probes, heartbeats, the health board; metrics and health over HTTP |
//! | [`sandbox`] | loopback Reddit and model servers with fault injection; speaks HTTP only, knows no service |
//! | [`upkeep`] | backup and drill, database care, retention and erasure, audit verification, secrets |
//! | [`agent`] | the loop: perceive, decide, recall, draft, check, screen, act |
//! | [`report`] | what the calls of the ledger add up to: cost, latency, tokens, trends; reads, writes nothing |
//! | [`search`] | search by words and by meaning: embedders, vectors, passages, questions |
//! | [`moderation`] | screening rules, the queue's state machine, decisions, delivery to the outside |
//! | [`memory`] | personas, beliefs and stances, evidence, interactions |
//! | [`llm`] | model client, retries, price book, call ledger, consistency check |
//! | [`reddit`] | Reddit client, rate limits, wire types, classification of answers |
//! | [`store`] | the database: two engines behind one `Conn`; migrate, transact, audit rows, change feed |
//! | [`config`] | settings, secrets, directories |
//! | [`base`] | clock, ids, money, digests, safe text: no I/O, knows nobody |

pub mod agent;
pub mod base;
pub mod cli;
pub mod config;
pub mod console;
pub mod deck;
pub mod llm;
pub mod memory;
pub mod moderation;
pub mod reddit;
pub mod report;
pub mod rounds;
pub mod sandbox;
pub mod search;
pub mod store;
pub mod upkeep;
pub mod watch;
