//! The address, the headers, and the care that the key shows nowhere.

use super::error::{Error, Result};
use super::settings::Settings;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

/// An HTTP client for these settings.
pub(crate) fn http_client(settings: &Settings, endpoint: &Url) -> Result<reqwest::Client> {
    // Another room may have installed it already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .default_headers(headers(settings)?)
        .user_agent(concat!("quarterdeck/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(settings.connect_timeout)
        // A redirected POST would become a GET, or carry prompt and key to another place.
        .redirect(reqwest::redirect::Policy::none());
    if endpoint.scheme() == "http" {
        // A machine without root certificates can still talk to a local server.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| Error::Settings {
        setting: "base_url",
        reason: format!("no TLS client can be made ({}); install the system's ca-certificates", chain(&error)),
    })
}

/// The address that questions are posted to.
pub(super) fn endpoint(base: &str) -> Result<Url> {
    address(base, "chat/completions", "base_url", "https://openrouter.ai/api/v1")
}

/// The address of `path` below `base`, which is the value of `setting`; `sample` is what one looks like.
pub(crate) fn address(base: &str, path: &str, setting: &'static str, sample: &str) -> Result<Url> {
    let wrong = |reason: &str| Error::Settings { setting, reason: format!("{reason}; write something like {sample}") };
    let url = Url::parse(&format!("{}/{path}", base.trim().trim_end_matches('/'))).map_err(|error| wrong(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.host_str().is_none_or(str::is_empty) => Err(wrong("it has no host")),
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => Err(wrong("it holds a user name or a password")),
        "http" | "https" if url.query().is_some() || url.fragment().is_some() => Err(wrong("it has a query or a fragment")),
        "http" | "https" => Ok(url),
        _ => Err(wrong("it is not an http or https address")),
    }
}

/// What every request carries.
fn headers(settings: &Settings) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if let Some(key) = &settings.api_key {
        let value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()));
        // The header's own error is left out: it must not quote the key.
        let mut value = value
            .map_err(|_| Error::Settings { setting: "api_key", reason: "it holds characters that no key has; copy it again".to_owned() })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let named = [("http-referer", "app_referer", &settings.app_referer), ("x-openrouter-title", "app_title", &settings.app_title)];
    for (name, setting, value) in named {
        if let Some(value) = value {
            let value = HeaderValue::from_str(value)
                .map_err(|_| Error::Settings { setting, reason: "it holds characters that no header may have".to_owned() })?;
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(headers)
}

/// An error and its causes in one line, without the address.
pub(crate) fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "timed out".to_owned() } else { String::new() };
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    if text.is_empty() { "the connection broke".to_owned() } else { text }
}

/// Whatever a server or a library put into a message, the key is not in it.
pub(super) fn redacted(error: Error, key: Option<&SecretString>) -> Error {
    let clean = |text: String| without_key(text, key);
    match error {
        Error::Refused(mut refusal) => {
            refusal.message = clean(refusal.message);
            refusal.code = refusal.code.map(clean);
            refusal.error_type = refusal.error_type.map(clean);
            refusal.provider = refusal.provider.map(clean);
            refusal.fallback_models = refusal.fallback_models.into_iter().map(clean).collect();
            Error::Refused(refusal)
        }
        Error::Unreachable { host, reason } => Error::Unreachable { host, reason: clean(reason) },
        Error::Interrupted { model, reason, generation_id } => {
            Error::Interrupted { model, reason: clean(reason), generation_id: generation_id.map(clean) }
        }
        Error::Malformed { model, reason } => Error::Malformed { model, reason: clean(reason) },
        other => other,
    }
}

/// The text with the key taken out.
pub(crate) fn without_key(text: String, key: Option<&SecretString>) -> String {
    match key.map(|key| key.expose_secret()).filter(|key| !key.is_empty()) {
        Some(key) if text.contains(key) => text.replace(key, "[key]"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed_or_refused_with_the_way_out() {
        assert_eq!(endpoint("https://openrouter.ai/api/v1/").unwrap().as_str(), "https://openrouter.ai/api/v1/chat/completions");
        for base in ["", "openrouter.ai", "ftp://x/v1", "https://user:secret@x/v1", "https://x/v1?key=secret"] {
            let message = endpoint(base).unwrap_err().to_string();
            assert!(message.contains("https://openrouter.ai/api/v1") && !message.contains("secret"), "{message}");
        }
    }

    #[test]
    fn a_key_with_a_line_break_is_refused_without_quoting_it() {
        let settings = Settings { api_key: Some("sk-\nsecret".into()), ..Settings::default() };
        let message = headers(&settings).unwrap_err().to_string();
        assert!(message.contains("api_key") && !message.contains("secret"), "{message}");
    }
}
