//! Meaning alone.
