//! Whether the service itself takes a value. Only reads and logins: nothing is changed there.

use crate::config::{Setting, Settings};
use crate::store::{self, Address};
use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;

/// How long a service may take.
const WITHIN: Duration = Duration::from_secs(20);
/// Bytes of an answer that are read.
const LARGEST: usize = 64 * 1024;

/// What the service said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It takes the value; which service, and how that is known.
    Taken(String),
    /// It refuses the value.
    Refused(String),
    /// Nobody knows: it cannot be reached, or has nothing to ask.
    Unknown(String),
}

impl Answer {
    /// What it said, in a sentence without the value.
    #[must_use]
    pub fn words(&self) -> &str {
        match self {
            Self::Taken(words) | Self::Refused(words) | Self::Unknown(words) => words,
        }
    }
}

/// Try a value of a setting against the service it is for, at the addresses of the settings.
pub async fn ask(settings: &Settings, setting: &Setting, value: &SecretString) -> Answer {
    let reddit = &settings.reddit;
    match setting.key {
        "llm.api_key" => bearer(&format!("{}/key", settings.llm.base_url), value).await,
        "moderation.openai_api_key" => {
            let base = settings.moderation.openai_base_url.trim_end_matches("/moderations");
            bearer(&format!("{base}/models"), value).await
        }
        "search.embedder.api_key" => match &settings.embedder.url {
            Some(url) => bearer(&format!("{url}/models"), value).await,
            None => Answer::Unknown("no address of that service is set".to_owned()),
        },
        "reddit.client_secret" => reddit_login(settings, value, &[("grant_type", "client_credentials")]).await,
        "reddit.password" | "reddit.refresh_token" => {
            let Some(secret) = &reddit.client_secret else {
                return Answer::Unknown("REDDIT_CLIENT_SECRET is not set, so that nobody can log in".to_owned());
            };
            let name = reddit.username.clone().unwrap_or_default();
            let password = match &reddit.otp {
                Some(code) => format!("{}:{}", value.expose_secret(), code.expose_secret()),
                None => value.expose_secret().to_owned(),
            };
            let form: &[(&str, &str)] = if setting.key == "reddit.password" {
                &[("grant_type", "password"), ("username", &name), ("password", &password)]
            } else {
                &[("grant_type", "refresh_token"), ("refresh_token", value.expose_secret())]
            };
            reddit_login(settings, secret, form).await
        }
        "reddit.accounts" => match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(value.expose_secret()) {
            Ok(accounts) => Answer::Unknown(format!("{} accounts by name; their passwords were not tried", accounts.len())),
            Err(_) => Answer::Refused("it is not a JSON object of accounts".to_owned()),
        },
        "database" => database(value).await,
        _ => Answer::Unknown("there is no service to ask".to_owned()),
    }
}

fn client(https: bool) -> Result<reqwest::Client, Answer> {
    // Another room may have installed it already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A redirect would carry the secret to another place.
    let mut builder = reqwest::Client::builder()
        .timeout(WITHIN)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("quarterdeck/", env!("CARGO_PKG_VERSION")));
    if !https {
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|_| Answer::Unknown("no TLS client can be made; install the system's ca-certificates".to_owned()))
}

/// Where something was asked, without the rest of the address.
fn host(url: &str) -> String {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "the service".to_owned())
}

async fn bearer(url: &str, key: &SecretString) -> Answer {
    let host = host(url);
    let client = match client(url.starts_with("https")) {
        Ok(client) => client,
        Err(answer) => return answer,
    };
    if !key.expose_secret().bytes().all(|byte| byte.is_ascii_graphic()) {
        return Answer::Refused("it holds characters that no key has; copy it again".to_owned());
    }
    match client.get(url).bearer_auth(key.expose_secret()).send().await {
        Ok(answer) => match answer.status() {
            StatusCode::OK => Answer::Taken(format!("{host} takes it")),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Answer::Refused(format!("{host} refuses it with {}", answer.status().as_u16()))
            }
            status => Answer::Unknown(format!("{host} answered {}, which says nothing of the key", status.as_u16())),
        },
        Err(error) => Answer::Unknown(unreachable(&host, &error)),
    }
}

/// The error without its address, which is ours, and without anything that was sent.
fn unreachable(host: &str, error: &reqwest::Error) -> String {
    let reason = if error.is_timeout() {
        "it took too long"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    format!("{host} cannot be reached: {reason}")
}

async fn reddit_login(settings: &Settings, secret: &SecretString, form: &[(&str, &str)]) -> Answer {
    let reddit = &settings.reddit;
    let Some(id) = &reddit.client_id else { return Answer::Unknown("REDDIT_CLIENT_ID is not set, so that nobody can log in".to_owned()) };
    let url = format!("{}/api/v1/access_token", reddit.base_url);
    let (host, client) = match client(url.starts_with("https")) {
        Ok(client) => (host(&url), client),
        Err(answer) => return answer,
    };
    let agent = reddit.user_agent.clone().unwrap_or_else(|| concat!("unix:quarterdeck:", env!("CARGO_PKG_VERSION")).to_owned());
    let request = client.post(&url).basic_auth(id, Some(secret.expose_secret())).header("user-agent", agent).form(form);
    let mut answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return Answer::Unknown(unreachable(&host, &error)),
    };
    let status = answer.status();
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST {
            return Answer::Unknown(format!("{host} answered more than a login does"));
        }
    }
    let json: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    match status.as_u16() {
        200 if json.get("access_token").is_some() => Answer::Taken(format!("{host} logs in with it")),
        200 | 400 | 401 | 403 if status == StatusCode::UNAUTHORIZED || json.get("error").is_some() => {
            Answer::Refused(format!("{host} refuses the login"))
        }
        status => Answer::Unknown(format!("{host} answered {status}, which says nothing of it")),
    }
}

async fn database(address: &SecretString) -> Answer {
    let text = address.expose_secret().to_owned();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let work = move || {
        let answer = match Address::parse(&text) {
            Err(_) => Answer::Refused("it is no address of a database".to_owned()),
            Ok(address) => match store::status(&address) {
                Ok(_) => Answer::Taken(format!("the database {} opens with it", address.masked())),
                Err(store::Error::Login { .. }) => Answer::Refused(format!("the database {} refuses the login", address.masked())),
                // Its own words may repeat a part of the address.
                Err(_) => Answer::Unknown(format!("the database {} cannot be asked", address.masked())),
            },
        };
        // Whoever asked may have gone away.
        let _ = sender.send(answer);
    };
    if std::thread::Builder::new().name("secret-database".to_owned()).spawn(work).is_err() {
        return Answer::Unknown("the system gives no further thread".to_owned());
    }
    match tokio::time::timeout(WITHIN, receiver).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Answer::Unknown("the database was not asked".to_owned()),
        Err(_) => Answer::Unknown(format!("the database did not answer within {} s", WITHIN.as_secs())),
    }
}
