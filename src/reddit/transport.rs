//! The connection: one request, one answer or one failure. Nothing is retried, redirected or sent through a proxy in here.

use super::answer::Answer;
use super::error::{Error, Result};
use super::excerpt::clean;
use super::headers::Headers;
use super::settings::Settings;
use std::time::Duration;

/// Bytes of a body that are taken in, at most.
const BODY_MOST: usize = 16 << 20;
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// No whole head of an answer came back.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    /// Whether it is certain that no byte of the request left.
    pub(super) is_unsent: bool,
    /// What happened.
    pub(super) reason: String,
}

/// The two ways out: reads share connections, each write has its own.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    reader: reqwest::Client,
    writer: reqwest::Client,
}

impl Transport {
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        // Whoever was first in this process has installed the same provider: that is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let base = || {
            reqwest::Client::builder()
                .user_agent(&settings.user_agent)
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .no_proxy()
                .referer(false)
        };
        let failed = |error: reqwest::Error| Error::invalid("reddit connection", format!("cannot be set up: {}", told(&error)));
        let reader = base().connect_timeout(CONNECT.min(settings.read_timeout)).build().map_err(failed)?;
        // A write goes out on a fresh connection over HTTP/1.1. On a kept one the library sends again when it finds it closed, and a server
        // that closes it just then would leave us with a lost answer for nothing.
        let writer = base().connect_timeout(CONNECT.min(settings.write_timeout)).pool_max_idle_per_host(0).http1_only().build();
        Ok(Self { reader, writer: writer.map_err(failed)? })
    }

    pub(super) fn get(&self, url: &str, timeout: Duration) -> reqwest::RequestBuilder {
        self.reader.get(url).timeout(timeout)
    }

    pub(super) fn post(&self, url: &str, timeout: Duration) -> reqwest::RequestBuilder {
        self.writer.post(url).timeout(timeout)
    }
}

/// Send it, once, and take the answer as far as it comes.
pub(super) async fn send(request: reqwest::RequestBuilder) -> std::result::Result<Answer, Lost> {
    let mut response = request.send().await.map_err(|error| Lost {
        // Name not found, refused, no TLS: nothing was written. Everything else may have arrived.
        is_unsent: error.is_connect() || error.is_builder(),
        reason: told(&error),
    })?;
    let pairs = response.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let mut answer = Answer::new(response.status().as_u16(), Headers::from_pairs(pairs), Vec::new());
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if answer.body.len() + chunk.len() > BODY_MOST => {
                answer.cut = Some(format!("longer than {} MiB", BODY_MOST >> 20));
                break;
            }
            Ok(Some(chunk)) => answer.body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => {
                answer.cut = Some(told(&error));
                break;
            }
        }
    }
    Ok(answer)
}

/// An error with its causes, without the address and without repeating itself.
fn told(error: &reqwest::Error) -> String {
    if error.is_timeout() && !error.is_connect() {
        return "timed out".to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let word = error.to_string();
        if words.last().is_none_or(|last| !last.contains(&word)) {
            words.push(word);
        }
        cause = error.source();
    }
    if words.is_empty() { "the request could not be made".to_owned() } else { clean(&words.join(": ")) }
}
