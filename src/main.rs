//! Parse the command line, run it, map the result to an exit code; nothing else.

fn main() -> std::process::ExitCode {
    quarterdeck::cli::main()
}
