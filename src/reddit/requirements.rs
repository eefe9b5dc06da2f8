//! What a subreddit asks of a post, checked before it is sent.

use super::names::kept_title;
use super::outcome::Field;
use super::submission::{Submission, SubmissionBody};
use super::wire::Fields;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a subreddit asks of a post, from `/api/v1/{subreddit}/post_requirements`. What it does not mention is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PostRequirements {
    /// Characters in a title, at least.
    pub title_least: Option<usize>,
    /// Characters in a title, at most.
    pub title_most: Option<usize>,
    /// Characters in a text, at least.
    pub body_least: Option<usize>,
    /// Characters in a text, at most.
    pub body_most: Option<usize>,
    /// One of these has to stand in the title.
    pub title_required: Vec<String>,
    /// None of these may stand in the title.
    pub title_banned: Vec<String>,
    /// One of these patterns has to fit the title.
    pub title_patterns: Vec<String>,
    /// One of these has to stand in the text.
    pub body_required: Vec<String>,
    /// None of these may stand in the text.
    pub body_banned: Vec<String>,
    /// One of these patterns has to fit the text.
    pub body_patterns: Vec<String>,
    /// `none`, `required` or `notAllowed`.
    pub body_policy: String,
    /// `none`, `blacklist` or `whitelist`.
    pub link_policy: String,
    /// Domains that links may go to, with the policy `whitelist`.
    pub domains_allowed: Vec<String>,
    /// Domains that links may not go to, with the policy `blacklist`.
    pub domains_banned: Vec<String>,
    /// Days before the same link may come again. Only the server can tell.
    pub repost_days: Option<i64>,
    /// Whether a post needs flair.
    pub flair_required: bool,
    /// What the moderators say to whoever posts.
    pub guidelines: Option<String>,
}

/// One thing that a subreddit asks and a post does not give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The part of the post.
    pub field: Field,
    /// What is asked.
    pub message: String,
    /// False when it could not be checked here, as a pattern of another dialect: unknown is not allowed.
    pub is_certain: bool,
}

impl PostRequirements {
    /// From the answer's object; `None` when it is none.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Self> {
        value.as_object()?;
        let fields = Fields(value);
        let count = |key: &str| fields.int_opt(key).and_then(|count| usize::try_from(count).ok());
        Some(Self {
            title_least: count("title_text_min_length"),
            title_most: count("title_text_max_length"),
            body_least: count("body_text_min_length"),
            body_most: count("body_text_max_length"),
            title_required: fields.texts("title_required_strings"),
            title_banned: fields.texts("title_blacklisted_strings"),
            title_patterns: fields.texts("title_regexes"),
            body_required: fields.texts("body_required_strings"),
            body_banned: fields.texts("body_blacklisted_strings"),
            body_patterns: fields.texts("body_regexes"),
            body_policy: fields.text("body_restriction_policy"),
            link_policy: fields.text("link_restriction_policy"),
            domains_allowed: fields.texts("domain_whitelist"),
            domains_banned: fields.texts("domain_blacklist"),
            repost_days: fields.int_opt("link_repost_age"),
            flair_required: fields.flag("is_flair_required"),
            guidelines: fields.filled("guidelines_text"),
        })
    }

    /// What `submission` does not give. Empty when everything that can be checked here holds.
    #[must_use]
    pub fn check(&self, submission: &Submission) -> Vec<Violation> {
        let mut found = Vec::new();
        let title = kept_title(&submission.title);
        let rules = TextRules {
            least: self.title_least,
            most: self.title_most,
            required: &self.title_required,
            banned: &self.title_banned,
            patterns: &self.title_patterns,
        };
        rules.check(Field::Title, &title, &mut found);
        match &submission.body {
            SubmissionBody::SelfText(text) => self.check_body(text, &mut found),
            SubmissionBody::Link(url) => self.check_link(url, &mut found),
        }
        if self.flair_required && submission.flair_id.is_none() && submission.flair_text.is_none() {
            found.push(certain(Field::Flair, "this subreddit asks for flair".to_owned()));
        }
        found
    }

    /// What `text`, a comment, holds that is not wanted in this subreddit: banned strings, and banned domains, linked or only named. What is
    /// asked of posts alone (lengths, titles, flair) does not count here.
    #[must_use]
    pub fn check_comment(&self, text: &str) -> Vec<Violation> {
        let mut found = Vec::new();
        let lower = text.to_lowercase();
        for word in self.body_banned.iter().filter(|word| !word.is_empty() && lower.contains(&word.to_lowercase())) {
            found.push(certain(Field::Body, format!("the text may not hold {}", some(std::slice::from_ref(word)))));
        }
        if self.link_policy == "blacklist" {
            let names: Vec<&str> = lower.split(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '.' | '-' | '_')).collect();
            let is_named = |domain: &&String| names.iter().any(|name| is_of(name.trim_matches('.'), domain));
            for domain in self.domains_banned.iter().filter(is_named) {
                found.push(certain(Field::Url, format!("links to {} are not allowed here", some(std::slice::from_ref(domain)))));
            }
        }
        found
    }

    fn check_body(&self, text: &str, found: &mut Vec<Violation>) {
        let is_empty = text.trim().is_empty();
        match self.body_policy.as_str() {
            "required" if is_empty => found.push(certain(Field::Body, "this subreddit asks for a text".to_owned())),
            "notAllowed" if !is_empty => found.push(certain(Field::Body, "this subreddit allows no text".to_owned())),
            _ => {}
        }
        if is_empty && self.body_policy != "required" {
            return;
        }
        let rules = TextRules {
            least: self.body_least,
            most: self.body_most,
            required: &self.body_required,
            banned: &self.body_banned,
            patterns: &self.body_patterns,
        };
        rules.check(Field::Body, text, found);
    }

    fn check_link(&self, url: &str, found: &mut Vec<Violation>) {
        let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_lowercase)).unwrap_or_default();
        let is_of = |domain: &String| is_of(&host, domain);
        match self.link_policy.as_str() {
            "blacklist" if self.domains_banned.iter().any(is_of) => {
                found.push(certain(Field::Url, format!("links to {host} are not allowed here")));
            }
            "whitelist" if !self.domains_allowed.iter().any(is_of) => {
                found.push(certain(Field::Url, format!("links are allowed only to {}", some(&self.domains_allowed))));
            }
            _ => {}
        }
    }
}

/// Whether a host, in lower case, is a domain or below it.
fn is_of(host: &str, domain: &str) -> bool {
    let domain = domain.trim().trim_start_matches("*.").to_lowercase();
    !domain.is_empty() && (host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.')))
}

struct TextRules<'a> {
    least: Option<usize>,
    most: Option<usize>,
    required: &'a [String],
    banned: &'a [String],
    patterns: &'a [String],
}

impl TextRules<'_> {
    fn check(&self, field: Field, text: &str, found: &mut Vec<Violation>) {
        let name = field.as_str();
        let count = text.chars().count();
        if let Some(least) = self.least.filter(|least| count < *least) {
            found.push(certain(field, format!("{name} has {count} characters, this subreddit asks for {least}")));
        }
        if let Some(most) = self.most.filter(|most| count > *most) {
            found.push(certain(field, format!("{name} has {count} characters, this subreddit allows {most}")));
        }
        let lower = text.to_lowercase();
        let holds = |word: &&String| !word.is_empty() && lower.contains(&word.to_lowercase());
        if !self.required.is_empty() && !self.required.iter().any(|word| holds(&word)) {
            found.push(certain(field, format!("{name} needs one of {}", some(self.required))));
        }
        for word in self.banned.iter().filter(holds) {
            found.push(certain(field, format!("{name} may not hold {}", some(std::slice::from_ref(word)))));
        }
        self.check_patterns(field, text, found);
    }

    fn check_patterns(&self, field: Field, text: &str, found: &mut Vec<Violation>) {
        if self.patterns.is_empty() {
            return;
        }
        let (mut fits, mut unreadable) = (false, false);
        for pattern in self.patterns {
            match regex::RegexBuilder::new(pattern).size_limit(1 << 20).build() {
                Ok(pattern) => fits |= pattern.is_match(text),
                Err(_) => unreadable = true,
            }
        }
        if !fits {
            let message = format!("{} has to fit one of the patterns {}", field.as_str(), some(self.patterns));
            found.push(Violation { field, message, is_certain: !unreadable });
        }
    }
}

fn certain(field: Field, message: String) -> Violation {
    Violation { field, message, is_certain: true }
}

/// A few of the moderators' words, in quotes and safe to show.
fn some(words: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut shown: Vec<String> = words.iter().take(SHOWN).map(|word| format!("'{}'", crate::base::SafeText::clipped(word, 40))).collect();
    if words.len() > SHOWN {
        shown.push(format!("{} more", words.len() - SHOWN));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(requirements: Value, submission: &Submission) -> Vec<Field> {
        PostRequirements::from_value(&requirements).unwrap().check(submission).into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn what_is_not_asked_is_not_missed() {
        assert_eq!(fields(json!({"title_text_min_length": null}), &Submission::text("test", "t", "")), []);
    }

    #[test]
    fn lengths_words_flair_and_text_are_checked() {
        let asked = json!({
            "title_text_min_length": 10, "title_blacklisted_strings": ["Bad Word"], "body_restriction_policy": "required",
            "body_required_strings": ["source"], "is_flair_required": true
        });
        let short = Submission::text("test", "a bad word", "");
        assert_eq!(fields(asked.clone(), &short), [Field::Title, Field::Body, Field::Body, Field::Flair]);
        let mut good = Submission::text("test", "a fine long title", "with its Source");
        good.flair_id = Some("x".to_owned());
        assert_eq!(fields(asked, &good), []);
    }

    #[test]
    fn domains_are_compared_by_whole_labels() {
        let link = |url: &str| Submission::link("test", "t", url);
        let banned = json!({"link_restriction_policy": "blacklist", "domain_blacklist": ["bad.example"]});
        assert_eq!(fields(banned.clone(), &link("https://www.BAD.example/x")), [Field::Url]);
        assert_eq!(fields(banned, &link("https://notbad.example/x")), []);
        let allowed = json!({"link_restriction_policy": "whitelist", "domain_whitelist": ["good.example"]});
        assert_eq!(fields(allowed, &link("https://good.example.evil/")), [Field::Url]);
    }

    #[test]
    fn a_comment_may_not_name_what_is_banned_and_owes_nothing_else() {
        let asked = json!({
            "body_blacklisted_strings": ["urgent"], "link_restriction_policy": "blacklist", "domain_blacklist": ["*.bad.example"],
            "title_text_min_length": 10, "body_required_strings": ["source"], "is_flair_required": true
        });
        let requirements = PostRequirements::from_value(&asked).unwrap();
        let fields = |text: &str| requirements.check_comment(text).into_iter().map(|violation| violation.field).collect::<Vec<_>>();
        assert_eq!(fields("fine"), []);
        assert_eq!(fields("This is URGENT, see [here](https://www.bad.example/x?y)."), [Field::Body, Field::Url]);
        assert_eq!(fields("Read bad.example."), [Field::Url]);
        assert_eq!(fields("notbad.example and bad.example.org"), []);
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_unknown_and_not_allowed() {
        let asked = json!({"title_regexes": ["(?<=x)y", "^\\[.+\\]"]});
        let requirements = PostRequirements::from_value(&asked).unwrap();
        assert_eq!(requirements.check(&Submission::text("test", "[tag] title", "")), []);
        let found = requirements.check(&Submission::text("test", "title", ""));
        assert_eq!((found.len(), found[0].is_certain), (1, false));
    }
}
