//! The login of one account: one access token, refreshed by one caller at a time, a minute before it ends.

use super::error::{Error, Result};
use super::settings::Settings;
use super::token::{Grant, Granted, granted};
use super::token_file::TokenFile;
use super::transport::{Transport, send};
use crate::base::{Clock, Millis};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// A token is refreshed this long before its end.
const EARLY: Millis = 60_000;
/// After a refusal, the login is not tried again for this long: repeated wrong passwords lock an account.
const AFTER_REFUSAL: Millis = 60_000;

/// An access token that holds.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) access: SecretString,
    /// Counts the logins: whoever had a token refused names it, so that it is refreshed once for all.
    pub(super) generation: u64,
    refresh_at: Millis,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Token>,
    generation: u64,
    /// The refresh token in use, once the file has been looked at.
    refresh: Option<Option<SecretString>>,
    /// A login whose new refresh token could not be stored yet: its access token does not count before.
    unstored: Option<Granted>,
    refused: Option<(Millis, Error)>,
}

/// The login of one account.
#[derive(Debug)]
pub(super) struct Auth {
    settings: Arc<Settings>,
    transport: Transport,
    clock: Arc<dyn Clock>,
    file: Option<TokenFile>,
    state: tokio::sync::Mutex<State>,
}

impl Auth {
    pub(super) fn new(settings: Arc<Settings>, transport: Transport, clock: Arc<dyn Clock>) -> Self {
        let file = settings.token_file.clone().map(|path| TokenFile::new(path, &settings.client_id, &settings.username));
        Self { settings, transport, clock, file, state: tokio::sync::Mutex::default() }
    }

    /// The clock by which tokens end.
    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// A token that holds; a fresh one if the present one ends soon, or is the `refused` one.
    ///
    /// # Errors
    /// What kept the login from working.
    pub(super) async fn token(self: &Arc<Self>, refused: Option<u64>) -> Result<Token> {
        if let Some(token) = self.present(&*self.state.lock().await, refused) {
            return Ok(token);
        }
        // On its own: a caller who gives up half way must not lose a refresh token that the server has already exchanged.
        let auth = Arc::clone(self);
        let login = tokio::spawn(async move { auth.refresh(refused).await });
        login.await.unwrap_or_else(|error| {
            Err(Error::Unavailable { what: "login".to_owned(), reason: format!("the login was interrupted: {error}") })
        })
    }

    fn present(&self, state: &State, refused: Option<u64>) -> Option<Token> {
        state.token.clone().filter(|token| Some(token.generation) != refused && self.clock.now() < token.refresh_at)
    }

    async fn refresh(&self, refused: Option<u64>) -> Result<Token> {
        let mut state = self.state.lock().await;
        if let Some(token) = self.present(&state, refused) {
            return Ok(token);
        }
        let now = self.clock.now();
        if let Some(granted) = state.unstored.take() {
            return self.accept(&mut state, granted, now);
        }
        if let Some((at, error)) = &state.refused
            && (0..AFTER_REFUSAL).contains(&(now - at))
        {
            return Err(error.clone());
        }
        if state.refresh.is_none() {
            let configured = self.settings.refresh_token.as_ref();
            let kept = self.file.as_ref().map_or(Ok(None), |file| file.load(configured))?;
            state.refresh = Some(kept.or_else(|| configured.cloned()));
        }
        match self.login(state.refresh.clone().flatten()).await {
            Ok(granted) => self.accept(&mut state, granted, now),
            Err(error) => {
                if matches!(error, Error::Login { .. }) {
                    state.refused = Some((now, error.clone()));
                }
                Err(error)
            }
        }
    }

    /// Store a new refresh token, and only then let the access token count.
    fn accept(&self, state: &mut State, granted: Granted, now: Millis) -> Result<Token> {
        if let Some(new) = &granted.refresh {
            let known = state.refresh.as_ref().and_then(Option::as_ref);
            if known.is_none_or(|known| known.expose_secret() != new.expose_secret()) {
                match &self.file {
                    Some(file) => {
                        if let Err(error) = file.store(new, self.settings.refresh_token.as_ref()) {
                            state.unstored = Some(granted);
                            return Err(error);
                        }
                    }
                    None => tracing::warn!(account = self.settings.username, "a new refresh token came and no file is set to keep it in"),
                }
                state.refresh = Some(Some(new.clone()));
            }
        }
        let lifetime = granted.expires_in.saturating_mul(1_000);
        state.generation += 1;
        state.refused = None;
        let refresh_at = now.saturating_add(lifetime - EARLY.min(lifetime / 2));
        let token = Token { access: granted.access, generation: state.generation, refresh_at };
        state.token = Some(token.clone());
        tracing::debug!(account = self.settings.username, lifetime_ms = lifetime, scope = granted.scope, "logged in");
        Ok(token)
    }

    async fn login(&self, refresh: Option<SecretString>) -> Result<Granted> {
        if self.settings.application_only {
            return self.ask(Grant::Application, &[("grant_type", "client_credentials")]).await;
        }
        let password = self.settings.password.as_ref();
        match refresh {
            Some(refresh) => {
                let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
                match self.ask(Grant::Refresh, &form).await {
                    Err(Error::Login { .. }) if password.is_some() => {
                        tracing::warn!(account = self.settings.username, "the refresh token was refused; trying the password");
                        self.login_with_password().await
                    }
                    answer => answer,
                }
            }
            None => self.login_with_password().await,
        }
    }

    async fn login_with_password(&self) -> Result<Granted> {
        let Some(password) = &self.settings.password else {
            return Err(Error::Login {
                account: self.settings.username.clone(),
                reason: "neither a password nor a refresh token is set".to_owned(),
                next: "Set REDDIT_REFRESH_TOKEN, or REDDIT_PASSWORD for a script application".to_owned(),
            });
        };
        let mut form = vec![("grant_type", "password"), ("username", &self.settings.username), ("password", password.expose_secret())];
        if let Some(otp) = &self.settings.otp {
            form.push(("otp", otp.expose_secret()));
        }
        self.ask(Grant::Password, &form).await
    }

    async fn ask(&self, grant: Grant, form: &[(&str, &str)]) -> Result<Granted> {
        let url = format!("{}/api/v1/access_token", self.settings.login_base.trim_end_matches('/'));
        let request = self
            .transport
            .post(&url, self.settings.write_timeout)
            .basic_auth(&self.settings.client_id, Some(self.settings.client_secret.expose_secret()))
            .form(form);
        let answer =
            send(request).await.map_err(|lost| Error::Unavailable { what: "POST /api/v1/access_token".to_owned(), reason: lost.reason })?;
        granted(&self.settings.username, grant, &answer)
    }
}
