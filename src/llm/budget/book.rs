//! The table of budgets: who may spend what. Changes are audited.

use super::model::{Action, Budget, Scope, Threshold, Used};
use super::period::{Span, zone};
use crate::base::{Millis, Picos};
use crate::llm::ledger::Window;
use crate::llm::ledger::sums::{self, Only};
use crate::store::audit::{self, Actor};
use crate::store::{Conn, Error, Result, Row, feed};
use crate::vals;
use serde_json::{Value, json};

const COLUMNS: &str = "id, name, scope, period, zone, limit_picos, is_hard, thresholds, unpriced_allowed";

fn budget(row: &Row) -> Result<Budget> {
    let odd = |reason: String| Error::Constraint { reason: format!("a stored budget cannot be read: {reason}") };
    Ok(Budget {
        id: row.text("id")?,
        name: row.text("name")?,
        scope: row.text("scope")?.parse::<Scope>().map_err(odd)?,
        period: row.text("period")?.parse().map_err(odd)?,
        zone: zone(&row.text("zone")?).map_err(odd)?,
        limit: Picos(row.int("limit_picos")?),
        is_hard: row.flag("is_hard")?,
        thresholds: row.json::<Vec<Threshold>>("thresholds")?,
        unpriced_allowed: row.json("unpriced_allowed")?,
    })
}

/// Every budget, by name.
///
/// # Errors
/// When the database refuses, or a row of it is no budget.
pub fn list(c: &mut dyn Conn) -> Result<Vec<Budget>> {
    let rows = c.query(&format!("SELECT {COLUMNS} FROM budgets ORDER BY name"), &[])?;
    rows.iter().map(budget).collect()
}

/// The budget of a name.
///
/// # Errors
/// When the database refuses.
pub fn find(c: &mut dyn Conn, name: &str) -> Result<Option<Budget>> {
    let row = c.first(&format!("SELECT {COLUMNS} FROM budgets WHERE name = $1"), vals![name])?;
    row.as_ref().map(budget).transpose()
}

/// Set a budget: a new one, or another limit, scope or thresholds for the one of this name. What the period has used stays; thresholds that are
/// above what is spent now are told anew.
///
/// # Errors
/// When it is not sound, or the database refuses.
pub fn set(c: &mut dyn Conn, new: &Budget, actor: &Actor, at: Millis) -> Result<Budget> {
    new.check().map_err(|reason| Error::Constraint { reason })?;
    let before = find(c, &new.name)?;
    let id = before.as_ref().map_or_else(|| new.id.clone(), |known| known.id.clone());
    let new = Budget { id, ..new.clone() };
    c.exec(
        "INSERT INTO budgets (id, name, scope, period, zone, limit_picos, is_hard, thresholds, unpriced_allowed, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, period = excluded.period, \
         zone = excluded.zone, limit_picos = excluded.limit_picos, is_hard = excluded.is_hard, thresholds = excluded.thresholds, \
         unpriced_allowed = excluded.unpriced_allowed, updated_at = excluded.updated_at",
        vals![
            &new.id,
            &new.name,
            new.scope.to_string(),
            new.period.as_str(),
            new.zone.name(),
            new.limit,
            new.is_hard,
            json!(new.thresholds).to_string(),
            json!(new.unpriced_allowed).to_string(),
            at
        ],
    )?;
    if before.as_ref().is_none_or(|known| (&known.scope, known.period, known.zone) != (&new.scope, new.period, new.zone)) {
        // Another scope or period: what was counted is not what it counts.
        c.exec("DELETE FROM budget_periods WHERE budget_id = $1", vals![&new.id])?;
        c.exec("DELETE FROM budget_reservations WHERE budget_id = $1", vals![&new.id])?;
        c.exec("DELETE FROM budget_events WHERE budget_id = $1", vals![&new.id])?;
    }
    let used = used(c, &new, at)?;
    c.exec(
        "DELETE FROM budget_events WHERE budget_id = $1 AND period_start = $2 AND percent > $3",
        vals![&new.id, used.span.start, new.percent(used.spent)],
    )?;
    let before = before.as_ref().map_or(Value::Null, |known| json!(known));
    note(c, &new, "budget.set", &before, &json!(new), actor, at)?;
    Ok(new)
}

/// Take a budget away. Returns whether there was one.
///
/// # Errors
/// When the database refuses.
pub fn remove(c: &mut dyn Conn, name: &str, actor: &Actor, at: Millis) -> Result<bool> {
    let Some(known) = find(c, name)? else { return Ok(false) };
    c.exec("DELETE FROM budgets WHERE id = $1", vals![&known.id])?;
    note(c, &known, "budget.remove", &json!(known), &Value::Null, actor, at)?;
    Ok(true)
}

fn note(c: &mut dyn Conn, budget: &Budget, action: &str, before: &Value, after: &Value, actor: &Actor, at: Millis) -> Result<()> {
    let entry =
        audit::Entry { at, persona: None, actor, action, subject_kind: "budget", subject_id: &budget.id, reason: None, before, after };
    audit::append(c, &entry)?;
    feed::append(c, at, "budget", None, action, &budget.id)?;
    Ok(())
}

/// What the period around a moment has used. A period that is looked at for the first time begins with what the ledger knows of it.
///
/// # Errors
/// When the database refuses.
pub fn used(c: &mut dyn Conn, budget: &Budget, at: Millis) -> Result<Used> {
    let span = budget.span(at);
    if let Some(row) = c.first(
        "SELECT spent_picos, reserved_picos, unknown_calls FROM budget_periods WHERE budget_id = $1 AND period_start = $2",
        vals![&budget.id, span.start],
    )? {
        return Ok(Used {
            span,
            spent: Picos(row.int("spent_picos")?),
            reserved: Picos(row.int("reserved_picos")?),
            unknown: row.int("unknown_calls")?,
        });
    }
    let (spent, unknown) = charged(c, &budget.scope, span)?;
    Ok(Used { span, spent, reserved: Picos::ZERO, unknown })
}

/// The same, kept: what the next calls of the period are added to.
///
/// # Errors
/// When the database refuses.
pub(super) fn opened(c: &mut dyn Conn, budget: &Budget, at: Millis) -> Result<Used> {
    let used = used(c, budget, at)?;
    c.exec(
        "INSERT INTO budget_periods (budget_id, period_start, spent_picos, reserved_picos, unknown_calls) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (budget_id, period_start) DO NOTHING",
        vals![&budget.id, used.span.start, used.spent, used.reserved, used.unknown],
    )?;
    Ok(used)
}

/// What the calls of a scope were charged in a span, by the ledger.
fn charged(c: &mut dyn Conn, scope: &Scope, span: Span) -> Result<(Picos, i64)> {
    let mut only = Only::default();
    match scope {
        Scope::Global => {}
        Scope::Category(category) => only.category = Some(*category),
        Scope::Persona(persona) => only.persona = Some(persona.clone()),
        Scope::Module(module) => only.module = Some(module.clone()),
        Scope::Model(model) => only.model = Some(model.clone()),
    }
    let window = Window { since: span.start, until: span.end.unwrap_or(Window::ALL.until) };
    let sums = sums::total(c, &window, &only)?;
    Ok((sums.charged, sums.unpriced))
}

/// What the calls of a scope were charged between two moments, and how many of them are of unknown cost.
///
/// # Errors
/// When the database refuses.
pub fn charged_between(c: &mut dyn Conn, scope: &Scope, from: Millis, until: Millis) -> Result<(Picos, i64)> {
    charged(c, scope, Span { start: from, end: Some(until) })
}

/// The condition of a scope with `$3` as its value.
pub(super) fn condition(scope: &Scope, model: &str) -> (String, String) {
    match scope {
        Scope::Global => ("CAST($3 AS TEXT) = ''".to_owned(), String::new()),
        Scope::Category(category) => ("category = $3".to_owned(), category.as_str().to_owned()),
        Scope::Persona(persona) => ("persona_id = $3".to_owned(), persona.to_string()),
        Scope::Module(module) => ("module = $3".to_owned(), module.clone()),
        Scope::Model(name) => (format!("{model} = $3"), name.clone()),
    }
}

/// A threshold that was reached.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Event {
    /// The budget's name.
    pub budget: String,
    /// When.
    pub at: Millis,
    /// The first moment of its period.
    pub period_start: Millis,
    /// In percent.
    pub percent: u32,
    /// What was spent then.
    pub spent: Picos,
    /// The limit at that time.
    pub limit: Picos,
    /// What happened.
    pub actions: Vec<Action>,
}

/// Of each budget the highest threshold that its running period has reached and that is to be shown to everybody; the most urgent one first.
///
/// # Errors
/// When the database refuses.
pub fn banners(c: &mut dyn Conn, now: Millis) -> Result<Vec<(String, u32)>> {
    let mut shown = Vec::new();
    for budget in list(c)? {
        let rows = c.query(
            "SELECT percent, actions FROM budget_events WHERE budget_id = $1 AND period_start = $2 ORDER BY percent DESC",
            vals![&budget.id, budget.period.around(now, budget.zone).start],
        )?;
        for row in rows {
            let actions: Vec<Action> = row.json("actions")?;
            if actions.contains(&Action::Banner) {
                shown.push((budget.name.clone(), u32::try_from(row.int("percent")?).unwrap_or(u32::MAX)));
                break;
            }
        }
    }
    shown.sort_by_key(|(_, percent)| std::cmp::Reverse(*percent));
    Ok(shown)
}

/// Thresholds that were reached, the newest first.
///
/// # Errors
/// When the database refuses.
pub fn events(c: &mut dyn Conn, limit: u32) -> Result<Vec<Event>> {
    let rows = c.query(
        "SELECT b.name AS name, e.at AS at, e.period_start AS period_start, e.percent AS percent, e.spent_picos AS spent_picos, \
         e.limit_picos AS limit_picos, e.actions AS actions FROM budget_events e JOIN budgets b ON b.id = e.budget_id \
         ORDER BY e.at DESC, e.percent DESC LIMIT $1",
        vals![limit],
    )?;
    rows.iter()
        .map(|row| {
            Ok(Event {
                budget: row.text("name")?,
                at: row.int("at")?,
                period_start: row.int("period_start")?,
                percent: u32::try_from(row.int("percent")?).unwrap_or(u32::MAX),
                spent: Picos(row.int("spent_picos")?),
                limit: Picos(row.int("limit_picos")?),
                actions: row.json("actions")?,
            })
        })
        .collect()
}
