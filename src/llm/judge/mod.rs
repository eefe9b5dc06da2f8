//! Judges of a draft's content: optional services that say whether a text is safe to publish, behind the offline rules.
//!
//! | file | what it is for |
//! |---|---|
//! | [`openai_moderation`] | OpenAI's moderation endpoint: thirteen categories with scores |
//! | [`llama_guard`] | Llama Guard through the model service: `safe`, or `unsafe` with codes |
//! | [`canary`] | texts whose judgement is known: a judge that gets them wrong is not believed |
//!
//! A judge never fails and never lets a draft pass by default: a timeout, a refusal, an answer by another model, or anything that is not
//! well-formed to the last field is [`Judgement::Unknown`], which goes to a person. This room does not decide what an unsafe draft means.

pub mod canary;
pub mod llama_guard;
pub mod openai_moderation;

use super::error::{Error, Result};
use super::{Client, calls::Call};
use crate::base::{PersonaId, SafeText};
use canary::{Canary, Trust};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// The module under which judges' calls stand in the ledger.
pub const MODULE: &str = "judge";
/// The longest reason that is kept, in columns.
const REASON_WIDTH: usize = 300;

/// Which judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgeName {
    /// OpenAI's moderation endpoint.
    OpenaiModeration,
    /// Llama Guard, asked through the model service.
    LlamaGuard,
}

impl JudgeName {
    /// The word in settings, in stored answers and on the screen.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenaiModeration => "openai_moderation",
            Self::LlamaGuard => "llama_guard",
        }
    }
}

impl std::fmt::Display for JudgeName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl std::str::FromStr for JudgeName {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        [Self::OpenaiModeration, Self::LlamaGuard].into_iter().find(|name| name.as_str() == text).ok_or(())
    }
}

/// What a judge holds against a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedCategory {
    /// The judge's own name for it: `harassment/threatening`, `S10 hate`.
    pub name: String,
    /// 0 to 1, where the judge gives one.
    pub score: Option<f64>,
}

/// What a judge says of a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Judgement {
    /// Nothing is held against it.
    Safe,
    /// At least one category is.
    Unsafe {
        /// Which, as the judge orders them.
        categories: Vec<JudgedCategory>,
    },
    /// There is no judgement. A person decides.
    Unknown {
        /// Why not.
        reason: String,
    },
}

impl Judgement {
    pub(super) fn unknown(reason: impl AsRef<str>) -> Self {
        Self::Unknown { reason: SafeText::clipped(reason.as_ref(), REASON_WIDTH).as_str().to_owned() }
    }
}

/// A judge's answer, as it is kept with the draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgeAnswer {
    /// Which judge.
    pub judge: JudgeName,
    /// The pinned model, which answered unless the judgement is unknown.
    pub model: String,
    /// What it says.
    pub judgement: Judgement,
}

/// A text to be judged.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgeRequest {
    /// On whose behalf.
    pub persona: PersonaId,
    /// What ties the calls of this draft together.
    pub correlation_id: String,
    /// The text as it would be published, a title included.
    pub text: String,
}

/// Which judges are asked, and how they are reached. The key does not show in `Debug`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The judges; none by default.
    pub judges: Vec<JudgeName>,
    /// OpenAI's model: a dated name, so that its answers do not change by themselves.
    pub openai_moderation_model: String,
    /// OpenAI's address, without `/v1/moderations`; a `/v1` at its end does no harm.
    pub openai_base_url: String,
    /// OpenAI's key. A server reached over plain `http` may do without.
    pub openai_api_key: Option<SecretString>,
    /// Llama Guard's name at the model service.
    pub llama_guard_model: String,
    /// How long one judgement may take.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            judges: Vec::new(),
            openai_moderation_model: "omni-moderation-2024-09-26".to_owned(),
            openai_base_url: "https://api.openai.com".to_owned(),
            openai_api_key: None,
            llama_guard_model: "meta-llama/llama-guard-4-12b".to_owned(),
            timeout: Duration::from_secs(20),
        }
    }
}

/// The judges that are asked. Clones share what is known about their reliability.
#[derive(Debug, Clone, Default)]
pub struct Judges(Arc<Vec<Judge>>);

/// One judge.
#[derive(Debug)]
pub struct Judge {
    service: Service,
    trust: Mutex<Option<Trust>>,
}

#[derive(Debug)]
enum Service {
    OpenaiModeration(openai_moderation::OpenaiModeration),
    LlamaGuard(llama_guard::LlamaGuard),
}

impl Judges {
    /// The judges that the settings name. Their calls are recorded where `models` records its own, and Llama Guard is asked through its service.
    ///
    /// # Errors
    /// [`Error::Settings`] when an address or a key cannot be used, or OpenAI's key is missing.
    pub fn new(settings: &Settings, models: &Client) -> Result<Self> {
        let judge = |name: &JudgeName| {
            let service = match name {
                JudgeName::OpenaiModeration => {
                    Service::OpenaiModeration(openai_moderation::OpenaiModeration::new(settings, models.clone())?)
                }
                JudgeName::LlamaGuard => Service::LlamaGuard(llama_guard::LlamaGuard::new(settings, models)?),
            };
            Ok::<_, Error>(Judge { service, trust: Mutex::default() })
        };
        Ok(Self(Arc::new(settings.judges.iter().map(judge).collect::<Result<_>>()?)))
    }

    /// Each judge.
    pub fn iter(&self) -> impl Iterator<Item = &Judge> {
        self.0.iter()
    }

    /// Ask every judge at once. The answers stand in the order of the settings; there is one of each judge.
    pub async fn ask(&self, request: &JudgeRequest) -> Vec<JudgeAnswer> {
        futures_util::future::join_all(self.iter().map(|judge| judge.ask(request))).await
    }
}

impl Judge {
    /// Which judge it is.
    #[must_use]
    pub fn name(&self) -> JudgeName {
        match &self.service {
            Service::OpenaiModeration(_) => JudgeName::OpenaiModeration,
            Service::LlamaGuard(_) => JudgeName::LlamaGuard,
        }
    }

    /// The model that it is pinned to.
    #[must_use]
    pub fn model(&self) -> &str {
        match &self.service {
            Service::OpenaiModeration(service) => service.model(),
            Service::LlamaGuard(service) => service.model(),
        }
    }

    /// Judge a text, after the canary has passed.
    pub async fn ask(&self, request: &JudgeRequest) -> JudgeAnswer {
        let judgement = match self.trusted(&request.persona).await {
            Canary::Passed => self.judge(request).await,
            Canary::Failed { reason } => Judgement::unknown(format!("the judge is not to be trusted: {reason}")),
            Canary::Unanswered { reason } => Judgement::unknown(format!("the judge could not be tested: {reason}")),
        };
        JudgeAnswer { judge: self.name(), model: self.model().to_owned(), judgement }
    }

    /// Ask the service, whatever is known about it.
    pub(super) async fn judge(&self, request: &JudgeRequest) -> Judgement {
        match &self.service {
            Service::OpenaiModeration(service) => service.judge(request).await,
            Service::LlamaGuard(service) => service.judge(request).await,
        }
    }

    fn now(&self) -> crate::base::Millis {
        match &self.service {
            Service::OpenaiModeration(service) => service.clock().now(),
            Service::LlamaGuard(service) => service.clock().now(),
        }
    }
}

/// Whether a call costs nothing by its service's word: OpenAI's moderation endpoint is free of charge, and reports neither usage nor cost.
/// Its ledger rows hold no cost, which elsewhere means unknown.
#[must_use]
pub fn is_free(call: &Call) -> bool {
    call.module == MODULE && call.model_asked.starts_with(openai_moderation::FREE_MODELS)
}

/// Why an answer of another model than the one that was asked counts for nothing. `None` when it is the right one's.
fn other_model(pinned: &str, answered: Option<&str>) -> Option<String> {
    match answered {
        Some(answered) if answered == pinned => None,
        Some(answered) => Some(format!("{pinned} was asked, and {} answered", SafeText::clipped(answered, 80))),
        None => Some(format!("{pinned} was asked, and the answer does not say which model gave it")),
    }
}
