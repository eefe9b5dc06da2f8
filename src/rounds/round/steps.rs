//! The table of steps: what is done at which rhythm, and which runbooks ask for it.
//!
//! The runbooks are named by their first word: advisor (advisor-batch-operations), modules (module-optimisation-operations), reddit
//! (reddit-agent-services), assistant (support-assistant-operations), textbook (textbook-rag-runbooks).

use super::Rhythm::{self, Daily, Monthly, Weekly};
use super::{Round, looks, money, work};
use crate::rounds::found::Look;
use std::time::Duration;

/// A step of a round.
pub struct Step {
    /// Its name.
    pub name: &'static str,
    /// What it does, in half a sentence.
    pub title: &'static str,
    /// The runbooks that it is from.
    pub source: &'static str,
    /// In which rounds it is done.
    pub rhythms: &'static [Rhythm],
    /// How long it may take.
    pub limit: Duration,
    /// The command that does it by itself.
    pub command: &'static str,
    pub(super) run: fn(&Round) -> Look,
}

const fn step(
    name: &'static str,
    title: &'static str,
    source: &'static str,
    rhythms: &'static [Rhythm],
    minutes: u64,
    command: &'static str,
    run: fn(&Round) -> Look,
) -> Step {
    Step { name, title, source, rhythms, limit: Duration::from_secs(60 * minutes), command, run }
}

/// Every step, in the order in which they are done.
pub const STEPS: &[Step] = &[
    step(
        "health",
        "health board",
        "advisor, Morning Health Check 1 and 2; modules, Daily: Health Check; textbook, Health Check Endpoints",
        &[Daily],
        1,
        "quarterdeck health",
        looks::health,
    ),
    step(
        "agents",
        "loops of the agents",
        "advisor, Morning Health Check 3 (yesterday's run)",
        &[Daily, Weekly],
        1,
        "quarterdeck agent status",
        looks::agents,
    ),
    step(
        "queue",
        "depth and age of the queue",
        "reddit, moderation; assistant, SOP-005.3",
        &[Daily],
        1,
        "quarterdeck queue stats",
        looks::queue,
    ),
    step(
        "deliveries",
        "deliveries that are late or unknown",
        "reddit, moderation",
        &[Daily],
        1,
        "quarterdeck queue list",
        looks::deliveries,
    ),
    step(
        "errors",
        "model calls that failed yesterday",
        "advisor, Morning Health Check (error rate < 1 %); modules, Daily: Health Check; assistant, SOP-005.3",
        &[Daily],
        2,
        "quarterdeck report models --last day",
        money::errors,
    ),
    step(
        "speed",
        "latency of yesterday",
        "advisor, Morning Health Check (P95 < 3 s); modules, Daily: Health Check (p95 < 1 s)",
        &[Daily],
        2,
        "quarterdeck report latency --last day",
        money::speed,
    ),
    step(
        "spend",
        "spend of yesterday against the budgets",
        "reddit, Daily Cost Report and Cost Alerts; advisor, Budget Alerts; assistant, SOP-005.4",
        &[Daily],
        2,
        "quarterdeck budget list",
        money::spend,
    ),
    step(
        "log",
        "errors in the log",
        "advisor, Morning Health Check 4; assistant, SOP-004; reddit, Weekly 3; textbook, Log Monitoring",
        &[Daily, Weekly],
        2,
        "quarterdeck doctor --bundle FILE",
        looks::log,
    ),
    step(
        "disk",
        "room on the disk",
        "textbook, Monitoring Commands 1; assistant, SOP-005.2",
        &[Daily, Weekly],
        1,
        "quarterdeck doctor --only disk",
        looks::disk,
    ),
    step(
        "backup-made",
        "backup of the last day, verified",
        "advisor, Backup Procedures (daily); textbook, Daily Backup Procedure 1 and 2",
        &[Daily],
        60,
        "quarterdeck backup list",
        work::backup_made,
    ),
    step(
        "quick-check",
        "quick check of the database",
        "ours: the runbooks verify nothing",
        &[Daily],
        10,
        "quarterdeck db check",
        work::quick_check,
    ),
    step(
        "backup",
        "backup, made and verified",
        "reddit, Weekly 1 and 2; assistant, SOP-007",
        &[Weekly],
        120,
        "quarterdeck backup create",
        work::backup,
    ),
    step(
        "cost",
        "cost of the week against the one before",
        "reddit, Weekly 4; advisor, Monthly Cost Review 2 and 3",
        &[Weekly],
        5,
        "quarterdeck report week this",
        money::trend,
    ),
    step(
        "performance",
        "requests, latency and errors of the week",
        "modules, Weekly: Performance Review; advisor, Weekly Batch Processing",
        &[Weekly],
        5,
        "quarterdeck report week this",
        money::performance,
    ),
    step(
        "optimize",
        "statistics of the planner",
        "assistant, SOP-006.2 and SOP-006.5; advisor, Weekly Maintenance (VACUUM ANALYZE)",
        &[Weekly],
        10,
        "quarterdeck db optimize",
        work::optimize,
    ),
    step(
        "sizes",
        "size and growth of the database",
        "assistant, SOP-006.1; advisor, Weekly Maintenance (bloat)",
        &[Weekly, Monthly],
        10,
        "quarterdeck db sizes",
        work::sizes,
    ),
    step(
        "index",
        "index against the database and an exact search",
        "reddit, Weekly 2; textbook, Index Maintenance",
        &[Weekly],
        30,
        "quarterdeck index verify",
        work::index,
    ),
    step(
        "audit",
        "chain of the audit log",
        "ours: nobody looks at what nobody verifies",
        &[Weekly, Monthly],
        30,
        "quarterdeck audit verify",
        work::audit,
    ),
    step(
        "retention",
        "rows past their time (nothing is taken away)",
        "assistant, SOP-006.3; advisor, Monthly Maintenance (archive old data); textbook, Cleanup Operations",
        &[Weekly, Monthly],
        20,
        "quarterdeck retention run --dry-run",
        work::retention,
    ),
    step(
        "secrets",
        "age and place of the secrets, and what is to be replaced",
        "modules, Security (rotate API keys monthly); reddit, LLM Client Authentication Errors",
        &[Weekly, Monthly],
        1,
        "quarterdeck secrets check",
        looks::secrets,
    ),
    step(
        "drill",
        "backup restored into a scratch place and tried",
        "textbook, Recovery Testing (monthly)",
        &[Monthly],
        120,
        "quarterdeck backup drill",
        work::drill,
    ),
    step(
        "full-check",
        "full check of the database",
        "advisor, Monthly Maintenance (index health)",
        &[Monthly],
        60,
        "quarterdeck db check --full",
        work::full_check,
    ),
    step(
        "vacuum",
        "empty pages in the database",
        "reddit, Monthly 1; advisor, Weekly Maintenance; assistant, SOP-006.2",
        &[Monthly],
        5,
        "quarterdeck db vacuum",
        work::vacuum,
    ),
    step(
        "index-rows",
        "dead rows in the index",
        "reddit, Monthly 2; advisor, Weekly Maintenance (reindex)",
        &[Monthly],
        10,
        "quarterdeck index status",
        work::index_rows,
    ),
    step(
        "logs-kept",
        "size of the logs",
        "reddit, Monthly 3; modules, Daily: Log Rotation",
        &[Monthly],
        1,
        "quarterdeck config path",
        looks::logs_kept,
    ),
    step(
        "month",
        "cost report of the last month",
        "advisor, Monthly Cost Review; reddit, Model Usage Breakdown",
        &[Monthly],
        10,
        "quarterdeck report month last",
        money::month,
    ),
    step(
        "growth",
        "growth over three months",
        "modules, Monthly: Capacity Planning",
        &[Monthly],
        10,
        "quarterdeck report growth",
        money::growth,
    ),
    step(
        "version",
        "versions of the program and what it is built on",
        "reddit, Monthly 4; assistant, Maintenance Activities",
        &[Monthly],
        1,
        "quarterdeck --version",
        looks::version,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_named_once_and_says_where_it_is_from() {
        let names: std::collections::BTreeSet<_> = STEPS.iter().map(|step| step.name).collect();
        assert_eq!(names.len(), STEPS.len());
        assert!(STEPS.iter().all(|step| !step.source.is_empty() && !step.rhythms.is_empty() && step.command.starts_with("quarterdeck ")));
        for rhythm in [Daily, Weekly, Monthly] {
            assert!(STEPS.iter().filter(|step| step.rhythms.contains(&rhythm)).count() >= 6, "{rhythm:?}");
        }
    }
}
