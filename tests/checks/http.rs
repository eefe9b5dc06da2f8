//! HTTP: an ordinary server, and one that never closes, sends 100 MB, drips, redirects to private places, resets, and speaks TLS badly.

use super::{check, is, is_well, look, probe};
use quarterdeck::base::{Clock as _, SystemClock, TestClock};
use quarterdeck::watch::Status;
use quarterdeck::watch::probe::check::{Cause, Tools};
use quarterdeck::watch::probe::model::{Probe, Target};
use std::io::{Read as _, Write as _};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A server that does what no server should.
pub struct Faults {
    port: u16,
    /// Bytes of bodies that it could send.
    sent: Arc<AtomicU64>,
    /// How often the place was asked that no redirect may lead to.
    private: Arc<AtomicU64>,
}

impl Faults {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sent, private) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let server = Self { port, sent: Arc::clone(&sent), private: Arc::clone(&private) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, port, Arc::clone(&sent), Arc::clone(&private)));
            }
        });
        server
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

/// 100 MB of nothing, packed.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&vec![0; 100 << 20]).unwrap();
    packed.finish().unwrap()
});

/// Answer one request; an error means that whoever asked has gone.
async fn answer(mut stream: TcpStream, port: u16, sent: Arc<AtomicU64>, private: Arc<AtomicU64>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0_u8; 4_096];
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => head.extend_from_slice(&buffer[..count]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let has_key = head.to_lowercase().contains("api-key: the-key");
    let json = |status: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let to = |place: &str| format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n");
    let endless = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let written = match path.as_str() {
        "/ok" => json("200 OK", r#"{"status":"healthy","data":[1,2],"checks":{"redis":{"ok":true}}}"#),
        "/degraded" => json("200 OK", r#"{"status":"degraded"}"#),
        "/down" => json("503 Service Unavailable", r#"{"status":"unhealthy"}"#),
        "/limited" => json("429 Too Many Requests", "{}"),
        "/locked" => json("401 Unauthorized", "{}"),
        "/html" => "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>".to_owned(),
        "/echo" => json("200 OK", &serde_json::json!({ "you": head }).to_string()),
        "/garbage" => "SSH-2.0-OpenSSH_9.2\r\n".to_owned(),
        "/short" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}".to_owned(),
        "/private" => {
            private.fetch_add(1, Ordering::SeqCst);
            json("200 OK", r#"{"secret":"of the metadata service"}"#)
        }
        "/to/metadata" => to("http://169.254.169.254/latest/meta-data/?token=abc"),
        "/to/other" => to(&format!("http://127.0.0.1:{port}/private")),
        "/to/same" => to("/ok"),
        "/to/loop" => to("/to/loop"),
        "/to/file" => to("file:///etc/passwd"),
        "/silent" => return std::future::pending().await,
        "/never" => {
            stream.write_all(endless.as_bytes()).await?;
            stream.write_all(b"data: {}\n\n").await?;
            return std::future::pending().await;
        }
        "/drip" => {
            stream.write_all(endless.as_bytes()).await?;
            loop {
                stream.write_all(b"x").await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        "/huge" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n").await?;
            let block = vec![b'x'; 64 * 1024];
            for _ in 0..1_600 {
                stream.write_all(&block).await?;
                sent.fetch_add(block.len() as u64, Ordering::SeqCst);
            }
            return Ok(());
        }
        "/bomb" => {
            let packed = &*BOMB;
            stream
                .write_all(format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len()).as_bytes())
                .await?;
            return stream.write_all(packed).await;
        }
        "/reset" => {
            #[allow(deprecated)] // With no time to linger closing is a reset, and does not wait.
            stream.set_linger(Some(Duration::ZERO))?;
            return Ok(());
        }
        "/qdrant/readyz" | "/qdrant-old/healthz" => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "/qdrant-starting/readyz" => "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_owned(),
        path if path.contains("/collections/") && !has_key => {
            json("401 Unauthorized", r#"{"status":{"error":"Invalid API key wrong-key"}}"#)
        }
        path if ["green", "yellow", "red"].iter().any(|colour| path.ends_with(&format!("/collections/{colour}"))) => {
            let colour = path.rsplit('/').next().unwrap_or_default();
            json("200 OK", &format!(r#"{{"result":{{"status":"{colour}","optimizer_status":"ok","points_count":5000}},"status":"ok"}}"#))
        }
        _ => json("404 Not Found", "{}"),
    };
    stream.write_all(written.as_bytes()).await?;
    stream.shutdown().await
}

fn target(url: String) -> Target {
    Target::Http { url, method: "GET".into(), headers: vec![], body: None, follow: false }
}

fn following(url: String) -> Target {
    Target::Http { url, method: "GET".into(), headers: vec![], body: None, follow: true }
}

#[tokio::test]
async fn statuses_and_conditions_say_how_an_answer_is() {
    let server = Faults::start().await;
    let ask = |path: &str, conditions: &'static [&'static str]| {
        let target = target(server.url(path));
        async move { look(target, conditions).await }
    };
    is_well(&ask("/ok", &[]).await);
    let all = [
        "[STATUS] == 200",
        "[BODY].status == healthy",
        "len([BODY].data) < 5",
        "has([BODY].errors) == false",
        "[BODY].checks.redis.ok == true",
    ];
    let outcome = look(target(server.url("/ok")), &all).await;
    is_well(&outcome);
    assert_eq!(outcome.host.as_deref(), Some("127.0.0.1"));
    is(&ask("/degraded", &["[BODY].status == healthy"]).await, Status::Degraded, Cause::Condition, "it is “degraded”");
    is(&ask("/down", &[]).await, Status::Unhealthy, Cause::Status(503), "it answers 503");
    is(&ask("/down", &["[STATUS] == 200"]).await, Status::Unhealthy, Cause::Status(503), "it is 503");
    is_well(&ask("/down", &["[STATUS] == any(200, 503)"]).await);
    is(&ask("/limited", &[]).await, Status::Unhealthy, Cause::Limit, "429");
    is(&ask("/locked", &[]).await, Status::Unhealthy, Cause::Auth, "401");
    is(&ask("/html", &["has([BODY].errors) == false"]).await, Status::Unhealthy, Cause::Condition, "not JSON");
    is(&ask("/garbage", &[]).await, Status::Unhealthy, Cause::Broken, "not HTTP");
    is(&ask("/short", &["[BODY].a == 1"]).await, Status::Unhealthy, Cause::Broken, "broke");
    is(&ask("/reset", &[]).await, Status::Unhealthy, Cause::Broken, "broke");
    is(&ask("/ok", &["[RESPONSE_TIME] < 0"]).await, Status::Unhealthy, Cause::Condition, "ms");
    is(&ask("/ok", &["[STATUS] = 200"]).await, Status::Unknown, Cause::Other, "at character 10");
    is(&look(target("ftp://host/x".into()), &[]).await, Status::Unknown, Cause::Other, "http://");
    is(&look(target("http://no-such-host.invalid/".into()), &[]).await, Status::Unhealthy, Cause::Dns, "no-such-host.invalid");
    is(
        &look(target(format!("http://127.0.0.1:{}/", super::programs::free_port())), &[]).await,
        Status::Unhealthy,
        Cause::Refused,
        "nobody listens",
    );
}

#[tokio::test]
async fn what_never_ends_is_ended_by_time_and_what_is_large_by_size() {
    let server = Faults::start().await;
    let hasty =
        |path: &str, conditions: &[&str]| Probe { timeout: Duration::from_millis(500), ..probe(target(server.url(path)), conditions) };
    let tools = Tools::new().unwrap();
    for (path, conditions) in [("/silent", &[][..]), ("/never", &["[BODY].a == 1"]), ("/drip", &["[BODY] == pat(*x*)"])] {
        let started = Instant::now();
        let outcome = check(&hasty(path, conditions), &tools).await;
        is(&outcome, Status::Unhealthy, Cause::Timeout, "within 500 ms");
        assert!(started.elapsed() < Duration::from_secs(5), "{path}: {:?}", started.elapsed());
    }
    // Nobody has asked for the body: that it goes on is no fault.
    is_well(&check(&hasty("/never", &["[STATUS] == 200"]), &tools).await);
    for path in ["/huge", "/bomb"] {
        let conditions = ["[BODY] == pat(*x*)"];
        let large = Probe { timeout: Duration::from_secs(10), ..probe(target(server.url(path)), &conditions) };
        is(&check(&large, &tools).await, Status::Unhealthy, Cause::TooLarge, "larger than what is read");
        is_well(&check(&hasty(path, &[]), &tools).await);
    }
    assert!(server.sent.load(Ordering::SeqCst) < 16 << 20, "of 100 MB only what the buffers of the connection took was sent");
}

#[tokio::test]
async fn redirects_are_told_and_never_lead_to_another_host() {
    let server = Faults::start().await;
    let metadata = look(target(server.url("/to/metadata")), &[]).await;
    is(&metadata, Status::Unhealthy, Cause::Redirect, "sends to http://169.254.169.254/latest/meta-data/, which is not followed");
    assert!(!format!("{metadata:?}").contains("abc"), "a query may hold a secret: {metadata:?}");
    for path in ["/to/metadata", "/to/file"] {
        is(&look(following(server.url(path)), &[]).await, Status::Unhealthy, Cause::Redirect, "another host");
    }
    // By name it is another host, though it is the same machine: it may be one that was not meant.
    let by_name = |path: &str| format!("http://localhost:{}{path}", server.port);
    is(&look(following(by_name("/to/other")), &[]).await, Status::Unhealthy, Cause::Redirect, "another host");
    assert_eq!(server.private.load(Ordering::SeqCst), 0, "nobody has asked it");
    is(&look(target(server.url("/to/same")), &["[STATUS] == 200"]).await, Status::Unhealthy, Cause::Redirect, "it is 302");
    is_well(&look(target(server.url("/to/same")), &["[STATUS] == 302"]).await);
    is_well(&look(following(server.url("/to/same")), &["[STATUS] == 200", "[BODY].status == healthy"]).await);
    is(&look(following(server.url("/to/loop")), &[]).await, Status::Unhealthy, Cause::Redirect, "too many");
}

#[tokio::test]
async fn what_is_sent_along_is_told_nowhere_even_when_it_comes_back() {
    let server = Faults::start().await;
    let headers = vec![("Authorization".to_owned(), "Bearer s3cr3t-token".into()), ("X-Key".to_owned(), "an0ther".into())];
    let url = server.url("/echo");
    let target = Target::Http { url, method: "GET".into(), headers, body: None, follow: false };
    is_well(&look(target.clone(), &["[BODY].you == pat(*s3cr3t-token*)"]).await);
    let outcome = look(target, &["[BODY].you == nothing"]).await;
    assert_eq!(outcome.cause, Some(Cause::Condition));
    let told = format!("{outcome:?}");
    assert!(!told.contains("s3cr3t-token") && !told.contains("an0ther"), "{told}");
    let broken = Target::Http {
        url: server.url("/ok"),
        method: "GET".into(),
        headers: vec![("x-key".to_owned(), "s3cr3t\nline".into())],
        body: None,
        follow: false,
    };
    let outcome = look(broken, &[]).await;
    assert!(outcome.status == Status::Unknown && !format!("{outcome:?}").contains("s3cr3t"), "{outcome:?}");
}

/// A certificate for this machine that ends in two days, and its key, both as DER.
fn certificate() -> Option<(Vec<u8>, Vec<u8>)> {
    super::programs::installed("openssl", "openssl")?;
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let run = |words: &[&str], files: &[(&str, &str)]| {
        let mut command = Command::new("openssl");
        command.args(words);
        for (option, file) in files {
            command.arg(option).arg(path(file));
        }
        let did = command.output().unwrap();
        assert!(did.status.success(), "{}", String::from_utf8_lossy(&did.stderr));
    };
    let words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=test"];
    let more = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE", "-outform", "DER"];
    run(&[&words[..], &more[..]].concat(), &[("-keyout", "key.pem"), ("-out", "cert.der")]);
    run(&["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], &[("-in", "key.pem"), ("-out", "key.der")]);
    Some((std::fs::read(path("cert.der")).unwrap(), std::fs::read(path("key.der")).unwrap()))
}

/// A server that speaks TLS with a certificate.
fn secure(certificate: &[u8], key: &[u8]) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.to_vec().into());
    let config = Arc::new(builder.with_single_cert(vec![certificate.to_vec().into()], key).unwrap());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            if stream.read(&mut [0; 4_096]).is_ok() {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    port
}

#[tokio::test]
async fn a_certificate_is_refused_or_soon_at_its_end() {
    let Some((certificate, key)) = certificate() else { return };
    let url = format!("https://127.0.0.1:{}/", secure(&certificate, &key));
    // Nobody has signed it.
    is(&look(target(url.clone()), &[]).await, Status::Unhealthy, Cause::Certificate, "nobody that this machine trusts");
    is(
        &look(target(url.clone()), &["[CONNECTED] == false"]).await,
        Status::Unhealthy,
        Cause::Certificate,
        "nobody that this machine trusts",
    );
    let tools = Tools::with(Arc::new(SystemClock), std::slice::from_ref(&certificate)).unwrap();
    let with = |conditions: &[&str]| probe(target(url.clone()), conditions);
    is(&check(&with(&[]), &tools).await, Status::Degraded, Cause::Certificate, "ends in 1 d 23 h");
    is(&check(&with(&["[CERTIFICATE_EXPIRATION] > 48h"]), &tools).await, Status::Unhealthy, Cause::Certificate, "it is 1 d 23 h");
    is_well(&check(&with(&["[CERTIFICATE_EXPIRATION] > 24h", "[STATUS] == 200"]), &tools).await);
    let later = TestClock::at(SystemClock.now() + 3 * 86_400_000);
    let tools = Tools::with(Arc::new(later), &[certificate]).unwrap();
    is(&check(&with(&[]), &tools).await, Status::Degraded, Cause::Certificate, "ended");
    // Plain HTTP where TLS was meant, and the other way round.
    let server = Faults::start().await;
    is(&look(target(format!("https://127.0.0.1:{}/ok", server.port)), &[]).await, Status::Unhealthy, Cause::Timeout, "");
    let none = look(target(server.url("/ok")), &["[CERTIFICATE_EXPIRATION] > 1h"]).await;
    is(&none, Status::Unhealthy, Cause::Certificate, "there is no certificate");
}
