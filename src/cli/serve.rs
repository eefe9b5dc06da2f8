//! `quarterdeck serve`: metrics and health over HTTP, until Ctrl-C or SIGTERM.
//!
//! JSON, once, when it serves: `{serving, metrics_url, health_url, token}`.

use super::{Context, Failure, Outcome};
use crate::deck::Deck;
use crate::watch::{self, Server, Token};
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where the endpoint listens, and who may ask.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Address and port; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9464")]
    listen: SocketAddr,
    /// File with the bearer token that is asked for; only its owner may read it.
    #[arg(long, value_name = "PATH")]
    token_file: Option<PathBuf>,
}

impl Args {
    /// The arguments of another command that serves as well.
    pub(super) fn new(listen: SocketAddr, token_file: Option<PathBuf>) -> Self {
        Self { listen, token_file }
    }
}

/// Run the command.
///
/// # Errors
/// When the port is taken, the token's file cannot be used, and as the database says.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    context.block_on(async {
        // Signals are waited for before anybody can know that there is an endpoint.
        let stopped = super::signals::Stopped::new()?;
        let server = start(context, &deck, args, false).await?;
        super::started::note(context, &deck, "serve", true).await;
        let probes = deck.probe()?;
        let _keeper = crate::upkeep::audit::keeper::start(deck.audit());
        stopped.wait().await;
        server.close().await;
        probes.stop().await;
        Ok(Outcome::Done)
    })?
}

/// Open the endpoint, and say where it is.
pub(super) async fn start(context: &Context, deck: &Deck, args: &Args, runs_agents: bool) -> Result<Server, Failure> {
    let token = args.token_file.as_deref().map(Token::read).transpose()?;
    let has_token = token.is_some();
    let options = watch::Options { listen: args.listen, token, runs_agents, board: deck.boards(), probes: deck.probes().clone() };
    let server = watch::server::start(deck.metrics(), options).await?;
    let address = server.address();
    if !address.ip().is_loopback() && !has_token {
        context.out.note("everybody who reaches this address can read the metrics: --token-file asks for a token");
    }
    let url = |path: &str| format!("http://{address}{path}");
    let value = json!({ "serving": address.to_string(), "metrics_url": url("/metrics"), "health_url": url("/health"), "token": has_token });
    if runs_agents {
        // Standard output belongs to the agents.
        context.out.note(format!("metrics on {}", url("/metrics")));
    } else {
        context
            .out
            .either(&value, || context.out.say(format!("metrics on {}, health on {}; Ctrl-C ends it", url("/metrics"), url("/health"))))?;
    }
    Ok(server)
}

impl From<watch::Error> for Failure {
    fn from(error: watch::Error) -> Self {
        let hint = match &error {
            watch::Error::Listen { .. } => "choose another address with --listen; port 0 takes any free one",
            watch::Error::Token { .. } => "write the token into a file of its own: `(umask 077; openssl rand -hex 32 > token)`",
        };
        Self::failed(error.to_string()).hint(hint)
    }
}
