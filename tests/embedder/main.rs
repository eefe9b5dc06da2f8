//! Embedders as their users meet them: the endpoint against a real server, and what the settings choose.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod endpoint;
