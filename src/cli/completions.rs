//! `quarterdeck completions SHELL`: a completion script on standard output.

use super::{Context, Failure, Outcome, output::ColorChoice};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell to complete for.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Run it.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(ColorChoice::Never), "quarterdeck", &mut script);
    context.out.write(&script)?;
    Ok(Outcome::Done)
}
