//! Whether it is our own network: when most distinct hosts fail at once, that is one finding and not one for each of them. Pure.

use super::check::{Cause, Outcome};
use crate::base::Millis;
use crate::watch::health::Status;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// With fewer distinct hosts nothing is concluded.
pub const HOSTS: usize = 3;
/// Percent of the distinct hosts that fail at once.
pub const SHARE: usize = 80;

/// Whether a result tells that nothing came back from another machine. One that answers with a refusal of its own proves the network: a
/// closed port says so, and so does a handshake that fails. Between this machine and itself there is no network.
#[must_use]
pub fn is_silence(outcome: &Outcome) -> bool {
    let silent = matches!(outcome.cause, Some(Cause::Timeout | Cause::Dns | Cause::Network));
    silent && outcome.status == Status::Unhealthy && outcome.host.as_deref().is_some_and(|host| !is_local(host))
}

/// Whether a host is this machine, reached without a network.
fn is_local(host: &str) -> bool {
    let name = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    match name.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback() || address.is_unspecified(),
        Err(_) => name == "localhost" || name.ends_with(".localhost") || name == "localhost.localdomain",
    }
}

#[derive(Debug, Clone)]
struct Seen {
    host: String,
    at: Millis,
    lasts: Millis,
    /// Since when it is silent without a break; `None` when it answered.
    silent_since: Option<Millis>,
}

/// A host, as its probes saw it.
#[derive(Debug, Clone, Copy)]
struct Host {
    /// The newest result.
    at: Millis,
    /// Since when each of its probes is silent; `None` when one is not.
    silent_since: Option<Millis>,
}

/// The last result of each probe that names a host.
#[derive(Debug, Clone, Default)]
pub struct Network {
    seen: BTreeMap<String, Seen>,
}

/// What stands against our own network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Distinct hosts that are silent.
    pub silent: usize,
    /// Distinct hosts in all.
    pub hosts: usize,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{} of {} hosts do not answer at once: it is probably the network of this machine; probes of silent hosts keep the state they had",
            self.silent, self.hosts
        )
    }
}

impl Network {
    /// Take in a result. It counts for one interval and a half; one of this machine itself tells nothing of the network.
    pub fn take(&mut self, probe: &str, outcome: &Outcome, interval: Millis, at: Millis) {
        if let Some(host) = outcome.host.as_ref().filter(|host| !is_local(host)).map(|host| host.to_lowercase()) {
            let before = self.seen.get(probe).filter(|seen| seen.host == host).and_then(|seen| seen.silent_since);
            let silent_since = is_silence(outcome).then_some(before.unwrap_or(at));
            let seen = Seen { host, at, lasts: interval + interval / 2, silent_since };
            self.seen.insert(probe.to_owned(), seen);
        }
    }

    /// Forget the probes that are no more.
    pub fn keep(&mut self, exists: impl Fn(&str) -> bool) {
        self.seen.retain(|probe, _| exists(probe));
    }

    /// The probes that are silent now, each with the time from which a failure of its may be of the same trouble.
    #[must_use]
    pub fn silent(&self, now: Millis) -> Vec<(String, Millis)> {
        let silent = self.seen.iter().filter(|(_, seen)| seen.silent_since.is_some() && now - seen.at <= seen.lasts);
        silent.map(|(probe, seen)| (probe.clone(), now - seen.lasts)).collect()
    }

    /// What stands now. A host is silent when none of its probes was answered since. One that answered before the trouble began proves
    /// nothing: it may be asked once in ten minutes.
    #[must_use]
    pub fn finding(&self, now: Millis) -> Option<Finding> {
        let mut hosts: BTreeMap<&str, Host> = BTreeMap::new();
        for seen in self.seen.values().filter(|seen| now - seen.at <= seen.lasts) {
            let one = Host { at: seen.at, silent_since: seen.silent_since };
            hosts.entry(&seen.host).and_modify(|host| *host = host.with(one)).or_insert(one);
        }
        let began = began(hosts.values())?;
        let told = hosts.values().filter(|host| host.silent_since.is_some() || host.at >= began).count();
        let silent = hosts.values().filter(|host| host.silent_since.is_some()).count();
        (silent * 100 >= told * SHARE).then_some(Finding { silent, hosts: told })
    }
}

impl Host {
    /// With what another of its probes saw: it is not silent when one of them was answered since.
    fn with(self, other: Self) -> Self {
        match (self.silent_since, other.silent_since) {
            (Some(one), Some(two)) => Self { at: self.at.max(other.at), silent_since: Some(one.max(two)) },
            (None, None) => Self { at: self.at.max(other.at), silent_since: None },
            (None, Some(since)) => {
                if self.at < since {
                    other
                } else {
                    self
                }
            }
            (Some(since), None) => {
                if other.at < since {
                    self
                } else {
                    other
                }
            }
        }
    }
}

/// When the trouble began: when the first of the last few hosts went silent that it takes for a finding. One that has been away for days is
/// no part of it. `None` with fewer.
fn began<'a>(hosts: impl Iterator<Item = &'a Host>) -> Option<Millis> {
    let mut since: Vec<Millis> = hosts.filter_map(|host| host.silent_since).collect();
    since.sort_unstable_by(|one, two| two.cmp(one));
    since.get(HOSTS - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(host: &str, cause: Option<Cause>) -> Outcome {
        let status = if cause.is_some() { Status::Unhealthy } else { Status::Healthy };
        Outcome { status, latency_us: None, error: None, cause, host: Some(host.to_owned()), value: None, detail: serde_json::Value::Null }
    }

    #[test]
    fn most_distinct_hosts_in_one_round_are_one_finding() {
        let mut network = Network::default();
        let take = |network: &mut Network, probe: &str, host: &str, cause| network.take(probe, &outcome(host, cause), 30_000, 1_000);
        for number in 0..4 {
            take(&mut network, &format!("p{number}"), &format!("h{number}"), Some(Cause::Timeout));
        }
        assert_eq!(network.finding(1_000), Some(Finding { silent: 4, hosts: 4 }));
        take(&mut network, "p4", "h4", None);
        assert_eq!(network.finding(1_000), Some(Finding { silent: 4, hosts: 5 }), "80 percent");
        take(&mut network, "p3", "h3", Some(Cause::Status(500)));
        assert_eq!(network.finding(1_000), None, "a host that complains proves the network");
    }

    #[test]
    fn who_answered_before_the_network_went_away_proves_nothing() {
        let mut network = Network::default();
        let minute = 60_000;
        network.take("dead", &outcome("dead", Some(Cause::Timeout)), 10 * minute, -200 * minute);
        network.take("dead", &outcome("dead", Some(Cause::Timeout)), 10 * minute, 0);
        for number in 0..5 {
            // Asked every ten minutes, and well when they were asked last.
            network.take(&format!("rare{number}"), &outcome(&format!("rare{number}"), None), 10 * minute, minute);
        }
        for number in 0..3 {
            let (probe, host) = (format!("often{number}"), format!("often{number}"));
            network.take(&probe, &outcome(&host, None), minute, minute + 1);
            assert_eq!(network.finding(minute + 1), None);
            network.take(&probe, &outcome(&host, Some(Cause::Timeout)), minute, 2 * minute);
        }
        assert_eq!(network.finding(2 * minute), Some(Finding { silent: 4, hosts: 4 }));
        network.take("rare0/status", &outcome("rare0", Some(Cause::Timeout)), 10 * minute, 2 * minute + 1);
        assert_eq!(network.finding(2 * minute + 1), Some(Finding { silent: 5, hosts: 5 }));
        network.take("rare1", &outcome("rare1", None), 10 * minute, 2 * minute + 2);
        network.take("rare2", &outcome("rare2", None), 10 * minute, 2 * minute + 2);
        assert_eq!(network.finding(2 * minute + 2), None, "two that answer now prove it");
    }

    #[test]
    fn services_of_this_machine_that_are_down_are_no_matter_of_the_network() {
        let mut network = Network::default();
        for (number, host) in
            ["127.0.0.1", "localhost", "127.0.0.2", "[::1]", "::ffff:127.0.0.1", "db.localhost", "0.0.0.0"].iter().enumerate()
        {
            let silent = outcome(host, Some(Cause::Timeout));
            assert!(!is_silence(&silent), "{host}");
            network.take(&format!("p{number}"), &silent, 30_000, 0);
        }
        assert_eq!(network.finding(0), None);
        for host in ["h1", "h2", "h3"] {
            network.take(host, &outcome(host, Some(Cause::Timeout)), 30_000, 0);
        }
        assert_eq!(network.finding(0), Some(Finding { silent: 3, hosts: 3 }));
        network.take("p0", &outcome("localhost", None), 30_000, 0);
        assert_eq!(network.finding(0), Some(Finding { silent: 3, hosts: 3 }), "that it is well here proves nothing");
        for host in ["h1", "h2", "h3"] {
            network.take(host, &outcome(host, Some(Cause::Refused)), 30_000, 0);
        }
        assert_eq!(network.finding(0), None, "who refuses has answered");
    }

    #[test]
    fn many_probes_of_one_host_are_one_host_and_old_results_do_not_count() {
        let mut network = Network::default();
        for number in 0..9 {
            network.take(&format!("p{number}"), &outcome("H1", Some(Cause::Timeout)), 30_000, 0);
        }
        network.take("q", &outcome("h2", Some(Cause::Dns)), 30_000, 0);
        assert_eq!(network.finding(0), None);
        network.take("r", &outcome("h3", Some(Cause::Dns)), 30_000, 0);
        assert_eq!(network.finding(45_000), Some(Finding { silent: 3, hosts: 3 }));
        assert_eq!(network.finding(45_001), None);
        network.keep(|probe| probe != "r");
        assert_eq!(network.finding(0), None);
    }
}
