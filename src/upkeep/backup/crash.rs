//! Places at which a test kills the program, to prove that nothing half-made is left there. Only in builds with debug assertions.

/// Every place, in the order in which they are passed.
#[doc(hidden)]
pub const PLACES_OF_CREATE: &[&str] =
    &["backup:begun", "backup:copied", "backup:files", "backup:manifest", "backup:renamed", "backup:recorded"];
/// Every place of a restore in place, in the order in which they are passed.
#[doc(hidden)]
pub const PLACES_OF_RESTORE: &[&str] = &[
    "restore:begun",
    "restore:staged",
    "restore:journal",
    "restore:moving",
    "restore:aside",
    "restore:moved",
    "restore:swapped",
    "restore:done",
];

/// Abort here when `QUARTERDECK_CRASH_AT` names this place.
pub(super) fn point(name: &str) {
    debug_assert!(PLACES_OF_CREATE.contains(&name) || PLACES_OF_RESTORE.contains(&name), "{name} is not in the list");
    if cfg!(debug_assertions) && std::env::var_os("QUARTERDECK_CRASH_AT").is_some_and(|place| place == name) {
        tracing::warn!(name, "aborting on request");
        std::process::abort();
    }
}
