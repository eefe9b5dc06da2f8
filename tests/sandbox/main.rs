//! The sandbox over HTTP, as a client meets it: the flows of both services, every fault, the control endpoint.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod faults;
mod house;
mod model;
mod reddit;
mod shapes;
mod visit;
