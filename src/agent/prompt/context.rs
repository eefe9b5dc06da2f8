//! The sections of the context, and what goes first when there is too much.

use super::length::{self, Length};
use super::untrusted::{Enclosure, cut};
use super::{Correction, CorrectionKind, Material, Nonce, PromptBelief, Pruned, ThreadComment};
use crate::base::SafeText;
use std::fmt::Write as _;

const RECENT_POSTS: usize = 4;
const RECENT_POST_CHARACTERS: usize = 300;
const CORRECTIONS: usize = 5;
const CORRECTION_CHARACTERS: usize = 300;
const BELIEFS: usize = 10;
const BELIEFS_WITH_EVIDENCE: usize = 5;
const STANCE_CHARACTERS: usize = 600;
const EVIDENCE: usize = 2;
const EVIDENCE_CHARACTERS: usize = 160;
const STATEMENTS: usize = 3;
const STATEMENT_CHARACTERS: usize = 200;
const TITLE_CHARACTERS: usize = 300;
const BODY_CHARACTERS: usize = 500;
const COMMENTS: usize = 10;
const COMMENT_CHARACTERS: usize = 300;
const RULES: usize = 10;
const RULE_CHARACTERS: usize = 100;
const URLS: usize = 5;
const URL_CHARACTERS: usize = 200;

struct BeliefLines {
    id: String,
    line: String,
    evidence: Vec<String>,
}

/// The sections, each as the lines that it will show.
pub(super) struct Context {
    persona: String,
    writing_rules: Vec<String>,
    voice_examples: Vec<String>,
    recent_posts: Vec<(Length, String)>,
    corrections: Vec<String>,
    beliefs: Vec<BeliefLines>,
    past_statements: Vec<String>,
    rules: Option<String>,
    thread_head: String,
    comments: Vec<String>,
    answering: Option<String>,
    urls: Vec<String>,
    task: String,
    pub characters_removed: usize,
}

impl Context {
    /// Take what may be shown of the material, cleaned and cut.
    pub(super) fn collect(material: &Material<'_>, nonce: &Nonce) -> Self {
        let mut enclosure = Enclosure::new(nonce);
        let thread = material.thread;
        let mut thread_head = format!("Subreddit: r/{}\n", name_only(&thread.subreddit));
        let _ = writeln!(thread_head, "Post by {}:", author(thread.author.as_deref(), &mut enclosure));
        thread_head.push_str(&enclosure.block("post title", &thread.title, TITLE_CHARACTERS));
        if !thread.body.trim().is_empty() {
            thread_head.push('\n');
            thread_head.push_str(&enclosure.block("post body", &thread.body, BODY_CHARACTERS));
        }
        let skipped = thread.comments.len().saturating_sub(COMMENTS);
        let comments = thread.comments.iter().skip(skipped).map(|shown| comment(shown, &mut enclosure)).collect();
        let answering = thread.answering.as_ref().map(|shown| comment(shown, &mut enclosure));
        let post_urls = thread.post_urls.iter().take(URLS);
        let urls = post_urls.chain(thread.comment_urls.iter().take(URLS)).map(|url| enclosure.inline(url, URL_CHARACTERS)).collect();
        let what = if answering.is_some() { "the comment marked as the one to answer" } else { "the post" };
        Self {
            persona: persona(material),
            writing_rules: material.config.writing_rules.clone(),
            voice_examples: material.config.voice_examples.clone(),
            recent_posts: material
                .recent_posts
                .iter()
                .take(RECENT_POSTS)
                .map(|post| (Length::of(post), own(post, RECENT_POST_CHARACTERS)))
                .collect(),
            corrections: material.corrections.iter().take(CORRECTIONS).map(correction).collect(),
            beliefs: beliefs(material.beliefs, &mut enclosure),
            past_statements: material.past_statements.iter().take(STATEMENTS).map(|said| own(said, STATEMENT_CHARACTERS)).collect(),
            rules: rules(&thread.rules, &mut enclosure),
            thread_head,
            comments,
            answering,
            urls,
            task: format!("Write the comment with which u/{} answers {what}.", material.username),
            characters_removed: enclosure.removed,
        }
    }

    /// The context as text. Empty sections are left out.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        section(&mut text, "Persona", std::slice::from_ref(&self.persona));
        section(&mut text, "Writing rules", &bullets(&self.writing_rules));
        section(&mut text, "Voice examples (how you sound; do not copy them)", &bullets(&self.voice_examples));
        let lengths: Vec<Length> = self.recent_posts.iter().map(|(length, _)| *length).collect();
        let mut recent: Vec<String> = self.recent_posts.iter().map(|(length, post)| format!("- [{}] {post}", length.label())).collect();
        recent.extend(length::advice(&lengths).map(str::to_owned));
        section(&mut text, "Your recent posts (do not repeat them)", &recent);
        section(&mut text, "Recent corrections by your reviewers (learn from them)", &bullets(&self.corrections));
        let held: Vec<String> = self
            .beliefs
            .iter()
            .flat_map(|belief| std::iter::once(belief.line.clone()).chain(belief.evidence.iter().map(|line| format!("  evidence: {line}"))))
            .collect();
        section(&mut text, "Your beliefs", &held);
        section(&mut text, "What you said before", &bullets(&self.past_statements));
        let mut thread: Vec<String> = self.rules.iter().cloned().chain([self.thread_head.clone()]).collect();
        thread.extend(self.comments.iter().cloned());
        thread.extend(self.answering.iter().map(|shown| format!("The one to answer. {shown}")));
        section(&mut text, "Thread", &thread);
        section(&mut text, "Reference URLs (for orientation; do not repeat them)", &bullets(&self.urls));
        section(&mut text, "Task", std::slice::from_ref(&self.task));
        text.truncate(text.trim_end().len());
        text
    }

    /// Leave out the next thing in the order of the module's documentation. False when nothing is left that may go.
    pub(super) fn prune_one(&mut self, pruned: &mut Pruned) -> bool {
        if self.past_statements.pop().is_some() {
            pruned.past_statements += 1;
        } else if self.beliefs.len() > 1 {
            self.beliefs.pop();
            pruned.beliefs += 1;
        } else if self.beliefs.iter_mut().rev().any(|belief| belief.evidence.pop().is_some()) {
            pruned.evidence += 1;
        } else if !self.comments.is_empty() {
            self.comments.remove(0);
            pruned.comments += 1;
        } else if self.voice_examples.pop().is_some()
            || self.recent_posts.pop().is_some()
            || self.urls.pop().is_some()
            || self.rules.take().is_some()
        {
            pruned.other += 1;
        } else {
            return false;
        }
        true
    }

    pub(super) fn belief_ids(&self) -> Vec<String> {
        self.beliefs.iter().map(|belief| belief.id.clone()).collect()
    }
}

fn persona(material: &Material<'_>) -> String {
    let mut text = format!("You are u/{}.", material.username);
    if !material.config.personality_profile.is_empty() {
        let _ = write!(text, " {}", material.config.personality_profile);
    }
    let sliders: Vec<String> = material
        .config
        .persona_style
        .sliders()
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| format!("{} {value:.1}", name.replace('_', " "))))
        .collect();
    if !sliders.is_empty() {
        let _ = write!(text, "\nStyle from 0 to 1: {}.", sliders.join(", "));
    }
    text
}

fn beliefs(all: &[PromptBelief], enclosure: &mut Enclosure<'_>) -> Vec<BeliefLines> {
    let mut sorted: Vec<&PromptBelief> = all.iter().collect();
    // A belief without a confidence comes last; equals stay as they came.
    sorted.sort_by(|one, two| two.confidence.unwrap_or(-1.0).total_cmp(&one.confidence.unwrap_or(-1.0)));
    sorted.truncate(BELIEFS);
    let mut lines = Vec::with_capacity(sorted.len());
    for (index, belief) in sorted.into_iter().enumerate() {
        let shown = if index < BELIEFS_WITH_EVIDENCE { EVIDENCE } else { 0 };
        let confidence = belief.confidence.map_or_else(|| "undecided".to_owned(), |confidence| format!("confidence {confidence:.2}"));
        lines.push(BeliefLines {
            id: belief.id.clone(),
            line: format!("- {} ({confidence}): {}", own(&belief.title, TITLE_CHARACTERS), own(&belief.stance, STANCE_CHARACTERS)),
            evidence: belief.evidence.iter().take(shown).map(|reference| enclosure.inline(reference, EVIDENCE_CHARACTERS)).collect(),
        });
    }
    lines
}

fn comment(comment: &ThreadComment, enclosure: &mut Enclosure<'_>) -> String {
    let whose = if comment.ours { "your own".to_owned() } else { author(comment.author.as_deref(), enclosure) };
    format!("Comment by {whose}:\n{}", enclosure.block("comment", &comment.body, COMMENT_CHARACTERS))
}

/// The names of a subreddit's rules, one per line. They are its moderators' words, and data like all text from outside.
fn rules(names: &[String], enclosure: &mut Enclosure<'_>) -> Option<String> {
    let lines: Vec<String> = names.iter().take(RULES).map(|name| own(name, RULE_CHARACTERS)).filter(|name| !name.is_empty()).collect();
    let longest = RULES * (RULE_CHARACTERS + 1);
    (!lines.is_empty()).then(|| {
        format!(
            "Rules of this subreddit by name; what breaks one is removed:\n{}",
            enclosure.block("names of rules", &lines.join("\n"), longest)
        )
    })
}

fn author(name: Option<&str>, enclosure: &mut Enclosure<'_>) -> String {
    name.map_or_else(|| "a deleted account".to_owned(), |name| enclosure.inline(name, 40))
}

fn correction(correction: &Correction) -> String {
    let what = match correction.kind {
        CorrectionKind::Rejected => "A draft was rejected",
        CorrectionKind::Edited => "A draft was changed before it was sent",
        CorrectionKind::Returned => "A draft was returned",
        CorrectionKind::Labelled => "A message that was sent was found wanting",
    };
    format!("{what}: {}", own(&correction.reason, CORRECTION_CHARACTERS))
}

/// A subreddit's name: letters, digits and underscore are all that one has, so nothing else gets through.
fn name_only(subreddit: &str) -> String {
    subreddit.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '_').take(40).collect()
}

/// The persona's or a reviewer's own text on one line.
fn own(text: &str, characters: usize) -> String {
    cut(SafeText::line(text).as_str().trim(), characters)
}

fn bullets(lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| format!("- {line}")).collect()
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "## {title}");
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    text.push('\n');
}
