//! `quarterdeck search`: look for words and meaning over everything that was said, believed and decided.

use super::output::Tone;
use super::{Context, Failure, Outcome, signals};
use crate::base::{SafeText, clock};
use crate::deck::Deck;
use crate::search::{After, Answer, Error, Followed, Hit, Kind, Page, Question, Zone};
use serde_json::json;

/// Arguments of `quarterdeck search`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Words and meaning are both looked for. \"exact phrase\", begin*, -without, persona:NAME, subreddit:NAME, kind:belief, is:pending, since:7d, until:2026-11-01, confidence>0.8, like:ID narrow it. Exit code 3 when nothing was found."
)]
pub struct Args {
    /// What to look for; several words need no quotes. Behind `--` a word may begin with a hyphen.
    words: Vec<String>,
    /// Hits at the most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Go on behind a page: its `next`.
    #[arg(long, value_name = "MARK")]
    after: Option<After>,
    /// What is near in meaning to a document: `interaction:ID`, `belief:ID`, `queue_item:ID`, `runbook:PATH#1`.
    #[arg(long, value_name = "KIND:ID", value_parser = of_kind, conflicts_with_all = ["words", "after"])]
    similar: Option<(Kind, String)>,
    /// What a document answers, what answers it, and what stands beside it.
    #[arg(long, value_name = "KIND:ID", value_parser = of_kind, conflicts_with_all = ["words", "after", "similar"])]
    thread: Option<(Kind, String)>,
}

fn of_kind(text: &str) -> Result<(Kind, String), String> {
    let (word, id) = text.split_once(':').ok_or("write a kind, a colon and an id, as belief:ID")?;
    let kind = Kind::named(word).ok_or_else(|| format!("there is no kind '{}': {}", SafeText::clipped(word, 40), kinds()))?;
    Ok((kind, id.to_owned()))
}

fn kinds() -> String {
    format!("it is one of {}", Kind::ALL.map(Kind::as_str).join(", "))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Syntax(error) => Self::usage(error.to_string()).hint("see `quarterdeck search --help` for what can be written"),
            other => Self::failed(other.to_string()),
        }
    }
}

/// Run the command. JSON: `{hits: […], next, count: {exactly|at_least: n}, notes, took_us}`, `{hits: […]}` for `--similar`, or
/// `{parent, siblings, children}` for `--thread`.
///
/// # Errors
/// When the question cannot be understood; as the database says.
pub fn run(context: &Context, args: &Args) -> Result<Outcome, Failure> {
    let deck = Deck::open(context.settings()?, context.clock.clone())?;
    let text = args.words.join(" ");
    let persona = context.global.persona.as_deref();
    let question = if args.similar.is_none() && args.thread.is_none() {
        // Read before anything is loaded: what cannot be understood fails at once.
        let mut question = Question::parse(&text, Zone::Local, deck.clock.now()).map_err(Error::from)?;
        question.filters.personas.extend(persona.map(str::to_owned));
        Some(question)
    } else {
        None
    };
    // What was taken in until then is committed, and the index file is replaced whole.
    signals::end_on_stop(context)?;
    let search = deck.search();
    let mut tell = |followed: &Followed| {
        if followed.to_fill > 0 || followed.to_embed > 0 {
            let (fill, embed) = (followed.to_fill, followed.to_embed);
            context.out.note(format!("taking in what was there already: {fill} rows and {embed} vectors to go"));
        }
    };
    let followed = context.block_on(search.follow_with(&mut tell))??;
    for note in &followed.notes {
        context.out.note(note);
    }
    let found = match (question, &args.similar, &args.thread) {
        (_, Some((kind, id)), _) => {
            let persona = persona_id(context, &deck)?;
            let hits = context.block_on(search.similar(persona.as_ref(), *kind, id, args.limit))??;
            context.out.either(&json!({ "hits": hits }), || show(context, &hits))?;
            hits.len()
        }
        (_, _, Some((kind, id))) => {
            let persona = persona_id(context, &deck)?;
            let thread = context.block_on(search.thread(persona.as_ref(), *kind, id))??;
            context.out.either(&thread, || {
                for (name, hits) in [("parent", thread.parent.as_slice()), ("beside", &thread.siblings), ("answers", &thread.children)] {
                    if !hits.is_empty() {
                        context.out.say(name)?;
                        show(context, hits)?;
                    }
                }
                Ok(())
            })?;
            thread.siblings.len() + thread.children.len() + usize::from(thread.parent.is_some())
        }
        (Some(question), ..) => {
            let answer = context.block_on(search.ask(&question, Page { limit: args.limit, after: args.after }))??;
            context.out.either(&answer, || page(context, &answer))?;
            answer.hits.len()
        }
        (None, None, None) => 0,
    };
    context.block_on(search.save_index())??;
    Ok(if found == 0 { Outcome::Problems } else { Outcome::Done })
}

fn persona_id(context: &Context, deck: &Deck) -> Result<Option<crate::base::PersonaId>, Failure> {
    match &context.global.persona {
        Some(name) => Ok(Some(context.block_on(deck.persona(name))??.id)),
        None => Ok(None),
    }
}

fn page(context: &Context, answer: &Answer) -> Result<(), Failure> {
    let out = &context.out;
    for note in &answer.notes {
        out.say(out.paint(note, Tone::Warning))?;
    }
    if answer.hits.is_empty() {
        return out.say("nothing was found");
    }
    show(context, &answer.hits)?;
    out.say(format!("{} of {} in {:.1} ms", answer.hits.len(), answer.count, answer.took.as_secs_f64() * 1_000.0))?;
    match answer.next {
        Some(next) => out.say(format!("more: --after {next}")),
        None => Ok(()),
    }
}

fn show(context: &Context, hits: &[Hit]) -> Result<(), Failure> {
    let out = &context.out;
    for hit in hits {
        let mut place = vec![hit.kind.as_str().replace('_', " ")];
        place.extend(hit.persona_name.as_ref().map(|name| format!("u/{name}")));
        place.extend(hit.subreddit.as_ref().map(|subreddit| format!("r/{subreddit}")));
        place.extend(hit.state.clone());
        place.extend(hit.confidence.map(|confidence| format!("{:.0} %", confidence * 100.0)));
        place.push(clock::local(hit.at));
        out.say(hit.title.as_str())?;
        let line: String = hit
            .extract
            .iter()
            .map(|part| if part.is_match { out.paint(part.text.as_str(), Tone::Good) } else { part.text.to_string() })
            .collect();
        if line.trim() != hit.title.as_str() {
            out.say(format!("  {line}"))?;
        }
        let mut why = Vec::new();
        if !hit.reason.words.is_empty() {
            why.push(format!("words: {}", hit.reason.words.join(", ")));
        }
        why.extend(hit.reason.similarity.map(|similarity| format!("meaning {similarity:.2}")));
        let id = SafeText::line(&hit.id);
        out.say(out.paint(&format!("  {} · {}:{id}", place.join(" · "), hit.kind.as_str()), Tone::Faint))?;
        if !why.is_empty() {
            out.say(out.paint(&format!("  {}", why.join(" · ")), Tone::Faint))?;
        }
    }
    Ok(())
}
