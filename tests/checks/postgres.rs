//! PostgreSQL: a real one up, nearly full, full, stopped and down. Its password shows nowhere.

use super::programs;
use super::{check, is, is_well, look, probe};
use quarterdeck::watch::Status;
use quarterdeck::watch::probe::check::{Cause, Outcome, Tools};
use quarterdeck::watch::probe::model::Target;
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

const PASSWORD: &str = "s3cr3t-and-long";

fn target(url: &str) -> Target {
    Target::Postgres { url: url.into(), connections_degraded: 0.8, connections_unhealthy: 0.95 }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.simple_query("SELECT 1").await.unwrap();
    client
}

#[track_caller]
fn tells_nothing(outcome: &Outcome) {
    assert!(!format!("{outcome:?}").contains("s3cr3t"), "{outcome:?}");
}

#[tokio::test]
async fn a_real_postgresql_is_up_near_its_limit_full_stopped_and_down() {
    let Some(mut server) = programs::postgres(PASSWORD) else { return };
    let url = format!("postgres://deck:{PASSWORD}@127.0.0.1:{}/postgres", server.port);
    let up = look(target(&url), &["[CONNECTED] == true", "[VALUE] < 0.5"]).await;
    is_well(&up);
    assert_eq!((up.detail["connections"].as_i64(), up.detail["most"].as_i64(), up.host.as_deref()), (Some(1), Some(7), Some("127.0.0.1")));

    // Its own connection counts as well.
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(connect(&url).await);
    }
    is(&look(target(&url), &[]).await, Status::Degraded, Cause::Limit, "6 of 7 connections are taken");
    held.push(connect(&url).await);
    is(&look(target(&url), &[]).await, Status::Unhealthy, Cause::Limit, "7 of 7 connections are taken");
    // Those who are no superusers are not let in any more.
    held[0].batch_execute("CREATE ROLE app LOGIN PASSWORD 's3cr3t-app'").await.unwrap();
    held.push(connect(&url).await);
    let app = format!("postgres://app:s3cr3t-app@127.0.0.1:{}/postgres", server.port);
    let full = look(target(&app), &[]).await;
    is(&full, Status::Unhealthy, Cause::Limit, "no connection is left");
    drop(held);

    for (url, cause, words) in [
        (format!("postgres://deck:wrong-s3cr3t@127.0.0.1:{}/postgres", server.port), Cause::Auth, "does not let us in"),
        (format!("postgres://deck:{PASSWORD}@127.0.0.1:{}/nothing", server.port), Cause::Missing, "nothing"),
        (format!("postgres://deck@127.0.0.1:{}/postgres", server.port), Cause::Auth, "password"),
        (format!("postgres://deck:{PASSWORD}@127.0.0.1:{}/postgres?sslmode=require", server.port), Cause::Tls, "TLS"),
    ] {
        let outcome = look(target(&url), &[]).await;
        is(&outcome, Status::Unhealthy, cause, words);
        tells_nothing(&outcome);
    }
    let wrong = look(target("postgres://deck:s3cr3t@[::1"), &[]).await;
    assert_eq!(wrong.status, Status::Unknown, "nothing was asked");
    tells_nothing(&wrong);

    // It takes connections and answers nothing.
    server.signal("-STOP");
    let mut stopped = probe(target(&url), &[]);
    stopped.timeout = Duration::from_millis(500);
    is(&check(&stopped, &Tools::new().unwrap()).await, Status::Unhealthy, Cause::Timeout, "within 500 ms");
    server.signal("-CONT");
    is_well(&look(target(&url), &[]).await);

    server.end();
    let down = look(target(&url), &[]).await;
    is(&down, Status::Unhealthy, Cause::Refused, "nobody listens");
    tells_nothing(&down);
}
