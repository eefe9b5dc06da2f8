//! Fields of JSON from outside, read leniently: a field that is missing or of another type is nothing, never an error.

use crate::base::Millis;
use serde_json::Value;

/// The end of the year 9999, seconds.
const LATEST: f64 = 253_402_300_799.0;

/// An object from outside.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(pub &'a Value);

impl<'a> Fields<'a> {
    /// A text; empty where there is none.
    #[must_use]
    pub fn text(self, key: &str) -> String {
        self.text_opt(key).unwrap_or_default()
    }

    /// A text.
    #[must_use]
    pub fn text_opt(self, key: &str) -> Option<String> {
        self.0.get(key)?.as_str().map(str::to_owned)
    }

    /// A text that says something.
    #[must_use]
    pub fn filled(self, key: &str) -> Option<String> {
        self.text_opt(key).filter(|text| !text.is_empty())
    }

    /// A whole number, also where it came as `3.0`.
    #[must_use]
    pub fn int_opt(self, key: &str) -> Option<i64> {
        let number = self.0.get(key)?;
        number.as_i64().or_else(|| number.as_f64().map(|number| number as i64))
    }

    /// A whole number; 0 where there is none.
    #[must_use]
    pub fn int(self, key: &str) -> i64 {
        self.int_opt(key).unwrap_or_default()
    }

    /// Whether something is so.
    #[must_use]
    pub fn flag(self, key: &str) -> bool {
        self.0.get(key).and_then(Value::as_bool).unwrap_or_default()
    }

    /// A point in time, which comes as seconds, as UTC milliseconds. `false`, as in `edited`, is none. What lies before 1970 or after the
    /// year 9999 is taken as that bound, so that nobody's sums overflow.
    #[must_use]
    pub fn time_opt(self, key: &str) -> Option<Millis> {
        self.0.get(key)?.as_f64().map(|seconds| (seconds.clamp(0.0, LATEST) * 1_000.0) as Millis)
    }

    /// A list; empty where there is none.
    #[must_use]
    pub fn list(self, key: &str) -> &'a [Value] {
        self.0.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// The texts in a list.
    #[must_use]
    pub fn texts(self, key: &str) -> Vec<String> {
        self.list(key).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}
