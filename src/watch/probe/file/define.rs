//! Tables of `probes.toml` made into definitions.

use super::address;
use super::page::{Entry, Page};
use crate::base::SafeText;
use crate::watch::probe::check::conditions::Condition;
use crate::watch::probe::cron;
use crate::watch::probe::model::{FAILURES, Heartbeat, INTERVAL, Probe, SUCCESSES, Schedule, Scope, TIMEOUT, Target, When, Window};
use secrecy::ExposeSecret as _;
use std::path::PathBuf;
use std::time::Duration;
use toml::de::DeTable;
use url::Url;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(366 * 86_400);

/// What holds where a table says nothing.
#[derive(Debug, Clone, Copy)]
pub struct Defaults {
    pub interval: Duration,
    pub timeout: Duration,
    pub failures: u32,
    pub successes: u32,
    pub degraded_over: Option<Duration>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { interval: INTERVAL, timeout: TIMEOUT, failures: FAILURES, successes: SUCCESSES, degraded_over: None }
    }
}

/// `[defaults]`, and what each table may say anew.
pub fn defaults(entry: &Entry<'_, '_, '_>, from: Defaults) -> Defaults {
    Defaults {
        interval: entry.length("interval", SECOND, DAY).unwrap_or(from.interval),
        timeout: entry.length("timeout", SECOND, Duration::from_secs(600)).unwrap_or(from.timeout),
        failures: entry.count("failures", 1, 1_000).unwrap_or(from.failures),
        successes: entry.count("successes", 1, 1_000).unwrap_or(from.successes),
        degraded_over: entry.short_length("degraded_over").or(from.degraded_over),
    }
}

/// A name as it may stand in ids and commands.
pub fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

fn name(entry: &Entry<'_, '_, '_>) -> Option<String> {
    if !entry.has("name") {
        entry.missing("name", "each has a name of its own");
    }
    entry.read_visible("name", |name| {
        if is_name(name) { Ok(name.to_owned()) } else { Err("a name has 1 to 64 letters, digits, `.`, `_` or `-`".to_owned()) }
    })
}

/// `[[probe]]`. `None` when something is wrong in it, which stands on the page, or it lacks a variable.
pub fn probe(page: &Page<'_>, table: &DeTable<'_>, at: usize, from: Defaults, system: Option<&str>) -> Option<Probe> {
    let before = page.faults.borrow().len();
    page.lacks.set(false);
    let entry = Entry::new(page, table, at, "[[probe]]");
    let name = name(&entry);
    let said = defaults(&entry, from);
    // A default that does not fit an interval of a probe's own gives way; one that stands in the same table does not.
    let timeout = if entry.has("timeout") { said.timeout } else { said.timeout.min(said.interval) };
    if timeout > said.interval {
        page.fault(at, "`timeout` is longer than `interval`: a run would not have ended when the next one begins");
    }
    // What stands for a name in a length of time is no secret.
    let laid = page.laid.borrow().len();
    let target = target(&entry, said.interval);
    let conditions = entry.texts("conditions").unwrap_or_default();
    for condition in &conditions {
        let fitting =
            Condition::parse(condition).and_then(|condition| target.as_ref().map_or(Ok(()), |target| condition.fits(target.kind())));
        if let Err(wrong) = fitting {
            let at = entry.get("conditions").map_or(at, |(_, at)| at);
            page.fault(at, format!("`conditions`: {}", SafeText::clipped(&wrong.to_string(), 200)));
        }
    }
    let own_system = entry.read_visible("system", |text| short(text, 64));
    let remedy = entry.read_visible("remedy", |text| short(text, 300));
    let command = entry.read_visible("remedy_command", |text| short(text, 300));
    // Where a target could not be read, the keys behind what was wrong were not asked for.
    entry.done(if target.is_none() { &OF_TARGETS } else { &[] });
    let system = own_system.or_else(|| system.map(str::to_owned));
    if page.faults.borrow().len() > before {
        page.refuse(name, system);
        return None;
    }
    if page.lacks.get() {
        return None;
    }
    let name = name?;
    let probe = Probe {
        system: system.unwrap_or_else(|| name.clone()),
        name,
        target: target?,
        interval: said.interval,
        timeout,
        failures: said.failures,
        successes: said.successes,
        conditions,
        degraded_over: said.degraded_over,
        remedy,
        command,
        secrets: page.laid.borrow().get(laid..).unwrap_or_default().to_vec(),
    };
    Some(probe)
}

fn short(text: &str, most: usize) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(format!("a text of 1 to {most} characters on one line is expected"));
    }
    Ok(text.to_owned())
}

/// The keys of which a probe has exactly one.
const KINDS: [&str; 8] = ["http", "tcp", "redis", "postgres", "qdrant", "prometheus", "command", "log_file"];

/// The headers that are no secrets, whatever they say. Of any other nobody knows.
const HARMLESS: [&str; 8] =
    ["accept", "accept-encoding", "accept-language", "cache-control", "content-type", "host", "origin", "user-agent"];

/// The keys of all kinds of targets.
const OF_TARGETS: [&str; 25] = [
    "http",
    "tcp",
    "redis",
    "postgres",
    "qdrant",
    "prometheus",
    "command",
    "log_file",
    "env",
    "method",
    "headers",
    "body",
    "follow",
    "password",
    "connections_degraded",
    "connections_unhealthy",
    "collection",
    "api_key",
    "query",
    "error",
    "window",
    "max_rate",
    "min_lines",
    "conditions",
    "degraded_over",
];

fn target(entry: &Entry<'_, '_, '_>, interval: Duration) -> Option<Target> {
    let there: Vec<&str> = KINDS.into_iter().filter(|kind| entry.has(kind)).collect();
    let kind = match there.as_slice() {
        [kind] => *kind,
        [] => {
            entry.missing("http", "it needs one target: http, tcp, redis, postgres, qdrant, prometheus, command or log_file");
            return None;
        }
        [first, second, ..] => {
            entry.page.fault(entry.at, format!("a probe has one target: `{first}` or `{second}`, not both"));
            return None;
        }
    };
    Some(match kind {
        "http" => Target::Http {
            url: entry.address("http", web)?,
            method: entry.read("method", method).unwrap_or_else(|| "GET".to_owned()),
            headers: entry.pairs("headers", |name, _| !HARMLESS.iter().any(|known| known.eq_ignore_ascii_case(name))).unwrap_or_default(),
            body: entry.text("body"),
            follow: entry.flag("follow").unwrap_or(false),
        },
        "tcp" => {
            let (host, port) = entry.read("tcp", |text| address(text, None))?;
            Target::Tcp { host, port }
        }
        "redis" => {
            let (host, port) = entry.read("redis", |text| address(text, Some(6_379)))?;
            Target::Redis { host, port, password: entry.secret("password") }
        }
        "postgres" => {
            let connections_degraded = entry.share("connections_degraded").unwrap_or(0.8);
            let connections_unhealthy = entry.share("connections_unhealthy").unwrap_or(0.95);
            if connections_degraded > connections_unhealthy {
                entry.page.fault(entry.at, "`connections_degraded` is more than `connections_unhealthy`");
            }
            let is_address = |text: &str| {
                let known = text.starts_with("postgres://") || text.starts_with("postgresql://");
                known.then(|| text.to_owned()).ok_or_else(|| "an address as postgres://USER@HOST/NAME is expected".to_owned())
            };
            Target::Postgres { url: entry.address("postgres", is_address)?.into(), connections_degraded, connections_unhealthy }
        }
        "qdrant" => {
            Target::Qdrant { url: entry.address("qdrant", web)?, collection: entry.text("collection"), api_key: entry.secret("api_key") }
        }
        "prometheus" => {
            if !entry.has("query") {
                entry.missing("query", "a question in PromQL");
            }
            Target::Prometheus { url: entry.address("prometheus", web)?, query: entry.text("query")? }
        }
        "command" => {
            let argv = entry.visible_texts("command", |name| {
                format!("everybody on this machine sees the arguments of a program: give it `env = {{ {name} = \"${{{name}}}\" }}`, and let it read {name} itself")
            })?;
            if argv.first().is_none_or(String::is_empty) {
                entry.page.fault(entry.at, "`command` is empty: write the program and its arguments, as [\"pg_isready\", \"-q\"]");
                return None;
            }
            let env =
                entry.pairs("env", |name, text| address::is_secret_name(name) || !address::secrets(text).is_empty()).unwrap_or_default();
            if let Some((name, _)) = env.iter().find(|(name, value)| !is_variable(name) || value.expose_secret().contains('\0')) {
                let shown = SafeText::clipped(name, 60);
                entry.page.fault(entry.at, format!("`env`: {shown} is not a variable: letters, digits and `_`, and no digit first"));
            }
            Target::Command { argv, env }
        }
        _ => {
            if !entry.has("error") {
                entry.missing("error", "a regular expression that lines of errors match");
            }
            let error = entry.read("error", |text| match regex::Regex::new(text) {
                Ok(_) => Ok(text.to_owned()),
                Err(error) => Err(format!("not a regular expression: {}", error.to_string().replace('\n', " "))),
            });
            Target::LogFile {
                path: entry.read("log_file", |text| {
                    let path = PathBuf::from(text);
                    if path.is_absolute() { Ok(path) } else { Err("the path of a file, from `/` on, is expected".to_owned()) }
                })?,
                error: error?,
                window: entry.length("window", SECOND, DAY).unwrap_or(interval.max(Duration::from_secs(300))),
                max_rate: entry.share("max_rate").unwrap_or(0.05),
                min_lines: entry.count("min_lines", 1, 1_000_000).unwrap_or(20),
            }
        }
    })
}

/// Whether a variable of an environment may be called so.
fn is_variable(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(fits) && !name.starts_with(|letter: char| letter.is_ascii_digit())
}

fn web(text: &str) -> Result<String, String> {
    let wrong = || "an address as https://host/path is expected".to_owned();
    let url = Url::parse(text).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong());
    }
    Ok(text.to_owned())
}

fn method(text: &str) -> Result<String, String> {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let upper = text.to_ascii_uppercase();
    if known.contains(&upper.as_str()) { Ok(upper) } else { Err(format!("one of {} is expected", known.join(", "))) }
}

/// `host:port`, `[::1]:port`, or a host alone where there is a usual port.
fn address(text: &str, usual: Option<u16>) -> Result<(String, u16), String> {
    let wrong = || "host:port is expected, as db.example.com:5432 or [::1]:5432".to_owned();
    let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match bare {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?,
        None => usual.ok_or_else(wrong)?,
    };
    let fits = !host.is_empty() && !host.contains(|letter: char| letter.is_whitespace() || letter == '/');
    if fits && (bare.is_some() || !host.contains(':')) { Ok((host.to_owned(), port)) } else { Err(wrong()) }
}

fn schedule(entry: &Entry<'_, '_, '_>) -> Option<(String, chrono_tz::Tz)> {
    let expression = entry.read("cron", |text| cron::parse_coming(text).map(|_| text.to_owned()));
    let zone = if entry.has("zone") { entry.read("zone", cron::zone) } else { Some(chrono_tz::UTC) };
    expression.zip(zone)
}

/// `[[heartbeat]]`.
pub fn heartbeat(page: &Page<'_>, table: &DeTable<'_>, at: usize) -> Option<Heartbeat> {
    let before = page.faults.borrow().len();
    let entry = Entry::new(page, table, at, "[[heartbeat]]");
    let name = name(&entry);
    let schedule = match (entry.has("every"), entry.has("cron")) {
        (true, false) => entry.length("every", SECOND, YEAR).map(Schedule::Every),
        (false, true) => schedule(&entry).map(|(expression, zone)| Schedule::Cron { expression, zone }),
        (false, false) => Some(Schedule::Every(DAY)),
        (true, true) => {
            page.fault(at, "a heartbeat is expected `every` so often or by `cron`, not both");
            None
        }
    };
    let grace = entry.length("grace", SECOND, YEAR).unwrap_or(Duration::from_secs(3_600));
    let max_duration = entry.length("max_duration", SECOND, YEAR);
    let system = entry.read_visible("system", |text| short(text, 64));
    let remedy = entry.read_visible("remedy", |text| short(text, 300));
    let command = entry.read_visible("remedy_command", |text| short(text, 300));
    entry.done(&["zone"]);
    if page.faults.borrow().len() > before {
        page.refuse(name, system);
        return None;
    }
    let name = name?;
    Some(Heartbeat { system: system.unwrap_or_else(|| name.clone()), name, schedule: schedule?, grace, max_duration, remedy, command })
}

/// `[[maintenance]]`.
pub fn window(page: &Page<'_>, table: &DeTable<'_>, at: usize) -> Option<Window> {
    let before = page.faults.borrow().len();
    let entry = Entry::new(page, table, at, "[[maintenance]]");
    let all = entry.flag("all").unwrap_or(false);
    let (system, probe) = (entry.visible("system"), entry.visible("probe"));
    let scope = match (all, system, probe) {
        (true, None, None) => Some(Scope::All),
        (false, Some(system), None) => Some(Scope::System(system)),
        (false, None, Some(probe)) => Some(Scope::Probe(probe)),
        _ => {
            page.fault(at, "a window holds one of: `system = \"…\"`, `probe = \"…\"` (a heartbeat too) or `all = true`");
            None
        }
    };
    let when = if entry.has("cron") {
        if !entry.has("duration") {
            entry.missing("duration", "how long it is open");
        }
        let duration = entry.length("duration", SECOND, Duration::from_secs(31 * 86_400));
        schedule(&entry).zip(duration).map(|((expression, zone), duration)| When::Cron { expression, zone, duration })
    } else {
        if !entry.has("from") || !entry.has("until") {
            entry.missing("from", "a window has `from` and `until`, or `cron` and `duration`");
        }
        entry.time("from").zip(entry.time("until")).map(|(from, until)| When::Once { from, until })
    };
    if matches!(when, Some(When::Once { from, until }) if from >= until) {
        page.fault(at, "the window ends before it begins");
    }
    let reason = entry.read_visible("reason", |text| short(text, 300)).unwrap_or_else(|| "maintenance".to_owned());
    entry.done(&["cron", "zone", "duration", "from", "until"]);
    if page.faults.borrow().len() > before {
        return None;
    }
    Some(Window { scope: scope?, when: when?, reason })
}
