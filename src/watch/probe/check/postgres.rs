//! A PostgreSQL server: whether it answers, and its connections against the limit.

use super::Tools;
use super::look::{Look, Trouble};
use super::outcome::Cause;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::error::Error as _;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

/// How many are connected, and how many may be: what is kept for superusers is not for others.
const CONNECTIONS: &str = "SELECT
  (SELECT CAST(sum(numbackends) AS BIGINT) FROM pg_stat_database) AS used,
  CAST(current_setting('max_connections') AS BIGINT) - CAST(current_setting('superuser_reserved_connections') AS BIGINT)
    - CAST(COALESCE(current_setting('reserved_connections', true), '0') AS BIGINT) AS most,
  pg_is_in_recovery() AS standby";

/// The first host of an address.
pub(super) fn host(url: &SecretString) -> Option<String> {
    let config: Config = url.expose_secret().parse().ok()?;
    config.get_hosts().first().map(|host| match host {
        Host::Tcp(name) => name.to_ascii_lowercase(),
        Host::Unix(_) => "localhost".to_owned(),
    })
}

/// The first host and port of an address; nothing for a socket of this machine.
pub(super) fn place(url: &SecretString) -> Option<(String, u16)> {
    let config: Config = url.expose_secret().parse().ok()?;
    match config.get_hosts().first()? {
        Host::Tcp(name) => Some((name.clone(), config.get_ports().first().copied().unwrap_or(5_432))),
        Host::Unix(_) => None,
    }
}

/// Ask, and compare with the shares from which it is degraded and unhealthy.
pub(super) async fn look(url: &SecretString, shares: (f64, f64), tools: &Tools) -> Look {
    // What the parser says may quote a part of the address.
    let Ok(mut config) = url.expose_secret().parse::<Config>() else {
        return Look::failed(Trouble::unknown(Cause::Other, "the address is not one of postgres://USER@HOST/NAME"));
    };
    config.application_name("quarterdeck-probe");
    let here = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
        Host::Unix(_) => true,
    });
    // As the deck's own database: a server on this machine is spoken to without TLS unless the address asks for it.
    let plain = config.get_ssl_mode() == SslMode::Disable || (here && !url.expose_secret().contains("sslmode="));
    let found = if plain {
        config.ssl_mode(SslMode::Disable);
        match config.connect(NoTls).await {
            Ok((client, connection)) => answered(&client, connection, shares).await,
            Err(error) => Err(error),
        }
    } else {
        let tls = tokio_postgres_rustls::MakeRustlsConnect::new(tools.tls.as_ref().clone());
        match config.connect(tls).await {
            Ok((client, connection)) => answered(&client, connection, shares).await,
            Err(error) => Err(error),
        }
    };
    found.unwrap_or_else(|error| {
        let trouble = trouble(&error);
        // A server that says why it refuses was reached.
        let connected = error.as_db_error().is_some();
        let look = Look::failed(trouble);
        if connected { Look { connected: Some(true), ..look } } else { look }
    })
}

async fn answered(
    client: &Client,
    connection: impl Future<Output = Result<(), tokio_postgres::Error>>,
    shares: (f64, f64),
) -> Result<Look, tokio_postgres::Error> {
    let asked = async {
        client.simple_query("SELECT 1").await?;
        client.query_one(CONNECTIONS, &[]).await
    };
    let row = tokio::select! {
        row = asked => row?,
        ended = connection => {
            ended?;
            return Ok(Look::failed(Trouble::unhealthy(Cause::Broken, "the server broke the connection off")));
        }
    };
    let used: i64 = row.try_get::<_, Option<i64>>("used")?.unwrap_or_default();
    let most: i64 = row.try_get("most")?;
    let standby: bool = row.try_get("standby")?;
    let share = used as f64 / most.max(1) as f64;
    let words = format!("{used} of {most} connections are taken");
    let trouble = if share >= shares.1 {
        Some(Trouble::unhealthy(Cause::Limit, words))
    } else if share >= shares.0 {
        Some(Trouble::degraded(Cause::Limit, words))
    } else {
        None
    };
    Ok(Look {
        trouble,
        connected: Some(true),
        values: vec![("the connections".to_owned(), share)],
        detail: json!({ "connections": used, "most": most, "share": share, "standby": standby }),
        ..Look::default()
    })
}

fn trouble(error: &tokio_postgres::Error) -> Trouble {
    if let Some(refusal) = error.as_db_error() {
        let text = refusal.message();
        return match refusal.code() {
            code if *code == SqlState::TOO_MANY_CONNECTIONS => Trouble::unhealthy(Cause::Limit, format!("no connection is left: {text}")),
            code if *code == SqlState::CANNOT_CONNECT_NOW => {
                Trouble::unhealthy(Cause::Other, format!("it is starting or stopping: {text}"))
            }
            code if matches!(code.code().get(..2), Some("28")) => Trouble::unhealthy(Cause::Auth, format!("it does not let us in: {text}")),
            code if *code == SqlState::INVALID_CATALOG_NAME => Trouble::unhealthy(Cause::Missing, text.to_owned()),
            code => Trouble::unhealthy(Cause::Other, format!("{text} ({})", code.code())),
        };
    }
    if let Some(tls) = super::http::tls_error(error) {
        return super::http::of_tls(tls, "the server");
    }
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            if io.to_string().contains("lookup") {
                return Trouble::unhealthy(Cause::Dns, format!("the server's name has no address: {io}"));
            }
            return Trouble::of_io(io, "the server");
        }
        cause = inner.source();
    }
    let text = error.to_string();
    let tells = error.source().map_or(text.clone(), |source| format!("{text}: {source}"));
    let kind = match () {
        () if tells.contains("password") || tells.contains("SASL") => Cause::Auth,
        () if tells.contains("TLS") => Cause::Tls,
        () => Cause::Broken,
    };
    Trouble::unhealthy(kind, tells)
}
