//! A page for each rule, made from its data: what it does, why, what it scores, and how to change it.

use super::model::{Check, Mode, Rule};
use super::set::RuleSet;
use std::fmt::Write as _;

/// Where a rule stands, in words.
fn consequence(mode: Mode) -> &'static str {
    match mode {
        Mode::Off => "it is not asked",
        Mode::Shadow => "what it finds is recorded and changes nothing",
        Mode::Review => "the draft goes to a person",
        Mode::Block => "the draft must not be sent as it is",
    }
}

/// The page of one rule, in Markdown.
#[must_use]
pub fn page(rule: &Rule) -> String {
    let mut page = format!("## {}: {}\n\n{}\n\n**Why.** {}\n\n", rule.id, rule.title, rule.does, rule.why);
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(page, "- {name}: {value}");
    };
    line(
        "mode",
        &format!("`{}`: {}{}", rule.mode, consequence(rule.mode), if rule.locked { "; locked, it can only become stricter" } else { "" }),
    );
    line("score", &format!("{} for each finding; the score of a draft is their sum, at most 1", rule.weight));
    line("version", &rule.version.to_string());
    line("owner", &rule.owner);
    if let Some(policy) = &rule.policy {
        line("policy", &format!("<{policy}>"));
    }
    if let Some(day) = &rule.expires {
        line("expires", day);
    }
    for (name, values) in [("personas", &rule.personas), ("subreddits", &rule.subreddits)] {
        if !values.is_empty() {
            line(name, &values.iter().cloned().collect::<Vec<_>>().join(", "));
        }
    }
    line("needs", needs(&rule.check));
    let parameters = parameters(&rule.check);
    if !parameters.is_empty() {
        let _ = write!(page, "\nParameters:\n\n```toml\n{parameters}```\n");
    }
    for (title, examples) in [("Fires on", &rule.examples.hit), ("Does not fire on", &rule.examples.pass)] {
        if !examples.is_empty() {
            let _ = write!(page, "\n{title}:\n\n");
            for example in examples {
                let _ = writeln!(page, "- `{}`", example.escape_debug().to_string().replace("\\'", "'").replace('`', "'"));
            }
        }
    }
    let _ = write!(page, "\n{}\n", how_to_change(rule));
    page
}

fn how_to_change(rule: &Rule) -> String {
    let switch = format!(
        "`quarterdeck rules enable {0} --mode review --reason …` and `quarterdeck rules disable {0} --reason …` switch it for everybody at once.",
        rule.id
    );
    let switch = if rule.locked { "It is locked: it can be made stricter, not milder.".to_owned() } else { switch };
    format!(
        "To change it: {switch} In your `rules.toml`:\n\n```toml\n[[change]]\nrule = \"{}\"\nweight = {}\n# personas = [\"Name\"]\n# subreddits = [\"name\"]\n```",
        rule.id, rule.weight
    )
}

/// What a check has to know beside the text.
fn needs(check: &Check) -> &'static str {
    match check {
        Check::NearDuplicate(_) | Check::OwnLinkShare { .. } | Check::Limit { .. } => "the text and our own earlier messages",
        Check::Muted {} => "the list of those who are left alone",
        Check::SubredditRequirements {} => "the subreddit's published requirements",
        Check::PersonaLimits {} => "the persona's configuration",
        Check::Consistency {} => "the answer of the check against the beliefs; without it the draft goes to a person",
        Check::TaintedContext {} => "the text that is answered",
        Check::ReplyDepth { .. } => "the depth of the conversation",
        Check::QuietHours { .. } => "the time",
        Check::Links(links) if links.only_listed => "the text and the persona's `link_hosts`",
        _ => "the text",
    }
}

/// The parameters as they stand in a file; nothing for a check that has none.
fn parameters(check: &Check) -> String {
    let Ok(toml::Value::Table(mut table)) = toml::Value::try_from(check) else { return String::new() };
    table.remove("kind");
    table.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()) && value.as_bool() != Some(false));
    toml::to_string(&table).unwrap_or_default()
}

/// Pages of all rules, with a table at the top.
#[must_use]
pub fn document(rules: &RuleSet) -> String {
    let mut document = "# The rules that ship\n\nMade by `quarterdeck rules reference` from `assets/rules.toml`; do not edit.\n\nEvery text is looked at with all of them before a person sees it, and again before it leaves when the rules changed. A rule answers found, not found, or cannot tell; what cannot be told sends the draft to a person. What is found is shown with its place in the text, also where the text was disguised.\n\n| rule | mode | score | what it looks for |\n|---|---|---|---|\n".to_owned();
    for rule in rules.rules() {
        let _ = writeln!(document, "| [{0}](#{1}) | {2} | {3} | {4} |", rule.id, anchor(rule), rule.mode, rule.weight, rule.title);
    }
    for rule in rules.rules() {
        let _ = write!(document, "\n{}", page(rule));
    }
    document
}

/// The anchor that a heading gets: small letters, blanks as hyphens, nothing else but letters, digits, hyphens and underscores.
fn anchor(rule: &Rule) -> String {
    let heading = format!("{}: {}", rule.id, rule.title).to_lowercase().replace(' ', "-");
    heading.chars().filter(|character| character.is_alphanumeric() || matches!(character, '-' | '_')).collect()
}
