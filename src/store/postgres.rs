//! The shared engine: a [`Conn`] on PostgreSQL's wire, TLS by rustls.

use super::error::{chain, excerpt};
use super::slow::timed;
use super::{Bulk, Conn, Engine, Error, Result, Row, Val, ValRef};
use postgres::config::{Host, SslMode};
use postgres::error::SqlState;
use postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use postgres::{Client, Config, NoTls, Statement};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// How long a machine may take to take a connection up, each of those that the address names.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long the server behind it may take to answer: one that is stopped, or hangs, takes connections up and says nothing.
const ANSWERING: Duration = Duration::from_secs(4);
/// What was sent and is not confirmed by the other machine for so long is lost, and so is the connection.
const CONFIRMING: Duration = Duration::from_secs(30);

/// A connection to a server, with its prepared statements.
pub(super) struct PostgresConn {
    pub(super) client: Client,
    statements: HashMap<String, Statement>,
    place: String,
}

/// Connect to the server at `url`. `place` is the URL with its password masked.
///
/// A server on this machine is spoken to without TLS unless the URL asks for it: its usual certificate names no address.
///
/// # Errors
/// [`Error::Open`] when the address is none, or the server refuses, is too old, or does not answer.
pub(super) fn connect(url: &str, place: &str) -> Result<PostgresConn> {
    let open = |reason: String| Error::Open { place: place.to_owned(), reason };
    let mut config: Config = url.parse().map_err(|error: postgres::Error| open(chain(&error)))?;
    config
        .application_name(&format!("quarterdeck ({})", std::process::id()))
        .connect_timeout(CONNECTING)
        .tcp_user_timeout(CONFIRMING)
        .keepalives_idle(Duration::from_secs(30));
    let machines = u32::try_from(config.get_hosts().len()).unwrap_or(u32::MAX).max(1);
    let limit = CONNECTING.saturating_mul(machines) + ANSWERING;
    let (url, owned) = (url.to_owned(), place.to_owned());
    let (sender, receiver) = sync_channel(1);
    // The client waits for an answer without an end: on a thread of its own, which can be left alone with it.
    super::database::spawn("store-connect", move || {
        // Who waited may have given up.
        let _ = sender.send(connected(config, &url, &owned));
    })?;
    match receiver.recv_timeout(limit) {
        Ok(connected) => connected,
        Err(RecvTimeoutError::Timeout) => Err(open(format!("the server did not answer within {} s", limit.as_secs()))),
        Err(RecvTimeoutError::Disconnected) => Err(Error::Closed),
    }
}

fn connected(mut config: Config, url: &str, place: &str) -> Result<PostgresConn> {
    let open = |reason: String| Error::Open { place: place.to_owned(), reason };
    let here = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
        Host::Unix(_) => true,
    });
    let plain = config.get_ssl_mode() == SslMode::Disable || (here && !url.contains("sslmode="));
    let client = if plain {
        config.ssl_mode(SslMode::Disable);
        config.connect(NoTls)
    } else {
        config.connect(tokio_postgres_rustls::MakeRustlsConnect::new(tls()))
    };
    let mut client = client.map_err(|error| match error.code() {
        // Class 28: the user, the password, or the server's rules about both.
        Some(code) if code.code().starts_with("28") => Error::Login { place: place.to_owned(), reason: chain(&error) },
        _ => open(chain(&error)),
    })?;
    let version: i32 = client
        .query_one("SELECT CAST(current_setting('server_version_num') AS INTEGER)", &[])
        .and_then(|row| row.try_get(0))
        .map_err(|error| open(chain(&error)))?;
    if version < 150_000 {
        return Err(open(format!("the server speaks PostgreSQL {}, 15 or newer is needed", version / 10_000)));
    }
    Ok(PostgresConn { client, statements: HashMap::new(), place: place.to_owned() })
}

/// A client for what the shared words cannot say: streams of a whole table, databases that are made and renamed.
pub(crate) fn client(url: &str) -> Result<Client> {
    let place = super::Address::Postgres(url.to_owned()).masked();
    connect(url, &place).map(|conn| conn.client)
}

fn tls() -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    // A broken certificate in the system's store leaves the others usable; with none at all the handshake says so.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    match rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions() {
        Ok(builder) => builder.with_root_certificates(roots).with_no_client_auth(),
        Err(_) => unreachable!("ring supports TLS 1.2 and 1.3"),
    }
}

impl PostgresConn {
    /// Run statements without parameters or answers.
    pub(super) fn batch(&mut self, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).map_err(|error| self.translate(&error, sql))
    }

    fn translate(&self, error: &postgres::Error, sql: &str) -> Error {
        let reason = error.as_db_error().map_or_else(
            || chain(error),
            |refusal| match refusal.detail() {
                Some(detail) => format!("{}: {detail}", refusal.message()),
                None => refusal.message().to_owned(),
            },
        );
        match error.code() {
            Some(code) if code.code().starts_with("23") => Error::Constraint { reason },
            Some(code) if *code == SqlState::LOCK_NOT_AVAILABLE => {
                Error::Locked { place: self.place.clone(), holder: "another session holds it; see `quarterdeck db holders`".to_owned() }
            }
            None => Error::Open { place: self.place.clone(), reason },
            Some(_) => Error::Statement { reason, statement: excerpt(sql) },
        }
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement, postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

impl Conn for PostgresConn {
    fn engine(&self) -> Engine {
        Engine::Postgres
    }

    fn query(&mut self, sql: &str, params: &[Val]) -> Result<Vec<Row>> {
        let statement = self.prepared(sql).map_err(|error| self.translate(&error, sql))?;
        let columns: Arc<[String]> = statement.columns().iter().map(|column| column.name().to_owned()).collect();
        let params = &params[..statement.params().len().min(params.len())];
        let bound: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let answer = timed(sql, || self.client.query(&statement, &bound)).map_err(|error| self.translate(&error, sql))?;
        answer
            .iter()
            .map(|row| {
                let values = (0..columns.len()).map(|index| row.try_get::<_, Val>(index)).collect::<Result<Vec<_>, _>>();
                values.map(|values| Row::new(Arc::clone(&columns), values)).map_err(|error| self.translate(&error, sql))
            })
            .collect()
    }

    fn exec(&mut self, sql: &str, params: &[Val]) -> Result<u64> {
        let statement = self.prepared(sql).map_err(|error| self.translate(&error, sql))?;
        let params = &params[..statement.params().len().min(params.len())];
        let bound: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        timed(sql, || self.client.execute(&statement, &bound)).map_err(|error| self.translate(&error, sql))
    }

    fn insert(&mut self, bulk: &Bulk, cells: &[ValRef<'_>]) -> Result<Vec<usize>> {
        let width = bulk.columns.len().max(1);
        let (mut left_out, mut done, mut rest) = (Vec::new(), 0, cells);
        while !rest.is_empty() {
            // Few sizes, so that few statements are prepared; the wire carries at most 65,535 parameters.
            let rows = [256, 16, 1].into_iter().find(|rows| rows * width <= rest.len().min(65_535)).unwrap_or(1);
            let (now, later) = rest.split_at(rest.len().min(rows * width));
            let sql = insertion(bulk, rows);
            let statement = self.prepared(&sql).map_err(|error| self.translate(&error, &sql))?;
            let bound: Vec<&(dyn ToSql + Sync)> = now.iter().map(|cell| cell as &(dyn ToSql + Sync)).collect();
            if bulk.tells_left_out {
                let answer = self.client.query(&statement, &bound).map_err(|error| self.translate(&error, &sql))?;
                let taken = answer.iter().map(|row| row.try_get(0)).collect::<Result<HashSet<String>, _>>();
                let taken = taken.map_err(|error| self.translate(&error, &sql))?;
                let is_left_out = |row: &[ValRef<'_>]| !matches!(row.first(), Some(ValRef::Text(key)) if taken.contains(*key));
                left_out.extend(now.chunks(width).enumerate().filter(|(_, row)| is_left_out(row)).map(|(number, _)| done + number));
            } else {
                self.client.execute(&statement, &bound).map_err(|error| self.translate(&error, &sql))?;
            }
            done += rows;
            rest = later;
        }
        Ok(left_out)
    }
}

/// The text of an insertion of so many rows at once.
fn insertion(bulk: &Bulk, rows: usize) -> String {
    let width = bulk.columns.len();
    let row =
        |number: usize| format!("({})", (1..=width).map(|column| format!("${}", number * width + column)).collect::<Vec<_>>().join(", "));
    let rows: Vec<String> = (0..rows).map(row).collect();
    let returning =
        if bulk.tells_left_out { bulk.columns.first().map(|key| format!(" RETURNING {key}")).unwrap_or_default() } else { String::new() };
    format!("INSERT INTO {} ({}) VALUES {} {}{returning}", bulk.table, bulk.columns.join(", "), rows.join(", "), bulk.on_conflict)
}

impl ToSql for ValRef<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Foreign> {
        match *self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) => Val::Int(value).to_sql(kind, out),
            Self::Text(text) if text.contains('\0') => text.replace('\0', "").to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Blob(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

type Foreign = Box<dyn std::error::Error + Sync + Send>;

impl ToSql for Val {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Foreign> {
        match (self, kind) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(value), &Type::INT4) => i32::try_from(*value)?.to_sql(kind, out),
            (Self::Int(value), &Type::INT2) => i16::try_from(*value)?.to_sql(kind, out),
            (Self::Int(value), &Type::FLOAT8) => (*value as f64).to_sql(kind, out),
            (Self::Int(value), &Type::BOOL) => (*value != 0).to_sql(kind, out),
            (Self::Int(value), &Type::TEXT | &Type::VARCHAR) => value.to_string().to_sql(kind, out),
            (Self::Int(value), _) => value.to_sql(kind, out),
            (Self::Real(value), _) => value.to_sql(kind, out),
            // PostgreSQL text cannot hold NUL; dropping it here keeps both engines usable with any input.
            (Self::Text(text), _) if text.contains('\0') => text.replace('\0', "").to_sql(kind, out),
            (Self::Text(text), _) => text.to_sql(kind, out),
            (Self::Blob(bytes), _) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Val {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Foreign> {
        Ok(match *kind {
            Type::INT8 => Self::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => Self::Int(i16::from_sql(kind, raw)?.into()),
            Type::BOOL => Self::Int(bool::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Self::Real(f64::from_sql(kind, raw)?),
            Type::FLOAT4 => Self::Real(f32::from_sql(kind, raw)?.into()),
            Type::BYTEA => Self::Blob(Vec::from_sql(kind, raw)?),
            _ => Self::Text(String::from_sql(kind, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Foreign> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
