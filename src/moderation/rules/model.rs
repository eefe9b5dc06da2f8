//! What a rule is: who owns it, what it asks for, why, and until when. Pure data, read from TOML.

use crate::base::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What happens when a rule fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is not asked.
    Off,
    /// What it would have said is recorded, and changes nothing.
    Shadow,
    /// A person has to look.
    Review,
    /// The draft must not be sent as it is.
    Block,
}

impl Mode {
    /// Every mode, from the mildest.
    pub const ALL: [Self; 4] = [Self::Off, Self::Shadow, Self::Review, Self::Block];

    /// The word in files, in the database and in commands.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Shadow => "shadow",
            Self::Review => "review",
            Self::Block => "block",
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl std::str::FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no mode of a rule; the modes are off, shadow, review, block"))
    }
}

/// A rule, as its file has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// Its name: small letters, digits and underscores.
    pub id: String,
    /// Rises when what it looks for changes, so that an old finding can be read again.
    pub version: u32,
    /// A few words for a list.
    pub title: String,
    /// What it looks for, in a sentence or two.
    pub does: String,
    /// Why it is there.
    pub why: String,
    /// What happens when it fires.
    pub mode: Mode,
    /// What a finding adds to the score of a draft, 0 to 1.
    pub weight: f64,
    /// Who answers for it.
    pub owner: String,
    /// The text it enforces.
    pub policy: Option<String>,
    /// Off from this day on (UTC), as `2027-01-31`.
    pub expires: Option<String>,
    /// Whether it may not be turned down: a rule that keeps secrets in.
    pub locked: bool,
    /// Whose drafts it looks at, by account; everybody's when empty.
    pub personas: BTreeSet<String>,
    /// Where it applies; everywhere when empty.
    pub subreddits: BTreeSet<String>,
    /// What it looks for.
    pub check: Check,
    /// Texts that prove it.
    pub examples: Examples,
    /// Which file it came from: `default`, or the path of the user's own.
    pub source: String,
}

/// Texts that show what a rule does, and are tried when it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Examples {
    /// It has to fire on each of these …
    pub hit: Vec<String>,
    /// … and on none of these.
    pub pass: Vec<String>,
}

impl Rule {
    /// Whether it looks at drafts of this persona for this subreddit.
    #[must_use]
    pub fn applies_to(&self, persona: &str, subreddit: &str) -> bool {
        let within = |names: &BTreeSet<String>, name: &str| names.is_empty() || names.contains(&name.to_lowercase());
        within(&self.personas, persona) && within(&self.subreddits, subreddit)
    }

    /// How narrow its scope is: the narrowest wording of a rule is the one in force.
    #[must_use]
    pub fn narrowness(&self) -> u8 {
        u8::from(!self.personas.is_empty()) * 2 + u8::from(!self.subreddits.is_empty())
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, at: Millis) -> bool {
        let day = self.expires.as_deref().and_then(|day| chrono::NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
        day.and_then(|day| day.and_hms_opt(0, 0, 0)).is_some_and(|end| end.and_utc().timestamp_millis() <= at)
    }
}

/// What a rule looks for, with its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// Words and patterns.
    Text(Text),
    /// Words of the list that ships with the program, by category and severity.
    WordList {
        /// The mildest severity that counts: `mild`, `moderate` or `severe`.
        #[serde(default = "moderate")]
        least: String,
        /// Only these categories; all when empty.
        #[serde(default)]
        categories: BTreeSet<String>,
    },
    /// A length in Unicode scalar values.
    Length {
        /// At least.
        #[serde(default)]
        least: usize,
        /// At most.
        most: usize,
    },
    /// Characters that hide text from the reader.
    HiddenText {
        /// So many are still allowed.
        most: usize,
    },
    /// Keys, tokens and passwords, also inside base64 and behind a disguise.
    Secret {},
    /// A long random token, whatever it is.
    RandomToken {},
    /// Card numbers, bank accounts, telephone numbers, addresses of people.
    PersonalData {
        /// Which: `payment card`, `bank account`, `telephone number`, `e-mail address`, `social security number`; all when empty.
        kinds: BTreeSet<String>,
    },
    /// Links.
    Links(Links),
    /// A text of ours that says the same.
    NearDuplicate(NearDuplicate),
    /// The share of our messages that link to our own sites.
    OwnLinkShare {
        /// Our own sites, beside the persona's `own_hosts`.
        #[serde(default)]
        hosts: BTreeSet<String>,
        /// Of how many messages, the newest.
        last: usize,
        /// At most so many percent.
        percent: f64,
    },
    /// How many messages in a time.
    Limit {
        /// For each what.
        per: Per,
        /// At most so many, this one included.
        most: usize,
        /// Within so many hours; ever, when 0.
        hours: u32,
    },
    /// A time of day in which nothing is said.
    QuietHours {
        /// From, as `23:00`.
        from: String,
        /// Until, as `07:00`.
        to: String,
        /// Minutes east of UTC.
        #[serde(default)]
        offset_minutes: i32,
    },
    /// How deep in one conversation an answer still makes sense.
    ReplyDepth {
        /// At most so many hops below the post.
        most: u32,
    },
    /// People, threads and subreddits that are left alone.
    Muted {},
    /// What the subreddit asks of posts, and the strings and domains that it does not want.
    SubredditRequirements {},
    /// What the persona's own configuration asks for: its longest comment.
    PersonaLimits {},
    /// The answer of the check against the persona's beliefs.
    Consistency {},
    /// Whether what is answered tries to instruct its reader.
    TaintedContext {},
}

fn moderate() -> String {
    "moderate".to_owned()
}

/// For each what a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// The account.
    Account,
    /// A subreddit.
    Subreddit,
    /// A thread.
    Thread,
    /// A person who is answered.
    Person,
}

impl Per {
    /// In a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Account => "from this account",
            Self::Subreddit => "in this subreddit",
            Self::Thread => "in this thread",
            Self::Person => "to this person",
        }
    }
}

/// Words and patterns that a text must not have.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Text {
    /// Words and phrases, whole.
    pub words: Vec<String>,
    /// Strings, also inside a word.
    pub contains: Vec<String>,
    /// Regular expressions, on the folded text: lower case, no accents, no invisible characters.
    pub patterns: Vec<String>,
    /// Regular expressions, on the text as it is.
    pub raw_patterns: Vec<String>,
    /// A finding inside one of these does not count.
    pub except: Vec<String>,
    /// Whether words and strings count only as they are written, not behind leetspeak, repeated and spaced letters.
    pub as_written: bool,
}

/// What links must be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Links {
    /// The only hosts allowed, with their subdomains; all when empty. The persona's own list (`link_hosts`) comes on top.
    pub allow: BTreeSet<String>,
    /// Whether a host has to be on one of these lists.
    pub only_listed: bool,
    /// Hosts that are not.
    pub deny: BTreeSet<String>,
    /// Whether shortened links count.
    pub shorteners: bool,
    /// Whether a host that is written in punycode, or mixes scripts, counts.
    pub punycode: bool,
    /// Whether a name or password before the host counts.
    pub userinfo: bool,
    /// Whether a bare address in place of a host name counts.
    pub addresses: bool,
    /// Whether a link whose words name another host counts.
    pub misleading: bool,
    /// At most so many links; any number when 0.
    pub most: usize,
}

/// When two texts of ours say the same.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearDuplicate {
    /// From this share of common word triples on, 0 to 1.
    pub similarity: f64,
    /// Days that count in the same subreddit. In the same thread, and under the same parent, all count.
    pub subreddit_days: u32,
    /// Days that count anywhere.
    pub anywhere_days: u32,
}
