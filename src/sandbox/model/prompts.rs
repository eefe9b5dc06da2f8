//! Reading a prompt as a model would: what it is about, which beliefs it lists, which draft it shows. Rules only, no I/O.

use regex::Regex;
use std::sync::OnceLock;

/// A belief as it is found in a prompt.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Belief {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) confidence: f64,
}

/// The patterns; `None` in a field would be a mistake in this file, which the tests below would show.
struct Patterns {
    json_id: Option<Regex>,
    uuid: Option<Regex>,
    number: Option<Regex>,
    token: Option<Regex>,
    tag: Option<Regex>,
    mark: Option<Regex>,
    drafts: Vec<Regex>,
    draft_line: Option<Regex>,
}

fn patterns() -> &'static Patterns {
    static PATTERNS: OnceLock<Patterns> = OnceLock::new();
    PATTERNS.get_or_init(|| {
        let compile = |pattern: &str| Regex::new(pattern).ok();
        let drafts = [
            // `<<data 5f0c… draft to check`, up to the line that closes it.
            r"(?is)<<\w+ \S+ (?:draft|reply|response)[^\n]*\n(.*?)\n\w+ \S+>>",
            r#"(?is)<\S+ what="[^"]*(?:draft|reply|response)[^"]*">(.*?)</"#,
            r"(?is)<[a-z_]*(?:draft|reply|response)[^>]*>(.*?)</",
        ];
        Patterns {
            json_id: compile(r#""(?:belief_)?id"\s*:\s*"([^"\s]{1,80})""#),
            uuid: compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
            number: compile(r"\b(?:0\.\d{1,4}|1\.0{1,4})\b"),
            token: compile(r"^[\s*\-\[(`]*(?:id[:=]\s*)?([A-Za-z0-9][A-Za-z0-9_.:-]{0,63})"),
            tag: compile(r"</?[a-z_]+[^<>]*>"),
            mark: compile(r"\b[0-9a-f]{16,}\b"),
            drafts: drafts.into_iter().filter_map(compile).collect(),
            draft_line: compile(r"(?im)^[#*\s]*(?:the\s+)?(?:proposed\s+)?(?:draft|response|reply)[^:\n]{0,40}:"),
        }
    })
}

/// The text without ids and marks that are drawn anew for every call: what the answer may depend on.
pub(super) fn stable(text: &str) -> String {
    let patterns = patterns();
    let without = |pattern: &Option<Regex>, text: &str| {
        pattern.as_ref().map_or_else(|| text.to_owned(), |pattern| pattern.replace_all(text, "").into_owned())
    };
    without(&patterns.mark, &without(&patterns.uuid, text))
}

/// The words of a message that say what it is about, in the order in which they stand, each once.
pub(super) fn subject_words(text: &str, most: usize) -> Vec<String> {
    const EMPTY: &[&str] = &[
        "about",
        "after",
        "again",
        "because",
        "before",
        "being",
        "between",
        "could",
        "every",
        "first",
        "going",
        "their",
        "there",
        "these",
        "thing",
        "think",
        "those",
        "through",
        "under",
        "until",
        "where",
        "which",
        "while",
        "would",
        "should",
        "other",
        "write",
        "reply",
        "title",
        "comment",
        "message",
        "context",
        "author",
        "subreddit",
        "untrusted",
        "content",
        "instructions",
        "system",
        "beliefs",
        "persona",
        "draft",
        "respond",
        "sandbox",
        "please",
        "short",
        "never",
        "answer",
        "thread",
        "conversation",
        "confidence",
        "deleted",
        "account",
        "everybody",
        "really",
    ];
    // What is answered stands at the end of a prompt, behind one of these.
    let starts = ["The one to answer", "what=\"post title\"", "conversation\n", "Title:", "Message:"];
    let tail = starts.iter().find_map(|start| text.rfind(start).map(|at| &text[at + start.len()..])).unwrap_or(text);
    let tail = tail.split("\n## ").next().unwrap_or(tail);
    let plain = patterns().tag.as_ref().map_or_else(|| tail.into(), |tag| tag.replace_all(tail, " "));
    let mut words: Vec<String> = Vec::new();
    for word in stable(&plain).split(|character: char| !character.is_alphabetic()) {
        let lower = word.to_lowercase();
        if (5..=18).contains(&word.chars().count()) && !EMPTY.contains(&lower.as_str()) && !words.contains(&lower) {
            words.push(lower);
            if words.len() == most {
                break;
            }
        }
    }
    words
}

/// The draft inside a prompt: what stands between marks that name it, after the last line that begins with "Draft", or else the last paragraph.
pub(super) fn draft(text: &str) -> &str {
    let patterns = patterns();
    let marked = patterns.drafts.iter().find_map(|pattern| pattern.captures_iter(text).last()?.get(1)).map(|found| found.as_str());
    let after = || patterns.draft_line.as_ref()?.find_iter(text).last().map(|found| &text[found.end()..]);
    let found = marked.or_else(after).map(str::trim).filter(|found| !found.is_empty());
    found.unwrap_or_else(|| text.trim().rsplit("\n\n").next().unwrap_or_default().trim())
}

/// The first sentence of a draft, at most twelve words and 80 characters, exactly as it stands there.
pub(super) fn span(draft: &str) -> &str {
    let sentence = draft.find(['.', '!', '?', '\n']).map_or(draft, |end| &draft[..end]);
    let sentence = sentence.match_indices(' ').nth(11).map_or(sentence, |(end, _)| &sentence[..end]);
    sentence.char_indices().nth(80).map_or(sentence, |(end, _)| &sentence[..end]).trim()
}

/// The beliefs that a prompt lists: JSON objects with an id and a confidence, or lines with both.
pub(super) fn beliefs(text: &str) -> Vec<Belief> {
    let Patterns { json_id: Some(json_id), uuid: Some(uuid), number: Some(number), token: Some(token), .. } = patterns() else {
        return Vec::new();
    };
    // The confidence comes last in a line; the text of a belief may hold numbers of its own.
    let confidence = |text: &str| number.find_iter(text).last().and_then(|found| found.as_str().parse().ok());
    let mut found: Vec<Belief> = Vec::new();
    for id in json_id.captures_iter(text).filter_map(|captures| captures.get(1)) {
        // An object that is printed over several lines ends at its brace.
        let object = text[id.end()..].split('}').next().unwrap_or_default();
        let title = object.split_once("\"title\"").and_then(|(_, rest)| rest.split('"').nth(1)).unwrap_or_default();
        if let Some(confidence) =
            confidence(object.split_once("confidence").map_or("", |(_, rest)| rest.split(',').next().unwrap_or_default()))
        {
            found.push(Belief { id: id.as_str().to_owned(), title: title.to_owned(), confidence });
        }
    }
    if found.is_empty() {
        found = text.lines().filter_map(|line| line_belief(line, confidence(line)?, uuid, token)).collect();
    }
    // Where beliefs have ids of the usual kind, a line of prose with a number in it is none.
    if found.iter().any(|belief| uuid.is_match(&belief.id)) {
        found.retain(|belief| uuid.is_match(&belief.id));
    }
    if found.is_empty() {
        found = uuid.find_iter(text).map(|id| Belief { id: id.as_str().to_owned(), title: String::new(), confidence: 0.5 }).collect();
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|belief| seen.insert(belief.id.clone()));
    found
}

fn line_belief(line: &str, confidence: f64, uuid: &Regex, token: &Regex) -> Option<Belief> {
    let id = uuid.find(line).or_else(|| token.captures(line)?.get(1))?;
    let rest = line[id.end()..].trim_start_matches([':', ',', ']', ')', '|', '-', ' ', '`']);
    let title = rest.split([':', '|', '(', ',']).next().unwrap_or_default().trim().to_owned();
    let id = id.as_str().trim_end_matches([':', '.']);
    // A plain word is the beginning of a sentence, a bare number a list mark or a confidence.
    let looks_made = id.contains(['-', '_']) || id.bytes().any(|byte| byte.is_ascii_digit());
    (looks_made && id.parse::<f64>().is_err()).then(|| Belief { id: id.to_owned(), title, confidence })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "0191f0a0-0000-7000-8000-00000000000a";
    const SECOND: &str = "0191f0a0-0000-7000-8000-00000000000b";

    #[test]
    fn every_pattern_is_one() {
        let patterns = patterns();
        let all =
            [&patterns.json_id, &patterns.uuid, &patterns.number, &patterns.token, &patterns.tag, &patterns.mark, &patterns.draft_line];
        assert!(all.iter().all(|pattern| pattern.is_some()));
        assert_eq!(patterns.drafts.len(), 3);
    }

    #[test]
    fn beliefs_are_found_in_lines_and_in_json() {
        let lines = format!("- {FIRST}: Open source (0.78)\n{SECOND}|Effects above 0.05 are rare|0.80\nCOVID-19 was 0.5 of it");
        let found = beliefs(&lines);
        assert_eq!(found.iter().map(|belief| (belief.id.as_str(), belief.confidence)).collect::<Vec<_>>(), [(FIRST, 0.78), (SECOND, 0.8)]);
        assert_eq!(found[0].title, "Open source");
        let object = format!("[{{\"id\": \"{FIRST}\", \"title\": \"Privacy\", \"confidence\": 0.8}}]");
        assert_eq!(beliefs(&object), [Belief { id: FIRST.into(), title: "Privacy".into(), confidence: 0.8 }]);
        assert_eq!(beliefs("[belief-1] text, 0.95")[0].id, "belief-1");
    }

    #[test]
    fn drafts_are_found_however_they_are_marked() {
        for text in [
            "<<data 9 draft to check\nThe draft.\ndata 9>>",
            "<draft>The draft.</draft> and more",
            "<data-9 what=\"draft\">\nThe draft.\n</data-9>",
            "Beliefs: x\nDraft response:\nThe draft.",
            "Something else\n\nThe draft.",
        ] {
            assert_eq!(draft(text), "The draft.", "{text}");
        }
        assert_eq!(
            span("One two three four five six seven eight nine ten eleven twelve thirteen. More"),
            "One two three four five six seven eight nine ten eleven twelve"
        );
    }

    #[test]
    fn the_subject_is_what_is_answered() {
        let text = "## Thread\n<data-00000000000000aa what=\"post title\">\nParking charges\n</data-00000000000000aa>\nThe one to answer. Comment by x:\n\
                    <data-00000000000000aa what=\"comment\">\nBicycles deserve shelters\n</data-00000000000000aa>\n## Task\nWrite nothing important";
        assert_eq!(subject_words(text, 5), ["bicycles", "deserve", "shelters"]);
    }
}
