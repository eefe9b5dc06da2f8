//! The Reddit client against a server that answers as each test wants, down to the connection.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use quarterdeck::base::{SystemClock, TestClock};
use quarterdeck::reddit::*;
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A request as the server saw it.
#[derive(Debug, Clone, Default)]
struct Seen {
    method: String,
    path: String,
    query: String,
    token: String,
    form: String,
}

impl Seen {
    fn is_login(&self) -> bool {
        self.path == "/api/v1/access_token"
    }
}

enum Reply {
    Http(u16, Vec<(&'static str, String)>, String),
    /// The bytes as they are, then the end of the connection.
    Raw(String),
    /// The connection is reset without an answer.
    Reset,
    /// No answer while the client waits.
    Silence,
    /// The answer comes when told.
    Held(Arc<Notify>, String),
}

fn ok(body: impl ToString) -> Reply {
    Reply::Http(200, Vec::new(), body.to_string())
}

fn status(status: u16) -> Reply {
    Reply::Http(status, Vec::new(), String::new())
}

fn invalid_token() -> Reply {
    let header = ("www-authenticate", r#"Bearer realm="reddit", error="invalid_token""#.to_owned());
    Reply::Http(401, vec![header], r#"{"message": "Unauthorized", "error": 401}"#.to_owned())
}

fn token(name: &str) -> Reply {
    ok(json!({"access_token": name, "token_type": "bearer", "expires_in": 3600, "scope": "*"}))
}

fn listing() -> Reply {
    ok(json!({"kind": "Listing", "data": {"children": [], "after": null, "before": null}}))
}

fn me() -> Reply {
    ok(json!({"name": "someone", "id": "abc"}))
}

/// A server that shows every request, with its number, to a function and answers what that says.
struct Server {
    address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    async fn start(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, shown) = (Arc::new(answer), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&shown));
                tokio::spawn(async move { serve(stream, &*answer, &seen).await });
            }
        });
        Self { address, seen }
    }

    /// A server whose login always works; `answer` is asked for everything else, numbered from 0.
    async fn after_login(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let asked = Mutex::new(0);
        Self::start(move |seen, number| {
            if seen.is_login() {
                return token(&format!("token-{number}"));
            }
            let mut asked = asked.lock().unwrap();
            *asked += 1;
            answer(seen, *asked - 1)
        })
        .await
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn logins(&self) -> usize {
        self.seen().iter().filter(|seen| seen.is_login()).count()
    }

    fn others(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| !seen.is_login()).collect()
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::new("client", "canary-secret".into(), "Someone", "linux:quarterdeck:0.1 (by /u/someone)");
        settings.oauth_base.clone_from(&self.address);
        settings.login_base.clone_from(&self.address);
        settings.password = Some("canary-password".into());
        settings.retry.base = Duration::from_millis(1);
        settings
    }

    fn client(&self) -> Client {
        client(self.settings())
    }
}

fn client(settings: Settings) -> Client {
    Client::new(settings, RateBudget::new(Arc::new(SystemClock)), Arc::new(SystemClock)).unwrap()
}

async fn serve(mut stream: TcpStream, answer: &(dyn Fn(&Seen, usize) -> Reply + Send + Sync), log: &Mutex<Vec<Seen>>) -> Option<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |name: &str| {
        head.lines().filter_map(|line| line.split_once(": ")).find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    while bytes.len() < end + 4 + length {
        stream.read_buf(&mut bytes).await.ok()?;
    }
    let mut words = head.split(' ');
    let method = words.next()?.to_owned();
    let (path, query) = words.next().map(|target| target.split_once('?').unwrap_or((target, "")))?;
    let token = header("authorization").unwrap_or_default().trim_start_matches("Bearer ").to_owned();
    let form = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
    let seen = Seen { method, path: path.to_owned(), query: query.to_owned(), token, form };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(seen.clone());
        log.len() - 1
    };
    let text = match answer(&seen, number) {
        Reply::Http(status, headers, body) => http(status, &headers, &body),
        Reply::Raw(text) => text,
        Reply::Held(told, body) => {
            told.notified().await;
            http(200, &[], &body)
        }
        Reply::Reset => {
            stream.set_zero_linger().ok()?;
            return None;
        }
        Reply::Silence => {
            // Until the client gives up.
            stream.read_buf(&mut bytes).await.ok()?;
            return None;
        }
    };
    stream.write_all(text.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

fn http(status: u16, headers: &[(&str, String)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}

fn replied(parent: &str) -> Reply {
    ok(
        json!({"json": {"errors": [], "data": {"things": [{"kind": "t1", "data": {"name": "t1_new", "parent_id": parent, "permalink": "/r/x/"}}]}}}),
    )
}

#[tokio::test]
async fn a_rotated_refresh_token_is_on_the_disk_before_its_access_token_is_used() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token.json");
    let watched = path.clone();
    let server = Server::start(move |seen, number| {
        if seen.is_login() {
            return ok(
                json!({"access_token": format!("access-{number}"), "expires_in": 3600, "refresh_token": format!("rotated-{number}")}),
            );
        }
        let kept = std::fs::read_to_string(&watched).unwrap_or_default();
        let is_stored = kept.contains(&seen.token.replace("access", "rotated"));
        if is_stored { me() } else { status(500) }
    })
    .await;
    let mut settings = server.settings();
    settings.refresh_token = Some("first".into());
    settings.token_file = Some(path.clone());
    assert_eq!(client(settings.clone()).me().await.unwrap().name, "someone");
    // A later start continues with the token from the file, not with the one in the configuration.
    assert_eq!(client(settings).me().await.unwrap().name, "someone");
    let forms: Vec<String> = server.seen().into_iter().filter(Seen::is_login).map(|seen| seen.form).collect();
    assert_eq!(forms, ["grant_type=refresh_token&refresh_token=first", "grant_type=refresh_token&refresh_token=rotated-0"]);
    assert!(std::fs::read_to_string(path).unwrap().contains("rotated-2"));
}

#[tokio::test]
async fn a_token_that_cannot_be_stored_is_not_used_and_not_lost() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token.json");
    let in_the_way = path.clone();
    let server = Server::start(move |seen, _| {
        if !seen.is_login() {
            return me();
        }
        std::fs::create_dir(&in_the_way).unwrap();
        ok(json!({"access_token": "access", "expires_in": 3600, "refresh_token": "rotated"}))
    })
    .await;
    let mut settings = server.settings();
    settings.refresh_token = Some("first".into());
    settings.token_file = Some(path.clone());
    let client = client(settings);
    for _ in 0..2 {
        assert!(matches!(client.me().await, Err(Error::TokenFile { .. })));
    }
    assert_eq!((server.logins(), server.others().len()), (1, 0));
    std::fs::remove_dir(&path).unwrap();
    assert_eq!(client.me().await.unwrap().name, "someone");
    assert_eq!((server.logins(), server.others().len()), (1, 1));
    assert!(std::fs::read_to_string(path).unwrap().contains("rotated"));
}

#[tokio::test]
async fn a_caller_who_gives_up_during_the_login_does_not_lose_the_rotated_token() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token.json");
    let (arrived, told) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (signal, hold) = (Arc::clone(&arrived), Arc::clone(&told));
    let server = Server::start(move |seen, _| {
        if !seen.is_login() {
            return me();
        }
        signal.notify_one();
        Reply::Held(Arc::clone(&hold), json!({"access_token": "access", "expires_in": 3600, "refresh_token": "rotated"}).to_string())
    })
    .await;
    let mut settings = server.settings();
    settings.refresh_token = Some("first".into());
    settings.token_file = Some(path.clone());
    let client = client(settings);
    let caller = tokio::spawn({
        let client = client.clone();
        async move { client.me().await }
    });
    arrived.notified().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    told.notify_one();
    assert_eq!(client.me().await.unwrap().name, "someone");
    assert_eq!(server.logins(), 1);
    assert!(std::fs::read_to_string(path).unwrap().contains("rotated"));
}

#[tokio::test]
async fn several_callers_share_one_login_and_a_token_is_refreshed_a_minute_early() {
    let server = Server::after_login(|_, _| me()).await;
    let clock = TestClock::at(1_000_000);
    let budget = RateBudget::new(Arc::new(clock.clone()));
    let client = Client::new(server.settings(), budget, Arc::new(clock.clone())).unwrap();
    let (one, two, three) = tokio::join!(client.me(), client.me(), client.me());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(server.logins(), 1);
    clock.advance(3_539_000);
    client.me().await.unwrap();
    assert_eq!(server.logins(), 1);
    clock.advance(2_000);
    client.me().await.unwrap();
    assert_eq!(server.logins(), 2);
    assert_eq!(server.seen().last().unwrap().token, "token-5");
}

#[tokio::test]
async fn a_refused_token_is_refreshed_once_for_reads_and_for_writes() {
    let server = Server::after_login(|seen, _| if seen.token == "token-0" { invalid_token() } else { me() }).await;
    assert_eq!(server.client().me().await.unwrap().name, "someone");
    assert_eq!((server.logins(), server.others().len()), (2, 2));

    let server = Server::after_login(|seen, _| if seen.token == "token-0" { invalid_token() } else { replied("t1_a") }).await;
    assert!(matches!(server.client().reply("t1_a", "hello").await, WriteOutcome::Confirmed { fullname, .. } if fullname == "t1_new"));
    assert_eq!((server.logins(), server.others().len()), (2, 2));

    let server = Server::after_login(|_, _| invalid_token()).await;
    assert!(matches!(server.client().reply("t1_a", "hello").await, WriteOutcome::NotSent { .. }));
    assert!(matches!(server.client().me().await, Err(Error::Forbidden { .. })));
    assert_eq!((server.logins(), server.others().len()), (4, 4));
}

#[tokio::test]
async fn refused_credentials_come_with_status_200_and_are_not_tried_again_at_once() {
    let server = Server::start(|_, _| ok(json!({"error": "invalid_grant"}))).await;
    let client = server.client();
    for _ in 0..3 {
        let message = client.me().await.unwrap_err().to_string();
        assert!(message.contains("Someone") && message.contains("REDDIT_PASSWORD") && !message.contains("canary"), "{message}");
    }
    assert!(matches!(client.reply("t1_a", "hello").await, WriteOutcome::NotSent { not_before: Some(_), .. }));
    assert_eq!(server.seen().len(), 1);
    assert!(!format!("{client:?}").contains("canary"));
}

#[tokio::test]
async fn a_write_whose_connection_breaks_is_unknown_and_was_sent_once() {
    let server = Server::after_login(|_, _| Reply::Reset).await;
    assert!(matches!(server.client().reply("t1_a", "hello").await, WriteOutcome::Unknown { .. }));
    assert_eq!(server.others().len(), 1);

    // Reset after the very first byte of the request.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = server.settings();
    settings.oauth_base = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            stream.read_u8().await.unwrap();
            stream.set_zero_linger().unwrap();
        }
    });
    assert!(matches!(client(settings).reply("t1_a", "hello").await, WriteOutcome::Unknown { .. }));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_write_without_an_answer_is_unknown_and_one_without_a_connection_was_not_sent() {
    let server = Server::after_login(|_, _| Reply::Silence).await;
    let mut settings = server.settings();
    settings.write_timeout = Duration::from_millis(150);
    assert!(
        matches!(client(settings.clone()).reply("t1_a", "hello").await, WriteOutcome::Unknown { reason } if reason.contains("timed out"))
    );
    assert_eq!(server.others().len(), 1);

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    settings.oauth_base = format!("http://{closed}");
    assert!(matches!(client(settings).reply("t1_a", "hello").await, WriteOutcome::NotSent { reason, .. } if reason.contains("refused")));
}

#[tokio::test]
async fn a_write_is_never_tried_again_whatever_comes_back() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"json\": {\"errors\": []";
    type Check = fn(&WriteOutcome) -> bool;
    let unknown: Check = |outcome| matches!(outcome, WriteOutcome::Unknown { .. });
    let not_sent: Check = |outcome| matches!(outcome, WriteOutcome::NotSent { not_before: Some(_), .. });
    let answers: [(fn() -> Reply, Check); 8] = [
        (|| status(503), unknown),
        (|| status(408), unknown),
        (|| status(204), unknown),
        (|| ok("<html>fine</html>"), unknown),
        (|| ok(""), unknown),
        (|| Reply::Raw("HTTP/1.1 nonsense".to_owned()), unknown),
        (|| ok(json!({"json": {"errors": [], "data": {"things": []}}})), unknown),
        (|| Reply::Http(429, vec![("retry-after", "1".to_owned())], "<html>".to_owned()), not_sent),
    ];
    for (index, (answer, expected)) in answers.into_iter().enumerate() {
        let server = Server::after_login(move |_, _| answer()).await;
        let outcome = server.client().reply("t1_a", "hello").await;
        assert!(expected(&outcome), "{index}: {outcome:?}");
        assert_eq!(server.others().len(), 1, "{index}");
    }
    let server = Server::after_login(move |_, _| Reply::Raw(cut.to_owned())).await;
    assert!(matches!(server.client().reply("t1_a", "hello").await, WriteOutcome::Unknown { reason } if reason.contains("broke off")));
    assert_eq!(server.others().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_refused_and_not_followed() {
    let server = Server::after_login(|seen, _| match seen.path.as_str() {
        "/elsewhere" => replied("t1_a"),
        _ => Reply::Http(307, vec![("location", "/elsewhere".to_owned())], String::new()),
    })
    .await;
    let outcome = server.client().reply("t1_a", "hello").await;
    assert!(matches!(&outcome, WriteOutcome::Refused { code, .. } if code == "REDIRECTED"), "{outcome:?}");
    assert_eq!(outcome.consequence(), Consequence::Alarm);
    assert!(matches!(server.client().me().await, Err(Error::Redirected { .. })));
    assert!(server.seen().iter().all(|seen| seen.path != "/elsewhere"));
}

#[tokio::test]
async fn a_read_is_tried_four_times_and_then_says_why() {
    let server = Server::after_login(|_, number| match number {
        0 => Reply::Reset,
        1 => status(520),
        2 => Reply::Raw("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"name\"".to_owned()),
        _ => me(),
    })
    .await;
    assert_eq!(server.client().me().await.unwrap().name, "someone");
    assert_eq!(server.others().len(), 4);

    let server = Server::after_login(|_, _| Reply::Http(503, Vec::new(), "<h1>all busy</h1>".to_owned())).await;
    let error = server.client().me().await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable { reason, .. } if reason == "HTTP 503: all busy"), "{error:?}");
    assert_eq!(server.others().len(), 4);

    let server = Server::after_login(|_, _| status(404)).await;
    assert!(matches!(server.client().subreddit_rules("nowhere").await, Err(Error::NotFound { .. })));
    assert_eq!(server.others().len(), 1);
}

#[tokio::test]
async fn a_429_on_a_read_is_waited_for_and_too_long_a_wait_is_told() {
    let limited = |wait: &'static str| Reply::Http(429, vec![("retry-after", wait.to_owned())], "<html>whoa</html>".to_owned());
    let server = Server::after_login(move |_, number| if number == 0 { limited("1") } else { me() }).await;
    let start = Instant::now();
    assert_eq!(server.client().me().await.unwrap().name, "someone");
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.others().len(), 2);

    let server = Server::after_login(move |_, _| limited("3600")).await;
    let client = server.client();
    assert!(matches!(client.me().await, Err(Error::RateLimited { wait, .. }) if wait == Duration::from_secs(3_600)));
    // The other accounts of the application stop as well, and nothing more is sent.
    let mut other = server.settings();
    other.username = "other".to_owned();
    let other = Client::new(other, Arc::clone(client.budget()), Arc::new(SystemClock)).unwrap();
    assert!(matches!(other.me().await, Err(Error::RateLimited { .. })));
    assert!(matches!(other.reply("t1_a", "hello").await, WriteOutcome::NotSent { not_before: Some(_), .. }));
    assert_eq!(server.others().len(), 1);
}

#[tokio::test]
async fn the_limit_on_an_account_pauses_its_posting_and_nothing_else() {
    let server = Server::after_login(|seen, _| match seen.path.as_str() {
        "/api/comment" => ok(json!({"json": {"ratelimit": 76.3, "errors": [["RATELIMIT", "try again in 1 minute.", "ratelimit"]]}})),
        "/api/del" => ok("{}"),
        _ => me(),
    })
    .await;
    let client = server.client();
    let outcome = client.reply("t1_a", "hello").await;
    let pause = Some(Duration::from_secs(77));
    assert!(matches!(&outcome, WriteOutcome::Refused { class: RefusalClass::Deferred, pause: told, .. } if *told == pause), "{outcome:?}");
    assert!(client.account_paused_until().is_some());
    assert!(matches!(client.reply("t1_b", "hello").await, WriteOutcome::NotSent { not_before: Some(_), .. }));
    assert!(matches!(client.delete("t1_c").await, WriteOutcome::Confirmed { .. }));
    client.me().await.unwrap();
    let paths: Vec<String> = server.others().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/api/comment", "/api/del", "/api/v1/me"]);
}

#[tokio::test]
async fn what_breaks_a_limit_is_refused_before_anything_is_sent() {
    let server = Server::after_login(|_, _| me()).await;
    let client = server.client();
    let body = |outcome| matches!(outcome, WriteOutcome::Refused { class: RefusalClass::BackToPending(Field::Body), .. });
    assert!(body(client.reply("t1_a", &"x".repeat(10_001)).await));
    assert!(body(client.reply("t1_a", "").await));
    assert!(matches!(client.reply("t2_a", "hello").await, WriteOutcome::Refused { class: RefusalClass::Refused, .. }));
    let title = client.submit(&Submission::text("test", "", "text")).await;
    assert!(matches!(title, WriteOutcome::Refused { class: RefusalClass::BackToPending(Field::Title), .. }));
    for limit in [0, 101] {
        assert!(matches!(client.new_posts(&["rust"], limit, None).await, Err(Error::Invalid { .. })));
    }
    assert!(matches!(client.new_posts(&["a/../b"], 5, None).await, Err(Error::Invalid { .. })));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn requests_have_the_form_that_reddit_asks_for() {
    let server = Server::after_login(|seen, _| match seen.path.as_str() {
        "/api/submit" => ok(json!({"json": {"errors": [], "data": {"id": "new", "name": "t3_new", "url": "https://x/"}}})),
        "/api/read_message" => ok("{}"),
        _ => listing(),
    })
    .await;
    let client = server.client();
    client.new_posts(&["rust", "linux"], 100, Some("t3_abc")).await.unwrap();
    client.search("rust", "a b", SearchSort::New, TimeFilter::Week, 10).await.unwrap();
    let ids: Vec<String> = (0..150).map(|number| format!("t1_{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    client.reconciling().info(&ids).await.unwrap();
    client.mark_read(&ids[..30]).await.unwrap();
    client.unread(25).await.unwrap();
    client.own_overview(50, Some("t1_abc")).await.unwrap();
    client.submit(&Submission::link("rust", "a title", "https://example.org/")).await;

    let others = server.others();
    assert!(others.iter().all(|seen| seen.query.contains("raw_json=1")));
    assert!(others.iter().all(|seen| (seen.method == "POST") == seen.form.contains("api_type=json")));
    let targets: Vec<String> = others.iter().map(|seen| format!("{} {}", seen.method, seen.path)).collect();
    assert_eq!(
        targets,
        [
            "GET /r/rust+linux/new",
            "GET /r/rust/search/",
            "GET /api/info",
            "GET /api/info",
            "POST /api/read_message",
            "POST /api/read_message",
            "GET /message/unread",
            "GET /user/Someone/overview",
            "POST /api/submit"
        ]
    );
    assert!(others[0].query.contains("before=t3_abc") && others[1].query.contains("t=week") && others[1].query.contains("q=a+b"));
    assert_eq!((others[2].query.matches("t1_").count(), others[3].query.matches("t1_").count()), (100, 50));
    assert_eq!((others[4].form.matches("t1_").count(), others[5].form.matches("t1_").count()), (25, 5));
    assert!(others[8].form.contains("resubmit=false"));
}
