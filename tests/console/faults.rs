//! A fault in the world outside shows on the board within one probe interval, with its cause and the one thing to try first.

use crate::harness::{Console, Home};
use quarterdeck::sandbox::{self, Fault, FaultKind, Sandbox};
use quarterdeck::store::{self, Conn};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// The interval of a probe when nothing else is said; a fault has to be seen within it.
const INTERVAL: Duration = Duration::from_secs(30);

/// The sandbox, on threads of its own.
struct World {
    runtime: tokio::runtime::Runtime,
    sandbox: Option<Sandbox>,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = sandbox::Options { request_limit: 100_000, ..sandbox::Options::default() };
        let sandbox = Some(runtime.block_on(sandbox::start(options)).unwrap());
        Self { runtime, sandbox }
    }

    fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            self.runtime.block_on(sandbox.shutdown());
        }
    }
}

/// An agent of another process; it ends with the test.
struct Agent(Child);

impl Agent {
    fn start(home: &Home, world: &World) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.args(["agent", "run", "--persona", sandbox::ACCOUNT]).env_clear();
        for (name, value) in [
            ("HOME", home.path("").display().to_string()),
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("USER", "ana".to_owned()),
            ("QUARTERDECK_MODE", "sandbox".to_owned()),
            ("QUARTERDECK_AGENT_INTERVAL_SECONDS", "60".to_owned()),
            ("QUARTERDECK_AGENT_MIN_PROBABILITY", "1.0".to_owned()),
            ("QUARTERDECK_AGENT_MAX_PROBABILITY", "1.0".to_owned()),
            ("DATABASE_URL", format!("sqlite:{}", home.path("deck.db").display())),
            ("REDDIT_CLIENT_ID", sandbox::CLIENT_ID.to_owned()),
            ("REDDIT_CLIENT_SECRET", sandbox::CLIENT_SECRET.to_owned()),
            ("REDDIT_USERNAME", sandbox::ACCOUNT.to_owned()),
            ("REDDIT_PASSWORD", sandbox::PASSWORD.to_owned()),
            ("REDDIT_BASE_URL", world.sandbox().reddit_url()),
            ("REDDIT_OAUTH_URL", world.sandbox().reddit_url()),
            ("OPENROUTER_API_KEY", sandbox::MODEL_KEY.to_owned()),
            ("OPENROUTER_BASE_URL", world.sandbox().model_url()),
        ] {
            command.env(name, value);
        }
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The board with one line on it.
fn board(home: &Home, line: &str) -> Console {
    let mut console = home.console_of(140, 40);
    console.shows("[Queue").keys("gh").shows("? unknown").keys(&format!("/{line}\r")).shows(&format!("filter: {line}")).keys("G");
    console
}

#[track_caller]
fn shows_within(console: &mut Console, wanted: &[&str]) {
    console.wait_within(INTERVAL, |screen| wanted.iter().all(|text| screen.contents().contains(text)), &format!("{wanted:?}"));
}

#[test]
fn errors_of_the_models_show_with_cause_and_remedy() {
    let (home, world) = (Home::new(), World::new());
    world.sandbox().add_fault(Fault::always("model:*chat/completions", FaultKind::Status { code: 503, html: false }));
    let mut console = board(&home, "models");
    let _agent = Agent::start(&home, &world);
    shows_within(&mut console, &["attempts failed in the last 10 minutes", "HTTP 503", "try first: The service fails inside"]);
}

#[test]
fn a_rate_limit_of_reddit_shows_with_cause_and_remedy() {
    let (home, world) = (Home::new(), World::new());
    world.sandbox().add_fault(Fault::always("reddit:/r/*", FaultKind::Status { code: 429, html: false }));
    let mut console = board(&home, "reddit");
    let _agent = Agent::start(&home, &world);
    shows_within(&mut console, &["▲ degraded", "429", "try first: Wait"]);
}

#[test]
fn a_slow_database_shows_with_who_is_in_the_way() {
    let home = Home::new();
    let mut console = board(&home, "database");
    console.shows("✓ healthy");
    let ((taken, is_taken), (release, released)) = (channel(), channel::<()>());
    let database = home.database.clone();
    let holder = std::thread::spawn(move || {
        let work = move |_: &mut dyn Conn| -> store::Result<()> {
            taken.send(()).unwrap();
            let _ = released.recv();
            Ok(())
        };
        database.write_blocking(work).unwrap();
    });
    is_taken.recv().unwrap();
    shows_within(&mut console, &["✗ unhealthy", "try first:"]);
    release.send(()).unwrap();
    holder.join().unwrap();
}
