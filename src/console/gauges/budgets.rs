//! Budgets as lines: what is used with its thresholds, how fast, when the next one is reached, and what the period will have cost. Pure.

use super::figures::{Explained, Figures};
use super::line::{Builder, Line};
use super::overview::NAMES;
use super::{Item, numbers};
use crate::base::{SafeText, clock};
use crate::console::action::Action;
use crate::console::beliefs::signs::Signs;
use crate::console::draw::clip;
use crate::console::state::State;
use crate::console::theme::Role;
use crate::llm::budget::forecast::Forecast;
use crate::llm::budget::model::Action as Consequence;
use crate::llm::budget::outlook::{Ahead, Outlook};
use crate::llm::budget::{Period, Scope};

/// Columns of a bar.
const BAR: usize = 16;
/// From this width on every threshold has its place.
const WIDE: usize = 60;

/// All of them, under their heading. `rows` of a small screen are kept for what follows: each budget has one line then.
pub(super) fn lines(state: &State, figures: &Figures, width: usize, is_short: bool) -> Vec<Line> {
    let stroke = state.glyphs.border.horizontal_top;
    let mut lines = vec![Line::heading("budgets", stroke, width)];
    if !figures.wanted.span.is_live() {
        let key = state.key(Action::GaugesNow);
        lines.push(Line::words(Role::Dim, &clip(&format!("budgets are shown as they are now: {key} goes there"), width)));
        lines.extend(spikes(state, figures, width, is_short));
        return lines;
    }
    for budget in &figures.budgets {
        lines.push(one(state, budget, width));
        if !is_short {
            lines.push(thresholds(state, budget, width));
        }
        if (!is_short || figures.budgets.len() == 1) && budget.forecast.is_some() {
            lines.push(forecast(budget.forecast.as_ref(), budget.budget.period, width));
        }
    }
    let tells_month = figures.budgets.iter().any(|budget| budget.budget.scope == Scope::Global && budget.budget.period == Period::Month);
    if !tells_month {
        lines.push(month(figures, width));
        lines.push(forecast(figures.month.as_ref(), Period::Month, width));
    }
    if figures.budgets.is_empty() {
        lines.push(Line::words(Role::Dim, &clip("no budget is set: `quarterdeck budget preset` lists some", width)));
    }
    lines.extend(spikes(state, figures, width, is_short));
    lines
}

/// The bar with a stroke at each threshold that it has not reached.
fn bar(state: &State, budget: &Outlook, width: usize) -> String {
    let share = f64::from(budget.percent) / 100.0;
    let filled: Vec<char> = Signs::of(&state.glyphs).bar(Some(share), width).chars().collect();
    let mark = state.glyphs.border.vertical_left;
    let at = |percent: u32| (f64::from(percent) / 100.0 * width as f64) as usize;
    let marks: Vec<usize> =
        budget.thresholds.iter().filter(|one| one.percent > budget.percent && one.percent < 100).map(|one| at(one.percent)).collect();
    filled.into_iter().enumerate().map(|(place, sign)| if marks.contains(&place) { mark.to_owned() } else { sign.to_string() }).collect()
}

/// How it stands: the sign and the colour of the worst threshold that is reached.
fn standing(state: &State, budget: &Outlook) -> (&'static str, Role) {
    let reached = || budget.budget.thresholds.iter().filter(|threshold| threshold.percent <= budget.percent);
    let stops = |action: &Consequence| matches!(action, Consequence::Disable | Consequence::DisableCategory(_) | Consequence::StopAll);
    match () {
        () if budget.percent >= 100 || reached().any(|threshold| threshold.actions.iter().any(stops)) => (state.glyphs.block, Role::Bad),
        () if reached().any(|threshold| threshold.actions.iter().any(|action| *action != Consequence::Log)) => {
            (state.glyphs.warning, Role::Warning)
        }
        () => (state.glyphs.check, Role::Good),
    }
}

fn burn(state: &State, burn: Option<f64>) -> (Role, String) {
    match burn {
        None => (Role::Dim, numbers::UNKNOWN.to_owned()),
        Some(burn) if burn > 1.0 => (Role::Warning, format!("{} {burn:.2}", state.glyphs.up)),
        Some(burn) => (Role::Text, format!("{burn:.2}")),
    }
}

fn one(state: &State, outlook: &Outlook, width: usize) -> Line {
    let (sign, role) = standing(state, outlook);
    let name = SafeText::clipped(&outlook.budget.name, NAMES - 1);
    let (burn_role, burn) = burn(state, outlook.burn);
    let bar = bar(state, outlook, BAR);
    let mut builder = Builder::named(name.as_str(), NAMES, width).cell(
        Item::Budget(outlook.budget.name.clone()),
        &[
            (role, &bar),
            (role, &format!(" {sign} {} %", outlook.percent)),
            (Role::Dim, " of "),
            (Role::Text, &numbers::money(outlook.budget.limit)),
        ],
    );
    if outlook.budget.period != Period::Lifetime {
        builder = builder.notes(&[(Role::Dim, "burn "), (burn_role, &burn)]);
    }
    if let Some(next) = outlook.thresholds.iter().find(|one| one.percent > outlook.percent) {
        builder = builder.note(Role::Dim, &ahead(next));
    }
    builder.done()
}

fn ahead(threshold: &Ahead) -> String {
    match (threshold.within, threshold.in_period) {
        (Some(0), _) => format!("{} % reached", threshold.percent),
        (Some(within), true) => format!("{} % in {}", threshold.percent, numbers::ahead(within)),
        (Some(_), false) => format!("{} % not in its period", threshold.percent),
        (None, _) => format!("{} % not at this rate", threshold.percent),
    }
}

/// Each threshold, and what is unknown or under way.
fn thresholds(state: &State, outlook: &Outlook, width: usize) -> Line {
    let mut builder = Builder::named("", NAMES, width);
    for (number, threshold) in outlook.thresholds.iter().enumerate() {
        let is_reached = threshold.percent <= outlook.percent;
        let (role, text) = match is_reached {
            true => (Role::Text, format!("{} % {}", threshold.percent, state.glyphs.check)),
            false => (Role::Dim, ahead(threshold)),
        };
        let gap = if number == 0 { "" } else { "   " };
        builder = builder.note(role, &format!("{gap}{text}"));
    }
    if outlook.used.unknown > 0 && width >= WIDE {
        builder = builder.note(Role::Warning, &format!("   ? {} of unknown cost", outlook.used.unknown));
    }
    builder.done()
}

fn month(figures: &Figures, width: usize) -> Line {
    Builder::named("this month", NAMES, width)
        .cell(Item::Month, &[(Role::Text, &numbers::money(figures.month_spent)), (Role::Dim, " so far")])
        .done()
}

/// What a period will have cost, with the span in which it ends in eight of ten cases, and how far such forecasts were off.
fn forecast(forecast: Option<&Forecast>, period: Period, width: usize) -> Line {
    let builder = Builder::named("", NAMES, width);
    let Some(found) = forecast else { return builder.note(Role::Dim, "its end is not known").done() };
    let ends = format!("{} ends at {}", period.as_str(), numbers::usd(found.middle));
    if !found.is_well_founded {
        return builder.note(Role::Dim, &format!("{ends} at this rate; too few days for more")).done();
    }
    let between = format!(", {} to {} in 8 of 10", numbers::usd(found.low), numbers::usd(found.high));
    let error = found.past_error.map_or_else(String::new, |error| format!("; was {} off", numbers::share(Some(error))));
    let whole = format!("{ends}{between}{error}");
    // What does not fit is left out from the end on, never cut.
    let fits = [whole, format!("{ends}{between}"), ends].into_iter().find(|text| crate::console::draw::columns(text) + NAMES <= width);
    builder.note(Role::Dim, &fits.unwrap_or_default()).done()
}

/// Days that stand out, and what explains them: behind them where there is no room for another line.
fn spikes(state: &State, figures: &Figures, width: usize, is_short: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    for Explained { spike, cause } in &figures.spikes {
        let day = clock::rfc3339(spike.start);
        let mut builder = Builder::named("spike", NAMES, width).cell(
            Item::Spike(spike.start),
            &[
                (Role::Warning, &format!("{} {}", state.glyphs.warning, day.get(5..10).unwrap_or_default())),
                (Role::Text, &format!(" {}", numbers::usd(spike.spent))),
                (Role::Dim, &format!(", usual {}", numbers::usd(spike.usual))),
            ],
        );
        let Some(cause) = cause else {
            lines.push(builder.done());
            continue;
        };
        let parts = [(cause.by_volume, "more calls"), (cause.by_tokens, "longer calls"), (cause.by_price, "dearer tokens")];
        let most = parts.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).map_or("", |(_, words)| words);
        if is_short {
            // The vendor's name goes first where there is little room.
            let bare = cause.model.rsplit('/').next().unwrap_or_default();
            let fits = [cause.model.as_str(), bare].map(|model| format!("{most} of {}", SafeText::line(model)));
            let room = builder.room().saturating_sub(3);
            let words = fits.into_iter().find(|words| crate::console::draw::columns(words) <= room);
            builder = builder.note(Role::Dim, words.as_deref().unwrap_or(most));
            lines.push(builder.done());
        } else {
            lines.push(builder.done());
            let words = format!("{most} of {} than a week before", SafeText::clipped(&cause.model, 36));
            lines.push(Builder::named("", NAMES, width).note(Role::Dim, &words).done());
        }
    }
    lines
}
