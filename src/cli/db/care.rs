//! The care of the database: check, optimize, vacuum, checkpoint, sizes, holders, slow.

use crate::base::{SafeText, clock};
use crate::cli::long;
use crate::cli::output::{Table, Tone};
use crate::cli::{Context, Failure, Outcome};
use crate::store::Address;
use crate::store::holders::{Holder, Role};
use crate::upkeep::Site;
use crate::upkeep::care::{self, Checked, Depth, Grown, Mode, bytes};
use serde_json::json;
use std::sync::Arc;

/// What long work of upkeep is given, for who asks here.
pub(in crate::cli) fn site(context: &Context) -> Result<Site, Failure> {
    Ok(Site { settings: Arc::new(context.settings()?), clock: context.clock.clone(), actor: context.actor()? })
}

pub(super) fn check(context: &Context, full: bool) -> Result<Outcome, Failure> {
    let site = site(context)?;
    let depth = if full { Depth::Full } else { Depth::Quick };
    let checked = long::run(context, |watcher| care::check(&site, depth, watcher))??;
    context.out.either(&checked, || show(context, &checked))?;
    Ok(if checked.passed { Outcome::Done } else { Outcome::Problems })
}

fn show(context: &Context, checked: &Checked) -> Result<(), Failure> {
    if checked.passed {
        context.out.say(context.out.paint("nothing is wrong", Tone::Good))?;
    }
    for finding in &checked.findings {
        context.out.say(format!("{}  {}", context.out.paint(finding.check, Tone::Bad), SafeText::line(&finding.what).as_str()))?;
        context.out.text(&format!("  next: {}", SafeText::line(&finding.remedy).as_str()))?;
    }
    context.out.say("")?;
    for what in &checked.looked_at {
        context.out.text(&format!("looked at: {what}"))?;
    }
    for what in &checked.not_looked_at {
        context.out.text(&format!("not looked at: {what}"))?;
    }
    if checked.run.is_none() {
        context.out.note("the database did not take a note of this check");
    }
    context.out.say(format!("took {}", clock::duration(checked.took_ms)))
}

pub(super) fn optimize(context: &Context) -> Result<Outcome, Failure> {
    let site = site(context)?;
    let done = long::run(context, |watcher| care::optimize(&site, watcher))??;
    context.out.either(&done, || {
        let tables = if done.tables.is_empty() { "nothing was out of date".to_owned() } else { done.tables.join(", ") };
        context.out.text(&format!("statistics of the planner: {tables} ({})", clock::duration(done.took_ms)))
    })?;
    Ok(Outcome::Done)
}

pub(super) fn vacuum(context: &Context) -> Result<Outcome, Failure> {
    let site = site(context)?;
    let done = long::run(context, |watcher| care::vacuum(&site, watcher))??;
    context.out.either(&done, || {
        context.out.say(format!("{} before, {} after ({})", bytes(done.before), bytes(done.after), clock::duration(done.took_ms)))
    })?;
    Ok(Outcome::Done)
}

pub(super) fn checkpoint(context: &Context, truncate: bool) -> Result<Outcome, Failure> {
    let site = site(context)?;
    let mode = if truncate { Mode::Truncate } else { Mode::Passive };
    let done = long::run(context, |watcher| care::checkpoint(&site, mode, watcher))??;
    context.out.either(&done, || {
        context.out.say(format!(
            "the log: {} before, {} after; {} of {} pages are in the file",
            bytes(done.log_before),
            bytes(done.log_after),
            done.pages.1,
            done.pages.0
        ))?;
        for who in &done.left {
            context.out.text(&format!("left, because of {who}"))?;
        }
        done.remedy.as_ref().map_or(Ok(()), |remedy| context.out.text(&format!("next: {remedy}")))
    })?;
    Ok(if done.is_complete { Outcome::Done } else { Outcome::Problems })
}

fn growth(grown: Option<Grown>) -> String {
    match grown {
        None => "-".to_owned(),
        Some(Grown { bytes: change, days }) => {
            let sign = if change < 0 { "-" } else { "+" };
            format!("{sign}{} in {days} d", bytes(change.abs()))
        }
    }
}

pub(super) fn sizes(context: &Context, all: bool) -> Result<Outcome, Failure> {
    let site = site(context)?;
    let sizes = long::run(context, |watcher| care::sizes(&site, watcher))??;
    context.out.either(&sizes, || {
        let mut pairs = vec![("database", format!("{} ({} of it free)", bytes(sizes.total), bytes(sizes.free)))];
        pairs.extend(sizes.log.map(|log| ("log", bytes(log))));
        pairs.extend(sizes.disk_free.map(|free| ("disk left", bytes(i64::try_from(free).unwrap_or(i64::MAX)))));
        pairs.extend(sizes.days_left.map(|days| ("full in", format!("{days} days at this growth"))));
        context.out.pairs(&pairs)?;
        if sizes.grown.iter().all(Option::is_none) {
            context.out.text("growth is known from the second day on: each look keeps the sizes of its day")?;
        }
        context.out.say("")?;
        let mut table = Table::new(&["name", "of", "size", "day", "week", "month"]).right(2).right(3).right(4).right(5);
        let [day, week, month] = sizes.grown.map(growth);
        table.row(["all".to_owned(), String::new(), bytes(sizes.total), day, week, month]);
        for part in sizes.parts.iter().take(if all { usize::MAX } else { 20 }) {
            let [day, week, month] = part.grown.map(growth);
            let of = if part.is_index { part.table.clone() } else { String::new() };
            table.row([part.name.clone(), of, bytes(part.bytes), day, week, month]);
        }
        context.out.table(&table, "nothing yet")?;
        let hidden = sizes.parts.len().saturating_sub(20);
        if !all && hidden > 0 { context.out.say(format!("{hidden} smaller ones with --all")) } else { Ok(()) }
    })?;
    Ok(Outcome::Done)
}

pub(super) fn holders(context: &Context) -> Result<Outcome, Failure> {
    let site = site(context)?;
    let address = site.address()?;
    let holders: Vec<Holder> = care::holders(&site)?.into_iter().filter(|holder| !holder.is_self).collect();
    context.out.either(&json!({ "holders": &holders }), || people(context, &address, &holders))?;
    Ok(Outcome::Done)
}

fn people(context: &Context, address: &Address, holders: &[Holder]) -> Result<(), Failure> {
    let now = context.clock.now();
    let mut table = Table::new(&["process", "program", "does", "since", "open since", "waits for"]).right(0);
    for holder in holders {
        let ago = |at: Option<i64>| {
            at.map_or_else(|| "-".to_owned(), |at| format!("{} ({})", clock::local(at), clock::duration((now - at).max(0))))
        };
        let program = format!("{} {}", holder.program, SafeText::line(&holder.command).as_str());
        let waits = holder.blocked_by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        table.row([
            holder.pid.to_string(),
            SafeText::line(program.trim()).as_str().to_owned(),
            holder.role.words().to_owned(),
            ago(holder.since),
            ago(holder.opened),
            waits,
        ]);
    }
    context.out.table(&table, "nobody else has the database open")?;
    if let Some(holder) = holders.iter().find(|holder| holder.role == Role::Writes) {
        context.out.text(&format!("{} keeps others from writing: {}", holder.name(), holder.remedy(address)))?;
    }
    for holder in holders.iter().filter(|holder| holder.role == Role::Reads && holder.since.is_none_or(|since| now - since > 10_000)) {
        context.out.text(&format!("{} keeps the log from being emptied: {}", holder.name(), holder.remedy(address)))?;
    }
    Ok(())
}

pub(super) fn slow(context: &Context, limit: u32) -> Result<Outcome, Failure> {
    let statements = care::slow(&site(context)?, limit)?;
    context.out.either(&json!({ "statements": &statements }), || {
        let mut table = Table::new(&["times", "longest", "in sum", "last", "statement"]).right(0).right(1).right(2);
        let seconds = |micros: i64| format!("{:.2} s", micros as f64 / 1e6);
        for one in &statements {
            let statement = SafeText::clipped(&one.statement, 120).as_str().to_owned();
            table.row([one.times.to_string(), seconds(one.longest_us), seconds(one.total_us), clock::local(one.last_at), statement]);
        }
        let threshold = crate::store::slow::THRESHOLD.as_millis();
        context.out.table(&table, &format!("no statement took longer than {threshold} ms"))
    })?;
    Ok(Outcome::Done)
}
