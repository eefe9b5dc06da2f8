//! The model side.

use crate::visit::visit;
use serde_json::{Value, json};

#[tokio::test]
async fn the_model_answers_whole_and_in_parts_with_the_same_text_and_usage() {
    let visit = visit(|_| {}).await;
    let ask = |stream: bool| json!({"model": "sandbox/small", "stream": stream, "messages": [{"role": "user", "content": "Message: How do we measure shade?"}]});
    let whole = visit.chat(&ask(false)).await.unwrap();
    assert!(whole.headers().contains_key("x-generation-id"));
    let whole: Value = whole.json().await.unwrap();
    assert_eq!((whole["provider"].as_str(), whole["model"].as_str()), (Some("sandbox"), Some("sandbox/small")));
    let usage = &whole["usage"];
    let cost = (usage["prompt_tokens"].as_f64().unwrap() * 0.1 + usage["completion_tokens"].as_f64().unwrap() * 0.4) / 1e6;
    assert!((usage["cost"].as_f64().unwrap() - cost).abs() < 1e-15);

    let stream = visit.chat(&ask(true)).await.unwrap();
    assert!(stream.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let stream = stream.text().await.unwrap();
    assert!(stream.starts_with(": OPENROUTER PROCESSING\n\n") && stream.ends_with("data: [DONE]\n\n"));
    let chunks: Vec<Value> = stream.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, whole["choices"][0]["message"]["content"].as_str().unwrap());
    let last = chunks.last().unwrap();
    assert_eq!((&last["usage"], &last["choices"]), (usage, &json!([])));

    let url = format!("{}/generation?id={}", visit.sandbox.model_url(), whole["id"].as_str().unwrap());
    let generation: Value = visit.client.get(url).bearer_auth("any").send().await.unwrap().json().await.unwrap();
    assert_eq!(generation["data"]["total_cost"], usage["cost"]);
    let models: Value = visit.client.get(format!("{}/models", visit.sandbox.model_url())).send().await.unwrap().json().await.unwrap();
    assert!(models["data"].as_array().unwrap().len() > 5);
    let nobody = visit.client.post(format!("{}/chat/completions", visit.sandbox.model_url())).json(&ask(false)).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
}

#[tokio::test]
async fn model_faults_have_the_envelope_of_the_service() {
    let visit = visit(|_| {}).await;
    let ask = json!({"model": "sandbox/small", "messages": [{"role": "user", "content": "hello"}]});
    for text in ["model:/chat/completions=rate-limit:7*1", "model:/chat/completions=status:529*1", "model:/chat/completions=empty-things*1"]
    {
        visit.sandbox.add_fault(text.parse().unwrap());
    }
    let limited = visit.chat(&ask).await.unwrap();
    assert_eq!((limited.status().as_u16(), limited.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    let overloaded = visit.chat(&ask).await.unwrap();
    assert_eq!(overloaded.status(), 529);
    assert_eq!(overloaded.json::<Value>().await.unwrap()["error"]["metadata"]["error_type"], "provider_overloaded");
    assert_eq!(visit.chat(&ask).await.unwrap().json::<Value>().await.unwrap()["choices"], json!([]));
    visit.sandbox.add_fault("model:/chat/completions=truncated-body*1".parse().unwrap());
    let mut streamed = ask.clone();
    streamed["stream"] = true.into();
    assert!(visit.chat(&streamed).await.unwrap().bytes().await.is_err());
}
