//! What may be spent, and what is over it.

use super::{Part, remedy};
use crate::base::Millis;
use crate::llm::budget::{model::Action, outlook};
use crate::store::{Conn, Result};
use crate::watch::health::Status;
use serde_json::json;

pub(super) fn part(c: &mut dyn Conn, now: Millis) -> Result<Part> {
    Ok(of(&outlook::all(c, now)?))
}

fn of(all: &[outlook::Outlook]) -> Part {
    let stops = |one: &outlook::Outlook| {
        let over = one.budget.thresholds.iter().filter(|threshold| one.percent >= threshold.percent);
        over.flat_map(|threshold| &threshold.actions)
            .any(|action| matches!(action, Action::Disable | Action::StopAll | Action::DisableCategory(_)))
    };
    let over = all.iter().filter(|one| one.percent >= 100).count();
    let stopped = all.iter().filter(|one| stops(one) || (one.budget.is_hard && one.percent >= 100)).count();
    let worst = all.iter().map(|one| one.percent).max();
    let detail = json!({ "budgets": all.len(), "exceeded": over, "stopping_calls": stopped, "most_used_percent": worst });
    let hurt = |status, reason: String, text: &str, command: &str| {
        Part::hurt("budgets", status, reason, detail.clone(), remedy(text, Some(command), None))
    };
    match () {
        () if all.is_empty() => hurt(
            Status::Unknown,
            "there is no budget".to_owned(),
            "Set one: nothing bounds what is spent.",
            "quarterdeck budget set daily --limit 5 --period day",
        ),
        () if stopped > 0 => hurt(
            Status::Degraded,
            format!("{stopped} budgets refuse calls"),
            "See what spent it; raise the limit only when you know.",
            "quarterdeck budget list",
        ),
        () if over > 0 => hurt(Status::Degraded, format!("{over} budgets are exceeded"), "See what spent it.", "quarterdeck report cost"),
        () => Part::healthy("budgets", format!("all of {} are kept", all.len()), detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_budget_is_unknown() {
        let none = of(&[]);
        assert_eq!(none.status, Status::Unknown);
        assert_eq!(none.remedy.unwrap().command.as_deref(), Some("quarterdeck budget set daily --limit 5 --period day"));
    }
}
