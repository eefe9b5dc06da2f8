//! What to try first, by the cause of a failure: where a probe says nothing of its own.

use super::check::Cause;
use super::model::{Probe, Target};
use crate::watch::board::{Maintenance, Remedy};

/// The word of a cause in the database; a number behind a colon where it has one.
#[must_use]
pub fn word(cause: Cause) -> String {
    match cause {
        Cause::Refused => "refused".into(),
        Cause::Timeout => "timeout".into(),
        Cause::Dns => "dns".into(),
        Cause::Tls => "tls".into(),
        Cause::Certificate => "certificate".into(),
        Cause::Status(status) => format!("status:{status}"),
        Cause::Condition => "condition".into(),
        Cause::Auth => "auth".into(),
        Cause::TooLarge => "too_large".into(),
        Cause::Redirect => "redirect".into(),
        Cause::Broken => "broken".into(),
        Cause::Limit => "limit".into(),
        Cause::Exit(code) => format!("exit:{code}"),
        Cause::Missing => "missing".into(),
        Cause::Network => "network".into(),
        Cause::Other => "other".into(),
    }
}

/// The one thing to try first.
#[must_use]
pub fn first(probe: &Probe, cause: Option<&str>) -> Remedy {
    let text = probe.remedy.clone().unwrap_or_else(|| usual(probe, cause.unwrap_or_default()).to_owned());
    Remedy { text, command: probe.command.clone().or_else(|| command(probe)), maintenance: Some(Maintenance::Check) }
}

fn usual(probe: &Probe, cause: &str) -> &'static str {
    let (cause, number) = cause.split_once(':').map_or((cause, None), |(cause, number)| (cause, number.parse::<i64>().ok()));
    match cause {
        "refused" => "Nobody listens there: see whether the service runs, and start it.",
        "timeout" => {
            "It takes connections and does not answer in time, or a firewall swallows them: look at its load and its own stores first."
        }
        "dns" => "Its name has no address: see whether the name is right, and whether names are resolved on this machine at all.",
        "tls" => "No secure connection comes about: see whether the port speaks TLS, and whether its certificate is for this name.",
        "certificate" => "Renew its certificate, and load it in the service.",
        "status" => match number {
            Some(401 | 403) => "It does not let us in: see whether the key in `probes.toml` still holds.",
            Some(404) => "The path is not there: see whether the address in `probes.toml` is right after the last deployment.",
            Some(429) => "It limits our rate: make the interval longer, or see who else asks.",
            Some(500..) => "It fails inside: read its log of this minute, then what was deployed last.",
            _ => "It answers, and not with what is expected: open the address by hand.",
        },
        "condition" => "It answers, and not with what `probes.toml` asks for: open it by hand, and read the condition that does not hold.",
        "auth" => "It does not let us in: see whether the password or key in the environment file still holds.",
        "too_large" => "It answers with more than is read: probe a smaller page.",
        "redirect" => "It sends us elsewhere: give the new address in `probes.toml`, if it is meant.",
        "broken" => "Its answer is not understood: see whether another service took the port.",
        "limit" => "It is near its limit of connections: look for those that idle in a transaction, then raise the limit or use a pool.",
        "exit" => "The command failed: run it by hand and read what it says.",
        "missing" => "What is asked for is not there: see whether the name in `probes.toml` is right, and whether it was dropped.",
        "network" => "Nothing is carried: see whether this machine reaches anything.",
        _ => match probe.target {
            Target::LogFile { .. } => "Read the last errors in the log.",
            _ => "Look at it by hand.",
        },
    }
}

/// A command that looks at the target as the probe does.
fn command(probe: &Probe) -> Option<String> {
    Some(format!("quarterdeck probe check {}", probe.name))
}
