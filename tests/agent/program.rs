//! The real program, as an operator would start it.

use super::house::PATIENCE;
use quarterdeck::sandbox::{self, Sandbox};
use quarterdeck::store::{Conn, Database, Result};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

/// `quarterdeck ARGUMENTS…` on the database `deck.db` in `directory`, against `sandbox`.
pub fn command(directory: &Path, sandbox: &Sandbox, model: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
    command.args(arguments).env_clear().env("HOME", directory).env("PATH", "/usr/bin:/bin").env("USER", "ana");
    for (name, value) in [
        ("QUARTERDECK_MODE", "sandbox".to_owned()),
        ("QUARTERDECK_DATA_DIR", directory.display().to_string()),
        ("QUARTERDECK_UNDO_SECONDS_REPLY", "0".to_owned()),
        ("QUARTERDECK_AGENT_INTERVAL_SECONDS", "86400".to_owned()),
        ("QUARTERDECK_AGENT_MIN_PROBABILITY", "1.0".to_owned()),
        ("QUARTERDECK_AGENT_MAX_PROBABILITY", "1.0".to_owned()),
        ("DATABASE_URL", format!("sqlite:{}", directory.join("deck.db").display())),
        ("REDDIT_CLIENT_ID", sandbox::CLIENT_ID.to_owned()),
        ("REDDIT_CLIENT_SECRET", sandbox::CLIENT_SECRET.to_owned()),
        ("REDDIT_USERNAME", sandbox::ACCOUNT.to_owned()),
        ("REDDIT_PASSWORD", sandbox::PASSWORD.to_owned()),
        ("REDDIT_BASE_URL", sandbox.reddit_url()),
        ("REDDIT_OAUTH_URL", sandbox.reddit_url()),
        ("OPENROUTER_API_KEY", sandbox::MODEL_KEY.to_owned()),
        ("OPENROUTER_BASE_URL", model.map_or_else(|| sandbox.model_url(), str::to_owned)),
    ] {
        command.env(name, value);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Run it to its end; killed, and the test with it, when it does not come to one.
pub async fn finished(mut command: Command) -> Output {
    let child = command.spawn().unwrap();
    let id = child.id().to_string();
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
    if let Ok(output) = tokio::time::timeout(PATIENCE, ended).await {
        return output.unwrap();
    }
    let _ = Command::new("kill").args(["-KILL", &id]).status();
    panic!("the program did not end by itself");
}

/// A program that goes on; killed when the test ends without it.
pub struct Running(Option<Child>);

impl Running {
    pub fn start(mut command: Command) -> Self {
        // Nobody reads what it says: a full pipe must not stop it.
        Self(Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()))
    }

    pub fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    /// Send it a signal by its number: 15 asks it to end, 9 ends it.
    pub fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap().success());
    }

    /// How it ended.
    pub async fn end(mut self) -> ExitStatus {
        let mut child = self.0.take().unwrap();
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
        tokio::time::timeout(PATIENCE, ended).await.expect("the program did not end").unwrap()
    }

    /// Processor time that it used so far, in clock ticks (hundredths of a second).
    pub fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
        let after_name: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        // utime and stime are fields 14 and 15 of the whole line.
        after_name[11].parse::<u64>().unwrap() + after_name[12].parse::<u64>().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until the database says so, woken by its changes.
pub async fn until<T: Send + 'static>(
    what: &str,
    deck: &Database,
    look: impl Fn(&mut dyn Conn) -> Result<Option<T>> + Send + Sync + 'static,
) -> T {
    let look = std::sync::Arc::new(look);
    let mut changes = deck.changes().unwrap();
    let found = async {
        loop {
            let look = std::sync::Arc::clone(&look);
            if let Some(found) = deck.read(move |c| look(c)).await.unwrap() {
                return found;
            }
            // A heartbeat moves no state and wakes nobody: it is looked for.
            if let Ok(changed) = tokio::time::timeout(std::time::Duration::from_millis(200), changes.changed()).await {
                changed.unwrap();
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("never came: {what}"))
}
