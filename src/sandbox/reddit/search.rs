//! Search: the part of the query language that clients use.

use super::super::exchange::{Answer, Request};
use super::super::world::SUBREDDITS;
use super::listings::Line;
use super::things::Reader;
use crate::base::Millis;

impl Reader<'_> {
    /// Search: every word must occur in title, text, author or flair; `"a phrase"`, `OR` and `field:word` are understood.
    pub(super) fn search(&self, request: &Request, names: Option<&str>) -> Answer {
        let query = request.param("q").to_lowercase();
        let restricted = matches!(request.param("restrict_sr").to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes");
        let wanted = match names.filter(|_| restricted).map_or(Ok(None), Self::several) {
            Ok(wanted) => wanted,
            Err(answer) => return answer,
        };
        let oldest = self.now.saturating_sub(span(request.param("t"), "all"));
        let alternatives: Vec<Vec<(String, String)>> = query.split(" or ").map(terms).collect();
        let mut found: Vec<(usize, usize)> = Vec::new();
        for index in self.visible_posts(wanted.as_deref()) {
            let post = &self.state.posts[index];
            let fits = alternatives.iter().filter_map(|terms| self.hits(index, terms)).max();
            if let Some(hits) = fits.filter(|_| post.created >= oldest) {
                found.push((index, hits));
            }
        }
        let post = |index: usize| &self.state.posts[index];
        match request.param("sort") {
            "new" => {}
            "top" => found.sort_by_key(|(index, _)| std::cmp::Reverse(post(*index).score)),
            "comments" => found.sort_by_key(|(index, _)| std::cmp::Reverse(self.state.comment_count(*index, self.now))),
            _ => found.sort_by_key(|(_, hits)| std::cmp::Reverse(*hits)),
        }
        self.page(request, &found.into_iter().map(|(index, _)| Line::Post(index)).collect::<Vec<_>>())
    }

    /// How often the terms occur in a post; `None` when one of them does not.
    fn hits(&self, index: usize, terms: &[(String, String)]) -> Option<usize> {
        let post = &self.state.posts[index];
        let (title, text, author) = (post.title.to_lowercase(), post.text.to_lowercase(), post.author.to_lowercase());
        let flair = post.flair.as_deref().unwrap_or_default().to_lowercase();
        let url = post.url.as_deref().unwrap_or_default().to_lowercase();
        let mut total = usize::from(terms.is_empty());
        for (field, term) in terms {
            let hits = match field.as_str() {
                "title" => title.matches(term).count(),
                "selftext" => text.matches(term).count(),
                "author" => usize::from(author == *term),
                "flair" | "flair_text" => usize::from(flair == *term),
                "subreddit" => usize::from(SUBREDDITS[post.subreddit].0.eq_ignore_ascii_case(term)),
                "url" | "site" => url.matches(term).count(),
                "self" => usize::from(matches!(term.as_str(), "yes" | "1" | "true") == post.url.is_none()),
                _ => title.matches(term).count() * 3 + text.matches(term).count() + flair.matches(term).count() + url.matches(term).count(),
            };
            if hits == 0 {
                return None;
            }
            total += hits;
        }
        Some(total)
    }
}

/// The words of one alternative of a query, each with the field it is for.
fn terms(query: &str) -> Vec<(String, String)> {
    let mut terms = Vec::new();
    // Odd pieces stand between quotation marks.
    for (position, piece) in query.split('"').enumerate() {
        if position % 2 == 1 {
            terms.push((String::new(), piece.to_owned()));
            continue;
        }
        for word in
            piece.split_whitespace().map(|word| word.trim_matches(['(', ')', '+'])).filter(|word| !word.is_empty() && *word != "and")
        {
            let (field, word) = word.split_once(':').unwrap_or(("", word));
            terms.push((field.to_owned(), word.to_owned()));
        }
    }
    terms.retain(|(_, term)| !term.is_empty());
    terms
}

/// The time filter in milliseconds.
pub(super) fn span(filter: &str, default: &str) -> Millis {
    const HOUR: Millis = 3_600_000;
    match if filter.is_empty() { default } else { filter } {
        "hour" => HOUR,
        "day" => 24 * HOUR,
        "week" => 7 * 24 * HOUR,
        "month" => 30 * 24 * HOUR,
        "year" => 365 * 24 * HOUR,
        _ => Millis::MAX / 2,
    }
}
