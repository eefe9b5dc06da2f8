//! The report of a round as Markdown. Pure.

use super::Gone;
use crate::base::{SafeText, clock};
use crate::rounds::found::Verdict;

/// A cell of a table: on one line, nothing in it that means something.
fn cell(text: &str) -> String {
    let text = SafeText::line(text).as_str().replace('\\', "\\\\");
    text.replace('|', "\\|").replace('<', "&lt;").replace('[', "\\[").replace('`', "\\`").replace('*', "\\*").replace('_', "\\_")
}

fn code(text: &str) -> String {
    format!("`{}`", SafeText::line(text).as_str().replace('`', "'").replace('|', "\\|"))
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Unknown => "unknown",
        Verdict::Warn => "**warn**",
        Verdict::Fail => "**FAIL**",
    }
}

/// The whole report.
#[must_use]
pub fn markdown(gone: &Gone) -> String {
    let name = match gone.rhythm {
        super::Rhythm::Daily => "Daily",
        super::Rhythm::Weekly => "Weekly",
        super::Rhythm::Monthly => "Monthly",
    };
    let (from, until) = (clock::rfc3339(gone.at), clock::rfc3339(gone.ended_at));
    let mut text = format!("# {name} round of {}\n\n", from.get(..10).unwrap_or(&from));
    text.push_str(&format!("From {from} to {until}, version {}. {}.\n\n", env!("CARGO_PKG_VERSION"), gone.summary()));
    text.push_str("| step | result | number | what was found | what to do |\n| --- | --- | --- | --- | --- |\n");
    for step in &gone.steps {
        let found = &step.found;
        let remedy = found.remedy.as_ref().map(|remedy| {
            let command = remedy.command.as_ref().map(|command| format!(": {}", code(command))).unwrap_or_default();
            format!("{}{command}", cell(&remedy.text))
        });
        let number = found.number.as_deref().map(cell).unwrap_or_default();
        let line = [cell(step.title), word(found.verdict).to_owned(), number, cell(&found.why), remedy.unwrap_or_default()];
        text.push_str(&format!("| {} |\n", line.join(" | ")));
    }
    text.push_str("\nWhere the steps are from:\n\n");
    for step in &gone.steps {
        text.push_str(&format!("- {}: {} ({:.1} s)\n", cell(step.title), cell(step.source), step.took_ms as f64 / 1_000.0));
    }
    for appendix in &gone.appendices {
        text.push_str("\n---\n\n");
        text.push_str(appendix);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{Rhythm, Stepped};
    use super::*;
    use crate::rounds::found::Found;

    #[test]
    fn what_was_found_cannot_break_out_of_its_cell() {
        let found = Found::warn("a | b\n# c [x](http://y) \u{1b}[31m").remedy("look", "quarterdeck a|b").number("3");
        let step = Stepped { name: "x", title: "step", source: "runbook", found, took_ms: 1 };
        let gone =
            Gone { rhythm: Rhythm::Daily, at: 0, ended_at: 1, steps: vec![step], was_stopped: false, appendices: vec!["# more".into()] };
        let text = markdown(&gone);
        let row = text.lines().find(|line| line.contains("**warn**")).unwrap();
        assert_eq!(row.matches(" | ").count(), 4, "{row}");
        assert!(!text.contains('\u{1b}') && row.contains("\\[x](") && row.contains("`quarterdeck a\\|b`"), "{text}");
        assert!(text.ends_with("# more") && text.contains("1 warned"));
    }
}
