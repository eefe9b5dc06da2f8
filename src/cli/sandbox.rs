//! `quarterdeck sandbox`: serve the scripted Reddit and model services on loopback until told to stop.
//!
//! JSON, once, when it serves: `{sandbox, reddit_url, model_url, control_url, environment: {NAME: value}, refresh_token}`.

mod hold;

use super::{Context, Failure, Outcome};
use crate::sandbox::{self, Arrival, Fault, Options};
use serde_json::json;
use std::time::Duration;

/// Arguments of `sandbox`.
#[derive(Debug, Clone, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 4680)]
    port: u16,
    /// Decides every text and every choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Scripted posts in all.
    #[arg(long, default_value_t = 200)]
    posts: usize,
    /// Seconds between two arriving posts; 0 puts all of them there at the start and lets nobody answer by himself.
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0)]
    arrive_every: f64,
    /// What goes wrong: `reddit:/api/comment=reset-after-commit*1`, `model:/chat/completions=status:503%25`. May be repeated.
    #[arg(long, value_name = "TARGET=KIND[*TIMES][%PERCENT]")]
    fault: Vec<Fault>,
}

/// What else can be done in a sandbox.
#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    /// Make the configured database slow by holding its write lock in bursts; not in live mode.
    HoldDatabase(hold::Args),
}

/// Serve until Ctrl-C or SIGTERM.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    if let Some(Command::HoldDatabase(args)) = &args.command {
        return hold::run(context, args);
    }
    context.block_on(serve(context, args))?
}

async fn serve(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let sandbox = sandbox::start(options(args)?).await?;
    context.out.either(&as_json(&sandbox), || context.out.write(as_shell(&sandbox).as_bytes()))?;
    stopped().await.map_err(|error| Failure::failed(format!("the sandbox cannot wait for signals: {error}")))?;
    sandbox.shutdown().await;
    Ok(Outcome::Done)
}

fn options(args: &Args) -> Result<Options, Failure> {
    let every = Duration::try_from_secs_f64(args.arrive_every).map_err(|_| {
        Failure::usage(format!("--arrive-every {} is not a number of seconds", args.arrive_every)).hint("Give 0 or more seconds.")
    })?;
    Ok(Options {
        seed: args.seed,
        posts: args.posts,
        port: Some(args.port),
        arrival: if every.is_zero() { Arrival::AtStart } else { Arrival::Every(every) },
        token_pace: Duration::from_millis(15),
        faults: args.fault.clone(),
        ..Options::default()
    })
}

impl From<sandbox::Error> for Failure {
    fn from(error: sandbox::Error) -> Self {
        Self::failed(error.to_string())
    }
}

/// The settings with which a client uses this sandbox.
fn environment(sandbox: &sandbox::Sandbox) -> Vec<(&'static str, String)> {
    vec![
        ("QUARTERDECK_MODE", "sandbox".to_owned()),
        ("REDDIT_BASE_URL", sandbox.reddit_url()),
        ("REDDIT_OAUTH_URL", sandbox.reddit_url()),
        ("REDDIT_CLIENT_ID", sandbox::CLIENT_ID.to_owned()),
        ("REDDIT_CLIENT_SECRET", sandbox::CLIENT_SECRET.to_owned()),
        ("REDDIT_USERNAME", sandbox::ACCOUNT.to_owned()),
        ("REDDIT_PASSWORD", sandbox::PASSWORD.to_owned()),
        ("OPENROUTER_BASE_URL", sandbox.model_url()),
        ("OPENROUTER_API_KEY", sandbox::MODEL_KEY.to_owned()),
    ]
}

fn as_json(sandbox: &sandbox::Sandbox) -> serde_json::Value {
    let environment: serde_json::Map<String, serde_json::Value> =
        environment(sandbox).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    json!({
        "sandbox": true, "reddit_url": sandbox.reddit_url(), "model_url": sandbox.model_url(), "control_url": sandbox.control_url(),
        "environment": environment, "refresh_token": sandbox.issue_refresh_token(sandbox::ACCOUNT),
    })
}

fn as_shell(sandbox: &sandbox::Sandbox) -> String {
    let control = sandbox.control_url();
    let exports: String = environment(sandbox).into_iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
    format!(
        "# The sandbox serves {} until Ctrl-C. Nothing in it is real, and nothing leaves this machine.\n\
         # Another terminal uses it with these settings:\n{exports}\
         # State:        curl {control}/state\n\
         # Order faults: curl -d '{{\"fault\":\"reddit:/api/comment=reset-after-commit*1\"}}' {control}/faults\n\
         # Take back:    curl -X DELETE {control}/faults\n",
        sandbox.address()
    )
}

/// Wait for Ctrl-C or, where there are such signals, SIGTERM.
async fn stopped() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn faults_are_checked_before_anything_starts() {
        let command = Program::try_parse_from(["sandbox", "--port", "0", "--fault", "reddit:/api/comment=late-commit:45s*1"]).unwrap();
        assert_eq!(options(&command.args).unwrap().faults.len(), 1);
        let command = Program::try_parse_from(["sandbox", "--arrive-every=-1"]).unwrap();
        assert!(options(&command.args).unwrap_err().message.contains("--arrive-every"));
        let error = Program::try_parse_from(["sandbox", "--fault", "reddit:/api/comment=explode"]).err().unwrap().to_string();
        assert!(error.contains("known kinds"), "{error}");
    }

    #[tokio::test]
    async fn what_is_printed_leads_to_the_sandbox() {
        let sandbox = sandbox::start(Options::default()).await.unwrap();
        let shell = as_shell(&sandbox);
        assert!(shell.contains(&format!("export OPENROUTER_BASE_URL='{}'", sandbox.model_url())), "{shell}");
        assert_eq!(as_json(&sandbox)["environment"]["REDDIT_USERNAME"], sandbox::ACCOUNT);
        sandbox.shutdown().await;
    }
}
