//! The one table of all settings.

/// What a setting's text must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Any text on one line.
    Text,
    /// Text that is never shown.
    Secret,
    /// A Reddit user agent: at least seven characters.
    UserAgent,
    /// An `https` address, or `http` on this machine.
    Address,
    /// A `sqlite:` path or a `postgres://` address.
    Database,
    /// A directory.
    Directory,
    /// A file.
    File,
    /// A whole number within bounds, with the name of its unit.
    Integer {
        /// Smallest value allowed.
        least: i64,
        /// Largest value allowed.
        most: i64,
        /// What is counted.
        unit: &'static str,
    },
    /// A decimal number within bounds.
    Number {
        /// Smallest value allowed.
        least: f64,
        /// Largest value allowed.
        most: f64,
    },
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// The name of a model.
    Model,
    /// Names of models: a list in the file, separated by commas in the environment.
    Models,
    /// Limits of models: a list in the file, separated by commas in the environment.
    Limits,
    /// The name of a time zone.
    Zone,
    /// Some of a few words: a list in the file, separated by commas in the environment.
    Words(&'static [&'static str]),
}

/// What a setting without a default is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Reading from and writing to Reddit.
    Reddit,
    /// Asking a model for drafts and checks.
    Models,
}

impl Purpose {
    /// In a sentence: "needed to …".
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Reddit => "needed to read from and write to Reddit",
            Self::Models => "needed to ask a model for drafts and checks",
        }
    }
}

/// One setting: its names, its meaning, and what it may be.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Name in the configuration file, with the table's name and a dot before it.
    pub key: &'static str,
    /// Name in the environment and in the environment file.
    pub env: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// What its text must be.
    pub kind: Kind,
    /// Its value when nobody sets it. Some defaults are made from other settings: those say so in `doc`.
    pub default: Option<&'static str>,
    /// What does not work without it.
    pub needed_for: Option<Purpose>,
}

impl Setting {
    /// The setting with this key in the file.
    #[must_use]
    pub fn by_key(key: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.key == key)
    }

    /// The setting with this name in the environment.
    #[must_use]
    pub fn by_env(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.env == name)
    }

    /// Whether the value is never shown.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }
}

const fn setting(key: &'static str, env: &'static str, kind: Kind, default: Option<&'static str>, doc: &'static str) -> Setting {
    Setting { key, env, doc, kind, default, needed_for: None }
}

const fn needed(purpose: Purpose, mut setting: Setting) -> Setting {
    setting.needed_for = Some(purpose);
    setting
}

const fn count(least: i64, most: i64, unit: &'static str) -> Kind {
    Kind::Integer { least, most, unit }
}

/// Every setting there is, in the order in which they are shown.
pub const SETTINGS: &[Setting] = &[
    setting(
        "mode",
        "QUARTERDECK_MODE",
        Kind::Choice(&["dry-run", "sandbox", "live"]),
        Some("dry-run"),
        "In a dry run everything happens but the sending; `sandbox` sends to services on this machine only; `live` sends what was approved.",
    ),
    setting(
        "data_dir",
        "QUARTERDECK_DATA_DIR",
        Kind::Directory,
        None,
        "Where the database file and other kept data live. Default: the user's data directory.",
    ),
    setting(
        "database",
        "DATABASE_URL",
        Kind::Database,
        None,
        "`sqlite:PATH` or `postgres://USER@HOST/NAME`. Default: `quarterdeck.db` in the data directory.",
    ),
    needed(
        Purpose::Reddit,
        setting("reddit.client_id", "REDDIT_CLIENT_ID", Kind::Text, None, "Id of the script application registered with Reddit."),
    ),
    needed(Purpose::Reddit, setting("reddit.client_secret", "REDDIT_CLIENT_SECRET", Kind::Secret, None, "Secret of that application.")),
    needed(
        Purpose::Reddit,
        setting("reddit.username", "REDDIT_USERNAME", Kind::Text, None, "Reddit account that reads and posts, without `u/`."),
    ),
    needed(
        Purpose::Reddit,
        setting(
            "reddit.password",
            "REDDIT_PASSWORD",
            Kind::Secret,
            None,
            "Password of that account. Not needed when a refresh token is set.",
        ),
    ),
    setting(
        "reddit.otp",
        "REDDIT_OTP",
        Kind::Secret,
        None,
        "One-time code of an account with two factors. It is good for half a minute: set it for one command only.",
    ),
    setting("reddit.refresh_token", "REDDIT_REFRESH_TOKEN", Kind::Secret, None, "Refresh token, used in place of the password."),
    setting(
        "reddit.accounts",
        "REDDIT_ACCOUNTS",
        Kind::Secret,
        None,
        "Further accounts of the same application, for further personas, as a JSON object: `{\"Name\": {\"password\": \"…\"}}`, or with `refresh_token`.",
    ),
    setting(
        "reddit.user_agent",
        "REDDIT_USER_AGENT",
        Kind::UserAgent,
        None,
        "What Reddit sees as the client: `platform:app:version (by /u/name)`. Default: made from the account's name.",
    ),
    setting(
        "reddit.base_url",
        "REDDIT_BASE_URL",
        Kind::Address,
        Some("https://www.reddit.com"),
        "Host of the login. Change it for the sandbox only: the credentials go there.",
    ),
    setting(
        "reddit.oauth_url",
        "REDDIT_OAUTH_URL",
        Kind::Address,
        Some("https://oauth.reddit.com"),
        "Host of the API after the login. Change it for the sandbox only: the access token goes there.",
    ),
    needed(
        Purpose::Models,
        setting("llm.api_key", "OPENROUTER_API_KEY", Kind::Secret, None, "Key of OpenRouter or of another OpenAI-compatible service."),
    ),
    setting(
        "llm.base_url",
        "OPENROUTER_BASE_URL",
        Kind::Address,
        Some("https://openrouter.ai/api/v1"),
        "Address of the model service, up to and without `/chat/completions`. The key goes there.",
    ),
    setting("llm.response_model", "RESPONSE_MODEL", Kind::Model, Some("anthropic/claude-haiku-4.5"), "Model that writes drafts."),
    setting(
        "llm.consistency_model",
        "CONSISTENCY_MODEL",
        Kind::Model,
        Some("anthropic/claude-haiku-4.5"),
        "Model that checks a draft against the persona's beliefs.",
    ),
    setting(
        "llm.relationship_model",
        "RELATIONSHIP_MODEL",
        Kind::Model,
        Some("anthropic/claude-haiku-4.5"),
        "Model that suggests how the persona's beliefs bear on each other.",
    ),
    setting(
        "llm.fallback_models",
        "FALLBACK_MODELS",
        Kind::Models,
        Some(""),
        "Models to try, in this order, when the first one cannot answer. Separated by commas in the environment.",
    ),
    setting(
        "route.simple_model",
        "QUARTERDECK_SIMPLE_MODEL",
        Kind::Model,
        None,
        "Model for simple questions to which no setting names a model: short ones, and those whose answer has a given form. Default: `llm.response_model`.",
    ),
    setting(
        "route.standard_model",
        "QUARTERDECK_STANDARD_MODEL",
        Kind::Model,
        None,
        "The same for questions that are neither simple nor complex.",
    ),
    setting("route.complex_model", "QUARTERDECK_COMPLEX_MODEL", Kind::Model, None, "The same for complex questions: long ones."),
    setting(
        "route.simple_below_tokens",
        "QUARTERDECK_SIMPLE_BELOW_TOKENS",
        count(0, 10_000_000, "tokens"),
        Some("500"),
        "A question of fewer input tokens is simple.",
    ),
    setting(
        "route.complex_above_tokens",
        "QUARTERDECK_COMPLEX_ABOVE_TOKENS",
        count(0, 10_000_000, "tokens"),
        Some("8000"),
        "A question of more input tokens is complex; one step easier when its answer has a given form.",
    ),
    setting(
        "route.concurrent",
        "QUARTERDECK_MODEL_CONCURRENT",
        count(1, 10_000, "calls"),
        None,
        "Calls to one model at the same time, in one process. Default: no limit.",
    ),
    setting(
        "route.requests_per_minute",
        "QUARTERDECK_MODEL_RPM",
        count(1, 1_000_000, "requests"),
        None,
        "Requests to one model in any minute, in one process; what is above waits. Default: no limit.",
    ),
    setting(
        "route.tokens_per_minute",
        "QUARTERDECK_MODEL_TPM",
        count(1, 1_000_000_000, "tokens"),
        None,
        "Tokens of one model in any minute, question and answer together, in one process; what is above waits. Default: no limit.",
    ),
    setting(
        "route.model_limits",
        "QUARTERDECK_MODEL_LIMITS",
        Kind::Limits,
        Some(""),
        "Limits of single models in place of those above, such as `openai/gpt-5-mini rpm=500 tpm=200000 concurrent=8`.",
    ),
    setting(
        "route.queue_seconds",
        "QUARTERDECK_QUEUE_SECONDS",
        count(1, 86_400, "seconds"),
        Some("120"),
        "How long a question waits for its turn with a model, before the next one of the chain is asked.",
    ),
    setting(
        "route.cooldown_after",
        "QUARTERDECK_COOLDOWN_AFTER",
        count(1, 1_000, "failures"),
        Some("3"),
        "After so many failures in a row a model is left alone for a while, when there is another one in the chain.",
    ),
    setting(
        "route.cooldown_seconds",
        "QUARTERDECK_COOLDOWN_SECONDS",
        count(1, 86_400, "seconds"),
        Some("30"),
        "For how long. A service that says how long to wait is left alone for as long as it says.",
    ),
    setting(
        "route.cache",
        "QUARTERDECK_CACHE",
        Kind::Choice(&["on", "off"]),
        Some("on"),
        "Whether answers are kept and given again to the same question: those at temperature 0, which would come again word for word.",
    ),
    setting(
        "route.cache_modules",
        "QUARTERDECK_CACHE_MODULES",
        Kind::Words(&["consistency", "proposals", "relationships"]),
        Some(""),
        "Parts of the program whose answers are kept although they are asked at a higher temperature: the same draft then gets the same judgement.",
    ),
    setting(
        "route.cache_draft_seconds",
        "QUARTERDECK_CACHE_DRAFT_SECONDS",
        count(0, 2_592_000, "seconds"),
        Some("300"),
        "How long a text that somebody might publish is kept; 0 is not at all.",
    ),
    setting(
        "route.cache_judgement_seconds",
        "QUARTERDECK_CACHE_JUDGEMENT_SECONDS",
        count(0, 2_592_000, "seconds"),
        Some("3600"),
        "How long a judgement of a text is kept; 0 is not at all.",
    ),
    setting(
        "route.cache_suggestion_seconds",
        "QUARTERDECK_CACHE_SUGGESTION_SECONDS",
        count(0, 2_592_000, "seconds"),
        Some("604800"),
        "How long suggestions about beliefs are kept; 0 is not at all.",
    ),
    setting(
        "route.cache_other_seconds",
        "QUARTERDECK_CACHE_OTHER_SECONDS",
        count(0, 2_592_000, "seconds"),
        Some("300"),
        "How long every other answer is kept; 0 is not at all.",
    ),
    setting(
        "budget.notify",
        "QUARTERDECK_BUDGET_NOTIFY",
        Kind::Text,
        Some(""),
        "The command, with its arguments separated by blanks, that is run when a threshold of a budget is reached that notifies. What happened is JSON on its input.",
    ),
    setting(
        "moderation.undo_seconds_reply",
        "QUARTERDECK_UNDO_SECONDS_REPLY",
        count(0, 86_400, "seconds"),
        Some("30"),
        "How long an approved reply or comment waits before it is sent, so that the approval can be taken back.",
    ),
    setting(
        "moderation.undo_seconds_post",
        "QUARTERDECK_UNDO_SECONDS_POST",
        count(0, 86_400, "seconds"),
        Some("300"),
        "The same for a new post.",
    ),
    setting(
        "moderation.second_approver",
        "QUARTERDECK_SECOND_APPROVER",
        Kind::Choice(&["never", "risky", "flagged", "always"]),
        Some("never"),
        "Which items need two people: `risky` are posts of our own and answers to texts that try to instruct their reader; `flagged` adds what screening did not find clean.",
    ),
    setting(
        "moderation.lease_seconds",
        "QUARTERDECK_LEASE_SECONDS",
        count(1, 86_400, "seconds"),
        Some("300"),
        "How long an item stays with the reviewer who claimed it. While an editor is open on it, the claim is renewed.",
    ),
    setting(
        "moderation.expiry_hours",
        "QUARTERDECK_EXPIRY_HOURS",
        count(1, 8_760, "hours"),
        Some("24"),
        "After how long a draft that nobody decided expires. It is never sent after that.",
    ),
    setting(
        "moderation.max_return_rounds",
        "QUARTERDECK_MAX_RETURN_ROUNDS",
        count(0, 20, "rounds"),
        Some("3"),
        "How often one item may go back to the agent with a note.",
    ),
    setting(
        "moderation.judges",
        "QUARTERDECK_JUDGES",
        Kind::Words(&["openai_moderation", "llama_guard"]),
        Some(""),
        "Online judges of drafts, asked besides the offline rules: the text of each draft goes to their service. An answer that cannot be used sends the draft to a person.",
    ),
    setting(
        "moderation.openai_moderation_model",
        "QUARTERDECK_OPENAI_MODERATION_MODEL",
        Kind::Model,
        Some("omni-moderation-2024-09-26"),
        "Model of the judge `openai_moderation`. Give a dated name: an answer by another name counts as unknown.",
    ),
    setting(
        "moderation.openai_base_url",
        "OPENAI_BASE_URL",
        Kind::Address,
        Some("https://api.openai.com"),
        "Address of that service, up to and without `/moderations`, with or without `/v1`. The key goes there.",
    ),
    setting("moderation.openai_api_key", "OPENAI_API_KEY", Kind::Secret, None, "Key of that service. Moderation is free of charge."),
    setting(
        "moderation.llama_guard_model",
        "QUARTERDECK_LLAMA_GUARD_MODEL",
        Kind::Model,
        Some("meta-llama/llama-guard-4-12b"),
        "Model of the judge `llama_guard`, asked through the service at `llm.base_url`.",
    ),
    setting(
        "moderation.sample_percent",
        "QUARTERDECK_SAMPLE_PERCENT",
        count(0, 100, "percent"),
        Some("10"),
        "How many of a hundred automatic approvals a person looks at afterwards: `queue sample` lists them.",
    ),
    setting(
        "moderation.golden_per_hundred",
        "QUARTERDECK_GOLDEN_PER_HUNDRED",
        count(0, 50, "items"),
        Some("0"),
        "How many golden items are put beside a hundred ordinary ones, on average. They have a known right decision, are never sent, and tell each reviewer alone how often the decision was right.",
    ),
    setting(
        "moderation.overturn_limit_percent",
        "QUARTERDECK_OVERTURN_LIMIT_PERCENT",
        count(0, 100, "percent"),
        Some("15"),
        "A persona's automatic posting ends when more than this share of at least ten automatic approvals is overturned.",
    ),
    setting(
        "moderation.sla_minutes",
        "QUARTERDECK_SLA_MINUTES",
        count(1, 10_080, "minutes"),
        Some("60"),
        "Within which time an item should be claimed or decided. Nothing happens when it is not: `queue stats` tells the share.",
    ),
    setting(
        "agent.interval_seconds",
        "QUARTERDECK_AGENT_INTERVAL_SECONDS",
        count(10, 86_400, "seconds"),
        Some("14400"),
        "Time between two cycles of an agent.",
    ),
    setting(
        "agent.max_posts_per_cycle",
        "QUARTERDECK_AGENT_MAX_POSTS_PER_CYCLE",
        count(1, 20, "posts"),
        Some("10"),
        "How many new posts an agent answers in one cycle at most.",
    ),
    setting(
        "agent.max_post_age_hours",
        "QUARTERDECK_AGENT_MAX_POST_AGE_HOURS",
        count(1, 168, "hours"),
        Some("24"),
        "Older posts are left alone.",
    ),
    setting(
        "agent.max_conversation_depth",
        "QUARTERDECK_AGENT_MAX_CONVERSATION_DEPTH",
        count(1, 20, "replies"),
        Some("5"),
        "How deep in one conversation an agent still answers.",
    ),
    setting(
        "agent.score_weight",
        "QUARTERDECK_AGENT_SCORE_WEIGHT",
        Kind::Number { least: 0.0, most: 10.0 },
        Some("1.0"),
        "Weight of a post's score in its engagement.",
    ),
    setting(
        "agent.comment_weight",
        "QUARTERDECK_AGENT_COMMENT_WEIGHT",
        Kind::Number { least: 0.0, most: 10.0 },
        Some("2.0"),
        "Weight of a post's number of comments in its engagement.",
    ),
    setting(
        "agent.min_probability",
        "QUARTERDECK_AGENT_MIN_PROBABILITY",
        Kind::Number { least: 0.0, most: 1.0 },
        Some("0.1"),
        "Probability of answering a post with no engagement.",
    ),
    setting(
        "agent.max_probability",
        "QUARTERDECK_AGENT_MAX_PROBABILITY",
        Kind::Number { least: 0.0, most: 1.0 },
        Some("0.8"),
        "Probability of answering a post with very much engagement. Not below the smallest one.",
    ),
    setting(
        "agent.probability_midpoint",
        "QUARTERDECK_AGENT_PROBABILITY_MIDPOINT",
        Kind::Number { least: 1.0, most: 1_000.0 },
        Some("20"),
        "Engagement at which the probability is half-way between the two.",
    ),
    setting(
        "agent.auto_link_beliefs",
        "AUTO_LINK_BELIEFS",
        Kind::Choice(&["true", "false"]),
        Some("true"),
        "Whether a belief that came with an approved draft is linked to others without asking.",
    ),
    setting(
        "agent.auto_link_min_weight",
        "AUTO_LINK_MIN_WEIGHT",
        Kind::Number { least: 0.0, most: 1.0 },
        Some("0.5"),
        "The least weight of an edge that is made without asking. Lighter ones wait for a person.",
    ),
    setting(
        "search.graph_from",
        "QUARTERDECK_SEARCH_GRAPH_FROM",
        count(1_000, 100_000_000, "vectors"),
        None,
        "Vectors of one persona from which on search by meaning uses a graph in place of the exact scan. Default: measured on this machine.",
    ),
    setting(
        "search.runbooks",
        "QUARTERDECK_RUNBOOKS",
        Kind::Directory,
        None,
        "Folder of runbooks that search reads (`.md`, `.txt`, `.rst`, `.adoc`). Default: `runbooks` in the data directory.",
    ),
    setting(
        "search.notes",
        "QUARTERDECK_NOTES",
        Kind::Directory,
        None,
        "Folder of notes that search reads. Default: `notes` in the data directory.",
    ),
    setting(
        "backup.dir",
        "QUARTERDECK_BACKUP_DIR",
        Kind::Directory,
        None,
        "Directory of backups, for their owner only. Another disk is better. Default: `backups` in the data directory.",
    ),
    setting(
        "backup.keep_daily",
        "QUARTERDECK_BACKUP_KEEP_DAILY",
        count(1, 3_650, "days"),
        Some("7"),
        "Days whose newest backup `backup prune` keeps.",
    ),
    setting(
        "backup.keep_weekly",
        "QUARTERDECK_BACKUP_KEEP_WEEKLY",
        count(0, 520, "weeks"),
        Some("4"),
        "Weeks whose newest backup `backup prune` keeps.",
    ),
    setting(
        "backup.keep_monthly",
        "QUARTERDECK_BACKUP_KEEP_MONTHLY",
        count(0, 120, "months"),
        Some("12"),
        "Months whose newest backup `backup prune` keeps.",
    ),
    setting(
        "backup.max_age_hours",
        "QUARTERDECK_BACKUP_MAX_AGE_HOURS",
        count(1, 8_760, "hours"),
        Some("26"),
        "Hours after which the newest backup is stale: a drill and the health board say so.",
    ),
    setting(
        "backup.drill_days",
        "QUARTERDECK_BACKUP_DRILL_DAYS",
        count(1, 365, "days"),
        Some("31"),
        "Days after which a drill is overdue: the health board says so.",
    ),
    setting(
        "report.zone",
        "QUARTERDECK_ZONE",
        Kind::Zone,
        Some("UTC"),
        "Zone in which reports count days, weeks and months, such as Europe/Berlin.",
    ),
    setting(
        "report.slo",
        "QUARTERDECK_SLO",
        Kind::Choice(&["advisor", "assistant", "modules", "reddit", "textbook-answer", "textbook-query"]),
        Some("assistant"),
        "Which runbook says what is fast enough and cheap enough: `quarterdeck report latency` shows its levels.",
    ),
    setting(
        "audit.key",
        "QUARTERDECK_AUDIT_KEY",
        Kind::Secret,
        None,
        "Key that checkpoints of the audit log are signed with. Default: `audit.key` in the configuration directory, made on first use. All who share a database need the same.",
    ),
    setting(
        "audit.checkpoint_rows",
        "QUARTERDECK_AUDIT_CHECKPOINT_ROWS",
        count(1, 1_000_000, "rows"),
        Some("1000"),
        "After how many new rows of the audit log a checkpoint is made.",
    ),
    setting(
        "audit.checkpoint_minutes",
        "QUARTERDECK_AUDIT_CHECKPOINT_MINUTES",
        count(1, 10_080, "minutes"),
        Some("60"),
        "After how long a checkpoint is made when there are fewer new rows than that.",
    ),
    setting(
        "audit.anchor_file",
        "QUARTERDECK_AUDIT_ANCHOR_FILE",
        Kind::File,
        None,
        "A file outside the data directory to which each checkpoint is added as well, best on another disk or machine: it shows a log that was cut off or written anew.",
    ),
    setting(
        "audit.anchor_command",
        "QUARTERDECK_AUDIT_ANCHOR_COMMAND",
        Kind::Text,
        Some(""),
        "A command, with its arguments separated by blanks, that gets each checkpoint as a line on its input, as `logger -t quarterdeck`.",
    ),
    setting(
        "secrets.max_age_days",
        "QUARTERDECK_SECRETS_MAX_AGE_DAYS",
        count(1, 3_650, "days"),
        Some("90"),
        "After how many days a secret is called old and should be replaced.",
    ),
    setting(
        "console.theme",
        "QUARTERDECK_THEME",
        Kind::Text,
        Some("dark"),
        "Theme of the console: one that ships, or the name of a file in `themes` of the configuration directory. `quarterdeck themes` lists them.",
    ),
    setting(
        "console.colors",
        "QUARTERDECK_COLORS",
        Kind::Choice(&["auto", "never", "16", "256", "true"]),
        Some("auto"),
        "How many colours the console uses; `auto` goes by `NO_COLOR`, `TERM` and `COLORTERM`, `true` is every colour.",
    ),
    setting(
        "console.mask_incoming",
        "QUARTERDECK_MASK_INCOMING",
        Kind::Choice(&["yes", "no"]),
        Some("no"),
        "Whether the console masks what other people wrote until a key shows it. What a person chose with the key is remembered and goes before this.",
    ),
    setting(
        "search.embedder.folder",
        "QUARTERDECK_EMBEDDER_FOLDER",
        Kind::Directory,
        None,
        "Folder of another embedding model: a static one in the layout of model2vec or, in a program built with the feature `candle`, a sentence-transformer of the BERT family. Default: the model that ships.",
    ),
    setting(
        "search.embedder.url",
        "QUARTERDECK_EMBEDDER_URL",
        Kind::Address,
        None,
        "Address of an OpenAI-compatible API for embeddings, up to and without `/embeddings`; it goes before the folder. The text of all that is searchable goes there, and each query.",
    ),
    setting("search.embedder.model", "QUARTERDECK_EMBEDDER_MODEL", Kind::Model, None, "The model asked for at that address."),
    setting(
        "search.embedder.dimensions",
        "QUARTERDECK_EMBEDDER_DIMENSIONS",
        count(1, 8192, "numbers"),
        None,
        "How many numbers a vector of that model has, such as 1536.",
    ),
    setting(
        "search.embedder.api_key",
        "QUARTERDECK_EMBEDDER_API_KEY",
        Kind::Secret,
        None,
        "Key of that service; a local one may do without.",
    ),
    setting(
        "search.embedder.batch",
        "QUARTERDECK_EMBEDDER_BATCH",
        count(1, 2048, "texts"),
        Some("64"),
        "Texts in one request to that address.",
    ),
    setting(
        "search.embedder.longest",
        "QUARTERDECK_EMBEDDER_LONGEST",
        count(100, 100_000, "characters"),
        Some("8000"),
        "How much of a text is sent to that address; what follows is cut off.",
    ),
    setting(
        "search.embedder.timeout_seconds",
        "QUARTERDECK_EMBEDDER_TIMEOUT_SECONDS",
        count(1, 600, "seconds"),
        Some("30"),
        "How long one request to that address may take.",
    ),
];

/// A name that is read from the environment and is no setting of the file, with what it does.
pub(super) struct OtherName {
    pub name: &'static str,
    pub doc: &'static str,
}

/// Names of the environment that steer the program itself.
pub(super) const OTHER_NAMES: &[OtherName] = &[
    OtherName { name: "QUARTERDECK_CONFIG", doc: "Path of the configuration file, as `--config`." },
    OtherName {
        name: "QUARTERDECK_LOG",
        doc: "Writes a log file of JSON lines, at this level: `info`, `debug`, or `quarterdeck::reddit=trace`.",
    },
    OtherName { name: "NO_COLOR", doc: "When set to anything, no colours." },
    OtherName { name: "QUARTERDECK_TEST_POSTGRES", doc: "For the project's own tests: a PostgreSQL server that they may fill and empty." },
    OtherName {
        name: "QUARTERDECK_TEST_ENGINE",
        doc: "For the project's own tests: `postgres` runs the services' tests on that server, otherwise they use SQLite.",
    },
    OtherName { name: "QUARTERDECK_PYTHON", doc: "For the project's own tests: a Python with `praw` and `asyncpraw`." },
];

/// Names of earlier installations that are understood and not obeyed, with the reason.
pub(super) const IGNORED_NAMES: &[OtherName] = &[OtherName {
    name: "AUTO_POSTING_ENABLED",
    doc: "Whether drafts that screening allows are sent without review is set for each persona.",
}];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_setting_has_its_own_names_and_a_sentence() {
        let keys: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.key).collect();
        let names: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.env).collect();
        assert_eq!((keys.len(), names.len()), (SETTINGS.len(), SETTINGS.len()));
        for setting in SETTINGS {
            assert!(setting.doc.ends_with('.'), "{} has no sentence", setting.key);
        }
    }

    #[test]
    fn every_default_passes_its_own_check() {
        for setting in SETTINGS {
            if let Some(default) = setting.default.filter(|default| !default.is_empty()) {
                assert_eq!(super::super::value::check(setting.kind, default), Ok(()), "{}", setting.key);
            }
        }
    }
}
