//! A Qdrant server: whether it is ready, and how a collection of it is.

use super::Tools;
use super::http::{self, Request};
use super::look::{Content, Look, Trouble};
use super::outcome::Cause;
use secrecy::SecretString;
use serde_json::{Value, json};

/// Ask whether it is ready, then for the collection.
pub(super) async fn look(url: &str, collection: Option<&str>, api_key: Option<&SecretString>, tools: &Tools) -> Look {
    match talk(url, collection, api_key, tools).await {
        Ok(look) => look,
        Err(trouble) => Look::failed(trouble),
    }
}

async fn talk(url: &str, collection: Option<&str>, api_key: Option<&SecretString>, tools: &Tools) -> Result<Look, Trouble> {
    let base = url.trim_end_matches('/');
    let headers: Vec<(String, SecretString)> = api_key.map(|key| ("api-key".to_owned(), key.clone())).into_iter().collect();
    let get = |address: String| {
        let headers = &headers;
        async move {
            let request = Request { url: &address, method: "GET", headers, body: None, follow: false, wants_body: true };
            http::ask(&request, tools).await
        }
    };
    let mut ready = get(format!("{base}/readyz")).await?;
    if ready.status == 404 {
        // Before version 1.5 there was no other.
        ready = get(format!("{base}/healthz")).await?;
    }
    let mut look = Look { connected: Some(true), status: Some(ready.status), certificate_ms: ready.certificate_ms, ..Look::default() };
    if ready.status != 200 {
        let (cause, text) = http::cause_of(&ready).unwrap_or((Cause::Status(ready.status), format!("it answers {}", ready.status)));
        let text = if ready.status == 503 { "it is not ready: shards are still starting (503)".to_owned() } else { text };
        look.trouble = Some(Trouble::unhealthy(cause, text));
        return Ok(look);
    }
    let Some(collection) = collection else { return Ok(look) };
    let mut address =
        url::Url::parse(base).map_err(|error| Trouble::unknown(Cause::Other, format!("the address is not usable: {error}")))?;
    match address.path_segments_mut() {
        Ok(mut segments) => drop(segments.pop_if_empty().push("collections").push(collection)),
        Err(()) => return Err(Trouble::unknown(Cause::Other, "the address is not usable")),
    }
    let answer = get(address.into()).await?;
    look.status = Some(answer.status);
    if answer.status == 404 {
        look.trouble = Some(Trouble::unhealthy(Cause::Missing, format!("there is no collection {collection:?}")));
        return Ok(look);
    }
    if let Some((cause, text)) = http::cause_of(&answer) {
        look.trouble = Some(Trouble::unhealthy(cause, text));
        return Ok(look);
    }
    let Some(Content::Text(_, Some(value))) = answer.content else {
        look.trouble = Some(Trouble::unhealthy(Cause::Broken, "what it says of the collection is not understood"));
        return Ok(look);
    };
    let result = &value["result"];
    look.trouble = colour(result, collection);
    look.values = result["points_count"].as_f64().map(|points| (collection.to_owned(), points)).into_iter().collect();
    look.detail = json!({ "collection": collection, "state": result["status"], "points": result["points_count"], "segments": result["segments_count"] });
    Ok(look)
}

/// What the colour of a collection means.
fn colour(result: &Value, collection: &str) -> Option<Trouble> {
    match result["status"].as_str() {
        Some("green") => {
            let error = result["optimizer_status"]["error"].as_str()?;
            Some(Trouble::degraded(Cause::Other, format!("the optimizer of {collection:?} has failed: {error}")))
        }
        Some("yellow") => Some(Trouble::degraded(Cause::Other, format!("the collection {collection:?} is yellow: it is being optimized"))),
        Some("grey") => {
            Some(Trouble::degraded(Cause::Other, format!("the collection {collection:?} is grey: optimizations wait for the next change")))
        }
        Some("red") => Some(Trouble::unhealthy(Cause::Other, format!("the collection {collection:?} is red: the engine has failed in it"))),
        _ => Some(Trouble::unhealthy(Cause::Broken, "what it says of the collection is not understood")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::health::Status;

    #[test]
    fn colours_are_states_and_what_is_not_a_colour_is_not_green() {
        let of = |value: Value| colour(&value, "book").map(|trouble| trouble.status);
        assert_eq!(of(json!({ "status": "green", "optimizer_status": "ok" })), None);
        assert_eq!(of(json!({ "status": "green", "optimizer_status": { "error": "disk" } })), Some(Status::Degraded));
        assert_eq!(of(json!({ "status": "yellow" })), Some(Status::Degraded));
        assert_eq!(of(json!({ "status": "red" })), Some(Status::Unhealthy));
        assert_eq!(of(json!({})), Some(Status::Unhealthy));
    }
}
