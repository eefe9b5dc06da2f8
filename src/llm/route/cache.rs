//! Answers that are kept: which ones, for how long, and the table of them.
//!
//! A question itself is not kept, only its key. An answer that is not whole, that is a refusal, or that is not in the form that was asked for is
//! not kept either: asked again, it may come right.

use super::settings::{Lasting, Settings};
use crate::base::{Millis, PersonaId, Picos};
use crate::llm::chat::{Caching, ChatReply, ChatRequest};
use crate::llm::quote::json_object;
use crate::store::{Conn, Result, Row};
use crate::vals;
use std::time::Duration;

/// The longest answer that is kept, in bytes.
const LONGEST: usize = 256 * 1024;

/// What an answer is, which says how long it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text that somebody might publish.
    Draft,
    /// A judgement of a text.
    Judgement,
    /// What a model suggests about beliefs.
    Suggestion,
    /// Something else.
    Other,
}

impl Kind {
    /// What the answers to a part of the program are.
    #[must_use]
    pub fn of(module: &str) -> Self {
        match module {
            "draft" => Self::Draft,
            "consistency" => Self::Judgement,
            "proposals" | "relationships" => Self::Suggestion,
            _ => Self::Other,
        }
    }

    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Judgement => "judgement",
            Self::Suggestion => "suggestion",
            Self::Other => "other",
        }
    }

    fn lasts(self, lasting: &Lasting) -> Duration {
        match self {
            Self::Draft => lasting.draft,
            Self::Judgement => lasting.judgement,
            Self::Suggestion => lasting.suggestion,
            Self::Other => lasting.other,
        }
    }
}

/// How an answer is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// What it is.
    pub kind: Kind,
    /// How long it is kept.
    pub lasts: Duration,
}

/// Whether the answer to a question may be kept, and how.
///
/// # Errors
/// Why not, as the end of a sentence.
pub fn plan(request: &ChatRequest, settings: &Settings) -> std::result::Result<Plan, String> {
    let kind = Kind::of(&request.module);
    let lasts = kind.lasts(&settings.lasting);
    match (request.caching, request.temperature) {
        _ if !settings.cache => Err("it is switched off".to_owned()),
        (Caching::Never, _) => Err("whoever asks wants a new answer each time".to_owned()),
        _ if lasts.is_zero() => Err(format!("answers of the kind {} are not kept", kind.as_str())),
        (Caching::Asked, _) => Ok(Plan { kind, lasts }),
        (Caching::Usual, Some(0.0)) => Ok(Plan { kind, lasts }),
        (Caching::Usual, _) if settings.cache_modules.contains(&request.module) => Ok(Plan { kind, lasts }),
        (Caching::Usual, Some(temperature)) => Err(format!("the temperature is {temperature}, so that each answer is another one")),
        (Caching::Usual, None) => Err("the temperature is left to the model, so that each answer is another one".to_owned()),
    }
}

/// Whether an answer is worth keeping.
#[must_use]
pub fn is_whole(request: &ChatRequest, reply: &ChatReply) -> bool {
    let in_form = || !request.json_mode || json_object(&reply.text).is_some();
    reply.refusal.is_none()
        && matches!(reply.finish_reason.as_deref(), Some("stop"))
        && !reply.text.trim().is_empty()
        && reply.text.len() <= LONGEST
        && in_form()
}

/// An answer that was given, by a model or by the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The text.
    pub text: String,
    /// The model's refusal, apart from the text.
    pub refusal: Option<String>,
    /// Why it ended.
    pub finish_reason: Option<String>,
    /// The model that was asked.
    pub model_asked: String,
    /// The model that answered.
    pub model_answered: Option<String>,
    /// The provider behind the service.
    pub provider: Option<String>,
    /// The call that it is from.
    pub call_id: String,
    /// What that call had cost.
    pub cost: Option<Picos>,
    /// When it was given.
    pub created_at: Millis,
}

impl Kept {
    /// The part of an answer that others can share.
    #[must_use]
    pub fn of(reply: &ChatReply, at: Millis) -> Self {
        Self {
            text: reply.text.clone(),
            refusal: reply.refusal.clone(),
            finish_reason: reply.finish_reason.clone(),
            model_asked: reply.model_asked.clone(),
            model_answered: reply.model_answered.clone(),
            provider: reply.provider.clone(),
            call_id: reply.call_id.clone(),
            cost: reply.cost_reported_picos.or(reply.cost_computed),
            created_at: at,
        }
    }
}

/// Where an answer is kept, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its key.
    pub key: String,
    /// On whose behalf it was asked.
    pub persona: Option<PersonaId>,
    /// What it is, and how long it holds.
    pub plan: Plan,
}

/// The answer that is kept under a key for a persona.
///
/// # Errors
/// When the database refuses.
pub fn find(c: &mut dyn Conn, key: &str, persona: Option<&PersonaId>, now: Millis) -> Result<Option<Kept>> {
    let row = c.first(
        "SELECT answer, finish_reason, model_asked, model_answered, provider, call_id, cost_picos, created_at FROM response_cache \
         WHERE cache_key = $1 AND persona_id = $2 AND expires_at > $3 AND created_at <= $3",
        vals![key, scope(persona), now],
    )?;
    row.as_ref().map(kept).transpose()
}

fn kept(row: &Row) -> Result<Kept> {
    Ok(Kept {
        text: row.text("answer")?,
        refusal: None,
        finish_reason: row.text_opt("finish_reason")?,
        model_asked: row.text("model_asked")?,
        model_answered: row.text_opt("model_answered")?,
        provider: row.text_opt("provider")?,
        call_id: row.text("call_id")?,
        cost: row.int_opt("cost_picos")?.map(Picos),
        created_at: row.int("created_at")?,
    })
}

/// Keep an answer in place of an older one, and remove what has expired.
///
/// # Errors
/// When the database refuses.
pub fn keep(c: &mut dyn Conn, place: &Place, kept: &Kept) -> Result<()> {
    sweep(c, kept.created_at)?;
    let lasts = super::trace::millis(place.plan.lasts);
    c.exec(
        "INSERT INTO response_cache (cache_key, persona_id, kind, model_asked, model_answered, provider, call_id, answer, finish_reason, cost_picos, \
         created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (cache_key) DO UPDATE SET \
         persona_id = excluded.persona_id, kind = excluded.kind, model_asked = excluded.model_asked, model_answered = excluded.model_answered, \
         provider = excluded.provider, call_id = excluded.call_id, answer = excluded.answer, finish_reason = excluded.finish_reason, \
         cost_picos = excluded.cost_picos, created_at = excluded.created_at, expires_at = excluded.expires_at",
        vals![
            &place.key,
            scope(place.persona.as_ref()),
            place.plan.kind.as_str(),
            &kept.model_asked,
            kept.model_answered.as_ref(),
            kept.provider.as_ref(),
            &kept.call_id,
            &kept.text,
            kept.finish_reason.as_ref(),
            kept.cost,
            kept.created_at,
            kept.created_at.saturating_add(lasts)
        ],
    )?;
    Ok(())
}

/// Remove what has expired. Returns how many answers.
///
/// # Errors
/// When the database refuses.
pub fn sweep(c: &mut dyn Conn, now: Millis) -> Result<u64> {
    c.exec("DELETE FROM response_cache WHERE expires_at <= $1", vals![now])
}

fn scope(persona: Option<&PersonaId>) -> &str {
    persona.map_or("", PersonaId::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Error, testing};

    const NOW: Millis = 1_795_219_200_000;

    fn request(temperature: Option<f64>) -> ChatRequest {
        ChatRequest { temperature, ..ChatRequest::new("consistency", None, "hello") }
    }

    #[test]
    fn only_what_would_come_again_is_kept_unless_asked() {
        let settings = Settings::default();
        let hour = Duration::from_secs(3_600);
        assert_eq!(plan(&request(Some(0.0)), &settings), Ok(Plan { kind: Kind::Judgement, lasts: hour }));
        for warm in [Some(0.3), None, Some(f64::NAN)] {
            assert!(plan(&request(warm), &settings).is_err(), "{warm:?}");
            assert!(plan(&ChatRequest { caching: Caching::Asked, ..request(warm) }, &settings).is_ok());
        }
        assert!(plan(&ChatRequest { caching: Caching::Never, ..request(Some(0.0)) }, &settings).is_err());
        let named = Settings { cache_modules: vec!["consistency".into()], ..settings.clone() };
        assert!(plan(&request(Some(0.3)), &named).is_ok());
        assert!(plan(&request(Some(0.0)), &Settings { cache: false, ..named }).is_err());
        let none = Settings { lasting: Lasting { judgement: Duration::ZERO, ..settings.lasting }, ..settings };
        assert!(plan(&request(Some(0.0)), &none).unwrap_err().contains("judgement"));
    }

    #[test]
    fn an_answer_is_found_until_it_expires_by_its_own_persona_alone() {
        let (database, _directory) = testing::database();
        database
            .write_blocking(|c| {
                let (mine, other) = (PersonaId::from_stored("p1"), PersonaId::from_stored("p2"));
                let plan = Plan { kind: Kind::Judgement, lasts: Duration::from_secs(60) };
                let place = |key: &str, persona: Option<&PersonaId>| Place { key: key.into(), persona: persona.cloned(), plan };
                let kept = |text: &str, at| Kept {
                    text: text.into(),
                    refusal: None,
                    finish_reason: Some("stop".into()),
                    model_asked: "m".into(),
                    model_answered: None,
                    provider: None,
                    call_id: "c1".into(),
                    cost: Some(Picos(7)),
                    created_at: at,
                };
                keep(c, &place("k", Some(&mine)), &kept("first", NOW))?;
                keep(c, &place("n", None), &kept("nobody's", NOW))?;
                assert_eq!(find(c, "k", Some(&mine), NOW + 59_999)?, Some(kept("first", NOW)));
                assert_eq!(
                    (find(c, "k", Some(&mine), NOW + 60_000)?, find(c, "k", Some(&other), NOW)?, find(c, "k", None, NOW)?),
                    (None, None, None)
                );
                assert_eq!(find(c, "n", None, NOW)?.map(|kept| kept.text).as_deref(), Some("nobody's"));
                assert_eq!(find(c, "k", Some(&mine), NOW - 1)?, None, "a clock that was set back finds nothing from the future");
                keep(c, &place("k", Some(&mine)), &kept("second", NOW + 70_000))?;
                assert_eq!(find(c, "k", Some(&mine), NOW + 70_000)?.map(|kept| kept.text).as_deref(), Some("second"));
                let left = c.first("SELECT count(*) AS n FROM response_cache", &[])?.unwrap().int("n")?;
                assert_eq!(left, 1, "what has expired is gone");
                Ok::<_, Error>(())
            })
            .unwrap();
    }
}
