//! Vectors from an OpenAI-compatible endpoint: `POST {base}/embeddings`.
//!
//! One request for each batch, one attempt: whoever waits for a vector (the ingest, a search) goes on with words alone and comes again. An answer is
//! taken as a whole or not at all: as many vectors as texts, each of the right length and made of numbers.

use super::error::{Error, Result};
use super::settings::Settings;
use super::{Model, text};
use crate::base::{SafeText, sha256_hex};
use crate::llm;
use crate::llm::connection::{self, chain, without_key};
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// The largest answer that is read for each text, in bytes: 8,192 dimensions as decimal text.
const MAX_BODY_PER_TEXT: usize = 256 * 1024;
/// The largest error page that is read, in bytes.
const MAX_ERROR_BODY: usize = 16 * 1024;
/// What an address looks like.
const SAMPLE: &str = "https://api.openai.com/v1 or http://127.0.0.1:8080/v1";

/// An endpoint, and what is asked of it.
#[derive(Debug)]
pub struct Endpoint {
    model: Model,
    /// The model's name as the endpoint knows it.
    asked: String,
    address: Url,
    host: String,
    http: reqwest::Client,
    key: Option<SecretString>,
    batch: usize,
    longest: usize,
    timeout: Duration,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    /// Missing in the answers of some servers: then the order counts.
    index: Option<usize>,
    embedding: Vec<Option<f32>>,
}

impl Endpoint {
    /// An endpoint at `base`. Nothing is sent yet.
    pub(super) fn open(base: &str, settings: &Settings) -> Result<Self> {
        let address = connection::address(base, "embeddings", "search.embedder.url", SAMPLE);
        let address = address.map_err(|error| settings_error("search.embedder.url", error))?;
        let missing = |setting, reason: &str| Error::Settings { setting, reason: reason.to_owned() };
        let asked = settings.model.clone().filter(|name| !name.trim().is_empty()).ok_or_else(|| {
            missing("search.embedder.model", "it is not set, and an endpoint needs it; set the name that the endpoint knows its model by")
        })?;
        let dimensions = settings.dimensions.filter(|dimensions| *dimensions > 0).ok_or_else(|| {
            missing("search.embedder.dimensions", "it is not set; set how many numbers a vector of this model has, such as 1536")
        })?;
        let host = address.host_str().unwrap_or_default().to_owned();
        let host = address.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        // The address is part of what the model is: two servers may call different things by one name.
        let digest = sha256_hex(format!("{address}\n{asked}\n{dimensions}").as_bytes());
        Ok(Self {
            model: Model { name: format!("{}-{dimensions}@{}", text::name(&asked), &digest[..8]), dimensions },
            http: http_client(&address, settings.api_key.as_ref())?,
            asked,
            address,
            host,
            key: settings.api_key.clone(),
            batch: settings.batch.max(1),
            longest: settings.longest.max(1),
            timeout: settings.timeout,
        })
    }

    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    /// Vectors of all texts, in order. Texts without a letter or digit are not sent and have none.
    pub(super) async fn embed(&self, texts: &[&str]) -> Result<Vec<Option<Vec<f32>>>> {
        let mut vectors: Vec<Option<Vec<f32>>> = vec![None; texts.len()];
        let readable = |text: &str| text.chars().any(char::is_alphanumeric);
        let wanted: Vec<(usize, String)> = texts
            .iter()
            .enumerate()
            .map(|(place, text)| (place, text::cut_characters(text, self.longest)))
            .filter(|(_, text)| readable(text))
            // Servers in C end a text there, and databases behind others refuse it.
            .map(|(place, text)| (place, text.replace('\0', " ")))
            .collect();
        for batch in wanted.chunks(self.batch) {
            let sent: Vec<&str> = batch.iter().map(|(_, text)| text.as_str()).collect();
            let asked = tokio::time::timeout(self.timeout, self.ask(&sent)).await;
            let rows = asked.map_err(|_| Error::TimedOut { host: self.host.clone(), after: self.timeout })??;
            for ((place, _), row) in batch.iter().zip(rows) {
                vectors[*place] = text::normalised(row);
            }
        }
        Ok(vectors)
    }

    async fn ask(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let body = json!({ "model": self.asked, "input": texts, "encoding_format": "float" }).to_string();
        let sent = self.http.post(self.address.clone()).header(CONTENT_TYPE, "application/json").body(body).send().await;
        let mut response = sent.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        if status != 200 {
            let page = self.body(&mut response, MAX_ERROR_BODY).await.unwrap_or_default();
            return Err(self.refused(status, &page));
        }
        let limit = MAX_BODY_PER_TEXT * texts.len().max(4);
        let page = self.body(&mut response, limit).await?;
        read(&page, texts.len()).map_err(|reason| self.malformed(reason)).and_then(|rows| self.checked(rows))
    }

    fn checked(&self, rows: Vec<Vec<f32>>) -> Result<Vec<Vec<f32>>> {
        match rows.iter().find(|row| row.len() != self.model.dimensions) {
            Some(row) => Err(Error::DimensionChanged { model: self.asked.clone(), expected: self.model.dimensions, found: row.len() }),
            None => Ok(rows),
        }
    }

    async fn body(&self, response: &mut reqwest::Response, limit: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > limit {
                return Err(self.malformed(format!("it is larger than {limit} bytes")));
            }
        }
        Ok(bytes)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        Error::Unreachable { host: self.host.clone(), reason: without_key(chain(error), self.key.as_ref()) }
    }

    fn malformed(&self, reason: String) -> Error {
        Error::Malformed { host: self.host.clone(), reason }
    }

    fn refused(&self, status: u16, page: &[u8]) -> Error {
        let next = match status {
            401 | 403 => "check `search.embedder.api_key`",
            404 => "check `search.embedder.url`, which ends before `/embeddings`, and the model's name",
            400 | 413 | 422 => "check the model's name, or lower `search.embedder.batch` or `search.embedder.longest`",
            429 => "it is asked too often; wait, or lower the load on it",
            _ => "try again, and look at the endpoint's own log",
        };
        let said = serde_json::from_slice::<serde_json::Value>(page).ok();
        let message = said.as_ref().and_then(|said| {
            let error = &said["error"];
            [&error["message"], error, &said["message"], &said["detail"]].into_iter().find_map(|text| text.as_str()).map(str::to_owned)
        });
        let message = message.unwrap_or_else(|| "no reason was given".to_owned());
        let message = SafeText::clipped(&without_key(message, self.key.as_ref()), 200).as_str().to_owned();
        Error::Refused { host: self.host.clone(), status, message, next }
    }
}

/// The vectors of an answer in the order of the texts.
fn read(page: &[u8], texts: usize) -> Result<Vec<Vec<f32>>, String> {
    let answer: Answer = serde_json::from_slice(page).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => format!("it does not hold vectors: {}", SafeText::clipped(&error.to_string(), 120).as_str()),
        _ => "it is not JSON".to_owned(),
    })?;
    if answer.data.len() != texts {
        return Err(format!("it holds {} vectors for {texts} texts", answer.data.len()));
    }
    let mut rows: Vec<Option<Vec<f32>>> = vec![None; texts];
    for (place, row) in answer.data.into_iter().enumerate() {
        let at = row.index.unwrap_or(place);
        // Servers write NaN as null; numbers too large for 32 bits become infinite.
        let numbers: Option<Vec<f32>> = row.embedding.into_iter().map(|number| number.filter(|number| number.is_finite())).collect();
        let numbers = numbers.ok_or_else(|| format!("vector {at} holds something that is no number"))?;
        match rows.get_mut(at) {
            Some(free @ None) => *free = Some(numbers),
            Some(_) => return Err(format!("it holds vector {at} twice")),
            None => return Err(format!("it numbers a vector {at} of {texts}")),
        }
    }
    rows.into_iter().collect::<Option<_>>().ok_or_else(|| "a vector is missing".to_owned())
}

/// A client with the key in its headers, made as those of models are.
fn http_client(address: &Url, key: Option<&SecretString>) -> Result<reqwest::Client> {
    let own = llm::Settings { api_key: key.cloned(), app_title: None, ..llm::Settings::default() };
    connection::http_client(&own, address).map_err(|error| settings_error("search.embedder.api_key", error))
}

fn settings_error(setting: &'static str, error: llm::Error) -> Error {
    match error {
        llm::Error::Settings { setting: "base_url", reason } => Error::Settings { setting: "search.embedder.url", reason },
        llm::Error::Settings { reason, .. } => Error::Settings { setting, reason },
        other => Error::Settings { setting, reason: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_whole_and_in_the_order_of_the_texts() {
        let swapped = br#"{"data":[{"index":1,"embedding":[2,0]},{"index":0,"embedding":[1,0]}]}"#;
        assert_eq!(read(swapped, 2), Ok(vec![vec![1.0, 0.0], vec![2.0, 0.0]]));
        assert_eq!(read(br#"{"data":[{"embedding":[1]},{"embedding":[2]}]}"#, 2), Ok(vec![vec![1.0], vec![2.0]]));
        for (page, named) in [
            (r#"{"data":[]}"#, "0 vectors for 2"),
            (r#"{"data":[{"embedding":[1]},{"embedding":[null]}]}"#, "no number"),
            (r#"{"data":[{"embedding":[1]},{"embedding":[1e99]}]}"#, "no number"),
            (r#"{"data":[{"embedding":[1]},{"embedding":[NaN]}]}"#, "not JSON"),
            (r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#, "twice"),
            (r#"{"data":[{"index":0,"embedding":[1]},{"index":7,"embedding":[1]}]}"#, "7 of 2"),
            (r#"{"data":[{"embedding":"AAAA"},{"embedding":"AAAA"}]}"#, "does not hold vectors"),
            (r#"{"choices":[]}"#, "does not hold vectors"),
            ("<html>", "not JSON"),
        ] {
            let reason = read(page.as_bytes(), 2).unwrap_err();
            assert!(reason.contains(named), "{page}: {reason}");
        }
    }

    #[test]
    fn settings_that_cannot_work_name_themselves_and_never_the_key() {
        let good = Settings { model: Some("m".into()), dimensions: Some(8), api_key: Some("sk-canary".into()), ..Settings::default() };
        assert!(Endpoint::open("http://127.0.0.1:1/v1/", &good).is_ok());
        for (base, settings, named) in [
            ("ftp://x/v1", good.clone(), "search.embedder.url"),
            ("https://user:canary@x/v1", good.clone(), "search.embedder.url"),
            ("http://x/v1", Settings { model: None, ..good.clone() }, "search.embedder.model"),
            ("http://x/v1", Settings { dimensions: None, ..good.clone() }, "search.embedder.dimensions"),
            ("http://x/v1", Settings { api_key: Some("can\nary".into()), ..good.clone() }, "search.embedder.api_key"),
        ] {
            let message = Endpoint::open(base, &settings).unwrap_err().to_string();
            assert!(message.contains(named) && !message.contains("canary") && !message.contains("can\nary"), "{message}");
        }
    }

    #[test]
    fn the_name_tells_endpoints_models_and_dimensions_apart() {
        let name = |base: &str, model: &str, dimensions| {
            let settings = Settings { model: Some(model.into()), dimensions: Some(dimensions), ..Settings::default() };
            Endpoint::open(base, &settings).unwrap().model().name.clone()
        };
        let first = name("http://a/v1", "nomic embed", 768);
        assert!(first.starts_with("nomic-embed-768@"), "{first}");
        assert_eq!(first, name("http://a/v1/", "nomic embed", 768));
        for other in [name("http://b/v1", "nomic embed", 768), name("http://a/v1", "nomic", 768), name("http://a/v1", "nomic embed", 256)] {
            assert_ne!(first, other);
        }
    }
}
