//! Search by words and by meaning over everything that was said, believed and decided.
//!
//! | file | what it is for |
//! |---|---|
//! | [`embed`] | vectors from texts: the model that ships, one from a folder, or an endpoint |
//! | [`vectors`] | which passages lie nearest: stored vectors, exact scan, graph, files |
//!
//! This room stands between the agent and moderation: it may call moderation, memory, the pieces of the model client that carry requests, the
//! store, settings and the base; the agent and the open application may call it. It may not change what it finds, decide what is posted, or know a
//! face.

pub mod embed;
pub mod vectors;
