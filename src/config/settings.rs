//! The settings in their types. Each service takes what it needs from here through the open application.

use super::{BackupSettings, Error, Level, Loaded, Problem, Purpose, RouteSettings, SETTINGS, Setting, Source, value};
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Whether approved items leave the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Everything but the sending. The default.
    #[default]
    DryRun,
    /// What was approved is sent to services on this machine, and nowhere else.
    Sandbox,
    /// What was approved is sent to the real service.
    Live,
}

impl Mode {
    /// The word that stands for it in a file.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::DryRun => "dry-run",
            Self::Sandbox => "sandbox",
            Self::Live => "live",
        }
    }
}

/// Every setting of an installation.
#[derive(Clone)]
pub struct Settings {
    /// Whether approved items leave the machine.
    pub mode: Mode,
    /// `sqlite:` and an absolute path, or `postgres://…`. It may hold a password: show it through [`super::mask_address`] only.
    pub database: String,
    /// Where the database file and other kept data live.
    pub data_dir: PathBuf,
    /// Where logs are written.
    pub state_dir: PathBuf,
    /// Directory of the configuration file.
    pub config_dir: PathBuf,
    /// The configuration file, which need not exist.
    pub config_file: PathBuf,
    /// The environment file, which need not exist.
    pub environment_file: PathBuf,
    /// Access to Reddit.
    pub reddit: RedditSettings,
    /// Access to models.
    pub llm: LlmSettings,
    /// Which model for which question, and how much of each.
    pub route: RouteSettings,
    /// The review queue.
    pub moderation: ModerationSettings,
    /// Defaults of the agent's loop.
    pub agent: AgentSettings,
    /// Vectors of one persona from which on a graph is used; measured where it is not set.
    pub graph_from: Option<usize>,
    /// How reports count and judge.
    pub report: ReportSettings,
    /// How the console looks.
    pub console: ConsoleSettings,
    /// Checkpoints of the audit log.
    pub audit: AuditSettings,
    /// Days after which a secret is old.
    pub secrets_max_age_days: u32,
    /// Folder of runbooks.
    pub runbooks: PathBuf,
    /// Folder of notes.
    pub notes: PathBuf,
    /// How texts are made into vectors.
    pub embedder: EmbedderSettings,
    /// Where backups go, and how many are kept.
    pub backup: BackupSettings,
    /// Where each value came from, by key.
    pub sources: BTreeMap<&'static str, Source>,
}

/// Access to Reddit.
#[derive(Debug, Clone)]
pub struct RedditSettings {
    /// Id of the script application.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: Option<SecretString>,
    /// The account's name, without `u/`.
    pub username: Option<String>,
    /// The account's password.
    pub password: Option<SecretString>,
    /// A one-time code for the account's second factor.
    pub otp: Option<SecretString>,
    /// A refresh token, in place of the password.
    pub refresh_token: Option<SecretString>,
    /// Further accounts, by name, as a JSON object.
    pub accounts: Option<SecretString>,
    /// The user agent; set whenever the account's name is.
    pub user_agent: Option<String>,
    /// Host of the login, without a slash at the end.
    pub base_url: String,
    /// Host of the API, without a slash at the end.
    pub oauth_url: String,
}

/// Access to models.
#[derive(Debug, Clone)]
pub struct LlmSettings {
    /// Key of the service.
    pub api_key: Option<SecretString>,
    /// Address of the service, without a slash at the end.
    pub base_url: String,
    /// Model that writes drafts.
    pub response_model: String,
    /// Model that checks drafts.
    pub consistency_model: String,
    /// Model that suggests how beliefs bear on each other.
    pub relationship_model: String,
    /// Models to try when the first one cannot answer, in order.
    pub fallback_models: Vec<String>,
    /// The command that tells of thresholds of budgets, with its arguments; empty for none.
    pub budget_notify: Vec<String>,
}

/// The review queue.
#[derive(Debug, Clone)]
pub struct ModerationSettings {
    /// Seconds between the approval of a reply or comment and its sending.
    pub undo_seconds_reply: u64,
    /// The same for a post.
    pub undo_seconds_post: u64,
    /// Seconds an item stays with the reviewer who claimed it.
    pub lease_seconds: u64,
    /// Hours after which an undecided draft expires.
    pub expiry_hours: u64,
    /// How often an item may go back to the agent.
    pub max_return_rounds: u32,
    /// Which items need two people: `never`, `risky`, `flagged` or `always`.
    pub second_approver: String,
    /// Online judges of drafts: `openai_moderation`, `llama_guard`.
    pub judges: Vec<String>,
    /// Model of the judge `openai_moderation`.
    pub openai_moderation_model: String,
    /// Address of its service, without a slash at the end.
    pub openai_base_url: String,
    /// Key of its service.
    pub openai_api_key: Option<SecretString>,
    /// Model of the judge `llama_guard`.
    pub llama_guard_model: String,
    /// Percent of the automatic approvals that a person looks at afterwards.
    pub sample_percent: u32,
    /// Golden items beside a hundred ordinary ones.
    pub golden_per_hundred: u32,
    /// Percent of overturned automatic approvals above which automatic posting ends.
    pub overturn_limit_percent: u32,
    /// Minutes within which an item should be claimed or decided.
    pub sla_minutes: u64,
}

/// Defaults of the agent's loop.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSettings {
    /// Seconds between two cycles.
    pub interval_seconds: u64,
    /// New posts answered in one cycle at most.
    pub max_posts_per_cycle: u32,
    /// Hours after which a post is left alone.
    pub max_post_age_hours: u64,
    /// How deep in one conversation an agent still answers.
    pub max_conversation_depth: u32,
    /// Weight of the score in a post's engagement.
    pub score_weight: f64,
    /// Weight of the number of comments in a post's engagement.
    pub comment_weight: f64,
    /// Probability of answering at no engagement, 0 to 1.
    pub min_probability: f64,
    /// Probability of answering at very much engagement, 0 to 1.
    pub max_probability: f64,
    /// Engagement at which the probability is half-way.
    pub probability_midpoint: f64,
    /// Whether a belief that came with an approved draft is linked to others without asking.
    pub auto_link_beliefs: bool,
    /// The least weight of such an edge, 0 to 1.
    pub auto_link_min_weight: f64,
}

/// Checkpoints of the audit log.
#[derive(Debug, Clone)]
pub struct AuditSettings {
    /// The key, where it does not stand in its own file.
    pub key: Option<SecretString>,
    /// New rows after which a checkpoint is made.
    pub checkpoint_rows: u32,
    /// Minutes after which one is made for fewer rows.
    pub checkpoint_minutes: u32,
    /// The second place of checkpoints.
    pub anchor_file: Option<PathBuf>,
    /// The command that gets each checkpoint, with its arguments; empty for none.
    pub anchor_command: Vec<String>,
}

/// How reports count and judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSettings {
    /// Zone in which days, weeks and months are counted.
    pub zone: chrono_tz::Tz,
    /// Name of the runbook whose levels hold.
    pub slo: String,
}

/// How the console looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Name of the theme. Whether there is such a theme shows when it is loaded.
    pub theme: String,
    /// `auto`, `never`, `16`, `256` or `true`, for [`Depth::choose`](crate::console::theme::Depth::choose).
    pub colors: String,
    /// Whether what other people wrote is masked until a key shows it.
    pub mask_incoming: bool,
    /// Whether no key of the console changes anything.
    pub read_only: bool,
}

/// How texts are made into vectors.
#[derive(Debug, Clone)]
pub struct EmbedderSettings {
    /// A folder with another model than the one that ships.
    pub folder: Option<PathBuf>,
    /// Base of an OpenAI-compatible API, without a slash at the end. It goes before the folder.
    pub url: Option<String>,
    /// The model asked for at that address.
    pub model: Option<String>,
    /// Numbers in a vector of that model.
    pub dimensions: Option<usize>,
    /// Key for that address.
    pub api_key: Option<SecretString>,
    /// Texts in a request.
    pub batch: usize,
    /// Characters of a text that are sent.
    pub longest: usize,
    /// How long a request may take, in seconds.
    pub timeout_seconds: u64,
}

impl Settings {
    pub(super) fn from_loaded(loaded: &Loaded) -> Result<Self, Problem> {
        let directories = loaded.directories();
        let reader = Reader(loaded);
        let folder = |key: &'static str, name: &str| match loaded.text(key) {
            Some(folder) => Ok(PathBuf::from(folder)),
            None => reader.text("data_dir").map(|data_dir| PathBuf::from(data_dir).join(name)),
        };
        let settings = Self {
            mode: reader.mode()?,
            runbooks: folder("search.runbooks", "runbooks")?,
            notes: folder("search.notes", "notes")?,
            database: reader.text("database")?,
            data_dir: PathBuf::from(reader.text("data_dir")?),
            state_dir: directories.state_dir.clone(),
            config_dir: directories.config_dir.clone(),
            config_file: directories.config_file.clone(),
            environment_file: directories.environment_file.clone(),
            backup: BackupSettings::read(loaded, &reader)?,
            reddit: RedditSettings {
                client_id: loaded.text("reddit.client_id"),
                client_secret: reader.secret("reddit.client_secret"),
                username: loaded.text("reddit.username"),
                password: reader.secret("reddit.password"),
                otp: reader.secret("reddit.otp"),
                refresh_token: reader.secret("reddit.refresh_token"),
                accounts: reader.secret("reddit.accounts"),
                user_agent: loaded.text("reddit.user_agent"),
                base_url: reader.address("reddit.base_url")?,
                oauth_url: reader.address("reddit.oauth_url")?,
            },
            llm: LlmSettings {
                api_key: reader.secret("llm.api_key"),
                base_url: reader.address("llm.base_url")?,
                response_model: reader.text("llm.response_model")?,
                consistency_model: reader.text("llm.consistency_model")?,
                relationship_model: reader.text("llm.relationship_model")?,
                fallback_models: list(&reader.text("llm.fallback_models")?),
                budget_notify: reader.text("budget.notify")?.split_whitespace().map(str::to_owned).collect(),
            },
            route: RouteSettings::read(loaded)?,
            moderation: ModerationSettings {
                undo_seconds_reply: reader.number("moderation.undo_seconds_reply")?,
                undo_seconds_post: reader.number("moderation.undo_seconds_post")?,
                lease_seconds: reader.number("moderation.lease_seconds")?,
                expiry_hours: reader.number("moderation.expiry_hours")?,
                max_return_rounds: reader.number("moderation.max_return_rounds")?,
                second_approver: reader.text("moderation.second_approver")?,
                judges: list(&reader.text("moderation.judges")?),
                openai_moderation_model: reader.text("moderation.openai_moderation_model")?,
                openai_base_url: reader.address("moderation.openai_base_url")?,
                openai_api_key: reader.secret("moderation.openai_api_key"),
                llama_guard_model: reader.text("moderation.llama_guard_model")?,
                sample_percent: reader.number("moderation.sample_percent")?,
                golden_per_hundred: reader.number("moderation.golden_per_hundred")?,
                overturn_limit_percent: reader.number("moderation.overturn_limit_percent")?,
                sla_minutes: reader.number("moderation.sla_minutes")?,
            },
            agent: AgentSettings {
                interval_seconds: reader.number("agent.interval_seconds")?,
                max_posts_per_cycle: reader.number("agent.max_posts_per_cycle")?,
                max_post_age_hours: reader.number("agent.max_post_age_hours")?,
                max_conversation_depth: reader.number("agent.max_conversation_depth")?,
                score_weight: reader.number("agent.score_weight")?,
                comment_weight: reader.number("agent.comment_weight")?,
                min_probability: reader.number("agent.min_probability")?,
                max_probability: reader.number("agent.max_probability")?,
                probability_midpoint: reader.number("agent.probability_midpoint")?,
                auto_link_beliefs: reader.text("agent.auto_link_beliefs")? == "true",
                auto_link_min_weight: reader.number("agent.auto_link_min_weight")?,
            },
            report: ReportSettings {
                zone: reader.text("report.zone")?.parse().unwrap_or(chrono_tz::Tz::UTC),
                slo: reader.text("report.slo")?,
            },
            console: ConsoleSettings {
                theme: reader.text("console.theme")?,
                colors: reader.text("console.colors")?,
                mask_incoming: reader.text("console.mask_incoming")? == "yes",
                read_only: reader.text("console.read_only")? == "yes",
            },
            audit: AuditSettings {
                key: reader.secret("audit.key"),
                checkpoint_rows: reader.number("audit.checkpoint_rows")?,
                checkpoint_minutes: reader.number("audit.checkpoint_minutes")?,
                anchor_file: loaded.text("audit.anchor_file").map(PathBuf::from),
                anchor_command: reader.text("audit.anchor_command")?.split_whitespace().map(str::to_owned).collect(),
            },
            secrets_max_age_days: reader.number("secrets.max_age_days")?,
            graph_from: loaded.text("search.graph_from").map(|_| reader.number("search.graph_from")).transpose()?,
            embedder: EmbedderSettings {
                folder: loaded.text("search.embedder.folder").map(PathBuf::from),
                url: loaded.text("search.embedder.url").map(|url| url.trim_end_matches('/').to_owned()),
                model: loaded.text("search.embedder.model"),
                dimensions: loaded.text("search.embedder.dimensions").map(|_| reader.number("search.embedder.dimensions")).transpose()?,
                api_key: reader.secret("search.embedder.api_key"),
                batch: reader.number("search.embedder.batch")?,
                longest: reader.number("search.embedder.longest")?,
                timeout_seconds: reader.number("search.embedder.timeout_seconds")?,
            },
            sources: SETTINGS.iter().map(|setting| (setting.key, loaded.source(setting.key))).collect(),
        };
        if settings.agent.min_probability > settings.agent.max_probability {
            let message = "agent.max_probability is below agent.min_probability";
            return Err(Problem::new(Level::Error, loaded.source("agent.max_probability"), message).next("set them the other way round"));
        }
        if settings.audit.key.as_ref().is_some_and(|key| key.expose_secret().len() < 32) {
            let message = "audit.key has fewer than 32 characters";
            let next = "make a longer one: openssl rand -hex 32";
            return Err(Problem::new(Level::Error, loaded.source("audit.key"), message).next(next));
        }
        if settings.audit.anchor_file.as_ref().is_some_and(|file| file.starts_with(&settings.data_dir)) {
            let message = "audit.anchor_file is in the data directory, where whoever changes the log can change it too";
            let next = "name a file elsewhere, best on another disk or machine";
            return Err(Problem::new(Level::Error, loaded.source("audit.anchor_file"), message).next(next));
        }
        // What is meant for the sandbox must not be able to leave the machine.
        let addresses = [("reddit.base_url", &settings.reddit.base_url), ("reddit.oauth_url", &settings.reddit.oauth_url)];
        let away = addresses.into_iter().find(|(_, address)| !value::is_here(address));
        if let Some((key, address)) = away.filter(|_| settings.mode == Mode::Sandbox) {
            let message = format!("mode is sandbox and {key} is {address}, which is not on this machine");
            let next = "set it to the address that `quarterdeck sandbox` prints, or go back to dry-run";
            return Err(Problem::new(Level::Error, loaded.source(key), message).next(next));
        }
        Ok(settings)
    }

    /// The settings that are not set and that `purpose` needs.
    #[must_use]
    pub fn missing(&self, purpose: Purpose) -> Vec<&'static Setting> {
        let reddit = &self.reddit;
        let is_set = |key: &str| match key {
            "reddit.client_id" => reddit.client_id.is_some(),
            "reddit.client_secret" => reddit.client_secret.is_some(),
            "reddit.username" => reddit.username.is_some(),
            "reddit.password" => reddit.password.is_some(),
            "reddit.refresh_token" => reddit.refresh_token.is_some(),
            "llm.api_key" => self.llm.api_key.is_some(),
            _ => true,
        };
        missing(purpose, is_set)
    }

    /// Refuse to go on when something that `purpose` needs is not set.
    ///
    /// # Errors
    /// [`Error::Missing`] with the environment names of all that is missing.
    pub fn require(&self, purpose: Purpose) -> Result<(), Error> {
        let names: Vec<_> = self.missing(purpose).into_iter().map(|setting| setting.env).collect();
        if names.is_empty() { Ok(()) } else { Err(Error::Missing { names, purpose }) }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let database = super::mask_address(&self.database);
        let mut form = formatter.debug_struct("Settings");
        form.field("mode", &self.mode).field("database", &database).field("data_dir", &self.data_dir);
        form.field("reddit", &self.reddit).field("llm", &self.llm).field("route", &self.route);
        form.field("moderation", &self.moderation).field("agent", &self.agent).field("console", &self.console);
        form.field("embedder", &self.embedder).finish_non_exhaustive()
    }
}

/// What `purpose` needs and is not set. A refresh token stands in for the password.
pub(super) fn missing(purpose: Purpose, is_set: impl Fn(&str) -> bool) -> Vec<&'static Setting> {
    let is_there = |key: &str| is_set(key) || (key == "reddit.password" && is_set("reddit.refresh_token"));
    SETTINGS.iter().filter(|setting| setting.needed_for == Some(purpose) && !is_there(setting.key)).collect()
}

/// Reads texts that were checked when they were taken; a text that still does not fit is reported, not replaced by a guess.
pub(super) struct Reader<'a>(pub(super) &'a Loaded);

impl Reader<'_> {
    pub(super) fn text(&self, key: &'static str) -> Result<String, Problem> {
        self.0.text(key).ok_or_else(|| Problem::new(Level::Error, self.0.source(key), format!("{key} has no value")))
    }

    fn mode(&self) -> Result<Mode, Problem> {
        let word = self.text("mode")?;
        let found = [Mode::DryRun, Mode::Sandbox, Mode::Live].into_iter().find(|mode| mode.word() == word);
        found.ok_or_else(|| Problem::new(Level::Error, self.0.source("mode"), "mode is not one of its words"))
    }

    fn address(&self, key: &'static str) -> Result<String, Problem> {
        self.text(key).map(|text| text.trim_end_matches('/').to_owned())
    }

    fn secret(&self, key: &'static str) -> Option<SecretString> {
        self.0.text(key).map(SecretString::from)
    }

    pub(super) fn number<T: std::str::FromStr>(&self, key: &'static str) -> Result<T, Problem> {
        let expected = || Setting::by_key(key).map_or_else(String::new, |setting| value::expected(setting.kind));
        let wrong = |_| Problem::new(Level::Error, self.0.source(key), format!("{key} is not {}", expected()));
        self.text(key)?.parse().map_err(wrong)
    }
}

pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
