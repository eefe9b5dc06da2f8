//! A rule's page, and what the rules say of a text.

use super::{broken, open};
use crate::base::SafeText;
use crate::cli::output::{Output, Tone};
use crate::cli::{Context, Failure, Outcome};
use crate::moderation::rules::{self, switches};
use crate::moderation::screening::{ConsistencyResult, Outgoing, Surroundings};
use crate::moderation::{self, Evaluation, Hit, Verdict, item};
use crate::store::Conn;
use serde_json::json;
use std::io::Read as _;
use std::path::PathBuf;

/// A text is at most 40,000 characters; a file of a megabyte is a mistake.
const MOST: u64 = 1 << 20;

/// What to explain.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(super) struct Args {
    /// A rule.
    #[arg(group = "what")]
    rule: Option<String>,
    /// An item of the queue, with the rules of now.
    #[arg(long, group = "what", value_name = "ID")]
    item: Option<String>,
    /// A text.
    #[arg(long, group = "what")]
    text: Option<String>,
    /// A file with a text; `-` reads standard input.
    #[arg(long, group = "what")]
    file: Option<PathBuf>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Outcome, Failure> {
    match args {
        Args { rule: Some(rule), .. } => page(context, &rule),
        Args { item: Some(id), .. } => of_item(context, id),
        Args { text: Some(text), .. } => of_text(context, &text),
        Args { file, .. } => of_text(context, &read(&file.unwrap_or_else(|| PathBuf::from("-")))?),
    }?;
    Ok(Outcome::Done)
}

fn page(context: &Context, id: &str) -> Result<(), Failure> {
    let deck = open(context)?;
    let set = deck.screener()?.rules();
    let rule = set.rule(id).ok_or_else(|| {
        Failure::usage(format!("there is no rule {id:?}"))
            .hint("`quarterdeck rules list --all` names them; --item explains an item of the queue")
    })?;
    let switched = deck.db.read_blocking(switches::list)?.into_iter().find(|switch| switch.rule_id == id);
    let page = rules::reference::page(rule);
    let value =
        json!({ "rule": rule, "mode": switched.as_ref().map_or(rule.mode, |switch| switch.mode), "switch": switched, "page": page });
    let out = &context.out;
    out.either(&value, || {
        out.text(&SafeText::new(&page).to_string())?;
        match &switched {
            Some(switch) => out.text(&format!(
                "In force: {} since {}, by {}: {}",
                switch.mode,
                crate::base::clock::local(switch.changed_at),
                switch.changed_by,
                SafeText::line(&switch.reason)
            )),
            None => Ok(()),
        }
    })
}

fn of_item(context: &Context, id: String) -> Result<(), Failure> {
    let deck = open(context)?;
    let (screener, at) = (deck.screener()?, context.clock.now());
    let (item, evaluation) = deck.db.read_blocking(move |c: &mut dyn Conn| -> moderation::Result<_> {
        let (persona, id) = item::find(c, None, &id)?;
        let item = item::load(c, &persona, &id)?;
        let metadata = &item.draft_metadata;
        let around = Surroundings { consistency: metadata.consistency.as_ref(), tainted: metadata.tainted };
        let evaluation = screener.screen_again(c, &item, Outgoing { title: item.title.as_deref(), content: &item.content }, around, at)?;
        Ok((item, evaluation))
    })?;
    told(&context.out, &item.content, &evaluation)
}

fn of_text(context: &Context, text: &str) -> Result<(), Failure> {
    let set = rules::read(Some(&context.settings()?.config_dir.join(rules::FILE_NAME))).map_err(|error| broken(&error.faults))?.0;
    let deck = open(context)?;
    let modes = deck.db.read_blocking(switches::modes)?;
    // A text by itself: what depends on beliefs, history and place is not asked.
    let signals = rules::Signals { consistency: Some(&ConsistencyResult::NotNeeded), ..rules::Signals::default() };
    let persona = context.global.persona.clone().unwrap_or_default();
    let subject =
        rules::Subject { outgoing: Outgoing { title: None, content: text }, persona: &persona, subreddit: "", at: context.clock.now() };
    told(&context.out, text, &rules::evaluate(&set, &modes, &subject, &signals))
}

fn told(out: &Output, text: &str, evaluation: &Evaluation) -> Result<(), Failure> {
    out.either(&json!({ "evaluation": evaluation }), || {
        let tone = match evaluation.verdict {
            Verdict::Allow => Tone::Good,
            Verdict::Review => Tone::Warning,
            Verdict::Block => Tone::Bad,
        };
        out.say(format!(
            "{}, score {:.2}, {}, {} µs",
            out.paint(evaluation.verdict.as_str(), tone),
            evaluation.score,
            evaluation.engine_version,
            evaluation.elapsed_us
        ))?;
        for hit in &evaluation.hits {
            shown(out, text, hit, hit.severity.as_str())?;
        }
        for hit in &evaluation.shadow {
            shown(out, text, hit, "shadow")?;
        }
        for missing in &evaluation.missing {
            out.text(&format!("  unknown: {}", SafeText::line(missing)))?;
        }
        if evaluation.hits.is_empty() && evaluation.shadow.is_empty() && evaluation.missing.is_empty() {
            out.say("  no rule fires")?;
        }
        Ok(())
    })
}

fn shown(out: &Output, text: &str, hit: &Hit, mode: &str) -> Result<(), Failure> {
    out.text(&format!("  {} ({mode}, {:.2}, version {}): {}", hit.rule_id, hit.weight, hit.rule_version, SafeText::line(&hit.message)))?;
    for span in hit.spans.iter().take(5) {
        let words = text.get(span.start..span.end).unwrap_or_default();
        // A key that was found is not shown again.
        let words = if hit.rule_id == "secret" { "(not shown)".to_owned() } else { SafeText::clipped(words, 60).as_str().to_owned() };
        out.say(out.paint(&format!("    bytes {} to {}: {words}", span.start, span.end), Tone::Faint))?;
    }
    Ok(())
}

fn read(file: &std::path::Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if file == std::path::Path::new("-") {
        std::io::stdin().lock().take(MOST).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MOST).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::failed(format!("{} cannot be read: {error}", file.display())).hint("give a file of plain UTF-8 text"))?;
    Ok(text)
}
