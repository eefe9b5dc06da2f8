//! What the online judges said of a draft, as a block of `queue show`.

use crate::base::SafeText;
use crate::cli::Failure;
use crate::cli::output::{Output, Tone};
use crate::llm::judge::Judgement;
use crate::moderation::{Item, judged};

/// Print it; nothing where no judge was asked.
pub(super) fn show(out: &Output, item: &Item) -> Result<(), Failure> {
    let answers = &item.draft_metadata.judges;
    if answers.is_empty() {
        return Ok(());
    }
    out.say(format!("\n{}", out.paint("online judges, of the text as the agent wrote it", Tone::Faint)))?;
    for answer in answers {
        let (words, tone) = match &answer.judgement {
            Judgement::Safe => ("safe".to_owned(), Tone::Good),
            Judgement::Unsafe { categories } => (format!("unsafe: {}", judged::listed(categories)), Tone::Bad),
            Judgement::Unknown { reason } => (format!("unknown: {reason}"), Tone::Warning),
        };
        let words = out.paint(SafeText::line(&words).as_str(), tone);
        out.say(format!("  {} ({}) says {words}", answer.judge, SafeText::line(&answer.model)))?;
    }
    Ok(())
}
