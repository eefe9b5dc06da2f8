//! The sandbox: loopback Reddit and model servers with fault injection, for demos, training and tests.
//!
//! It speaks HTTP only and knows no service room: what it serves is written from the recorded behaviour of the real services, so that a
//! mistake in a client does not find the same mistake here. It binds 127.0.0.1 and nothing else, marks every answer with
//! `x-quarterdeck-sandbox: 1`, names itself in every text, and never makes a request of its own.
//!
//! | part | what it is for |
//! |---|---|
//! | [`script`] | texts from a seed |
//! | [`world`] | subreddits, posts, comments, inboxes; what exists when |
//! | [`reddit`] | tokens, limits, listings, writes |
//! | [`model`] | chat completions, embeddings, models, generations |
//! | [`faults`] | what goes wrong, where, how often |
//! | `control` | `/sandbox/…`: look at the state, order faults, change the world |
//! | `serve`, `wire` | requests, answers, connections that are cut |

mod control;
pub mod exchange;
pub mod faults;
pub mod model;
pub mod reddit;
pub mod script;
mod serve;
mod wire;
pub mod world;

pub use faults::{Fault, FaultKind};
pub use world::{NewPost, Stored, World};

use crate::base::{Clock, SystemClock};
use axum::Router;
use serve::App;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use wire::{Line, Wires};

/// The sandbox's own client id.
pub const CLIENT_ID: &str = "sandbox-client";
/// The secret of [`CLIENT_ID`]. It opens nothing outside the sandbox.
pub const CLIENT_SECRET: &str = "sandbox-secret";
/// The account that is there by default, named after the seeded persona.
pub const ACCOUNT: &str = "DemoAgentBot";
/// The password of [`ACCOUNT`].
pub const PASSWORD: &str = "sandbox-password";
/// A key that the model side takes; it takes any other too unless [`Options::model_key`] is set.
pub const MODEL_KEY: &str = "sandbox-key";

/// When the scripted posts come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arrival {
    /// All are there at the start, and nobody answers by himself.
    #[default]
    AtStart,
    /// One third is there at the start, then one more each time; people answer the accounts after about this long.
    Every(Duration),
}

/// What world to make and how to serve it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Decides every text and every choice.
    pub seed: u64,
    /// How many scripted posts there are in all.
    pub posts: usize,
    /// The port on 127.0.0.1; `None` or 0 lets the system choose.
    pub port: Option<u16>,
    /// When the posts come.
    pub arrival: Arrival,
    /// Who can log in: name and password.
    pub accounts: Vec<(String, String)>,
    /// The OAuth client id.
    pub client_id: String,
    /// The OAuth client secret.
    pub client_secret: String,
    /// The only key that the model side takes; `None`: any.
    pub model_key: Option<String>,
    /// How long access tokens live, in seconds.
    pub token_seconds: u32,
    /// Requests per client and account in ten minutes.
    pub request_limit: u32,
    /// Time between two writes of one kind by an account; `None`: no limit.
    pub action_interval: Option<Duration>,
    /// Time between two parts of a streamed answer.
    pub token_pace: Duration,
    /// Faults in force from the start.
    pub faults: Vec<Fault>,
    /// The clock of the world.
    pub clock: Arc<dyn Clock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            posts: 60,
            port: None,
            arrival: Arrival::AtStart,
            accounts: vec![(ACCOUNT.to_owned(), PASSWORD.to_owned())],
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            model_key: None,
            token_seconds: 3600,
            request_limit: 1000,
            action_interval: None,
            token_pace: Duration::ZERO,
            faults: Vec::new(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// What goes wrong in the sandbox itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port cannot be had.
    #[error("the sandbox cannot listen on {address}: {source}; choose another port with --port, or 0 for any free one")]
    Bind {
        /// Where it tried.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// A fault is not written as one.
    #[error("\"{text}\" is not a fault: {why}")]
    Fault {
        /// What was given.
        text: String,
        /// What to write instead.
        why: String,
    },
    /// A change of the world that makes no sense.
    #[error("the sandbox's world was not changed: {0}")]
    World(String),
}

/// A running sandbox. Dropping it closes it without waiting.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    app: Arc<App>,
    close: watch::Sender<bool>,
    server: JoinHandle<()>,
}

/// Make a world and serve it.
///
/// # Errors
/// [`Error::Bind`] when the port is taken.
pub async fn start(options: Options) -> Result<Sandbox, Error> {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port.unwrap_or(0)));
    let bound = |source| Error::Bind { address: wanted, source };
    let listener = TcpListener::bind(wanted).await.map_err(bound)?;
    let address = listener.local_addr().map_err(bound)?;
    let every = match options.arrival {
        Arrival::AtStart => None,
        Arrival::Every(every) => Some(every),
    };
    let stage = world::State::stage(options.seed, options.posts, every, &options.accounts, options.clock.now());
    let world = World::new(stage, Arc::clone(&options.clock));
    let (close, closing) = watch::channel(false);
    let app = Arc::new(App {
        reddit: reddit::Reddit::new(&options, world.clone()),
        model: model::Model::new(options.seed, options.model_key, world.clone()),
        faults: faults::Faults::new(options.seed, options.faults),
        base: format!("http://{address}"),
        token_pace: options.token_pace,
        closing: closing.clone(),
        world,
    });
    let router = Router::new().fallback(serve::serve).with_state(Arc::clone(&app));
    let mut closed = closing;
    let server = tokio::spawn(async move {
        let served =
            axum::serve(Wires(listener), router.into_make_service_with_connect_info::<Line>()).with_graceful_shutdown(async move {
                // An error means that the handle is gone, which closes the sandbox as well.
                let _ = closed.wait_for(|closing| *closing).await;
            });
        if let Err(error) = served.await {
            tracing::error!(%error, "the sandbox stopped serving");
        }
    });
    Ok(Sandbox { address, app, close, server })
}

/// How long requests under way may take when the sandbox closes.
const CLOSING: Duration = Duration::from_secs(5);

impl Sandbox {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base of the Reddit side, for tokens and for the API.
    #[must_use]
    pub fn reddit_url(&self) -> String {
        self.app.base.clone()
    }

    /// The base of the model side: `…/api/v1`.
    #[must_use]
    pub fn model_url(&self) -> String {
        format!("{}/api/v1", self.app.base)
    }

    /// The base of the control endpoint: `…/sandbox`.
    #[must_use]
    pub fn control_url(&self) -> String {
        format!("{}/sandbox", self.app.base)
    }

    /// The world, to look into and to change.
    #[must_use]
    pub fn world(&self) -> World {
        self.app.world.clone()
    }

    /// Order a fault.
    pub fn add_fault(&self, fault: Fault) {
        self.app.faults.add(fault);
    }

    /// Take all faults back.
    pub fn clear_faults(&self) {
        self.app.faults.clear();
    }

    /// The faults that can still hit.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.app.faults.list()
    }

    /// A refresh token for an account, as if its owner had allowed the app. It works once; the answer brings the next.
    #[must_use]
    pub fn issue_refresh_token(&self, account: &str) -> String {
        self.app.reddit.issue_refresh_token(account)
    }

    /// End all access tokens.
    pub fn expire_tokens(&self) {
        self.app.reddit.expire_tokens();
    }

    /// Refuse the writes of an account with `RATELIMIT` for some seconds.
    pub fn limit_account(&self, account: &str, seconds: f64) {
        self.app.reddit.limit_account(account, seconds);
    }

    /// Close: no new requests, those under way are answered, waits of faults end at once. A connection that says nothing is not waited for.
    pub async fn shutdown(mut self) {
        let _ = self.close.send(true);
        // A panic of the server task was reported by the runtime already.
        if tokio::time::timeout(CLOSING, &mut self.server).await.is_err() {
            self.server.abort();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.close.send(true);
    }
}
