//! `quarterdeck models` and what `quarterdeck prices` says about changes: the real program, a real database, the sandbox's model service.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::base::{Clock, Millis, SystemClock, TestClock};
use quarterdeck::llm::price::Book;
use quarterdeck::llm::{ChatRequest, Client, Settings};
use quarterdeck::sandbox::{self, Options, Sandbox};
use serde_json::{Value, json};
use std::sync::Arc;

/// 2026-10-05.
const OCTOBER: Millis = 1_791_158_400_000;

mod support;
use support::program::{Did, Home as Program};

/// The program beside a sandbox.
struct Home {
    program: Program,
    sandbox: Sandbox,
}

impl Home {
    async fn new() -> Self {
        let sandbox = sandbox::start(Options { posts: 1, ..Options::default() }).await.unwrap();
        Self { program: Program::new(), sandbox }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.program.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    async fn run(&self, words: &[&str]) -> Did {
        let mut command = self.program.command(words);
        command.env("OPENROUTER_API_KEY", sandbox::MODEL_KEY).env("OPENROUTER_BASE_URL", self.sandbox.model_url());
        // On a thread of its own: the sandbox answers from this runtime.
        let output = std::thread::spawn(move || command.output().unwrap());
        while !output.is_finished() {
            tokio::task::yield_now().await;
        }
        Did::of(output.join().unwrap())
    }

    fn client(&self, clock: Arc<dyn Clock>) -> Client {
        let settings = Settings {
            base_url: self.sandbox.model_url(),
            api_key: Some(sandbox::MODEL_KEY.to_owned().into()),
            response_model: "openai/gpt-5-mini".into(),
            max_attempts: 1,
            ..Settings::default()
        };
        Client::new(settings, Some(self.program.open()), Book::embedded().unwrap(), clock).unwrap()
    }
}

fn question() -> ChatRequest {
    ChatRequest::new("draft", None, "Message: How do we measure shade in a city? ".repeat(20))
}

/// OpenRouter's `/models` with one price.
fn table(prompt: &str) -> String {
    json!({"data": [{"id": "openai/gpt-5-mini", "pricing": {"prompt": prompt, "completion": "0.000002"}},
        {"id": "new/model", "pricing": {"prompt": "0.000001", "completion": "0.000002"}}, {"id": "odd", "pricing": {"prompt": "NaN"}}]})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_call_is_looked_up_and_the_key_agrees_with_the_ledger() {
    let home = Home::new().await;
    let client = home.client(Arc::new(SystemClock));
    let reply = client.chat(question()).await.unwrap();
    home.sandbox.add_fault("model:/api/v1/chat/completions=truncated-body*1".parse().unwrap());
    client.chat(ChatRequest { stream: true, ..question() }).await.unwrap_err();

    let trace = home.run(&["--json", "models", "trace", &reply.call_id]).await.ended(0).json();
    assert_eq!(trace["trace"]["steps"][0]["step"], "chosen");
    let told = home.run(&["models", "trace", &reply.call_id]).await.ended(0).out;
    assert!(told.contains("openai/gpt-5-mini, the usual model") && told.contains("attempt 1: openai/gpt-5-mini answered"), "{told}");
    assert!(home.run(&["models", "trace", "none"]).await.ended(1).err.contains("there is no call none"));

    let unknown = home.run(&["--json", "models", "check"]).await.json();
    assert_eq!((&unknown["compared"][0]["unknown"], &unknown["key"]["label"]), (&json!(1), &json!("sandbox")));
    let found = home.run(&["--json", "models", "recover"]).await.ended(0).json();
    assert_eq!((&found["calls"][0]["result"], &found["unknown"]), (&json!("cost"), &json!(0)));
    assert!(found["cost"].as_i64().unwrap() > 0);
    let again = home.run(&["models", "recover"]).await.ended(0).out;
    assert!(again.contains("no call is of unknown cost"), "{again}");

    let check = home.run(&["--json", "models", "check"]).await.ended(0).json();
    assert!(check["compared"].as_array().unwrap().iter().all(|one| one["verdict"] == "same" && one["unknown"] == 0), "{check}");
    let told = home.run(&["models", "check"]).await.ended(0).out;
    assert!(told.contains("they agree") && told.contains("$100.00"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_disagrees_or_a_call_that_is_not_found_is_a_problem_and_a_missing_service_a_failure() {
    let home = Home::new().await;
    let client = home.client(Arc::new(SystemClock));
    client.chat(question()).await.unwrap();
    home.program
        .open()
        .write(|c| c.exec("UPDATE llm_calls SET cost_reported_picos = cost_reported_picos + 900000000000", &[]))
        .await
        .unwrap();
    let check = home.run(&["--json", "models", "check"]).await.ended(3).json();
    assert_eq!(check["compared"][0]["verdict"], "ledger_more");
    home.run(&["models", "check", "--tolerance", "100"]).await.ended(0);
    for wrong in ["NaN", "-1", "101", "much"] {
        let wrong = format!("--tolerance={wrong}");
        assert!(home.run(&["models", "check", &wrong]).await.ended(2).err.contains("percentage"), "{wrong}");
    }
    home.sandbox.add_fault("model:/api/v1/chat/completions=truncated-body*1".parse().unwrap());
    client.chat(ChatRequest { stream: true, ..question() }).await.unwrap_err();
    home.program.open().write(|c| c.exec("UPDATE llm_calls SET finished_at = finished_at - 100000", &[])).await.unwrap();
    home.sandbox.add_fault("model:/api/v1/generation=status:404*1".parse().unwrap());
    let found = home.run(&["--json", "models", "recover"]).await.ended(3).json();
    assert_eq!((&found["calls"][0]["result"], &found["unknown"]), (&json!("not_found"), &json!(1)));
    home.sandbox.add_fault("model:/api/v1/key=status:404*1".parse().unwrap());
    assert!(home.run(&["models", "check"]).await.ended(1).err.contains("another service than OpenRouter"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_month_is_the_same_after_a_later_price_and_told_after_an_earlier_one() {
    let home = Home::new().await;
    let clock = TestClock::at(OCTOBER);
    let client = home.client(Arc::new(clock.clone()));
    for _ in 0..3 {
        client.chat(question()).await.unwrap();
        clock.advance(86_400_000);
    }
    let replay = ["--json", "prices", "replay", "--month", "2026-10"];
    let before = home.run(&replay).await.ended(0).json();
    assert_eq!(
        (&before["calls"], &before["priced"], &before["is_same"], &before["is_closed"]),
        (&json!(3), &json!(3), &json!(true), &json!(true))
    );
    assert!(before["then"].as_i64().unwrap() > 0);

    let dear = home.file("dear.json", &table("0.000009"));
    home.run(&["prices", "import", &dear, "--from", "2026-11-01"]).await.ended(0);
    assert_eq!(home.run(&replay).await.ended(0).json(), before, "to the same pico");
    home.run(&["prices", "import", &dear, "--from", "2026-10-06"]).await.ended(0);
    let after = home.run(&replay).await.ended(3).json();
    assert_eq!(
        (&after["different"], &after["then"], &after["differences"][0]["cause"]),
        (&json!(2), &before["then"], &json!("other_price"))
    );
    let told = home.run(&["prices", "replay", "--month", "2026-10"]).await.ended(3).out;
    assert!(
        told.contains("another price was recorded for that time afterwards") && told.contains("2 of 3 calls come out otherwise"),
        "{told}"
    );

    assert!(home.run(&["prices", "replay", "--month", "2026-09"]).await.ended(0).out.contains("no calls in 2026-09"));
    for wrong in ["2026-13", "october", "NaN"] {
        assert!(home.run(&["prices", "replay", "--month", wrong]).await.ended(2).err.contains("write it as 2026-10"), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_between_two_dates_and_against_a_file_is_told_by_rate() {
    let home = Home::new().await;
    let changes = |value: &Value, model: &str| -> Vec<(String, Option<f64>)> {
        let all = value["changes"].as_array().unwrap().iter().filter(|one| one["model"] == model);
        all.map(|one| (one["field"].as_str().unwrap().to_owned(), one["percent"].as_f64().map(f64::round))).collect()
    };
    let dates = ["--json", "prices", "diff", "--from", "2026-08-20", "--to", "2026-08-21", "--shipped"];
    let between = home.run(&dates).await.ended(0).json();
    let expected = [("cache_read", -20.0), ("input", -20.0), ("output", -33.0)];
    let found = changes(&between, "openai/gpt-5.6-sol");
    assert_eq!(found, expected.map(|(field, percent)| (field.to_owned(), Some(percent))));
    let told = home.run(&["prices", "diff", "--from", "2026-08-20", "--to", "2026-08-21"]).await.ended(0).out;
    assert!(told.contains("openai/gpt-5.6-sol") && told.contains("5.0000") && told.contains("-20.0 %"), "{told}");
    let none = home.run(&["prices", "diff", "--from", "2026-08-21", "--to", "2026-08-21"]).await.ended(0).out;
    assert!(none.contains("no rate is another one"), "{none}");

    let file = home.file("now.json", &table("0.0000005"));
    let against = home.run(&["--json", "prices", "diff", "--file", &file]).await.ended(0).json();
    let own = changes(&against, "openai/gpt-5-mini");
    assert!(own.contains(&("input".to_owned(), Some(100.0))), "{own:?}");
    assert_eq!((&against["added"], against["rejected"].as_array().unwrap().len()), (&json!(["new/model"]), 1));
    home.run(&["prices", "import", &file]).await.ended(0);
    let same = home.run(&["--json", "prices", "diff", "--file", &file, "--model", "gpt-5-mini"]).await.ended(0).json();
    assert_eq!(same["changes"], json!([]), "what was imported is what the file says");
    let shipped = home.run(&["--json", "prices", "diff", "--file", &file, "--model", "gpt-5-mini", "--shipped"]).await.ended(0).json();
    assert!(!changes(&shipped, "openai/gpt-5-mini").is_empty());

    let toml = home.file("own.toml", "[[price]]\nmodel = \"openai/gpt-5-mini\"\nfrom = \"2025-08-07\"\ninput = 1.0\noutput = 2.0\n");
    let own = home.run(&["--json", "prices", "diff", "--file", &toml, "--shipped", "--model", "openai/gpt-5-mini"]).await.ended(0).json();
    assert!(changes(&own, "openai/gpt-5-mini").contains(&("input".to_owned(), Some(300.0))), "{own}");
    for (words, code, says) in [
        (vec!["prices", "diff"], 2, "--from"),
        (vec!["prices", "diff", "--from", "2026-09-01", "--to", "2026-08-01"], 2, "behind the later one"),
        (vec!["prices", "diff", "--from", "soon"], 2, "write it as"),
        (vec!["prices", "diff", "--file", "/no/such.json"], 1, "cannot be read"),
    ] {
        assert!(home.run(&words).await.ended(code).err.contains(says), "{words:?}");
    }
    let prose = home.file("prose.json", "{\"a\":1}");
    assert!(home.run(&["prices", "diff", "--file", &prose]).await.ended(1).err.contains("is no price table"));
}
