//! The online judges over real HTTP: what they flag, what they may not be believed in, and what their calls leave in the ledger.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::base::{PersonaId, TestClock};
use quarterdeck::llm::calls::{self, Call};
use quarterdeck::llm::judge::{JudgeName, JudgeRequest, Judgement, Judges, Settings, canary::Canary, is_free};
use quarterdeck::llm::{self, Client, price::Book};
use quarterdeck::sandbox::{self, Fault, Options, Sandbox};
use quarterdeck::store::{Database, testing};
use std::sync::Arc;
use std::time::Duration;

/// 2026-11-21.
const NOW: i64 = 1_795_219_200_000;
const HOUR: i64 = 3_600_000;
const HARMLESS: &str = "The gauges upstream say it best, and they are open to everybody.";
const THREAT: &str = "Say that once more and I will kill you.";
const BOTH: [JudgeName; 2] = [JudgeName::OpenaiModeration, JudgeName::LlamaGuard];

struct Scene {
    judges: Judges,
    sandbox: Sandbox,
    database: Database,
    clock: Arc<TestClock>,
    _directory: tempfile::TempDir,
}

impl Scene {
    async fn new(adjust: impl FnOnce(&mut Settings)) -> Self {
        let sandbox = sandbox::start(Options { posts: 0, ..Options::default() }).await.unwrap();
        let (database, directory) = testing::database();
        let clock = Arc::new(TestClock::at(NOW));
        let models = llm::Settings {
            base_url: sandbox.model_url(),
            api_key: Some(sandbox::MODEL_KEY.into()),
            // A guard's `safe` cannot come from another model: this one is never asked.
            fallback_models: vec!["sandbox/small".into()],
            ..llm::Settings::default()
        };
        let models = Client::new(models, Some(database.clone()), Book::embedded().unwrap(), clock.clone()).unwrap();
        let mut settings = Settings {
            judges: BOTH.to_vec(),
            openai_base_url: sandbox.reddit_url(),
            openai_api_key: Some(sandbox::MODEL_KEY.into()),
            ..Settings::default()
        };
        adjust(&mut settings);
        let judges = Judges::new(&settings, &models).unwrap();
        Self { judges, sandbox, database, clock, _directory: directory }
    }

    async fn ask(&self, text: &str) -> Vec<Judgement> {
        let request = JudgeRequest { persona: PersonaId::from_stored("p1"), correlation_id: "draft-1".into(), text: text.into() };
        let answers = self.judges.ask(&request).await;
        assert_eq!(answers.iter().map(|answer| answer.judge).collect::<Vec<_>>(), BOTH);
        answers.into_iter().map(|answer| answer.judgement).collect()
    }

    fn break_both(&self, fault: &str) {
        for target in ["model:/v1/moderations", "model:/chat/completions"] {
            self.sandbox.add_fault(format!("{target}={fault}").parse::<Fault>().unwrap());
        }
    }

    async fn calls(&self) -> Vec<Call> {
        self.database.read(|c| calls::recent(c, Some(&PersonaId::from_stored("p1")), None, 100)).await.unwrap()
    }
}

fn reason(judgement: &Judgement) -> &str {
    match judgement {
        Judgement::Unknown { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_harmless_text_is_safe_and_a_threat_is_named() {
    let scene = Scene::new(|_| {}).await;
    assert_eq!(scene.ask(HARMLESS).await, [Judgement::Safe, Judgement::Safe]);
    let [Judgement::Unsafe { categories: openai }, Judgement::Unsafe { categories: guard }] = &scene.ask(THREAT).await[..] else {
        panic!()
    };
    let names: Vec<_> = openai.iter().map(|category| category.name.as_str()).collect();
    assert_eq!(names, ["harassment", "harassment/threatening", "violence"]);
    assert!(openai.iter().all(|category| category.score.is_some_and(|score| (0.8..1.0).contains(&score))));
    assert_eq!((guard[0].name.as_str(), guard[0].score), ("S1 violent crimes", None));
}

#[tokio::test]
async fn every_call_is_in_the_ledger_and_no_price_is_made_up() {
    let scene = Scene::new(|_| {}).await;
    scene.ask(HARMLESS).await;
    let calls = scene.calls().await;
    assert_eq!(calls.len(), 8, "three canaries and one draft, for two judges");
    assert!(calls.iter().all(|call| call.module == "judge" && call.outcome == "ok" && call.http_status == Some(200)));
    let own: Vec<&Call> = calls.iter().filter(|call| call.correlation_id == "draft-1").collect();
    assert_eq!(own.len(), 2);
    let (free, paid): (Vec<&Call>, Vec<&Call>) = own.into_iter().partition(|call| is_free(call));
    assert_eq!((free[0].cost_reported.as_deref(), free[0].cost_computed_picos, free[0].tokens_in), (None, None, None));
    assert_eq!(free[0].model_answered.as_deref(), Some("omni-moderation-2024-09-26"));
    assert!(free[0].generation_id.as_deref().unwrap().starts_with("modr-"));
    assert!(paid[0].cost_reported_picos.is_some_and(|cost| cost > 0) && paid[0].model_asked == "meta-llama/llama-guard-4-12b");
}

#[tokio::test]
async fn whatever_is_no_answer_is_unknown_and_is_asked_once() {
    let scene = Scene::new(|settings| settings.timeout = Duration::from_secs(5)).await;
    assert_eq!(scene.ask(HARMLESS).await, [Judgement::Safe, Judgement::Safe]);
    let faults = [
        ("prose", ""),
        ("rate-limit:30", "429"),
        ("status:503", "503"),
        ("status:500:html", "500"),
        ("status:401", "key"),
        ("html-200", ""),
        ("malformed", ""),
        ("truncated-body", ""),
        ("empty-things", ""),
        ("reset-before-commit", ""),
    ];
    for (fault, words) in faults {
        let before = scene.calls().await.len();
        scene.break_both(fault);
        for (judgement, judge) in scene.ask(HARMLESS).await.iter().zip(BOTH) {
            let reason = reason(judgement);
            assert!(!reason.is_empty() && reason.to_lowercase().contains(words), "{fault}, {judge}: {reason}");
        }
        assert_eq!(scene.calls().await.len(), before + 2, "{fault}");
        scene.sandbox.clear_faults();
    }
    let outcomes: Vec<String> = scene.calls().await.into_iter().map(|call| call.outcome).collect();
    assert!(!outcomes.contains(&"started".to_owned()), "{outcomes:?}");
    assert_eq!(scene.ask(HARMLESS).await, [Judgement::Safe, Judgement::Safe]);
}

#[tokio::test]
async fn a_judge_that_hangs_is_given_up() {
    let scene = Scene::new(|settings| settings.timeout = Duration::from_millis(300)).await;
    assert_eq!(scene.ask(HARMLESS).await, [Judgement::Safe, Judgement::Safe]);
    scene.break_both("timeout:60s");
    let answers = scene.ask(HARMLESS).await;
    assert!(answers.iter().all(|answer| reason(answer).contains("within 0.3 s")), "{answers:?}");
    let calls = scene.calls().await;
    let late: Vec<&Call> = calls.iter().filter(|call| call.error_type.as_deref() == Some("timeout")).collect();
    assert!(late.len() == 2 && late.iter().all(|call| call.outcome == "interrupted"), "{calls:?}");
}

#[tokio::test]
async fn a_model_that_says_safe_to_everything_is_believed_in_nothing() {
    let scene = Scene::new(|settings| settings.llama_guard_model = "sandbox/llama-guard-always-safe".into()).await;
    let answers = scene.ask(HARMLESS).await;
    assert_eq!(answers[0], Judgement::Safe);
    assert!(reason(&answers[1]).contains("not to be trusted"), "{answers:?}");
    let before = scene.calls().await.len();
    // What is known holds for a day: the judge itself is not asked.
    scene.ask(THREAT).await;
    assert_eq!(scene.calls().await.len(), before + 1);
    scene.clock.advance(25 * HOUR);
    scene.ask(THREAT).await;
    assert_eq!(scene.calls().await.len(), before + 1 + 3 + 1 + 3, "both are tried again");
    let persona = PersonaId::from_stored("p1");
    let canary = scene.judges.iter().nth(1).unwrap().canary(&persona).await;
    assert!(matches!(canary, Canary::Failed { .. }), "{canary:?}");
}

#[tokio::test]
async fn a_judge_that_could_not_be_tested_is_tried_again_soon() {
    let scene = Scene::new(|_| {}).await;
    scene.break_both("status:503");
    let answers = scene.ask(HARMLESS).await;
    assert!(answers.iter().all(|answer| reason(answer).contains("could not be tested")), "{answers:?}");
    scene.sandbox.clear_faults();
    let before = scene.calls().await.len();
    scene.ask(HARMLESS).await;
    assert_eq!(scene.calls().await.len(), before, "not for each draft");
    scene.clock.advance(HOUR);
    assert_eq!(scene.ask(HARMLESS).await, [Judgement::Safe, Judgement::Safe]);
}

#[tokio::test]
async fn the_address_may_end_with_its_version() {
    for end in ["/api/v1", "/api/v1/", "/v1", "/"] {
        let scene = Scene::new(|settings| settings.openai_base_url.push_str(end)).await;
        assert_eq!(scene.ask(HARMLESS).await[0], Judgement::Safe, "{end}");
    }
}

#[tokio::test]
async fn an_answer_of_another_model_counts_for_nothing() {
    // The undated name is answered by a dated one.
    let scene = Scene::new(|settings| settings.openai_moderation_model = "omni-moderation-latest".into()).await;
    let answers = scene.ask(HARMLESS).await;
    let words = reason(&answers[0]);
    assert!(words.contains("omni-moderation-latest") && words.contains("omni-moderation-2024-09-26"), "{words}");
    assert_eq!(answers[1], Judgement::Safe);
}

#[tokio::test]
async fn a_judge_without_its_key_is_refused_at_the_start_and_the_key_shows_nowhere() {
    let models = Client::new(llm::Settings::default(), None, Book::embedded().unwrap(), Arc::new(TestClock::at(NOW))).unwrap();
    let settings = Settings { judges: BOTH.to_vec(), ..Settings::default() };
    assert!(Judges::new(&settings, &models).unwrap_err().to_string().contains("OPENAI_API_KEY"));
    let settings = Settings { openai_api_key: Some("sk-very-secret".into()), ..settings };
    let judges = Judges::new(&settings, &models).unwrap();
    assert!(!format!("{settings:?}{judges:?}").contains("very-secret"));
}
