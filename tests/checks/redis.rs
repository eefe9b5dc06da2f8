//! Redis: a real one up, down, slow, full and locked, and words that a real one says in the night only.

use super::programs::{self, free_port};
use super::{check, is, is_well, look, probe};
use quarterdeck::watch::Status;
use quarterdeck::watch::probe::check::{Cause, Tools};
use quarterdeck::watch::probe::model::Target;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

fn target(port: u16, password: Option<&str>) -> Target {
    Target::Redis { host: "127.0.0.1".into(), port, password: password.map(Into::into) }
}

#[tokio::test]
async fn a_real_redis_is_up_slow_stopped_and_down() {
    let Some(mut server) = programs::redis(&[]) else { return };
    let up = look(target(server.port, None), &["[CONNECTED] == true", "[RESPONSE_TIME] < 2s"]).await;
    is_well(&up);
    assert_eq!(up.host.as_deref(), Some("127.0.0.1"));

    // It sleeps while it is asked: the answer comes, and late.
    let mut slow = probe(target(server.port, None), &[]);
    slow.degraded_over = Some(Duration::from_millis(100));
    let mut other = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    other.write_all(b"DEBUG SLEEP 0.5\r\n").unwrap();
    let outcome = check(&slow, &Tools::new().unwrap()).await;
    is(&outcome, Status::Degraded, Cause::Timeout, "more than 100 ms");
    assert!(outcome.latency_us.unwrap() > 100_000);

    // It takes connections and answers nothing.
    server.signal("-STOP");
    let mut stopped = probe(target(server.port, None), &[]);
    stopped.timeout = Duration::from_millis(400);
    let started = Instant::now();
    let outcome = check(&stopped, &Tools::new().unwrap()).await;
    is(&outcome, Status::Unhealthy, Cause::Timeout, "within 400 ms");
    assert!(started.elapsed() < Duration::from_secs(20) && outcome.latency_us.is_none());
    // It is reached all the same: a port that must be closed is not.
    stopped.conditions = vec!["[CONNECTED] == false".into()];
    is(&check(&stopped, &Tools::new().unwrap()).await, Status::Unhealthy, Cause::Timeout, "within 400 ms");
    server.signal("-CONT");
    is_well(&look(target(server.port, None), &[]).await);

    server.end();
    is(&look(target(server.port, None), &[]).await, Status::Unhealthy, Cause::Refused, "nobody listens on 127.0.0.1");
    is_well_though_closed(server.port).await;
}

/// A port that must be closed is well when it is.
async fn is_well_though_closed(port: u16) {
    let outcome = look(Target::Tcp { host: "127.0.0.1".into(), port }, &["[CONNECTED] == false"]).await;
    assert_eq!((outcome.status, outcome.error), (Status::Healthy, None));
}

#[tokio::test]
async fn a_real_redis_with_a_password_tells_none_wrong_and_right_apart() {
    const PASSWORD: &str = "correct horse battery";
    let Some(server) = programs::redis(&["--requirepass", PASSWORD]) else { return };
    is(&look(target(server.port, None), &[]).await, Status::Unhealthy, Cause::Auth, "asks for a password");
    let wrong = look(target(server.port, Some("wrong-secret")), &[]).await;
    is(&wrong, Status::Unhealthy, Cause::Auth, "does not take the password");
    assert!(!format!("{wrong:?}").contains("wrong-secret"));
    is_well(&look(target(server.port, Some(PASSWORD)), &[]).await);
    let Some(open) = programs::redis(&[]) else { return };
    is(&look(target(open.port, Some(PASSWORD)), &[]).await, Status::Degraded, Cause::Auth, "everybody may use it");
}

#[tokio::test]
async fn a_real_redis_that_takes_no_more_clients_says_so() {
    let Some(server) = programs::redis(&["--maxclients", "1"]) else { return };
    let mut one = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    one.write_all(b"PING\r\n").unwrap();
    one.read_exact(&mut [0; 7]).unwrap();
    is(&look(target(server.port, None), &[]).await, Status::Unhealthy, Cause::Limit, "maxclients");
}

/// A server that says these words to whoever connects.
fn saying(words: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 256]);
            let _ = stream.write_all(words);
        }
    });
    port
}

#[tokio::test]
async fn what_redis_says_in_trouble_is_told_apart() {
    for (words, status, cause, told) in [
        (b"-LOADING Redis is loading the dataset in memory\r\n".as_slice(), Status::Unhealthy, Cause::Other, "LOADING"),
        (b"-READONLY You can't write against a read only replica.\r\n", Status::Degraded, Cause::Other, "replica"),
        (b"-MASTERDOWN Link with MASTER is down\r\n", Status::Degraded, Cause::Other, "lost its master"),
        (b"-MISCONF Redis is configured to save RDB snapshots\r\n", Status::Degraded, Cause::Other, "refuses writes"),
        (b"-NOPERM this user has no permissions\r\n", Status::Unhealthy, Cause::Auth, "may not send PING"),
        (b"-\x1b[2Jowned\x07\r\n", Status::Unhealthy, Cause::Broken, "refuses PING: owned"),
        (b"+OK\r\n", Status::Unhealthy, Cause::Broken, "something else than PONG"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Status::Unhealthy, Cause::Broken, "not that of a Redis server"),
        (b"", Status::Unhealthy, Cause::Broken, "broke the connection off"),
        (&[b'x'; 100_000], Status::Unhealthy, Cause::Broken, "not that of a Redis server"),
    ] {
        is(&look(target(saying(words), None), &[]).await, status, cause, told);
    }
    is(&look(target(free_port(), None), &[]).await, Status::Unhealthy, Cause::Refused, "nobody listens");
    let unknown = Target::Redis { host: "no-such-host.invalid".into(), port: 6379, password: None };
    is(&look(unknown, &[]).await, Status::Unhealthy, Cause::Dns, "no-such-host.invalid");
}
