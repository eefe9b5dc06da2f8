//! The script: posts, comments and replies made from a seed by a small template grammar.
//!
//! Nothing here reads a clock or keeps state: the same seed gives the same texts for ever.

pub mod texts;

use texts::{ODDITIES, PEOPLE, REPLIES, SLOTS, TOPICS};

/// A post as the script wants it; the world adds ids and times.
#[derive(Debug, Clone)]
pub struct ScriptedPost {
    /// The subreddit it stands in.
    pub subreddit: &'static str,
    /// Who wrote it.
    pub author: &'static str,
    /// The title, at most 300 characters.
    pub title: String,
    /// The text of a self post; empty when `url` is given.
    pub text: String,
    /// The target of a link post.
    pub url: Option<String>,
    /// The link flair.
    pub flair: Option<&'static str>,
    /// The score it shows.
    pub score: i64,
    /// What is unusual about it.
    pub state: PostState,
    /// Its comments in the order in which they were made.
    pub comments: Vec<ScriptedComment>,
}

/// A comment of the script.
#[derive(Debug, Clone)]
pub struct ScriptedComment {
    /// Who wrote it.
    pub author: &'static str,
    /// The text.
    pub text: String,
    /// The earlier comment of the same post that it answers.
    pub parent: Option<usize>,
    /// The score it shows.
    pub score: i64,
}

/// What is unusual about a scripted post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostState {
    /// Nothing.
    Plain,
    /// Comments are locked.
    Locked,
    /// Older than six months and archived.
    Archived,
    /// Removed by the moderators.
    Removed,
    /// Deleted by its author.
    Deleted,
    /// Marked as not safe for work.
    Nsfw,
}

/// A stable 64-bit number for a seed and some text (FNV-1a with a finishing mix). Not for anything that must be secret.
#[must_use]
pub fn mix(seed: u64, parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for part in parts {
        for byte in part.bytes().chain(std::iter::once(0xff)) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

/// A generator of choices that depends on nothing but the seed and the text.
#[must_use]
pub fn dice(seed: u64, parts: &[&str]) -> fastrand::Rng {
    fastrand::Rng::with_seed(mix(seed, parts))
}

/// One of `choices`. `choices` may not be empty: an empty list gives the default of its type.
pub fn pick<T: Copy + Default>(rng: &mut fastrand::Rng, choices: &[T]) -> T {
    if choices.is_empty() { T::default() } else { choices.get(rng.usize(..choices.len())).copied().unwrap_or_default() }
}

/// `template` with its slots filled, its first letter made a capital.
pub fn fill(rng: &mut fastrand::Rng, template: &str) -> String {
    let mut text = template.to_owned();
    for (slot, values) in SLOTS {
        let marker = format!("{{{slot}}}");
        while let Some(at) = text.find(&marker) {
            let starts_sentence = at == 0 || text[..at].ends_with(". ") || text[..at].ends_with(": ");
            let value = pick(rng, values);
            let value = if starts_sentence { capitalised(value) } else { value.to_owned() };
            text.replace_range(at..at + marker.len(), &value);
        }
    }
    text
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// The `number`th post of the world with this seed.
#[must_use]
pub fn post(seed: u64, number: usize) -> ScriptedPost {
    let mut rng = dice(seed, &["post", &number.to_string()]);
    // Walking through the topics, rather than drawing them, gives every small world something about each belief.
    let start = dice(seed, &["first topic"]).usize(..TOPICS.len());
    let topic = &TOPICS[(start + number) % TOPICS.len()];
    let subreddit = match rng.u8(..20) {
        0..6 => "test",
        6..10 => "bottest",
        _ => topic.home,
    };
    let author = pick(&mut rng, PEOPLE);
    let state = match number % 50 {
        11 => PostState::Locked,
        19 => PostState::Archived,
        27 => PostState::Removed,
        35 => PostState::Deleted,
        43 => PostState::Nsfw,
        _ => PostState::Plain,
    };
    let score = i64::from(rng.u32(1..40)) * if rng.u8(..6) == 0 { 9 } else { 1 };
    let comments = comments(&mut rng, topic.comments, author);
    let flair = (rng.u8(..3) > 0).then_some(topic.flair);
    if number % 23 == 17 {
        let (title, text) = ODDITIES[number / 23 % ODDITIES.len()];
        let (title, text) = (title.to_owned(), text.to_owned());
        return ScriptedPost { subreddit, author, title, text, url: None, flair, score, state, comments };
    }
    let template = pick(&mut rng, topic.titles);
    let title = capitalised(&fill(&mut rng, template));
    if number % 9 == 5 {
        let url = format!("https://sandbox.example/{}/{}", topic.home, slug(&title));
        return ScriptedPost { subreddit, author, title, text: String::new(), url: Some(url), flair, score, state, comments };
    }
    let paragraphs = [topic.openings, topic.middles, topic.questions].map(|choices| {
        let template = pick(&mut rng, choices);
        fill(&mut rng, template)
    });
    ScriptedPost { subreddit, author, title, text: paragraphs.join("\n\n"), url: None, flair, score, state, comments }
}

fn comments(rng: &mut fastrand::Rng, choices: &[&'static str], author: &'static str) -> Vec<ScriptedComment> {
    let mut comments: Vec<ScriptedComment> = Vec::new();
    for index in 0..rng.usize(..6) {
        let parent = (index > 0 && rng.bool()).then(|| rng.usize(..index));
        let template = if parent.is_none() { pick(rng, choices) } else { pick(rng, REPLIES) };
        let text = fill(rng, template);
        // A thread in which the same sentence stands twice looks made up, even to a test.
        if comments.iter().any(|other| other.text == text) {
            break;
        }
        let writer = if parent.is_some() && rng.bool() { author } else { pick(rng, PEOPLE) };
        comments.push(ScriptedComment { author: writer, text, parent, score: i64::from(rng.u32(0..25)) });
    }
    comments
}

/// What somebody answers to the comment `id` of an account, and who it is; never `not_by`.
#[must_use]
pub fn reply(seed: u64, id: &str, not_by: &str) -> (&'static str, String) {
    let mut rng = dice(seed, &["reply", id]);
    let author = pick(&mut rng, PEOPLE);
    let author = if author.eq_ignore_ascii_case(not_by) { PEOPLE[0] } else { author };
    let template = pick(&mut rng, REPLIES);
    (author, fill(&mut rng, template))
}

/// A title as it stands in a permalink: lower case, words joined by `_`, at most 50 characters.
#[must_use]
pub fn slug(title: &str) -> String {
    let mut slug = String::new();
    for word in title.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if slug.len() + word.len() + 1 > 50 {
            break;
        }
        if !slug.is_empty() {
            slug.push('_');
        }
        slug.extend(word.chars().flat_map(char::to_lowercase));
    }
    if slug.is_empty() { "_".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_seed_always_tells_the_same_story_and_another_seed_another() {
        let tell = |seed| (0..60).map(|number| post(seed, number).title).collect::<Vec<_>>();
        assert_eq!(tell(7), tell(7));
        assert_ne!(tell(7), tell(8));
    }

    #[test]
    fn posts_are_complete_and_within_the_limits_of_the_service() {
        let mut bodies = HashSet::new();
        let mut subreddits = HashSet::new();
        for number in 0..200 {
            let post = post(1, number);
            assert!((1..=300).contains(&post.title.chars().count()) && !post.title.contains('{'), "{}", post.title);
            assert!(post.url.is_some() || post.text.chars().count() > 40, "{post:?}");
            assert!(!post.text.contains("{count}") && !post.text.contains("{group}"));
            assert!(post.comments.iter().enumerate().all(|(index, comment)| comment.parent.is_none_or(|parent| parent < index)));
            bodies.insert(format!("{}{}{:?}", post.title, post.text, post.url));
            subreddits.insert(post.subreddit);
        }
        assert!(bodies.len() > 185, "only {} different posts", bodies.len());
        assert_eq!(subreddits.len(), TOPICS.len() + 2);
    }

    #[test]
    fn slugs_are_short_words() {
        assert_eq!(slug("Our open data: \"release\" & more"), "our_open_data_release_more");
        assert_eq!(slug("???"), "_");
    }
}
