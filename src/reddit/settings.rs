//! What the client needs to know: addresses, credentials, patience.

use super::error::{Error, Result};
use super::names::{self, USER_AGENT_LEAST};
use secrecy::SecretString;
use std::path::PathBuf;
use std::time::Duration;

/// What the client needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Address of the API, without a slash at the end.
    pub oauth_base: String,
    /// Address of the login, without a slash at the end.
    pub login_base: String,
    /// Id of the application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
    /// The account, without `u/`.
    pub username: String,
    /// Its password, for a script application.
    pub password: Option<SecretString>,
    /// A one-time code of its second factor; good for one login, so not for unattended work.
    pub otp: Option<SecretString>,
    /// A refresh token; used before the password.
    pub refresh_token: Option<SecretString>,
    /// Log in as the application alone, without an account: what everybody sees, and nothing can be written.
    pub application_only: bool,
    /// Where a rotated refresh token is kept, readable by its owner alone.
    pub token_file: Option<PathBuf>,
    /// `platform:app:version (by /u/name)`.
    pub user_agent: String,
    /// How long one request that reads may take.
    pub read_timeout: Duration,
    /// How long one request that writes may take; longer, because a lost answer costs a person's time.
    pub write_timeout: Duration,
    /// How requests that read are tried again.
    pub retry: RetryPolicy,
}

/// How requests that read are tried again. Requests that write never are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries in all, for a lost connection, a timeout, 408 and 5xx.
    pub attempts: u32,
    /// Wait before the second try; doubled for each further one.
    pub base: Duration,
    /// The longest such wait.
    pub cap: Duration,
    /// How often a 429 is waited for.
    pub rate_limited: u32,
    /// The longest wait for the budget or a 429 before giving up.
    pub patience: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 4, base: Duration::from_secs(1), cap: Duration::from_mins(1), rate_limited: 2, patience: Duration::from_mins(2) }
    }
}

impl RetryPolicy {
    /// The wait after try number `tried` (from 1). `jitter` from 0 to 1 spreads it by 20 % to either side.
    #[must_use]
    pub fn wait(&self, tried: u32, jitter: f64) -> Duration {
        let doubled = self.base.saturating_mul(1_u32.checked_shl(tried.saturating_sub(1)).unwrap_or(u32::MAX)).min(self.cap);
        doubled.mul_f64(0.8 + 0.4 * jitter.clamp(0.0, 1.0))
    }
}

impl Settings {
    /// Settings for the real service, with neither password nor refresh token yet.
    #[must_use]
    pub fn new(
        client_id: impl Into<String>,
        client_secret: SecretString,
        username: impl Into<String>,
        user_agent: impl Into<String>,
    ) -> Self {
        Self {
            oauth_base: "https://oauth.reddit.com".to_owned(),
            login_base: "https://www.reddit.com".to_owned(),
            client_id: client_id.into(),
            client_secret,
            username: username.into(),
            password: None,
            otp: None,
            refresh_token: None,
            application_only: false,
            token_file: None,
            user_agent: user_agent.into(),
            read_timeout: Duration::from_secs(16),
            write_timeout: Duration::from_secs(45),
            retry: RetryPolicy::default(),
        }
    }

    /// # Errors
    /// [`Error::Invalid`] for the first setting that cannot work.
    pub fn check(&self) -> Result<()> {
        if self.user_agent.trim().chars().count() < USER_AGENT_LEAST {
            let reason = format!("shorter than {USER_AGENT_LEAST} characters; write it as platform:app:version (by /u/name)");
            return Err(Error::invalid("reddit.user_agent", reason));
        }
        if self.client_id.trim().is_empty() {
            return Err(Error::invalid("reddit.client_id", "empty; register a script application and set its id"));
        }
        names::username("reddit.username", &self.username)?;
        address("reddit.oauth_url", &self.oauth_base)?;
        address("reddit.base_url", &self.login_base)?;
        if self.read_timeout.is_zero() || self.write_timeout.is_zero() {
            return Err(Error::invalid("reddit timeouts", "a timeout of zero lets no request end"));
        }
        Ok(())
    }
}

/// Credentials and texts go to this address: it is https, or this very machine.
fn address(what: &str, base: &str) -> Result<()> {
    let url = reqwest::Url::parse(base).map_err(|error| Error::invalid(what, format!("not an address: {error}")))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::invalid(what, "an address with a password in it; set the password in its own setting"));
    }
    if url.scheme() == "https" || (url.scheme() == "http" && is_here) {
        return Ok(());
    }
    Err(Error::invalid(what, "not https; plain http is allowed only to this machine"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::new("id", "canary-secret".into(), "someone", "linux:quarterdeck:0.1 (by /u/someone)")
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        assert_eq!(settings().check(), Ok(()));
        let refused = |change: fn(&mut Settings)| {
            let mut settings = settings();
            change(&mut settings);
            match settings.check() {
                Err(Error::Invalid { what, .. }) => what,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(refused(|settings| settings.user_agent = "agent1".to_owned()), "reddit.user_agent");
        assert_eq!(refused(|settings| settings.username = "u/someone".to_owned()), "reddit.username");
        assert_eq!(refused(|settings| settings.oauth_base = "http://oauth.reddit.com".to_owned()), "reddit.oauth_url");
        assert_eq!(refused(|settings| settings.login_base = "http://localhost.evil.example".to_owned()), "reddit.base_url");
        let mut sandbox = settings();
        sandbox.oauth_base = "http://127.0.0.1:8080".to_owned();
        sandbox.login_base = "http://[::1]:8080".to_owned();
        assert_eq!(sandbox.check(), Ok(()));
    }

    #[test]
    fn secrets_do_not_print() {
        let mut settings = settings();
        settings.password = Some("canary-password".into());
        assert!(!format!("{settings:?}").contains("canary"));
    }

    #[test]
    fn waits_double_up_to_the_cap_and_spread_by_a_fifth() {
        let policy = RetryPolicy::default();
        let seconds = |tried| policy.wait(tried, 0.5).as_secs_f64().round();
        assert_eq!([seconds(1), seconds(2), seconds(3), seconds(9), seconds(400)], [1.0, 2.0, 4.0, 60.0, 60.0]);
        assert_eq!((policy.wait(1, 0.0).as_millis(), policy.wait(1, 1.0).as_millis()), (800, 1_200));
    }
}
