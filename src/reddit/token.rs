//! The answers of the login, where errors come with HTTP 200 as well.

use super::answer::{Answer, failure};
use super::error::{Error, Result};
use super::excerpt::clean;
use super::wire::Fields;
use secrecy::SecretString;

/// How a token was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Name and password of a script application's developer.
    Password,
    /// A refresh token.
    Refresh,
    /// The application's id and secret alone.
    Application,
}

/// What a login gave.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The access token.
    pub access: SecretString,
    /// For how long it holds, seconds, at least 1. Always from the answer: an hour in most, a day in newer ones.
    pub expires_in: i64,
    /// A refresh token, which takes the place of the one before.
    pub refresh: Option<SecretString>,
    /// Scopes, separated by blanks; `*` for all.
    pub scope: String,
}

/// Lifetime of a token whose answer tells none, seconds.
const UNTOLD_LIFETIME: i64 = 3_600;

/// What the login answered.
///
/// # Errors
/// [`Error::Login`] when the credentials were refused, in whatever form; the usual ones for everything else.
pub fn granted(account: &str, grant: Grant, answer: &Answer) -> Result<Granted> {
    const WHAT: &str = "POST /api/v1/access_token";
    let login = |reason: String, next: &str| Error::Login { account: account.to_owned(), reason, next: next.to_owned() };
    let json = answer.json().unwrap_or_default();
    let fields = Fields(&json);
    let error = fields.filled("error").map(|error| clean(&error));
    match answer.status {
        401 => {
            return Err(login(
                "the application's id or secret is wrong".to_owned(),
                "Check REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET against the application's page",
            ));
        }
        400 if grant == Grant::Refresh => return Err(refused(grant, account)),
        200..300 => {}
        400 | 403 if error.is_some() => {}
        _ => return Err(failure(WHAT, answer)),
    }
    if let Some(error) = error {
        let described = fields.filled("error_description").map(|text| format!(": {}", clean(&text))).unwrap_or_default();
        return Err(match error.as_str() {
            "invalid_grant" => refused(grant, account),
            "unauthorized_client" | "unsupported_grant_type" => login(
                format!("the application may not log in this way ({error}{described})"),
                "Register it as a script application, with this account as a developer, or use a refresh token",
            ),
            _ => login(format!("{error}{described}"), "Check the credentials and the kind of the application"),
        });
    }
    if let Some(cut) = &answer.cut {
        return Err(Error::Unavailable { what: WHAT.to_owned(), reason: format!("the answer broke off: {cut}") });
    }
    let Some(access) = fields.filled("access_token") else {
        return Err(Error::malformed(WHAT, format!("HTTP {} without a token", answer.status)));
    };
    if !is_sendable(&access) {
        return Err(Error::malformed(WHAT, "the token holds characters that cannot be sent"));
    }
    Ok(Granted {
        access: access.into(),
        expires_in: fields.int_opt("expires_in").unwrap_or(UNTOLD_LIFETIME).clamp(1, 10 * 365 * 86_400),
        refresh: fields.filled("refresh_token").map(SecretString::from),
        scope: fields.text("scope"),
    })
}

fn is_sendable(token: &str) -> bool {
    token.len() <= 8_192 && token.bytes().all(|byte| (0x21..0x7f).contains(&byte))
}

fn refused(grant: Grant, account: &str) -> Error {
    let (reason, next) = match grant {
        Grant::Password => (
            "the name, the password or the one-time code is wrong",
            "Check REDDIT_USERNAME and REDDIT_PASSWORD; with two-factor authentication a code is good for half a minute, so use a refresh token",
        ),
        Grant::Application => {
            ("the application may not log in by itself", "Check the application's type on its page, and REDDIT_CLIENT_ID")
        }
        Grant::Refresh => {
            ("the refresh token is wrong, revoked or was used up", "Authorize the application again and set the new REDDIT_REFRESH_TOKEN")
        }
    };
    Error::Login { account: account.to_owned(), reason: reason.to_owned(), next: next.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reddit::headers::Headers;
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    fn login(grant: Grant, status: u16, body: &str) -> Result<Granted> {
        granted("someone", grant, &Answer::new(status, Headers::default(), body))
    }

    #[test]
    fn the_lifetime_comes_from_the_answer_and_a_new_refresh_token_is_taken() {
        let body = r#"{"access_token": "at", "token_type": "bearer", "expires_in": 86400, "refresh_token": "rt", "scope": "read"}"#;
        let granted = login(Grant::Refresh, 200, body).unwrap();
        assert_eq!((granted.expires_in, granted.refresh.unwrap().expose_secret()), (86_400, "rt"));
        assert_eq!(login(Grant::Password, 200, r#"{"access_token": "at"}"#).unwrap().expires_in, 3_600);
    }

    #[test]
    fn refusals_with_status_200_name_the_next_step() {
        let message = |grant, status, body| match login(grant, status, body) {
            Err(error @ Error::Login { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(message(Grant::Password, 200, r#"{"error": "invalid_grant"}"#).contains("REDDIT_PASSWORD"));
        assert!(message(Grant::Refresh, 400, r#"{"error": 400}"#).contains("REDDIT_REFRESH_TOKEN"));
        assert!(message(Grant::Refresh, 200, r#"{"error": "invalid_grant"}"#).contains("REDDIT_REFRESH_TOKEN"));
        let script = r#"{"error": "unauthorized_client", "error_description": "Only script apps may use password auth"}"#;
        assert!(message(Grant::Password, 200, script).contains("script application"));
        assert!(message(Grant::Password, 401, "<html>").contains("REDDIT_CLIENT_SECRET"));
    }

    #[test]
    fn what_is_no_refusal_is_not_taken_for_one() {
        assert!(matches!(login(Grant::Refresh, 503, "<html>"), Err(Error::Unavailable { .. })));
        assert!(matches!(login(Grant::Refresh, 429, "{}"), Err(Error::RateLimited { .. })));
        assert!(matches!(login(Grant::Refresh, 200, "<html>"), Err(Error::Malformed { .. })));
        assert!(matches!(login(Grant::Refresh, 200, "{\"access_token\": \"a\\nb\"}"), Err(Error::Malformed { .. })));
        assert!(matches!(login(Grant::Refresh, 302, ""), Err(Error::Redirected { .. })));
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(status in any::<u16>(), body in proptest::collection::vec(any::<u8>(), 0..100), refresh in any::<bool>()) {
            let grant = if refresh { Grant::Refresh } else { Grant::Password };
            let _ = granted("someone", grant, &Answer::new(status, Headers::default(), body));
        }
    }
}
