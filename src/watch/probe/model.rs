//! What is probed: targets, thresholds, heartbeats and maintenance windows, as `probes.toml` names them. Values only.

use crate::base::Millis;
use secrecy::SecretString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// How often a probe is run when nothing else is said.
pub const INTERVAL: Duration = Duration::from_secs(30);
/// How long a target may take when nothing else is said.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Failures in a row until a target is unhealthy when nothing else is said.
pub const FAILURES: u32 = 3;
/// Successes in a row until it is healthy again when nothing else is said.
pub const SUCCESSES: u32 = 2;

/// One target that is looked at from time to time.
#[derive(Clone)]
pub struct Probe {
    /// Its name, unique among probes: 1 to 64 of `a-z A-Z 0-9 . _ -`.
    pub name: String,
    /// The system that it belongs to on the board.
    pub system: String,
    /// What is asked.
    pub target: Target,
    /// Time between the starts of two runs, 1 s to 1 day.
    pub interval: Duration,
    /// How long one run may take, at most the interval.
    pub timeout: Duration,
    /// Failures in a row until it is unhealthy, from 1.
    pub failures: u32,
    /// Successes in a row until it is healthy again, from 1.
    pub successes: u32,
    /// What must hold: `[STATUS] == 200`, `[RESPONSE_TIME] < 500`, `[BODY].status == ok`, `[CERTIFICATE_EXPIRATION] > 48h`,
    /// `[CONNECTED] == true`, `[VALUE] < 0.9`. Their language is the checks' own.
    pub conditions: Vec<String>,
    /// An answer slower than this is degraded.
    pub degraded_over: Option<Duration>,
    /// What to try first, in place of what follows from the cause.
    pub remedy: Option<String>,
    /// The command to type.
    pub command: Option<String>,
    /// What stands in the target and the conditions for `${NAME}`: no error and no detail tells it.
    pub secrets: Vec<SecretString>,
}

impl fmt::Debug for Probe {
    /// Without what may hold a secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut probe = formatter.debug_struct("Probe");
        probe.field("name", &self.name).field("system", &self.system).field("target", &self.target).field("interval", &self.interval);
        probe.finish_non_exhaustive()
    }
}

/// What is asked of whom.
#[derive(Clone)]
pub enum Target {
    /// An HTTP request.
    Http {
        /// Where, `http://` or `https://`.
        url: String,
        /// `GET`, `HEAD`, `POST`, …
        method: String,
        /// Headers that are sent along; their values may be secrets.
        headers: Vec<(String, SecretString)>,
        /// Body that is sent along.
        body: Option<String>,
        /// Whether a redirect is followed, on the same host only. A redirect that is not followed is reported.
        follow: bool,
    },
    /// A TCP connection.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A Redis server: PING.
    Redis {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
        /// Password, where it asks for one.
        password: Option<SecretString>,
    },
    /// A PostgreSQL server: answers, and connections against its limit.
    Postgres {
        /// `postgres://…`, with its password.
        url: SecretString,
        /// Share of the connections from which it is degraded, 0 to 1.
        connections_degraded: f64,
        /// Share of the connections from which it is unhealthy, 0 to 1.
        connections_unhealthy: f64,
    },
    /// A Qdrant server, and a collection of it.
    Qdrant {
        /// Where.
        url: String,
        /// The collection that must be there.
        collection: Option<String>,
        /// Key of its API.
        api_key: Option<SecretString>,
    },
    /// A value asked of a Prometheus server.
    Prometheus {
        /// Where.
        url: String,
        /// The question, in PromQL.
        query: String,
    },
    /// A command, which is well when it exits with 0. No shell is between.
    Command {
        /// The program and its arguments, which everybody on this machine sees.
        argv: Vec<String>,
        /// Variables of its environment, beside the few that every command is given; their values may be secrets.
        env: Vec<(String, SecretString)>,
    },
    /// The share of lines of a log file that tell of errors.
    LogFile {
        /// The file.
        path: PathBuf,
        /// A regular expression: a line that it matches is an error.
        error: String,
        /// How far back lines count.
        window: Duration,
        /// Share from which it is unhealthy, 0 to 1.
        max_rate: f64,
        /// With fewer lines in the window nothing is said: unknown.
        min_lines: u32,
    },
}

impl fmt::Debug for Target {
    /// Its kind alone: addresses and bodies may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.kind())
    }
}

impl Target {
    /// The word of `probes.toml` that stands for its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::Tcp { .. } => "tcp",
            Self::Redis { .. } => "redis",
            Self::Postgres { .. } => "postgres",
            Self::Qdrant { .. } => "qdrant",
            Self::Prometheus { .. } => "prometheus",
            Self::Command { .. } => "command",
            Self::LogFile { .. } => "log_file",
        }
    }
}

/// A job that says when it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Its name, unique among heartbeats: as of a probe.
    pub name: String,
    /// The system that it belongs to on the board.
    pub system: String,
    /// When it is expected.
    pub schedule: Schedule,
    /// How long after its time it may come, and how long a run may take from its start beyond its longest duration.
    pub grace: Duration,
    /// How long a run usually takes at most; nothing when only the grace counts.
    pub max_duration: Option<Duration>,
    /// What to try first.
    pub remedy: Option<String>,
    /// The command to type.
    pub command: Option<String>,
}

/// When a heartbeat is expected, or a maintenance window begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// So long after the last one.
    Every(Duration),
    /// At the times of a cron expression of five fields in a zone. It was parsed once when the file was read.
    Cron {
        /// The expression.
        expression: String,
        /// The zone.
        zone: chrono_tz::Tz,
    },
}

/// A time in which a target may fail without anyone being called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// What it holds.
    pub scope: Scope,
    /// When.
    pub when: When,
    /// Why.
    pub reason: String,
}

/// What a maintenance window holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every probe and heartbeat.
    All,
    /// Those of one system.
    System(String),
    /// One, by its name.
    Probe(String),
}

/// When a maintenance window is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Once, from a time to another, without its end.
    Once {
        /// From.
        from: Millis,
        /// Until.
        until: Millis,
    },
    /// Again and again: from each time of a cron expression, for so long.
    Cron {
        /// The expression.
        expression: String,
        /// The zone.
        zone: chrono_tz::Tz,
        /// How long.
        duration: Duration,
    },
}

/// All that `probes.toml` says, with its presets laid out.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    /// What is probed, presets first.
    pub probes: Vec<Probe>,
    /// The jobs that say when they run.
    pub heartbeats: Vec<Heartbeat>,
    /// When which of them may fail.
    pub maintenance: Vec<Window>,
    /// Names of the presets that are switched on.
    pub presets: Vec<String>,
}

impl Definitions {
    /// A probe by its name.
    #[must_use]
    pub fn probe(&self, name: &str) -> Option<&Probe> {
        self.probes.iter().find(|probe| probe.name == name)
    }

    /// A heartbeat by its name.
    #[must_use]
    pub fn heartbeat(&self, name: &str) -> Option<&Heartbeat> {
        self.heartbeats.iter().find(|heartbeat| heartbeat.name == name)
    }
}
