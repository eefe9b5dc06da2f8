//! A sandbox with a client that is logged in.

use quarterdeck::base::TestClock;
use quarterdeck::sandbox::{self, ACCOUNT, Options, PASSWORD, Sandbox};
use serde_json::Value;
use std::sync::Arc;

pub const NOON: i64 = 1_795_000_000_000;

/// A sandbox, a client, and a token for it.
pub struct Visit {
    pub sandbox: Sandbox,
    pub client: reqwest::Client,
    pub clock: TestClock,
    pub token: String,
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

pub async fn visit(change: impl FnOnce(&mut Options)) -> Visit {
    let clock = TestClock::at(NOON);
    let mut options = Options { clock: Arc::new(clock.clone()), ..Options::default() };
    change(&mut options);
    let sandbox = sandbox::start(options).await.unwrap();
    let mut visit = Visit { sandbox, client: client(), clock, token: String::new() };
    let answer = visit.token(&[("grant_type", "password"), ("username", ACCOUNT), ("password", PASSWORD)]).await;
    visit.token = answer.1["access_token"].as_str().unwrap_or_default().to_owned();
    visit
}

impl Visit {
    pub async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("{}/api/v1/access_token", self.sandbox.reddit_url());
        let answer = self.client.post(url).basic_auth(sandbox::CLIENT_ID, Some(sandbox::CLIENT_SECRET)).form(form).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.sandbox.reddit_url())).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.request(reqwest::Method::GET, path).query(&[("raw_json", "1")]).send().await.unwrap();
        assert_eq!(answer.headers()["x-quarterdeck-sandbox"], "1");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    pub async fn status(&self, path: &str) -> u16 {
        self.request(reqwest::Method::GET, path).send().await.unwrap().status().as_u16()
    }

    pub async fn send(&self, path: &str, form: &[(&str, &str)]) -> reqwest::Result<reqwest::Response> {
        let mut form = form.to_vec();
        form.push(("api_type", "json"));
        self.request(reqwest::Method::POST, path).query(&[("raw_json", "1")]).form(&form).send().await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        self.send(path, form).await.unwrap().json().await.unwrap()
    }

    pub async fn reply(&self, parent: &str, text: &str) -> Value {
        self.post("/api/comment", &[("thing_id", parent), ("text", text)]).await
    }

    pub fn open_post(&self) -> String {
        self.sandbox.world().open_posts("test").remove(0)
    }

    pub async fn chat(&self, body: &Value) -> reqwest::Result<reqwest::Response> {
        self.client.post(format!("{}/chat/completions", self.sandbox.model_url())).bearer_auth("any").json(body).send().await
    }

    pub async fn control(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.client.post(format!("{}{path}", self.sandbox.control_url())).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

pub fn error_code(answer: &Value) -> &str {
    answer["json"]["errors"][0][0].as_str().unwrap_or("none")
}

pub fn names(listing: &Value) -> Vec<String> {
    listing["data"]["children"].as_array().unwrap().iter().map(|child| child["data"]["name"].as_str().unwrap().to_owned()).collect()
}
