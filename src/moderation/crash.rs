//! Places at which a test kills the program, to prove that nothing is lost or sent twice there. Only in builds with debug assertions.

/// Abort here when `QUARTERDECK_CRASH_AT` names this place.
pub(super) fn point(name: &str) {
    if cfg!(debug_assertions) && std::env::var_os("QUARTERDECK_CRASH_AT").is_some_and(|place| place == name) {
        tracing::warn!(name, "aborting on request");
        std::process::abort();
    }
}
