//! `quarterdeck report`: what the calls of the ledger add up to.

use super::output::{Table, Tone};
use super::{Context, Failure, Outcome};
use crate::base::Millis;
use crate::deck::Deck;
use crate::llm::budget::period::zone;
use crate::llm::ledger::Category;
use crate::memory::personas;
use crate::report::document::{self, Wanted};
use crate::report::growth::{self, Step};
use crate::report::slo::{self, Level, Preset};
use crate::report::sums::{By, Only, Window};
use crate::report::{Asked, Cell, Report, Sheet, cost, format, latency, models, period, tokens};
use crate::store::{self, Conn};
use chrono_tz::Tz;

/// Arguments of `quarterdeck report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// What the calls cost.
    Cost {
        /// What it is divided by.
        #[arg(long, value_enum, default_value_t = Division::Model)]
        by: Division,
        #[command(flatten)]
        options: Options,
    },
    /// How fast they were answered, with the number that each percentile rests on, and the levels of a runbook.
    Latency {
        /// What it is divided by.
        #[arg(long, value_enum, default_value_t = Division::Model)]
        by: Division,
        /// The runbook whose levels hold; by default that of the setting report.slo.
        #[arg(long, value_name = "NAME", value_parser = preset)]
        slo: Option<&'static Preset>,
        #[command(flatten)]
        options: Options,
    },
    /// The models side by side: cost, speed, failures, and how far their prices are from the book.
    Models {
        #[command(flatten)]
        options: Options,
    },
    /// How many tokens the calls read and wrote.
    Tokens {
        /// What it is divided by.
        #[arg(long, value_enum, default_value_t = Division::Model)]
        by: Division,
        #[command(flatten)]
        options: Options,
    },
    /// How the use grows, step by step, the present one among them.
    Growth {
        /// The length of a step.
        #[arg(long, value_enum, default_value_t = Length::Month)]
        by: Length,
        /// How many steps at most.
        #[arg(long, value_name = "NUMBER", default_value_t = 6, value_parser = clap::value_parser!(u32).range(2..=120))]
        steps: u32,
        #[command(flatten)]
        narrow: Narrow,
        #[command(flatten)]
        look: Look,
    },
    /// The report of a week as a document: trends, spikes and what explains them, budgets, drift, objectives, failures.
    Week {
        /// Which one: last, this, or as 2026-W47.
        #[arg(default_value = "last")]
        which: String,
        /// The runbook whose levels hold; by default that of the setting report.slo.
        #[arg(long, value_name = "NAME", value_parser = preset)]
        slo: Option<&'static Preset>,
        #[command(flatten)]
        look: Look,
    },
    /// The report of a month as a document.
    Month {
        /// Which one: last, this, or as 2026-10.
        #[arg(default_value = "last")]
        which: String,
        /// The runbook whose levels hold; by default that of the setting report.slo.
        #[arg(long, value_name = "NAME", value_parser = preset)]
        slo: Option<&'static Preset>,
        #[command(flatten)]
        look: Look,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Division {
    /// The model that answered.
    Model,
    /// The part of the program that asked.
    Module,
    /// On whose behalf.
    Persona,
    /// Interactive, batch or infrastructure.
    Category,
    /// Days in the zone.
    Day,
    /// Hours of UTC.
    Hour,
}

impl From<Division> for By {
    fn from(division: Division) -> Self {
        match division {
            Division::Model => Self::Model,
            Division::Module => Self::Module,
            Division::Persona => Self::Persona,
            Division::Category => Self::Category,
            Division::Day => Self::Day,
            Division::Hour => Self::Hour,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Length {
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Tables for people.
    Text,
    /// The main table, with all digits.
    Csv,
    /// One object, as --json.
    Json,
    /// A document.
    Markdown,
}

/// Which calls, and how it is shown.
#[derive(Debug, clap::Args)]
struct Options {
    #[command(flatten)]
    span: Span,
    #[command(flatten)]
    narrow: Narrow,
    #[command(flatten)]
    look: Look,
}

#[derive(Debug, clap::Args)]
struct Span {
    /// Up to now: 24h, 7d or 1d12h, or hour, day, week, month, year. This is the default, with 24h.
    #[arg(long, value_name = "SPAN", conflicts_with_all = ["month", "week", "since"])]
    last: Option<String>,
    /// A month of the calendar: last, this, or as 2026-10.
    #[arg(long, value_name = "MONTH", conflicts_with_all = ["week", "since"])]
    month: Option<String>,
    /// A week from Monday: last, this, or as 2026-W47.
    #[arg(long, value_name = "WEEK", conflicts_with = "since")]
    week: Option<String>,
    /// From this time on: 2026-11-21, "2026-11-21 13:30" or 2026-11-21T13:30:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Up to this time and without it; by default now.
    #[arg(long, value_name = "TIME", requires = "since")]
    until: Option<String>,
}

#[derive(Debug, clap::Args)]
struct Narrow {
    /// Only this model.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Only this part of the program.
    #[arg(long, value_name = "NAME")]
    module: Option<String>,
    /// Only this kind of work: interactive, batch or infrastructure.
    #[arg(long, value_name = "NAME")]
    category: Option<Category>,
}

#[derive(Debug, clap::Args)]
struct Look {
    /// The zone in which days, weeks and months are counted; by default that of the setting report.zone.
    #[arg(long, value_name = "NAME", value_parser = zone)]
    zone: Option<Tz>,
    /// How it is printed.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
}

fn preset(name: &str) -> Result<&'static Preset, String> {
    let names = || slo::PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ");
    slo::named(name).ok_or_else(|| format!("there is no such runbook: {}", names()))
}

impl Span {
    fn window(&self, now: Millis, zone: Tz) -> Result<Window, Failure> {
        let window = match self {
            Self { month: Some(month), .. } => period::month(month, now, zone),
            Self { week: Some(week), .. } => period::week(week, now, zone),
            Self { since: Some(since), until, .. } => period::moment(since, zone).and_then(|since| {
                let until = until.as_deref().map_or(Ok(now), |until| period::moment(until, zone))?;
                period::between(since, until, zone)
            }),
            Self { last, .. } => period::last(last.as_deref().unwrap_or("24h"), now, zone),
        };
        window.map_err(Failure::usage)
    }
}

/// What every report needs of the open application.
struct Ground {
    deck: Deck,
    now: Millis,
    zone: Tz,
}

impl Ground {
    fn new(context: &Context, look: &Look) -> Result<Self, Failure> {
        super::signals::end_on_stop(context)?;
        let deck = Deck::open(context.settings()?, context.clock.clone())?;
        let zone = look.zone.unwrap_or(deck.settings.report.zone);
        Ok(Self { now: context.clock.now(), zone, deck })
    }

    fn preset(&self, asked: Option<&'static Preset>) -> &'static Preset {
        asked.or_else(|| slo::named(&self.deck.settings.report.slo)).unwrap_or(&slo::PRESETS[0])
    }

    fn read<T: Send + 'static>(&self, work: impl FnOnce(&mut dyn Conn) -> store::Result<T> + Send + 'static) -> Result<T, Failure> {
        Ok(self.deck.db.read_blocking(work)?)
    }

    fn names(&self) -> Result<std::collections::BTreeMap<crate::base::PersonaId, String>, Failure> {
        let all = self.deck.db.read_blocking(personas::list)?;
        Ok(all.into_iter().map(|persona| (persona.id, persona.reddit_username)).collect())
    }

    fn only(&self, context: &Context, narrow: &Narrow) -> Result<Only, Failure> {
        let persona = match context.global.persona.clone() {
            Some(key) => Some(self.deck.db.read_blocking(move |c| personas::find(c, &key))?.id),
            None => None,
        };
        Ok(Only { model: narrow.model.clone(), module: narrow.module.clone(), category: narrow.category, persona })
    }

    fn asked(&self, context: &Context, options: &Options, by: By) -> Result<Asked, Failure> {
        Ok(Asked {
            window: options.span.window(self.now, self.zone)?,
            zone: self.zone,
            by,
            only: self.only(context, &options.narrow)?,
            names: self.names()?,
        })
    }
}

/// Run the command. JSON: `{report, title, since, until, zone, rows, total, notes, …}`; amounts in USD, times in milliseconds, shares 0 to 1.
///
/// # Errors
/// When the span or a name is not understood, and as the database says.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    match &args.command {
        Command::Cost { by, options } => {
            let ground = Ground::new(context, &options.look)?;
            let asked = ground.asked(context, options, (*by).into())?;
            show(context, &options.look, &ground.read(move |c| cost::report(c, &asked))?)
        }
        Command::Latency { by, slo, options } => {
            let ground = Ground::new(context, &options.look)?;
            let (asked, preset) = (ground.asked(context, options, (*by).into())?, ground.preset(*slo));
            show(context, &options.look, &ground.read(move |c| latency::report(c, &asked, preset))?)
        }
        Command::Models { options } => {
            let ground = Ground::new(context, &options.look)?;
            let asked = ground.asked(context, options, By::Model)?;
            show(context, &options.look, &ground.read(move |c| models::report(c, &asked))?)
        }
        Command::Tokens { by, options } => {
            let ground = Ground::new(context, &options.look)?;
            let asked = ground.asked(context, options, (*by).into())?;
            show(context, &options.look, &ground.read(move |c| tokens::report(c, &asked))?)
        }
        Command::Growth { by, steps, narrow, look } => {
            let ground = Ground::new(context, look)?;
            let (now, zone, count, only) = (ground.now, ground.zone, *steps, ground.only(context, narrow)?);
            let step = match by {
                Length::Day => Step::Day,
                Length::Week => Step::Week,
                Length::Month => Step::Month,
            };
            show(context, look, &ground.read(move |c| growth::report(c, now, zone, step, count, &only))?)
        }
        Command::Week { which, slo, look } => document(context, "week", which, *slo, look),
        Command::Month { which, slo, look } => document(context, "month", which, *slo, look),
    }
}

fn document(context: &Context, name: &'static str, which: &str, slo: Option<&'static Preset>, look: &Look) -> Result<Outcome, Failure> {
    let ground = Ground::new(context, look)?;
    let window = if name == "week" { period::week } else { period::month }(which, ground.now, ground.zone).map_err(Failure::usage)?;
    let wanted = Wanted { name, window, now: ground.now, zone: ground.zone, preset: ground.preset(slo), names: ground.names()? };
    let report = ground.read(move |c| document::report(c, &wanted))?;
    if look.format.is_none() && !context.out.is_json() {
        context.out.write(document::markdown(&report).as_bytes())?;
        return Ok(Outcome::Done);
    }
    show(context, look, &report)
}

fn show(context: &Context, look: &Look, report: &Report) -> Result<Outcome, Failure> {
    match (look.format, context.out.is_json()) {
        (Some(Format::Text | Format::Csv | Format::Markdown), true) => {
            return Err(Failure::usage("--json and another --format cannot both be had").hint("leave one of them out"));
        }
        (Some(Format::Json) | None, true) | (Some(Format::Json), false) => context.out.emit(&format::json(report))?,
        (Some(Format::Csv), false) => context.out.write(format::csv(report).as_bytes())?,
        (Some(Format::Markdown), false) => context.out.write(document::markdown(report).as_bytes())?,
        (Some(Format::Text) | None, false) => people(context, report)?,
    }
    Ok(Outcome::Done)
}

fn people(context: &Context, report: &Report) -> Result<(), Failure> {
    context.out.say(format!("{}, {}", report.title, report.span()))?;
    for sheet in report.sheets.iter().filter(|sheet| !sheet.rows.is_empty()) {
        context.out.say("")?;
        if report.sheets.len() > 1 {
            context.out.say(&sheet.title)?;
        }
        context.out.table(&table(sheet), "")?;
    }
    if !report.notes.is_empty() {
        context.out.say("")?;
    }
    report.notes.iter().try_for_each(|note| context.out.text(note))
}

fn table(sheet: &Sheet) -> Table {
    let titles: Vec<&'static str> = sheet.columns.iter().map(|column| column.title).collect();
    let mut table = Table::new(&titles);
    for index in 0..titles.len() {
        if sheet.rows.iter().any(|row| row.get(index).is_some_and(format::is_number)) {
            table = table.right(index);
        }
    }
    for row in sheet.rows.iter().chain(&sheet.total) {
        table.row(row.iter().map(format::people));
        for (index, cell) in row.iter().enumerate() {
            let tone = match cell {
                Cell::Micros { is_few: true, .. } | Cell::Nothing => Some(Tone::Faint),
                Cell::Level(Level::Good) => Some(Tone::Good),
                Cell::Level(Level::Warning) => Some(Tone::Warning),
                Cell::Level(Level::Critical) => Some(Tone::Bad),
                Cell::Level(Level::Unknown) => Some(Tone::Faint),
                _ => None,
            };
            if let Some(tone) = tone {
                table.tone(index, tone);
            }
        }
    }
    table
}
