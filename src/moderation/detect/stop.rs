//! Replies of people who want to be left alone. Pure.
//!
//! A hit mutes a person for good, so a phrase counts only where it is said to us: as a whole clause, or with a word in front such as
//! "please" or "bot", never inside a sentence about something else ("stop the car", "I can't stop laughing"). Quoted lines, quotations,
//! code, questions that are no request, and what is marked as a joke are not looked at. A stop that is missed is caught by the next one.

mod phrases;

use phrases::{LEAD, Only, PHRASES, Phrase, TAIL};
use regex::{Regex, RegexSet};
use std::sync::LazyLock;

/// A message of more words is read by sentences, not by what stands between commas.
const LONGEST_MESSAGE: usize = 60;
/// A clause of more words says something else as well.
const LONGEST_CLAUSE: usize = 14;
/// A message of more words is not a brusque one.
const BRUSQUE: usize = 12;

/// Words that one of the phrases below has; a message without any is not looked at further.
static WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:stop|quit|cease|alone|reply|replying|answer|speak|chat|hear|interact|comment|arguing|speaking|leave|more|done|stay|get|inbox|posts|shoo|begone|stfu|respond|message|messages|contact|write|talk|talking|bother|replies|unsubscribe|opt|opt-out|optout|bot|off|away|lost|remove|mentions|inbox|dms|tag|ping|dm|pm)\b").ok()
});

static PATTERNS: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(PHRASES.iter().map(|phrase| format!("^{LEAD}(?:{}){TAIL}$", phrase.pattern))).ok());

/// Words that speak of what others say.
static REPORTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:say|says|said|saying|tell|tells|telling|yell|yelled|wrote|writes|write|typed|type|like|such as|phrases?|words?|called|shout|shouted|screamed|replied|replies|when|if|told (?:him|her|them|us|me)|asked (?:him|her|them|us|me))\b").ok()
});

/// Signs that a brusque word is in fun.
static FUN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(?:lol|lmao|lmfao|rofl|haha[ha]*|hehe[he]*|really|no way|amazing|awesome|cool|love|great|brilliant|beautiful|jk|kidding|that'?s)\b|[😂🤣😄😆😅😉😜❤]").ok()
});

/// Why the author of this reply is to be left alone; `None` when nothing in it says so.
#[must_use]
pub fn reason(text: &str) -> Option<&'static str> {
    if !WORDS.as_ref()?.is_match(text) {
        return None;
    }
    let said = said(text);
    if said.split_whitespace().next_back().is_some_and(|last| last == "/s" || last == "/j") {
        return None;
    }
    let count = said.split_whitespace().count();
    let in_fun = FUN.as_ref().is_none_or(|fun| fun.is_match(&said));
    let sentences = sentences(&said);
    let mut whole = None;
    let mut other = false;
    for sentence in &sentences {
        for clause in clauses(sentence, count <= LONGEST_MESSAGE) {
            let Some(phrase) = phrase(clause, sentence.asks) else {
                // Words in front such as "please" are no statement of their own.
                other |= !is_lead(clause);
                continue;
            };
            let holds = match phrase.only {
                Only::Clause => true,
                Only::Whole => {
                    whole = whole.or(Some(phrase.reason));
                    false
                }
                Only::Brusque => count <= BRUSQUE && !in_fun,
            };
            if holds {
                return Some(phrase.reason);
            }
        }
    }
    whole.filter(|_| !other)
}

/// What is said and not quoted: lower case, without quoted lines, code, quotations and emphasis.
fn said(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut fenced = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced || trimmed.starts_with('>') || trimmed.starts_with("&gt;") || line.starts_with("    ") || line.starts_with('\t') {
            continue;
        }
        let mut closing = None;
        for sign in line.chars() {
            match (closing, sign) {
                (Some(end), _) if sign == end => closing = None,
                (Some(_), _) | (None, '*' | '~' | '\u{200b}' | '\u{200d}' | '\u{fe0f}') => {}
                (None, '"' | '`' | '“' | '„' | '«') => {
                    closing = Some(match sign {
                        '“' => '”',
                        '„' => '“',
                        '«' => '»',
                        other => other,
                    });
                    // Stands for what was quoted, so that the rest is not taken for a clause of its own.
                    said.push_str(" quotation ");
                }
                (None, '’' | '‘') => said.push('\''),
                (None, _) => said.extend(sign.to_lowercase()),
            }
        }
        said.push('\n');
    }
    said
}

struct Sentence<'text> {
    text: &'text str,
    asks: bool,
}

fn sentences(said: &str) -> Vec<Sentence<'_>> {
    said.split_inclusive(['.', '!', '?', '\n', ';', '…'])
        .map(|text| Sentence { text: text.trim_matches(outside), asks: text.trim_end().ends_with('?') })
        .filter(|sentence| !sentence.text.is_empty())
        .collect()
}

/// The sentence, and its parts between commas and dashes unless the sentence is about what others say.
fn clauses<'text>(sentence: &Sentence<'text>, parts: bool) -> Vec<&'text str> {
    let whole = sentence.text;
    let split = parts && whole.contains([',', '–', '—', '(', ')']) && REPORTED.as_ref().is_some_and(|reported| !reported.is_match(whole));
    if !split || phrase(whole, sentence.asks).is_some() {
        return vec![whole];
    }
    whole.split([',', '–', '—', '(', ')']).map(|part| part.trim_matches(outside)).filter(|part| !part.is_empty()).collect()
}

/// Signs around a clause that say nothing.
fn outside(sign: char) -> bool {
    !sign.is_alphanumeric() && !matches!(sign, '\'' | '/')
}

/// The phrase that a clause is.
fn phrase(clause: &str, asks: bool) -> Option<&'static Phrase> {
    if clause.split_whitespace().take(LONGEST_CLAUSE + 1).count() > LONGEST_CLAUSE {
        return None;
    }
    // "Can you stop replying to me?" is a request, "Bad bot?" a question.
    let request = ["can you", "could you", "would you", "will you", "can u", "please"].iter().any(|start| clause.starts_with(start));
    if asks && !request {
        return None;
    }
    let one_spaced = clause.split_whitespace().collect::<Vec<_>>().join(" ");
    // "Go away, bot" says more than "go away": what needs no more counts before what does.
    let matching = PATTERNS.as_ref()?.matches(&one_spaced);
    matching.into_iter().filter_map(|place| PHRASES.get(place)).min_by_key(|phrase| phrase.only != Only::Clause)
}

/// Whether a clause only leads to the next.
fn is_lead(clause: &str) -> bool {
    const LEADS: [&str; 24] = [
        "please",
        "pls",
        "plz",
        "bot",
        "hey",
        "ok",
        "okay",
        "dude",
        "man",
        "bro",
        "no",
        "nope",
        "seriously",
        "thanks",
        "thank you",
        "now",
        "just",
        "hi",
        "hello",
        "robot",
        "clanker",
        "ffs",
        "jesus",
        "christ",
    ];
    LEADS.contains(&clause) || clause.starts_with("u/") && !clause.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_patterns_compile() {
        assert!(WORDS.is_some() && PATTERNS.is_some() && REPORTED.is_some() && FUN.is_some());
    }

    #[test]
    fn people_who_want_to_be_left_alone_are_heard() {
        for text in [
            "stop",
            "Stop.",
            "STOP!!!",
            "**stop**",
            "please stop",
            "Stop it.",
            "Stop, please.",
            "just stop",
            "stop 🛑",
            "Stop. Stop. Stop.",
            "bot, stop",
            "Stop bot",
            "stop, bot.",
            "Bot: stop",
            "Stop. Now.",
            "leave me alone",
            "Leave me alone!",
            "Please leave me alone, I am not interested.",
            "leave me the fuck alone",
            "Dude, leave me alone.",
            "I told you to leave me alone",
            "I don't care about any of this, leave me alone.",
            "You are wrong. Leave me alone.",
            "stop replying",
            "Stop replying to me.",
            "can you stop replying to me?",
            "Please stop responding to my comments",
            "stop messaging me",
            "STOP FOLLOWING ME AROUND",
            "quit bothering me",
            "stop commenting on my posts",
            "Could you please stop tagging me?",
            "don't reply to me",
            "Don’t reply to me again.",
            "do not contact me",
            "dont talk to me",
            "Never message me again",
            "Do not respond.",
            "don't ever reply to my comments again",
            "I don't want to talk to a bot",
            "I'm done talking to you.",
            "get out of my mentions",
            "stay away from me",
            "go away",
            "Go away bot",
            "go away, bot",
            "Get lost.",
            "shut up bot",
            "fuck off",
            "Fuck off!",
            "Fuck off, bot",
            "piss off",
            "fuck off you stupid bot",
            "unsubscribe",
            "Unsubscribe me",
            "please unsubscribe",
            "opt out",
            "OPT-OUT",
            "opt me out of this",
            "I want to opt out",
            "remove me from your list",
            "bad bot",
            "Bad bot.",
            "bad bot!!",
            "terrible bot",
            "You got the date wrong. Bad bot.",
            "> The river rises in May.\n\nstop replying to me",
            "I said stop.",
        ] {
            assert!(reason(text).is_some(), "{text}");
        }
    }

    #[test]
    fn talk_about_other_things_mutes_nobody() {
        for text in [
            "",
            "stop the car",
            "the bus stop",
            "I can't stop laughing",
            "Don't stop!",
            "non-stop",
            "Stop the car, I want to get out.",
            "You should stop at the next station.",
            "Stop, you're making me blush",
            "stop it, that's hilarious",
            "Stop! Hammer time.",
            "My server stopped responding, and I can't get it to stop.",
            "It will stop responding",
            "How do I stop spamming my logs?",
            "Please stop using tabs.",
            "stop replying to trolls",
            "Stop talking about politics and look at the data",
            "> leave me alone\n\nThat was a good line.",
            "&gt; stop\n\nwhy?",
            "He said \"leave me alone\" and walked off.",
            "“Stop.” That is all he said.",
            "They told me to leave me alone was a cry for help",
            "I wish people would leave me alone",
            "He wrote: \"Hey, leave me alone, ok?\" and left.",
            "When people say bad bot, leave me alone, or stop, you should listen.",
            "Phrases like go away, leave me alone, get lost are rude.",
            "good bot",
            "Is this a bad bot?",
            "Bad bot detection is a hard problem",
            "That was a bad bot, unlike this one",
            "bad bot?",
            "the pain won't go away",
            "Go away for a weekend, it helps.",
            "I had to unsubscribe from Netflix",
            "Unsubscribe from Netflix if you can.",
            "Do you know how to opt out of tracking?",
            "You can opt out of ads in the settings.",
            "I opt out of ads",
            "Fuck off, really? That's amazing",
            "fuck off lol",
            "He told me to fuck off.",
            "the plane took off",
            "Turn it off and on again",
            "Don't reply to me with links, read the paper first.",
            "don't talk to me about taxes",
            "don't @ me",
            "No need to respond.",
            "Stop?",
            "Should I stop replying to me?",
            "stop /s",
            "`stop`",
            "    stop",
            "```\nstop\n```",
            "left alone in the house",
            "The command to stop the service is `systemctl stop`.",
            "Good point. Stop signs are red.",
            "Please stop by any time",
            "stop whining",
            "Stop talking, start doing!",
            "You never reply to me",
            "Why don't you talk to me?",
            "stop following",
            "Stop writing and test it.",
            "stop mentioning them",
            "Stop the bot, then restart it.",
            "Stop here.",
            "You should stop.",
            "Enough.",
            "leave me a message",
            "Leave me alone with this cake and it is gone",
            "Bot, what do you think?",
            "What is a bad bot",
            "reply to me when you know",
            "write me",
            "Thanks, stop by again",
            "Contact me",
        ] {
            assert_eq!(reason(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(?s).{0,200}") {
            let _ = reason(&text);
        }

        #[test]
        fn a_quoted_line_is_never_heard(text in "(stop|leave me alone|bad bot|unsubscribe|fuck off|, |\\. | )+") {
            prop_assert_eq!(reason(&format!("> {text}")), None);
        }
    }
}
