//! An HTTP request: bounded in bytes, never sent on to another host.

use super::conditions::Condition;
use super::look::{Content, Look, Trouble};
use super::outcome::Cause;
use super::{MOST, Tools};
use crate::base::{Clock, SafeText, clock};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::error::Error as _;
use url::Url;

/// Redirects on the same host that are followed when it is asked for.
const HOPS: u32 = 5;
/// A certificate that ends sooner is degraded where no condition speaks of it: 7 days.
const SOON: i64 = 7 * 86_400_000;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub url: &'a str,
    pub method: &'a str,
    pub headers: &'a [(String, SecretString)],
    pub body: Option<&'a str>,
    pub follow: bool,
    pub wants_body: bool,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    /// Where a redirect leads that was not followed, without query and secrets; and why it was not.
    pub elsewhere: Option<(String, &'static str)>,
    pub certificate_ms: Option<i64>,
    pub content: Option<Content>,
    pub hops: u32,
}

/// Ask, and look at the status where no condition does.
pub(super) async fn look(request: &Request<'_>, conditions: &[Condition], tools: &Tools) -> Look {
    let answer = match ask(request, tools).await {
        Ok(answer) => answer,
        Err(trouble) => return Look::failed(trouble),
    };
    let status_cause = cause_of(&answer);
    let trouble = match &status_cause {
        Some((cause, text)) if !conditions.iter().any(Condition::is_about_status) => Some(Trouble::unhealthy(*cause, text.clone())),
        _ if conditions.iter().any(Condition::is_about_certificate) => None,
        _ => answer.certificate_ms.filter(|left| *left < SOON).map(soon),
    };
    Look {
        trouble,
        status: Some(answer.status),
        status_cause,
        connected: Some(true),
        certificate_ms: answer.certificate_ms,
        detail: json!({
            "status": answer.status,
            "redirect": answer.elsewhere.as_ref().map(|(place, _)| place),
            "hops": answer.hops,
            "certificate_ms": answer.certificate_ms,
            "cut": answer.content == Some(Content::Cut),
        }),
        content: answer.content,
        ..Look::default()
    }
}

fn soon(left: i64) -> Trouble {
    let text = if left < 0 {
        format!("the certificate ended {} ago", clock::duration(-left))
    } else {
        format!("the certificate ends in {}", clock::duration(left))
    };
    Trouble::degraded(Cause::Certificate, text)
}

/// What a status means that is not one of success.
pub(super) fn cause_of(answer: &Answer) -> Option<(Cause, String)> {
    let status = answer.status;
    match (status, &answer.elsewhere) {
        (200..300, _) => None,
        (_, Some((place, why))) => {
            Some((Cause::Redirect, format!("it answers {status} and sends to {place}, which is not followed: {why}")))
        }
        (401 | 403, _) => Some((Cause::Auth, format!("it does not let us in: {status}"))),
        (429, _) => Some((Cause::Limit, "it says that it is asked too often: 429".to_owned())),
        _ => Some((Cause::Status(status), format!("it answers {status}"))),
    }
}

/// Ask, and follow redirects on the same host where it is wanted.
pub(super) async fn ask(request: &Request<'_>, tools: &Tools) -> Result<Answer, Trouble> {
    let unusable = |what: &str| Trouble::unknown(Cause::Other, format!("the probe cannot be run: {what}"));
    let first = Url::parse(request.url).map_err(|error| unusable(&format!("its address is not one ({error})")))?;
    if !matches!(first.scheme(), "http" | "https") || first.host_str().is_none() {
        return Err(unusable("its address is not one of http:// or https://"));
    }
    let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| unusable("its method is not one"))?;
    let headers = headers(request.headers).ok_or_else(|| unusable("one of its headers holds characters that no header may have"))?;
    let (mut address, mut hops) = (first.clone(), 0);
    loop {
        let mut asked = tools.http.request(method.clone(), address.clone()).headers(headers.clone());
        if let Some(body) = request.body {
            asked = asked.body(body.to_owned());
        }
        let mut response = asked.send().await.map_err(|error| trouble(&error, &first))?;
        let next = response.status().is_redirection().then(|| target(&response, &address)).flatten();
        if let Some(next) = next.as_ref().filter(|next| request.follow && hops < HOPS && stays(&address, next)) {
            hops += 1;
            address = next.clone();
            continue;
        }
        let elsewhere = next.map(|next| {
            let why = if !request.follow {
                "redirects are not followed"
            } else if stays(&address, &next) {
                "there are too many"
            } else {
                "it is another host, or no longer a secure one"
            };
            (place(&next), why)
        });
        let certificate_ms = certificate(&response, tools.clock.as_ref());
        let content = if request.wants_body { Some(content(&mut response, &first).await?) } else { None };
        return Ok(Answer { status: response.status().as_u16(), elsewhere, certificate_ms, content, hops });
    }
}

fn headers(pairs: &[(String, SecretString)]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let mut value = HeaderValue::from_str(value.expose_secret()).ok()?;
        value.set_sensitive(true);
        headers.append(HeaderName::from_bytes(name.as_bytes()).ok()?, value);
    }
    Some(headers)
}

fn target(response: &Response, from: &Url) -> Option<Url> {
    from.join(response.headers().get(LOCATION)?.to_str().ok()?).ok()
}

/// Whether a redirect stays where the operator sent us: the same host, and nothing less secure.
fn stays(from: &Url, to: &Url) -> bool {
    let same_host = from.host() == to.host();
    let same_place = from.scheme() == to.scheme() && from.port_or_known_default() == to.port_or_known_default();
    let made_secure = from.scheme() == "http"
        && to.scheme() == "https"
        && from.port_or_known_default() == Some(80)
        && to.port_or_known_default() == Some(443);
    same_host && (same_place || made_secure)
}

/// An address that can be shown: its user, password, query and fragment may be secrets.
fn place(address: &Url) -> String {
    let host = address.host_str().unwrap_or_default();
    let port = address.port().map(|port| format!(":{port}")).unwrap_or_default();
    SafeText::clipped(&format!("{}://{host}{port}{}", address.scheme(), address.path()), 120).as_str().to_owned()
}

/// Milliseconds until the certificate of this answer ends.
fn certificate(response: &Response, clock: &dyn Clock) -> Option<i64> {
    let der = response.extensions().get::<reqwest::tls::TlsInfo>()?.peer_certificate()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    Some(certificate.validity().not_after.timestamp().saturating_mul(1_000).saturating_sub(clock.now()))
}

async fn content(response: &mut Response, asked: &Url) -> Result<Content, Trouble> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| trouble(&error, asked))? {
        if bytes.len() + chunk.len() > MOST {
            return Ok(Content::Cut);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Content::of(&bytes))
}

/// What an error of the client means. The address in it is left out: its query may hold a secret.
fn trouble(error: &reqwest::Error, asked: &Url) -> Trouble {
    let host = asked.host_str().unwrap_or_default();
    let place = asked.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    if let Some(tls) = tls_error(error) {
        return of_tls(tls, &place);
    }
    if inner_is_dns(error) {
        return Trouble::unhealthy(Cause::Dns, format!("the name {host} has no address"));
    }
    let mut cause = error.source();
    let mut last = None;
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            let trouble = Trouble::of_io(io, &place);
            return match trouble.cause {
                _ if !error.is_connect() => trouble.with_connection(Some(true)),
                Cause::Timeout => trouble.with_connection(Some(false)),
                _ => trouble,
            };
        }
        last = Some(inner.to_string());
        cause = inner.source();
    }
    if error.is_timeout() {
        return Trouble::unhealthy(Cause::Timeout, format!("{place} does not answer"))
            .with_connection((!error.is_connect()).then_some(true));
    }
    let broken = if error.is_body() || error.is_decode() { "the answer broke off" } else { "the answer is not HTTP, or broke off" };
    let trouble = Trouble::unhealthy(Cause::Broken, last.map_or_else(|| broken.to_owned(), |text| format!("{broken}: {text}")));
    trouble.with_connection((!error.is_connect()).then_some(true))
}

/// The error of TLS in an error: errors of the system carry others inside, which are not their sources.
pub(super) fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    // A chain is short; one that is not is left alone.
    for _ in 0..16 {
        let inner = next?;
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        let carried = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = carried.map(|carried| carried as &(dyn std::error::Error + 'static)).or_else(|| inner.source());
    }
    None
}

fn inner_is_dns(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.to_string().contains("dns error") {
            return true;
        }
        cause = inner.source();
    }
    false
}

pub(super) fn of_tls(error: &rustls::Error, place: &str) -> Trouble {
    use rustls::CertificateError as Wrong;
    let rustls::Error::InvalidCertificate(wrong) = error else {
        return Trouble::unhealthy(Cause::Tls, format!("no secure connection to {place}: {error}"));
    };
    let text = match wrong {
        Wrong::Expired | Wrong::ExpiredContext { .. } => "it has ended".to_owned(),
        Wrong::NotValidYet | Wrong::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        Wrong::UnknownIssuer => "nobody that this machine trusts has signed it".to_owned(),
        Wrong::NotValidForName | Wrong::NotValidForNameContext { .. } => "it is for another name".to_owned(),
        other => other.to_string(),
    };
    Trouble::unhealthy(Cause::Certificate, format!("the certificate of {place} is refused: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_stays_on_its_host_and_gets_no_less_secure() {
        let stays = |from: &str, to: &str| stays(&Url::parse(from).unwrap(), &Url::parse(to).unwrap());
        assert!(stays("http://a/x", "http://a/y") && stays("http://a/x", "https://a/x") && stays("https://a:444/x", "https://a:444/"));
        for (from, to) in [
            ("https://a/", "http://a/"),
            ("http://a/", "http://b/"),
            ("http://a/", "http://169.254.169.254/latest"),
            ("http://a/", "http://127.0.0.1/"),
            ("http://a:8080/", "http://a:22/"),
            ("https://a/", "ftp://a/"),
            ("https://a/", "https://a.evil/"),
        ] {
            assert!(!stays(from, to), "{from} {to}");
        }
        assert_eq!(place(&Url::parse("https://u:p@a:81/x?token=s#f").unwrap()), "https://a:81/x");
    }
}
