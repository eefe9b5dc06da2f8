//! A command: its own process group, nothing to read, an end at the timeout for all that it started.

use super::look::{Content, Look, Trouble};
use super::outcome::Cause;
use rustix::process::{Pid, Signal, kill_process_group};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// Bytes of each stream that are kept; the rest is read and dropped.
const KEPT: usize = 64 * 1024;
/// How long is read on when the command has ended and something that it started still holds its output.
const LEFT_OVER: Duration = Duration::from_millis(200);
/// What a command is given of our environment: it needs a path, and none of our secrets.
const ENVIRONMENT: &[&str] = &["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// Kills a process group when it goes.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // There may be nobody left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Run it to its end.
pub(super) async fn look(argv: &[String], env: &[(String, SecretString)]) -> Look {
    let Some((program, arguments)) = argv.split_first() else {
        return Look::failed(Trouble::unknown(Cause::Other, "there is no command"));
    };
    let name = Path::new(program).file_name().map_or_else(|| program.clone(), |name| name.to_string_lossy().into_owned());
    let environment = ENVIRONMENT.iter().filter_map(|name| std::env::var_os(name).map(|value| (*name, value)));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(environment)
        .envs(env.iter().map(|(name, value)| (name, value.expose_secret())))
        .process_group(0)
        .kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Look::failed(Trouble::unhealthy(Cause::Missing, format!("there is no program {name}")));
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Look::failed(Trouble::unhealthy(Cause::Auth, format!("{name} may not be run by this user")));
        }
        // No processes or no memory: it is this machine, and nothing is known of the target.
        Err(error) => return Look::failed(Trouble::unknown(Cause::Other, format!("{name} cannot be started: {error}"))),
    };
    let group = Group(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let ended = {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let reading = async { tokio::join!(kept(stdout, &mut out), kept(stderr, &mut err)) };
        tokio::pin!(reading);
        tokio::select! {
            _ = &mut reading => child.wait().await,
            ended = child.wait() => {
                // What it had written is there; what it left behind may hold the pipe for ever.
                let _ = tokio::time::timeout(LEFT_OVER, &mut reading).await;
                ended
            }
        }
    };
    drop(group);
    let status = match ended {
        Ok(status) => status,
        Err(error) => return Look::failed(Trouble::unknown(Cause::Other, format!("how {name} ended is not known: {error}"))),
    };
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    let trouble = (!status.success()).then(|| {
        let how =
            status.signal().map_or_else(|| format!("{name} ended with {code}"), |signal| format!("{name} was ended by signal {signal}"));
        let said = last_line(&err).or_else(|| last_line(&out)).map(|line| format!(": {line}")).unwrap_or_default();
        Trouble::unhealthy(Cause::Exit(code), how + &said)
    });
    let cut = out.len() > KEPT;
    Look {
        trouble,
        values: vec![(name, f64::from(code))],
        detail: json!({ "exit": code, "output_bytes": out.len().min(KEPT), "cut": cut }),
        content: Some(if cut { Content::Cut } else { Content::of(&out) }),
        ..Look::default()
    }
}

/// Read a stream to its end, and keep its beginning: one byte more than is kept tells that there was more.
async fn kept(stream: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut stream) = stream else { return };
    let mut buffer = [0_u8; 8_192];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let room = (KEPT + 1).saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
}

/// The last line of a text that says something.
fn last_line(bytes: &[u8]) -> Option<String> {
    String::from_utf8_lossy(bytes).lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
}
