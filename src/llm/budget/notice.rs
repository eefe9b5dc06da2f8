//! Telling people that a threshold was reached: in the log, and by a command of theirs.

use super::admission::Reached;
use super::model::Action;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;

/// How long the command may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Tell of thresholds. The command runs beside the call that reached them: it delays nothing, and its failure is logged.
pub fn tell(reached: Vec<Reached>, command: &[String]) {
    for one in reached {
        tracing::warn!(budget = %one.budget, percent = one.percent, spent = %one.spent, limit = %one.limit, "a threshold of a budget is reached");
        if one.actions.contains(&Action::Notify) && !command.is_empty() {
            let command = command.to_vec();
            tokio::spawn(async move {
                if let Err(reason) = run(&command, &one).await {
                    tracing::error!(command = %command.join(" "), %reason, "the command of budget.notify failed");
                }
            });
        }
    }
}

async fn run(command: &[String], reached: &Reached) -> Result<(), String> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let mut child = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| error.to_string())?;
    let text = serde_json::to_vec(reached).map_err(|error| error.to_string())?;
    if let Some(mut input) = child.stdin.take() {
        // A command that does not read its input may still do its work.
        let _ = input.write_all(&text).await;
    }
    let status =
        tokio::time::timeout(PATIENCE, child.wait()).await.map_err(|_| format!("it did not end within {} s", PATIENCE.as_secs()))?;
    let status = status.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(status.to_string()) }
}
