//! A Redis server: AUTH where there is a password, then PING.

use super::look::{Look, Reached, Trouble};
use super::outcome::Cause;
use super::resp::{self, Reply};
use super::tcp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes of an answer's line.
const LINE: usize = 4_096;

/// Say PING.
pub(super) async fn look(host: &str, port: u16, password: Option<&SecretString>, reached: &Reached) -> Look {
    let mut stream = match tcp::connect(host, port, reached).await {
        Ok(stream) => stream,
        Err(trouble) => return Look::failed(trouble),
    };
    let place = format!("{host}:{port}");
    let trouble = talk(&mut stream, &place, password).await.err();
    Look { trouble, connected: Some(true), detail: json!({ "command": "PING" }), ..Look::default() }
}

async fn talk(stream: &mut TcpStream, place: &str, password: Option<&SecretString>) -> Result<(), Trouble> {
    let mut needless = None;
    if let Some(password) = password {
        match ask(stream, place, &["AUTH", password.expose_secret()]).await? {
            Reply::Simple(_) => {}
            Reply::Refused(text) if resp::has_no_password(&text) => {
                needless = Some(Trouble::degraded(Cause::Auth, "it has no password, although this probe has one: everybody may use it"));
            }
            Reply::Refused(text) => return Err(resp::refusal(&text)),
        }
    }
    match ask(stream, place, &["PING"]).await? {
        Reply::Simple(text) if text == "PONG" => needless.map_or(Ok(()), Err),
        Reply::Simple(_) => Err(Trouble::unhealthy(Cause::Broken, "it answers PING with something else than PONG")),
        Reply::Refused(text) => Err(resp::refusal(&text)),
    }
}

async fn ask(stream: &mut TcpStream, place: &str, words: &[&str]) -> Result<Reply, Trouble> {
    let broke = |error: std::io::Error| Trouble::of_io(&error, place);
    // A server that refuses at once may have closed already, with its reason still to be read.
    let written = stream.write_all(&resp::command(words)).await;
    let mut line = Vec::new();
    let mut buffer = [0_u8; 512];
    loop {
        let count = match stream.read(&mut buffer).await {
            Ok(0) | Err(_) if written.is_err() => {
                return Err(written.err().map_or_else(|| Trouble::unhealthy(Cause::Broken, "it broke off"), broke));
            }
            Ok(0) => return Err(broke(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => count,
            Err(error) => return Err(broke(error)),
        };
        line.extend_from_slice(&buffer[..count]);
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return resp::reply(line.trim_ascii_end());
        }
        if line.len() > LINE {
            return Err(Trouble::unhealthy(Cause::Broken, "the answer is not that of a Redis server"));
        }
    }
}
