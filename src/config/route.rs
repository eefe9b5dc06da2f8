//! Which model for which question, and how much of each: the settings of the table `route`.

use super::settings::Reader;
use super::{Level, Loaded, Problem};
use std::num::NonZeroU32;

/// Which model for which question, and how much of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteSettings {
    /// Model for simple questions.
    pub simple_model: Option<String>,
    /// Model for standard questions.
    pub standard_model: Option<String>,
    /// Model for complex questions.
    pub complex_model: Option<String>,
    /// Input tokens under which a question is simple.
    pub simple_below_tokens: u32,
    /// Input tokens above which a question is complex.
    pub complex_above_tokens: u32,
    /// Limits of every model without limits of its own; its model is empty.
    pub limits: ModelLimits,
    /// Limits of single models.
    pub model_limits: Vec<ModelLimits>,
    /// Seconds that a question waits for its turn.
    pub queue_seconds: u64,
    /// Failures in a row after which a model is left alone.
    pub cooldown_after: u32,
    /// Seconds for which it is.
    pub cooldown_seconds: u64,
    /// Whether answers are kept.
    pub cache: bool,
    /// Parts of the program whose answers are kept at any temperature.
    pub cache_modules: Vec<String>,
    /// Seconds that drafts are kept.
    pub cache_draft_seconds: u64,
    /// Seconds that judgements are kept.
    pub cache_judgement_seconds: u64,
    /// Seconds that suggestions are kept.
    pub cache_suggestion_seconds: u64,
    /// Seconds that other answers are kept.
    pub cache_other_seconds: u64,
}

/// What one model may be asked for; `None` is not limited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelLimits {
    /// The model.
    pub model: String,
    /// Calls at the same time.
    pub concurrent: Option<NonZeroU32>,
    /// Requests in any minute.
    pub rpm: Option<NonZeroU32>,
    /// Tokens in any minute.
    pub tpm: Option<NonZeroU32>,
}

/// What an entry looks like.
pub(super) const SAMPLE: &str = "openai/gpt-5-mini rpm=500 tpm=200000 concurrent=8";

impl RouteSettings {
    pub(super) fn read(loaded: &Loaded) -> Result<Self, Problem> {
        let reader = Reader(loaded);
        let limit = |key: &'static str| loaded.text(key).map(|_| reader.number(key)).transpose();
        let model_limits = parse(&reader.text("route.model_limits")?)
            .map_err(|reason| Problem::new(Level::Error, loaded.source("route.model_limits"), format!("route.model_limits {reason}")))?;
        let settings = Self {
            simple_model: loaded.text("route.simple_model"),
            standard_model: loaded.text("route.standard_model"),
            complex_model: loaded.text("route.complex_model"),
            simple_below_tokens: reader.number("route.simple_below_tokens")?,
            complex_above_tokens: reader.number("route.complex_above_tokens")?,
            limits: ModelLimits {
                model: String::new(),
                concurrent: limit("route.concurrent")?,
                rpm: limit("route.requests_per_minute")?,
                tpm: limit("route.tokens_per_minute")?,
            },
            model_limits,
            queue_seconds: reader.number("route.queue_seconds")?,
            cooldown_after: reader.number("route.cooldown_after")?,
            cooldown_seconds: reader.number("route.cooldown_seconds")?,
            cache: reader.text("route.cache")? == "on",
            cache_modules: super::settings::list(&reader.text("route.cache_modules")?),
            cache_draft_seconds: reader.number("route.cache_draft_seconds")?,
            cache_judgement_seconds: reader.number("route.cache_judgement_seconds")?,
            cache_suggestion_seconds: reader.number("route.cache_suggestion_seconds")?,
            cache_other_seconds: reader.number("route.cache_other_seconds")?,
        };
        if settings.simple_below_tokens > settings.complex_above_tokens {
            let message = "route.complex_above_tokens is below route.simple_below_tokens, so that a question would be both";
            let place = loaded.source("route.complex_above_tokens");
            return Err(Problem::new(Level::Error, place, message).next("set them the other way round"));
        }
        Ok(settings)
    }
}

/// Read the limits of models: entries separated by commas, each a model and its limits separated by blanks.
///
/// # Errors
/// The end of a sentence that begins with the setting's name.
pub(super) fn parse(text: &str) -> Result<Vec<ModelLimits>, String> {
    let mut all: Vec<ModelLimits> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let quoted = |text: &str| format!("\"{}\"", crate::base::SafeText::clipped(text, 60));
        let mut words = entry.split_whitespace();
        let mut limits = ModelLimits { model: words.next().unwrap_or_default().to_owned(), ..ModelLimits::default() };
        if limits.model.contains('=') {
            return Err(format!("must begin each entry with a model, as \"{SAMPLE}\", not {}", quoted(entry)));
        }
        for word in words {
            let (name, number) = word.split_once('=').unwrap_or((word, ""));
            let place = match name {
                "concurrent" => &mut limits.concurrent,
                "rpm" => &mut limits.rpm,
                "tpm" => &mut limits.tpm,
                _ => return Err(format!("knows the limits concurrent, rpm and tpm, as \"{SAMPLE}\", not {}", quoted(word))),
            };
            let number = number.parse::<NonZeroU32>().map_err(|_| {
                format!(
                    "must have a whole number of at least 1 behind {name}=, not {}: a model without a limit is left out",
                    quoted(number)
                )
            })?;
            if place.replace(number).is_some() {
                return Err(format!("has {name} twice for {}", quoted(&limits.model)));
            }
        }
        if limits == (ModelLimits { model: limits.model.clone(), ..ModelLimits::default() }) {
            return Err(format!("must have a limit behind each model, as \"{SAMPLE}\", not {}", quoted(entry)));
        }
        if all.iter().any(|known| known.model == limits.model) {
            return Err(format!("has two entries for {}", quoted(&limits.model)));
        }
        all.push(limits);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits_of_models_are_read() {
        let read = parse(&format!("{SAMPLE}, a/b concurrent=1")).unwrap();
        assert_eq!(
            (read[0].model.as_str(), read[0].rpm, read[0].tpm),
            ("openai/gpt-5-mini", NonZeroU32::new(500), NonZeroU32::new(200_000))
        );
        assert_eq!((read[1].concurrent, read[1].rpm), (NonZeroU32::new(1), None));
        assert_eq!(parse(" , "), Ok(vec![]));
    }

    #[test]
    fn what_limits_nothing_or_everything_is_refused_with_the_way_out() {
        for (text, word) in [
            ("a/b rpm=0", "at least 1"),
            ("a/b rpm=NaN", "at least 1"),
            ("a/b rpm=-3", "at least 1"),
            ("a/b rpm=1e3", "at least 1"),
            ("a/b rpm", "at least 1"),
            ("a/b rpm=99999999999", "at least 1"),
            ("a/b speed=3", "concurrent, rpm and tpm"),
            ("rpm=3", "begin each entry with a model"),
            ("a/b", "a limit behind each model"),
            ("a/b rpm=1 rpm=2", "twice"),
            ("a/b rpm=1, a/b tpm=2", "two entries"),
        ] {
            let reason = parse(text).unwrap_err();
            assert!(reason.contains(word), "{text}: {reason}");
        }
    }

    #[test]
    fn a_limit_of_nothing_is_refused_where_it_is_set() {
        for key in
            ["route.concurrent", "route.requests_per_minute", "route.tokens_per_minute", "route.cooldown_after", "route.queue_seconds"]
        {
            let kind = super::super::Setting::by_key(key).unwrap().kind;
            for text in ["0", "-1", "NaN", "inf", "1.5", "1e3", ""] {
                assert!(super::super::value::check(kind, text).is_err(), "{key} = {text}");
            }
            assert_eq!(super::super::value::check(kind, "1"), Ok(()), "{key}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), near in "[a/ ,=rpmtconue0-9.-]{0,40}") {
            let _ = (parse(&text), parse(&near));
        }
    }
}
