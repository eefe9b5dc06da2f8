//! The Reddit side: tokens, reads, writes, inbox.

use crate::visit::{error_code, names, visit};
use quarterdeck::sandbox::{ACCOUNT, NewPost, PASSWORD};
use serde_json::{Value, json};

#[tokio::test]
async fn tokens_are_given_refused_rotated_and_ended_as_the_service_does() {
    let visit = visit(|_| {}).await;
    assert_eq!(visit.get("/api/v1/me").await["name"], ACCOUNT);
    let wrong = visit.token(&[("grant_type", "password"), ("username", ACCOUNT), ("password", "wrong")]).await;
    assert_eq!(wrong, (200, json!({"error": "invalid_grant"})));
    let with_code = visit.token(&[("grant_type", "password"), ("username", ACCOUNT), ("password", &format!("{PASSWORD}:123456"))]).await;
    assert_eq!(with_code.1["expires_in"], 3600);
    assert_eq!(visit.token(&[("grant_type", "magic")]).await.1["error"], "unsupported_grant_type");

    let first = visit.sandbox.issue_refresh_token(ACCOUNT);
    let (status, refreshed) = visit.token(&[("grant_type", "refresh_token"), ("refresh_token", &first)]).await;
    assert!(status == 200 && refreshed["refresh_token"] != json!(first), "a refresh token must rotate: {refreshed}");
    assert_eq!(visit.token(&[("grant_type", "refresh_token"), ("refresh_token", &first)]).await.0, 400, "and must work once");

    let url = format!("{}/api/v1/access_token", visit.sandbox.reddit_url());
    let stranger =
        visit.client.post(url).basic_auth("nobody", Some("x")).form(&[("grant_type", "client_credentials")]).send().await.unwrap();
    assert_eq!(stranger.status(), 401);

    visit.clock.advance(3_600_000);
    let ended = visit.request(reqwest::Method::GET, "/api/v1/me").send().await.unwrap();
    assert_eq!(ended.status(), 401);
    assert!(ended.headers()["www-authenticate"].to_str().unwrap().contains("invalid_token"));
}

#[tokio::test]
async fn scopes_and_app_only_tokens_hold() {
    let mut visit = visit(|_| {}).await;
    let (_, narrow) = visit.token(&[("grant_type", "password"), ("username", ACCOUNT), ("password", PASSWORD), ("scope", "read")]).await;
    visit.token = narrow["access_token"].as_str().unwrap().to_owned();
    let refused = visit.send("/api/comment", &[("thing_id", &visit.open_post()), ("text", "hello there")]).await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(refused.headers()["www-authenticate"].to_str().unwrap().contains("insufficient_scope"));
    let (_, app_only) = visit.token(&[("grant_type", "client_credentials")]).await;
    visit.token = app_only["access_token"].as_str().unwrap().to_owned();
    assert_eq!(error_code(&visit.reply(&visit.open_post(), "hello there").await), "USER_REQUIRED");
}

#[tokio::test]
async fn new_posts_page_to_the_end_without_a_gap_or_a_double() {
    let visit = visit(|options| options.posts = 90).await;
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let page = visit.get(&format!("/r/all/new?limit=20&after={after}")).await;
        seen.extend(names(&page));
        match page["data"]["after"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), seen.len());
    assert_eq!(seen.len(), 86, "90 posts, of which two are removed and two deleted");
    assert_eq!(names(&visit.get(&format!("/r/all/new?limit=2&before={}", seen[5])).await), seen[3..5]);
    visit.sandbox.world().delete(&seen[5]).unwrap();
    assert!(names(&visit.get(&format!("/r/all/new?before={}", seen[5])).await).is_empty(), "a deleted anchor gives nothing, for ever");
    assert_eq!(names(&visit.get(&format!("/r/all/new?limit=1&after={}", seen[5])).await), [seen[6].clone()]);
    let several = visit.get("/r/test+bottest/new/.json").await;
    let places = several["data"]["children"].as_array().unwrap().iter().map(|child| child["data"]["subreddit"].as_str().unwrap());
    assert!(places.into_iter().all(|place| ["test", "bottest"].contains(&place)));
    assert_eq!(visit.status("/r/no_such_place/new").await, 404);
    assert_eq!(visit.status("/r/sandbox_quarantined/new").await, 403);
}

#[tokio::test]
async fn a_post_is_found_by_search_by_id_by_link_and_with_its_comments() {
    let visit = visit(|_| {}).await;
    let world = visit.sandbox.world();
    let id = world
        .add_post(NewPost {
            subreddit: "test".into(),
            title: "Zebra crossings <counted> & compared".into(),
            text: "One two".into(),
            ..NewPost::default()
        })
        .unwrap();
    let first = world.add_reply(&id, "sbx_nightbus", "first").unwrap();
    let second = world.add_reply(&first, "sbx_hedgerow", "second").unwrap();
    assert_eq!(names(&visit.get("/r/test/search/?q=zebra+counted&restrict_sr=1&sort=new&t=day").await), std::slice::from_ref(&id));
    assert!(names(&visit.get("/r/test/search?q=zebra+unicorn&restrict_sr=1").await).is_empty());
    assert_eq!(names(&visit.get(&format!("/api/info?id={id},{second},t3_zzz")).await), [id.clone(), second.clone()]);
    let short = id.trim_start_matches("t3_");
    let thread = visit.get(&format!("/comments/{short}/")).await;
    assert_eq!(thread[0]["data"]["children"][0]["data"]["num_comments"], 2);
    let top = &thread[1]["data"]["children"][0]["data"];
    assert_eq!(
        (top["name"].as_str(), top["replies"]["data"]["children"][0]["data"]["name"].as_str()),
        (Some(first.as_str()), Some(second.as_str()))
    );
    let focus = visit.get(&format!("/comments/{short}/_/{}", second.trim_start_matches("t1_"))).await;
    assert_eq!(names(&focus[1]), [second]);
    let escaped: Value = visit.request(reqwest::Method::GET, &format!("/api/info?id={id}")).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        escaped["data"]["children"][0]["data"]["title"], "Zebra crossings &lt;counted&gt; &amp; compared",
        "escaped without raw_json=1"
    );
}

#[tokio::test]
async fn replies_are_stored_edited_deleted_and_refused_for_the_right_reasons() {
    let visit = visit(|_| {}).await;
    let world = visit.sandbox.world();
    let parent = visit.open_post();
    let answer = visit.reply(&parent, "A thought & <another>.").await;
    let data = &answer["json"]["data"]["things"][0]["data"];
    let id = data["name"].as_str().unwrap().to_owned();
    assert_eq!((data["parent_id"].as_str(), data["body"].as_str()), (Some(parent.as_str()), Some("A thought & <another>.")));
    assert_eq!(world.replies_to(&parent).iter().filter(|reply| reply.author == ACCOUNT).count(), 1);
    assert_eq!(names(&visit.get(&format!("/user/{ACCOUNT}/comments?sort=new")).await), std::slice::from_ref(&id));

    let edited = visit.post("/api/editusertext", &[("thing_id", &id), ("text", "Better words.")]).await;
    assert_eq!(edited["json"]["data"]["things"][0]["data"]["body"], "Better words.");
    assert_eq!(visit.post("/api/del", &[("id", &id)]).await, json!({}));
    assert_eq!(visit.post("/api/del", &[("id", "t1_nothing")]).await, json!({}));
    let gone = visit.get(&format!("/api/info?id={id}")).await;
    assert_eq!(gone["data"]["children"][0]["data"]["author"], "[deleted]");

    assert_eq!(error_code(&visit.reply(&parent, "  ").await), "NO_TEXT");
    assert_eq!(error_code(&visit.reply(&parent, &"x".repeat(10_001)).await), "TOO_LONG");
    assert_eq!(error_code(&visit.reply(&id, "too late").await), "DELETED_COMMENT");
    assert_eq!(visit.send("/api/comment", &[("thing_id", "t3_zzzzzz"), ("text", "hello")]).await.unwrap().status(), 403);
    world.lock_thread(&parent).unwrap();
    assert_eq!(error_code(&visit.reply(&parent, "hello").await), "THREAD_LOCKED");
    world.archive(&parent).unwrap();
    assert_eq!(error_code(&visit.reply(&parent, "hello").await), "TOO_OLD");
    world.remove(&parent).unwrap();
    assert_eq!(error_code(&visit.reply(&parent, "hello").await), "DELETED_LINK");
    visit.sandbox.limit_account(ACCOUNT, 76.5);
    let limited = visit.reply(&visit.open_post(), "hello").await;
    assert_eq!((error_code(&limited), limited["json"]["ratelimit"].as_f64()), ("RATELIMIT", Some(76.5)));
    world.suspend(ACCOUNT, true).unwrap();
    assert_eq!(visit.get("/api/v1/me").await["is_suspended"], true);
}

#[tokio::test]
async fn a_write_without_api_type_is_answered_with_page_operations() {
    let visit = visit(|_| {}).await;
    let form = [("thing_id", visit.open_post()), ("text", "hello there".to_owned())];
    let answer: Value = visit.request(reqwest::Method::POST, "/api/comment").form(&form).send().await.unwrap().json().await.unwrap();
    assert!(answer["jquery"].is_array() && answer["success"] == true);
    assert_eq!(visit.sandbox.world().comments_by(ACCOUNT).len(), 1);
}

#[tokio::test]
async fn submissions_are_checked_like_the_real_ones() {
    let visit = visit(|_| {}).await;
    let link = [("sr", "test"), ("kind", "link"), ("title", "A  link\n to   read"), ("url", "https://example.org/a?b=c&d=e")];
    let made = visit.post("/api/submit", &link).await;
    let id = made["json"]["data"]["name"].as_str().unwrap().to_owned();
    assert_eq!(visit.get(&format!("/api/info?id={id}")).await["data"]["children"][0]["data"]["title"], "A link to read");
    assert_eq!(error_code(&visit.post("/api/submit", &link).await), "ALREADY_SUB");
    let mut again = link.to_vec();
    again.push(("resubmit", "true"));
    assert_eq!(error_code(&visit.post("/api/submit", &again).await), "none");

    for (sr, kind, title, code) in [
        ("nowhere_at_all", "self", "Title", "SUBREDDIT_NOEXIST"),
        ("sandbox_restricted", "self", "Title", "SUBREDDIT_NOTALLOWED"),
        ("sandbox_links", "self", "Title", "NO_SELFS"),
        ("test", "link", "Title", "NO_URL"),
        ("test", "self", "", "NO_TEXT"),
        ("test", "self", &"t".repeat(301), "TOO_LONG"),
        ("sandbox_strict", "self", "An urgent matter for all", "SUBMIT_VALIDATION_TITLE_BLACKLISTED_STRING"),
    ] {
        let answer = visit
            .post("/api/submit", &[("sr", sr), ("kind", kind), ("title", title), ("text", "A text of more than twenty characters.")])
            .await;
        assert_eq!(error_code(&answer), code, "{answer}");
    }
    let validated = [("sr", "sandbox_strict"), ("kind", "self"), ("title", "Short"), ("text", ""), ("validate_on_submit", "True")];
    let refused = visit.send("/api/submit", &validated).await.unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(refused.json::<Value>().await.unwrap()["reason"], "SUBMIT_VALIDATION_MIN_LENGTH");
    assert_eq!(visit.get("/api/v1/sandbox_strict/post_requirements").await["title_text_min_length"], 10);
    assert!(visit.get("/r/test/about/rules").await["rules"].as_array().unwrap().len() >= 3);
    assert_eq!(visit.get("/r/test/about").await["data"]["display_name"], "test");
    assert_eq!(visit.sandbox.world().posts_by(ACCOUNT).len(), 2);
}

#[tokio::test]
async fn answers_and_mentions_reach_the_inbox_and_are_marked_read() {
    let visit = visit(|_| {}).await;
    let world = visit.sandbox.world();
    let parent = visit.open_post();
    let own = visit.reply(&parent, "What do you think?").await["json"]["data"]["things"][0]["data"]["name"].as_str().unwrap().to_owned();
    let reply = world.add_reply(&own, "sbx_tidepool", "I think so too.").unwrap();
    let mention = world.add_reply(&parent, "sbx_tidepool", &format!("Ask u/{ACCOUNT} about it.")).unwrap();
    let unread = visit.get("/message/unread?mark=false").await;
    let found = unread["data"]["children"].as_array().unwrap();
    assert_eq!(found.len(), 3, "a reply, a mention and the welcome message");
    let letter = found.iter().find(|child| child["data"]["name"] == json!(reply)).unwrap();
    assert_eq!((letter["data"]["was_comment"].as_bool(), letter["data"]["type"].as_str()), (Some(true), Some("comment_reply")));
    assert_eq!(letter["data"]["parent_id"], json!(own));
    assert_eq!(names(&visit.get("/message/mentions").await), std::slice::from_ref(&mention));
    visit.post("/api/read_message", &[("id", &format!("{reply},{mention}"))]).await;
    assert_eq!(names(&visit.get("/message/unread").await).len(), 1);
    assert_eq!(visit.send("/api/read_all_messages", &[]).await.unwrap().status(), 202);
    assert!(names(&visit.get("/message/unread").await).is_empty());
    assert_eq!(names(&visit.get("/message/inbox").await).len(), 3);
}
