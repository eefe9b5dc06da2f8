//! The open application: settings, database and services. Every face drives this, and nothing else.
//!
//! It knows how the settings map onto the services. It decides nothing itself, prints nothing, and holds no SQL.

mod health;

pub use health::NotProbed;

use crate::agent::{self, Parameters, Services};
use crate::base::{Clock, PersonaId};
use crate::config::{self, Purpose, Settings};
use crate::llm;
use crate::llm::judge::{self, Judges};
use crate::llm::route::Traffic;
use crate::memory::{self, Persona};
use crate::moderation::rules::{self, Screener};
use crate::moderation::{self, Mode, acknowledgements};
use crate::reddit::{self, RateBudget};
use crate::search::{self, Search};
use crate::store::{self, Address, Database};
use crate::{report, upkeep, watch};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Why the application could not be opened, or one of its services not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is wrong or missing.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The database could not be opened.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The Reddit client could not be made.
    #[error(transparent)]
    Reddit(#[from] reddit::Error),
    /// The model client could not be made.
    #[error(transparent)]
    Model(#[from] llm::Error),
    /// The rules cannot be used.
    #[error(transparent)]
    Rules(#[from] rules::BrokenRules),
    /// The queue refused.
    #[error(transparent)]
    Moderation(#[from] moderation::Error),
    /// No such persona.
    #[error(transparent)]
    Memory(#[from] memory::Error),
    /// Nothing can be probed.
    #[error(transparent)]
    Probes(#[from] watch::probe::engine::Error),
    /// The settings hold no credentials for a persona's account.
    #[error(
        "there are no credentials for u/{account}: set REDDIT_USERNAME and REDDIT_PASSWORD to this account, or add it to REDDIT_ACCOUNTS"
    )]
    NoCredentials {
        /// The account.
        account: String,
    },
    /// `reddit.accounts` is not understood. Its text is not repeated: it holds passwords.
    #[error("REDDIT_ACCOUNTS is not a JSON object of the form {{\"Name\": {{\"password\": \"…\"}}}} (line {line}, column {column})")]
    Accounts {
        /// Line of the fault.
        line: usize,
        /// Column of the fault.
        column: usize,
    },
    /// Live mode without a recorded acknowledgement.
    #[error(
        "live mode posts in public under u/{account}: read Reddit's API terms and each subreddit's rules, then run `quarterdeck agent acknowledge --yes`"
    )]
    NotAcknowledged {
        /// The account.
        account: String,
    },
}

/// The open application. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Deck {
    /// The settings it was opened with.
    pub settings: Arc<Settings>,
    /// The database.
    pub db: Database,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// How much of the world may be touched.
    pub mode: Mode,
    /// One budget for all personas of a client id.
    budget: Arc<RateBudget>,
    /// One traffic with the models for all personas.
    traffic: Traffic,
    /// One set of judges for all personas: each is tried once, not once for each persona.
    judges: Arc<OnceLock<Judges>>,
    /// Loads its model and its index when it is first asked.
    search: Search,
    /// What is probed: read when it is first asked for.
    probes: Arc<OnceLock<watch::probe::file::Source>>,
}

#[derive(Deserialize)]
struct Account {
    password: Option<SecretString>,
    refresh_token: Option<SecretString>,
}

impl Deck {
    /// Open the database that the settings name. The data directory is made, for its owner only, when it is not there.
    ///
    /// # Errors
    /// [`Error::Store`] as the engine says, [`Error::Config`] when the data directory cannot be made.
    pub fn open(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let address = Address::parse(&settings.database)?;
        config::prepare(&settings.data_dir)?;
        let db = Database::open(&address, &clock)?;
        Ok(Self::over(db, settings, clock))
    }

    /// Open the database that the settings name, where there is one: for commands that only look. Nothing is made.
    ///
    /// # Errors
    /// [`Error::Store`] as the engine says, and when there is none.
    pub fn open_existing(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let db = Database::open_existing(&Address::parse(&settings.database)?, &clock)?;
        Ok(Self::over(db, settings, clock))
    }

    fn over(db: Database, settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let mode = match settings.mode {
            config::Mode::DryRun => Mode::DryRun,
            config::Mode::Sandbox => Mode::Sandbox,
            config::Mode::Live => Mode::Live,
        };
        let budget = RateBudget::new(Arc::clone(&clock));
        let search = search_settings(&settings);
        let search = Search::new(db.clone(), Arc::clone(&clock), search);
        let traffic = Traffic::new(route(&settings.route));
        Self { settings: Arc::new(settings), db, clock, mode, budget, traffic, judges: Arc::default(), search, probes: Arc::default() }
    }

    /// What is under way with the models in this process.
    #[must_use]
    pub fn live(&self) -> llm::route::Live {
        self.traffic.live(self.clock.as_ref())
    }

    /// What the work of upkeep is given.
    #[must_use]
    pub fn site(&self, actor: store::audit::Actor) -> upkeep::Site {
        upkeep::Site { settings: Arc::clone(&self.settings), clock: Arc::clone(&self.clock), actor }
    }

    /// Begin to probe what `probes.toml` names, or stand by while another process does.
    ///
    /// # Errors
    /// [`Error::Probes`] when no checks can be made.
    pub fn probe(&self) -> Result<watch::probe::Engine, Error> {
        let site = self.site(store::audit::Actor::system("probes"));
        Ok(watch::boards::watch(&self.db, &site, self.probes().clone())?)
    }

    /// Search by words and by meaning. A command that does not ask anything loads nothing.
    #[must_use]
    pub fn search(&self) -> &Search {
        &self.search
    }

    /// The queue's times and mode.
    #[must_use]
    pub fn moderation(&self) -> moderation::Settings {
        let queue = &self.settings.moderation;
        let millis = |count: u64, unit: i64| i64::try_from(count).unwrap_or(i64::MAX / unit).saturating_mul(unit);
        moderation::Settings {
            undo_comment: millis(queue.undo_seconds_reply, 1_000),
            undo_post: millis(queue.undo_seconds_post, 1_000),
            lease: millis(queue.lease_seconds, 1_000),
            expiry: millis(queue.expiry_hours, 3_600_000),
            max_return_rounds: queue.max_return_rounds.into(),
            mode: self.mode,
            // The table of settings lets no other word through; a stricter reading is the safe one.
            second_approver: queue.second_approver.parse().unwrap_or(moderation::SecondApprover::Always),
            sample_percent: queue.sample_percent.into(),
            golden_per_hundred: queue.golden_per_hundred.into(),
            overturn_limit: queue.overturn_limit_percent.into(),
        }
    }

    /// The audit log, with the key and the second place of its checkpoints.
    #[must_use]
    pub fn audit(&self) -> upkeep::audit::Audit {
        let settings = audit_settings(&self.settings);
        upkeep::audit::Audit::new(self.db.clone(), Arc::clone(&self.clock), settings)
    }

    /// The rules in force: those that ship, with the user's own beside the configuration file.
    ///
    /// # Errors
    /// [`Error::Rules`] when anything is wrong in that file.
    pub fn screener(&self) -> Result<Screener, Error> {
        Ok(Screener::open(Some(self.rules_file()))?)
    }

    /// Where the user's own rules stand.
    #[must_use]
    pub fn rules_file(&self) -> PathBuf {
        self.settings.config_dir.join(rules::FILE_NAME)
    }

    /// The model client, which keeps its ledger in the database.
    ///
    /// # Errors
    /// [`Error::Config`] when the key is missing, [`Error::Model`] when an address or the price book cannot be used.
    pub fn models(&self) -> Result<llm::Client, Error> {
        self.settings.require(Purpose::Models)?;
        let settings = &self.settings.llm;
        let client = llm::Settings {
            base_url: settings.base_url.clone(),
            api_key: settings.api_key.clone(),
            response_model: settings.response_model.clone(),
            consistency_model: settings.consistency_model.clone(),
            relationship_model: settings.relationship_model.clone(),
            fallback_models: settings.fallback_models.clone(),
            budget_notify: settings.budget_notify.clone(),
            route: route(&self.settings.route),
            ..llm::Settings::default()
        };
        let (prices, clock) = (llm::price::Book::embedded()?, Arc::clone(&self.clock));
        Ok(llm::Client::sharing(client, Some(self.db.clone()), prices, clock, self.traffic.clone())?)
    }

    /// The metrics of this database.
    #[must_use]
    pub fn metrics(&self) -> watch::Collector {
        let host = self.settings.llm.base_url.split_once("://").map_or("", |(_, rest)| rest);
        let host = host.split(['/', ':']).next().unwrap_or_default();
        // Names as the conventions have them, where they have one.
        let provider = match host {
            "openrouter.ai" => "openrouter",
            "api.openai.com" => "openai",
            "api.anthropic.com" => "anthropic",
            other => other,
        };
        let facts = watch::collect::Facts {
            version: env!("CARGO_PKG_VERSION"),
            provider: provider.to_owned(),
            preset: report::slo::named(&self.settings.report.slo).unwrap_or(&report::slo::PRESETS[0]),
        };
        watch::Collector::new(self.db.clone(), Arc::clone(&self.clock), facts)
    }

    /// The judges of drafts that the settings name, shared by every persona of this process.
    ///
    /// # Errors
    /// As [`Deck::models`]; [`Error::Model`] also when a judge's key is missing.
    pub fn judges(&self) -> Result<Judges, Error> {
        if let Some(judges) = self.judges.get() {
            return Ok(judges.clone());
        }
        let settings = &self.settings.moderation;
        let judges = judge::Settings {
            // The table of settings lets no other word through.
            judges: settings.judges.iter().filter_map(|name| name.parse().ok()).collect(),
            openai_moderation_model: settings.openai_moderation_model.clone(),
            openai_base_url: settings.openai_base_url.clone(),
            openai_api_key: settings.openai_api_key.clone(),
            llama_guard_model: settings.llama_guard_model.clone(),
            ..judge::Settings::default()
        };
        let judges = Judges::new(&judges, &self.models()?)?;
        Ok(self.judges.get_or_init(|| judges).clone())
    }

    /// The Reddit client under a persona's own account.
    ///
    /// # Errors
    /// [`Error::Config`] when a setting is missing, [`Error::NoCredentials`] when they are another account's.
    pub fn reddit(&self, account: &str) -> Result<reddit::Client, Error> {
        self.settings.require(Purpose::Reddit)?;
        let settings = &self.settings.reddit;
        let own = settings.username.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(account));
        let (password, refresh_token, otp) = if own {
            (settings.password.clone(), settings.refresh_token.clone(), settings.otp.clone())
        } else {
            let other = self.other_account(account)?;
            (other.password, other.refresh_token, None)
        };
        let empty = || SecretString::from(String::new());
        let version = env!("CARGO_PKG_VERSION");
        let user_agent = match &settings.user_agent {
            Some(agent) if own => agent.clone(),
            _ => format!("linux:quarterdeck:{version} (by /u/{account})"),
        };
        let client_id = settings.client_id.clone().unwrap_or_default();
        let client = reddit::Settings {
            login_base: settings.base_url.clone(),
            oauth_base: settings.oauth_url.clone(),
            password,
            otp,
            refresh_token,
            token_file: Some(self.settings.data_dir.join(format!("refresh-token-{}", account.to_lowercase()))),
            ..reddit::Settings::new(client_id, settings.client_secret.clone().unwrap_or_else(empty), account, user_agent)
        };
        Ok(reddit::Client::new(client, Arc::clone(&self.budget), Arc::clone(&self.clock))?)
    }

    fn other_account(&self, account: &str) -> Result<Account, Error> {
        let missing = || Error::NoCredentials { account: account.to_owned() };
        let text = self.settings.reddit.accounts.as_ref().ok_or_else(missing)?;
        let accounts: BTreeMap<String, Account> =
            serde_json::from_str(text.expose_secret()).map_err(|error| Error::Accounts { line: error.line(), column: error.column() })?;
        let found = accounts.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(account)).map(|(_, account)| account);
        found.filter(|account| account.password.is_some() || account.refresh_token.is_some()).ok_or_else(missing)
    }

    /// Everything that a persona's loop works with.
    ///
    /// # Errors
    /// As [`Deck::models`] and [`Deck::reddit`]; [`Error::NotAcknowledged`] in live mode.
    pub async fn agent(&self, persona: Persona, parameters: Parameters) -> Result<Services, Error> {
        let acknowledged = self.db.read(|c| acknowledgements::is_acknowledged(c, acknowledgements::API_TERMS)).await?;
        if self.mode == Mode::Live && !acknowledged {
            return Err(Error::NotAcknowledged { account: persona.reddit_username });
        }
        Ok(Services {
            db: self.db.clone(),
            reddit: self.reddit(&persona.reddit_username)?,
            llm: self.models()?,
            judges: self.judges()?,
            search: Some(self.search.clone()),
            clock: Arc::clone(&self.clock),
            moderation: self.moderation(),
            screener: self.screener()?,
            persona,
            parameters,
            lock_dir: self.settings.data_dir.clone(),
            seed: None,
        })
    }

    /// The loop's parameters as the settings say.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        let agent = &self.settings.agent;
        Parameters {
            interval_seconds: u32::try_from(agent.interval_seconds).unwrap_or(u32::MAX),
            max_posts_per_cycle: agent.max_posts_per_cycle,
            max_post_age_hours: u32::try_from(agent.max_post_age_hours).unwrap_or(u32::MAX),
            max_conversation_depth: agent.max_conversation_depth,
            engagement: agent::engagement::EngagementConfig {
                score_weight: agent.score_weight,
                comment_weight: agent.comment_weight,
                min_probability: agent.min_probability,
                max_probability: agent.max_probability,
                probability_midpoint: agent.probability_midpoint,
            },
            auto_link_beliefs: agent.auto_link_beliefs,
            auto_link_min_weight: agent.auto_link_min_weight,
            ..Parameters::default()
        }
    }

    /// The persona that `key` names, by id or name.
    ///
    /// # Errors
    /// [`Error::Memory`] when there is none.
    pub async fn persona(&self, key: &str) -> Result<Persona, Error> {
        let key = key.to_owned();
        Ok(self.db.read(move |c| memory::personas::find(c, &key)).await?)
    }

    /// Every persona.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn personas(&self) -> Result<Vec<Persona>, Error> {
        Ok(self.db.read(memory::personas::list).await?)
    }

    /// The state of a persona's loop.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn agent_run(&self, persona: &PersonaId) -> Result<Option<agent::runs::Run>, Error> {
        let persona = persona.clone();
        Ok(self.db.read(move |c| agent::runs::get(c, &persona)).await?)
    }
}

/// The way of a question, as the settings say.
fn route(settings: &config::RouteSettings) -> llm::route::Settings {
    let limits =
        |limits: &config::ModelLimits| llm::route::Limits { concurrent: limits.concurrent, requests: limits.rpm, tokens: limits.tpm };
    let seconds = Duration::from_secs;
    llm::route::Settings {
        simple_model: settings.simple_model.clone(),
        standard_model: settings.standard_model.clone(),
        complex_model: settings.complex_model.clone(),
        simple_below: settings.simple_below_tokens.into(),
        complex_above: settings.complex_above_tokens.into(),
        limits: limits(&settings.limits),
        model_limits: settings.model_limits.iter().map(|of| (of.model.clone(), limits(of))).collect(),
        queue_within: seconds(settings.queue_seconds),
        cooldown_after: settings.cooldown_after,
        cooldown: seconds(settings.cooldown_seconds),
        cache: settings.cache,
        cache_modules: settings.cache_modules.clone(),
        lasting: llm::route::settings::Lasting {
            draft: seconds(settings.cache_draft_seconds),
            judgement: seconds(settings.cache_judgement_seconds),
            suggestion: seconds(settings.cache_suggestion_seconds),
            other: seconds(settings.cache_other_seconds),
        },
    }
}

/// How the audit log is kept: its key, its second place.
#[must_use]
pub fn audit_settings(settings: &Settings) -> upkeep::audit::Settings {
    let audit = &settings.audit;
    upkeep::audit::Settings {
        key: audit.key.clone(),
        key_file: settings.config_dir.join("audit.key"),
        rows: audit.checkpoint_rows.into(),
        interval: i64::from(audit.checkpoint_minutes) * 60_000,
        anchor_file: audit.anchor_file.clone(),
        anchor_command: audit.anchor_command.clone(),
    }
}

/// How search is set up.
#[must_use]
pub fn search_settings(settings: &Settings) -> search::Settings {
    search::Settings {
        runbooks: settings.runbooks.clone(),
        notes: settings.notes.clone(),
        index: settings.data_dir.join(search::vectors::DIRECTORY),
        embed: search::embed::Settings {
            folder: settings.embedder.folder.clone(),
            url: settings.embedder.url.clone(),
            model: settings.embedder.model.clone(),
            api_key: settings.embedder.api_key.clone(),
            dimensions: settings.embedder.dimensions,
            batch: settings.embedder.batch,
            longest: settings.embedder.longest,
            timeout: Duration::from_secs(settings.embedder.timeout_seconds),
        },
        vectors: search::vectors::Settings { graph_from: settings.graph_from },
    }
}

/// How long a graceful stop may take.
pub const STOP_WITHIN: Duration = agent::runner::GRACE;
