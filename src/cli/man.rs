//! `quarterdeck man`: the manual page on standard output, or a page for each subcommand in a directory.

use super::{Context, Failure, Outcome, output::ColorChoice};
use std::path::PathBuf;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write the page of every subcommand into this directory.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Run it.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let command = super::command(ColorChoice::Never);
    let Some(directory) = &args.dir else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut page);
        rendered.map_err(|error| Failure::failed(format!("the manual page cannot be made: {error}")))?;
        context.out.write(&page)?;
        return Ok(Outcome::Done);
    };
    let written = std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(command, directory));
    written.map_err(|error| {
        Failure::failed(format!("manual pages cannot be written to {}: {error}", directory.display()))
            .hint("choose a directory that can be written")
    })?;
    Ok(Outcome::Done)
}
