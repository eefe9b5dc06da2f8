//! Every recorded response of the real service is parsed and classified as its description says.
//!
//! The recordings are not part of the project; without them the tests say so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use quarterdeck::reddit::answer::{Answer, failure, read};
use quarterdeck::reddit::classify::{Action, classify};
use quarterdeck::reddit::headers::Headers;
use quarterdeck::reddit::token::{Grant, granted};
use quarterdeck::reddit::window::pace;
use quarterdeck::reddit::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/reddit");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} not present", folder.display());
    None
}

/// A recording: what was asked, and what came.
struct Recorded {
    method: String,
    path: String,
    form: String,
    answer: Answer,
}

impl Recorded {
    fn load(slug: &str) -> Self {
        let folder = folder().unwrap();
        let meta: Value = serde_json::from_slice(&std::fs::read(folder.join(format!("{slug}.meta.json"))).unwrap()).unwrap();
        let body = ["json", "html", "txt"]
            .iter()
            .find_map(|ending| std::fs::read(folder.join(format!("{slug}.body.{ending}"))).ok())
            .unwrap_or_else(|| panic!("{slug} has no body"));
        let pairs = meta["headers"].as_object().unwrap();
        let headers = Headers::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())));
        let status = u16::try_from(meta["status"].as_u64().unwrap()).unwrap();
        let text = |key: &str| meta[key].as_str().unwrap_or_default().to_owned();
        Self { method: text("method"), path: text("path"), form: text("request_body"), answer: Answer::new(status, headers, body) }
    }

    fn json(&self) -> Value {
        read("GET /recorded", &self.answer).unwrap()
    }

    fn error(&self) -> Error {
        read("GET /recorded", &self.answer).unwrap_err()
    }

    fn field(&self, name: &str) -> &str {
        self.form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    }

    /// What the client would have told, had it sent this request that writes.
    fn outcome(&self) -> WriteOutcome {
        assert_ne!(self.method, "GET");
        let action = match self.path.trim_end_matches("/.json").trim_end_matches('/') {
            "/api/comment" => Action::Reply { parent: self.field("thing_id") },
            "/api/editusertext" => Action::Edit { fullname: self.field("thing_id") },
            "/api/del" => Action::Delete { fullname: self.field("id") },
            _ => Action::Submit,
        };
        classify(action, &self.answer)
    }

    fn refused(&self) -> (String, Option<String>, RefusalClass, Option<Duration>, String) {
        match self.outcome() {
            WriteOutcome::Refused { code, field, message, class, pause } => (code, field, class, pause, message),
            other => panic!("expected a refusal: {other:?}"),
        }
    }
}

fn confirmed(outcome: &WriteOutcome) -> &str {
    match outcome {
        WriteOutcome::Confirmed { fullname, .. } => fullname,
        other => panic!("expected a confirmation: {other:?}"),
    }
}

/// What each recording's description says, as a check. `false` for a recording that nobody has described here.
fn is_as_described(slug: &str) -> bool {
    let recorded = || Recorded::load(slug);
    let login = |grant| granted("someone", grant, &recorded().answer);
    let page = || Page::from_value(&recorded().json()).unwrap();
    let thing = || {
        let path = folder().unwrap().join(format!("{slug}.derived.json"));
        Thing::from_value(&serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
    };
    match slug {
        "A01-token-password-otp" => {
            let granted = login(Grant::Password).unwrap();
            assert_eq!((granted.expires_in, granted.scope.as_str(), granted.refresh.is_none()), (3_600, "*", true));
        }
        "A04-token-refresh-24h" => {
            let granted = login(Grant::Refresh).unwrap();
            assert_eq!((granted.expires_in, granted.refresh.is_some()), (86_400, true));
        }
        "A05-token-invalid-grant-200" => assert!(matches!(login(Grant::Password), Err(Error::Login { .. }))),
        "A08-token-429-json" => {
            assert!(matches!(login(Grant::Password), Err(Error::RateLimited { wait, .. }) if wait == Duration::from_secs(60)));
        }
        "H01-401-json" | "H02-401-html" => {
            assert!(recorded().answer.is_invalid_token());
            assert!(matches!(recorded().error(), Error::Forbidden { .. }));
            // The same answer to a write: surely nothing was done.
            assert!(matches!(classify(Action::Submit, &recorded().answer), WriteOutcome::NotSent { .. }));
        }
        "H05-403-quarantined" => {
            assert!(matches!(recorded().error(), Error::Forbidden { reason, .. } if reason == "quarantined"));
            let outcome = classify(Action::Submit, &recorded().answer);
            assert!(matches!(&outcome, WriteOutcome::Refused { class: RefusalClass::Refused, code, .. } if code == "QUARANTINED"));
            assert_eq!(outcome.consequence(), Consequence::DisableTarget);
        }
        "H08-400-fields" => {
            let Error::BadRequest { reason, explanation, fields, .. } = recorded().error() else { panic!() };
            assert_eq!((reason.as_str(), explanation.as_deref()), ("USER_DOESNT_EXIST", Some("that user doesn't exist")));
            assert_eq!(fields, ["id"]);
        }
        "H09-400-html" => {
            let Error::BadRequest { reason, .. } = recorded().error() else { panic!() };
            assert_eq!(reason, "HTTP 400: 400 Bad request Your browser sent an invalid request.");
        }
        "H15-429-html" => {
            let four = Duration::from_secs(4);
            assert!(matches!(recorded().error(), Error::RateLimited { wait, .. } if wait == four));
            let outcome = classify(Action::Submit, &recorded().answer);
            assert!(matches!(outcome, WriteOutcome::NotSent { not_before: Some(wait), .. } if wait == four));
        }
        "H17-500-json" => {
            assert!(matches!(recorded().outcome(), WriteOutcome::Unknown { .. }));
            assert_eq!(recorded().answer.headers.remaining, Some(588.0));
        }
        "H24-200-empty-body" => assert!(matches!(recorded().outcome(), WriteOutcome::Unknown { .. })),
        "E01-submit-two-errors-200" => {
            let (code, field, class, pause, message) = recorded().refused();
            assert!(code.starts_with("SUBMIT_VALIDATION_TITLE_"));
            assert_eq!((field.as_deref(), class, pause), (Some("title"), RefusalClass::BackToPending(Field::Title), None));
            assert!(message.contains("dfgfdgfdgdf") && message.contains("requirements"), "both reasons are told: {message}");
            assert_eq!(recorded().outcome().consequence(), Consequence::RefreshRequirements);
        }
        "E02-submit-validation-400" => {
            let (code, field, class, ..) = recorded().refused();
            assert_eq!(code, "SUBMIT_VALIDATION_TITLE_BLACKLISTED_STRING");
            assert_eq!((field.as_deref(), class), (Some("title"), RefusalClass::BackToPending(Field::Title)));
        }
        "E05-user-required-200" => {
            let (code, field, class, ..) = recorded().refused();
            assert_eq!((code.as_str(), field, class), ("USER_REQUIRED", None, RefusalClass::AccountPaused));
        }
        "X01-RATELIMIT-submit" => {
            let (code, _, class, pause, _) = recorded().refused();
            assert_eq!((code.as_str(), class, pause), ("RATELIMIT", RefusalClass::Deferred, Some(Duration::from_secs(77))));
            assert_eq!(recorded().answer.headers.remaining, Some(599.0), "the rate of requests is another limit");
        }
        "X02-DELETED_COMMENT-reply" => {
            let (code, field, class, ..) = recorded().refused();
            assert_eq!((code.as_str(), field.as_deref()), ("DELETED_COMMENT", Some("parent")));
            assert_eq!(class, RefusalClass::Expired(ExpiredBecause::ParentGone));
        }
        "X04-ALREADY_SUB-submit-link" => assert_eq!(recorded().refused().2, RefusalClass::ConfirmedIfOurs),
        "X05-SUBREDDIT_NOEXIST" => {
            assert_eq!(recorded().refused().2, RefusalClass::Refused);
            assert_eq!(recorded().outcome().consequence(), Consequence::DisableTarget);
        }
        "X09-503-html" => {
            let error = recorded().error();
            assert!(matches!(&error, Error::Unavailable { .. }) && error.is_transient());
            assert!(error.to_string().contains("all of our servers are busy") && !error.to_string().contains("<h2>"));
            assert!(matches!(classify(Action::Submit, &recorded().answer), WriteOutcome::Unknown { .. }));
        }
        "W01-submit-self-2016" => assert_eq!(confirmed(&recorded().outcome()), "t3_4bbe4b"),
        "W05-comment-2016" => {
            let expected = WriteOutcome::Confirmed { fullname: "t1_d1680wu".to_owned(), permalink: None };
            assert_eq!(recorded().outcome(), expected);
        }
        "W07-comment-things-empty" => assert!(matches!(recorded().outcome(), WriteOutcome::Unknown { .. })),
        "W09-edit-ok" => {
            assert_eq!(confirmed(&recorded().outcome()), "t1_fwxxs5d");
            assert!(matches!(recorded().outcome(), WriteOutcome::Confirmed { permalink: Some(_), .. }));
        }
        "W10-del-ok" => assert_eq!(confirmed(&recorded().outcome()), "t1_d1616q2"),
        "R01-me-2025" => {
            let me = Me::from_value(&recorded().json()).unwrap();
            assert!(!me.is_suspended && me.created_utc > 0 && !me.id.is_empty(), "{me:?}");
            assert_eq!(recorded().answer.headers.remaining, Some(9_304.0));
        }
        "R03-info-empty" | "R17-before-nothing-new" | "R20-unread-empty" => {
            assert!(page().items.is_empty() && page().is_last() && page().newest.is_none());
        }
        "R04-info-deleted-2016" | "R05-info-deleted-2020" => {
            let page = page();
            let Thing::Comment(comment) = Thing::from_value(&page.items[0]) else { panic!("{page:?}") };
            assert_eq!((comment.fullname.as_str(), comment.author.as_str()), ("t1_d7ltvl0", "[deleted]"));
            assert!(comment.is_gone() && page.is_last());
            assert_eq!(comment.closed(), Some(ExpiredBecause::ParentGone));
            assert_eq!(comment.created_utc, 1_473_815_863_000);
            assert_eq!(comment.archived, slug.starts_with("R05"));
        }
        "R11-subreddit-rules" => {
            let rules = SubredditRule::list(&recorded().json()).unwrap();
            assert_eq!((rules[0].short_name.as_str(), rules[0].kind.as_str(), rules[1].kind.as_str()), ("Test post 12", "all", "comment"));
            assert!(rules.is_sorted_by_key(|rule| rule.priority));
        }
        "R12-post-requirements" => {
            let requirements = PostRequirements::from_value(&recorded().json()).unwrap();
            let fields = |submission: &Submission| requirements.check(submission).iter().map(|found| found.field).collect::<Vec<_>>();
            assert_eq!(fields(&Submission::text("test", "a dfgfdgfdgdf title", "fine")), [Field::Title]);
            assert_eq!(fields(&Submission::link("test", "fine", "https://www.fakewebsite.com/x")), [Field::Url]);
            assert_eq!(fields(&Submission::text("test", "fine", "")), []);
        }
        "D01-t3-locked" => {
            let Thing::Post(post) = thing() else { panic!() };
            assert_eq!((post.id.as_str(), post.author.as_str(), post.score), ("1sk9q06", "Paldavin", 14_021));
            assert!(post.locked && !post.archived && !post.is_gone() && !post.is_self && post.edited.is_none());
            assert_eq!(post.closed(), Some(ExpiredBecause::Locked));
            assert_eq!(post.link_flair_text.as_deref(), Some("Meme needing explanation"));
        }
        "D05-t3-deleted-by-author" => {
            let Thing::Post(post) = thing() else { panic!() };
            assert_eq!((post.author.as_str(), post.removed_by_category.as_deref()), ("[deleted]", Some("deleted")));
            assert!(post.is_gone());
            assert_eq!(post.closed(), Some(ExpiredBecause::ParentGone));
        }
        _ => return false,
    }
    true
}

#[test]
fn every_recorded_response_is_classified_as_described() {
    let Some(folder) = folder() else { return };
    let mut slugs = BTreeSet::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !matches!(name.as_str(), "README.md" | "ratelimit-vectors.csv") {
            slugs.insert(name.split('.').next().unwrap().to_owned());
        }
    }
    assert!(slugs.len() >= 35, "recordings are missing: {slugs:?}");
    let undescribed: Vec<_> = slugs.iter().filter(|slug| !is_as_described(slug)).collect();
    assert!(undescribed.is_empty(), "recordings without an expectation: {undescribed:?}");
}

#[test]
fn every_recorded_page_gives_a_short_message_for_people() {
    let Some(folder) = folder() else { return };
    for entry in std::fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(slug) = name.strip_suffix(".body.html") else { continue };
        let message = failure("GET /recorded", &Recorded::load(slug).answer).to_string();
        assert!(message.chars().count() < 400 && !message.contains('<') && !message.contains('\n'), "{slug}: {message}");
    }
}

#[test]
fn the_pace_is_that_of_the_recorded_vectors() {
    let Some(folder) = folder() else { return };
    let vectors = std::fs::read_to_string(folder.join("ratelimit-vectors.csv")).unwrap();
    let mut checked = 0;
    for line in vectors.lines().skip(1) {
        let numbers: Vec<f64> = line.split(',').map(|number| number.parse().unwrap()).collect();
        let [remaining, used, reset, expected] = numbers[..] else { panic!("{line}") };
        let wait = pace(remaining, used, reset);
        assert!((wait - expected).abs() < 0.051, "{line}: {wait}");
        checked += 1;
    }
    assert!(checked > 100, "only {checked} vectors");
}
