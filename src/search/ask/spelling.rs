//! Known names in memory, and the one that a mistyped word was probably meant to be.
//!
//! Comparing a word with every name letter by letter would take a tenth of a second at 100,000 names. Its length and which letters it has
//! leave some hundreds of them, and those are compared.

use crate::config::nearest;
use crate::search::Result;
use crate::search::documents::rows;
use crate::search::text::tokens;
use crate::store::Conn;

/// Letters of a word that is worth a guess at the least.
const SHORTEST: usize = 5;
/// Letters of a name that are compared at the most.
const LONGEST: usize = 80;

/// What a name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// A word of the title of a belief or a runbook's section, or a person.
    Word,
    /// A subreddit.
    Subreddit,
}

/// A word of a name.
#[derive(Debug)]
struct Known {
    word: String,
    /// Its letters, as bits.
    letters: u32,
    length: usize,
    what: What,
    /// Whose it is, by its place among the owners.
    owner: usize,
}

/// All names of a database, as they were when they were read.
#[derive(Debug, Default)]
pub(in crate::search) struct Names {
    words: Vec<Known>,
    /// Ids of personas; empty for what is nobody's.
    owners: Vec<String>,
    /// What the database counted when they were read.
    counted: (i64, i64),
}

/// The newest document, and how many there are.
fn counted(c: &mut dyn Conn) -> Result<(i64, i64)> {
    let mut at = |name| Ok::<_, crate::search::Error>(rows::position(c, name)?.map_or(0, |(seq, _)| seq));
    Ok((at("ids")?, at("documents")?))
}

fn letters(word: &str) -> (u32, usize) {
    word.chars().fold((0, 0), |(letters, length), letter| (letters | 1 << (letter as u32 % 32), length + 1))
}

impl Names {
    /// Read all names. About 80 ms for 100,000.
    pub(in crate::search) fn load(c: &mut dyn Conn) -> Result<Self> {
        let mut names = Self { counted: counted(c)?, ..Self::default() };
        for row in c.query("SELECT kind, persona_id, name FROM search_names ORDER BY persona_id, kind DESC, name", &[])? {
            let (kind, owner, name) = (row.text("kind")?, row.text("persona_id")?, row.text("name")?.to_lowercase());
            if names.owners.last() != Some(&owner) {
                names.owners.push(owner);
            }
            if kind == "subreddit" {
                names.add(&name, What::Subreddit);
            }
            for word in name.split_whitespace() {
                names.add(word.trim_matches(|letter: char| !letter.is_alphanumeric()), What::Word);
            }
        }
        for row in c.query("SELECT id, reddit_username FROM personas ORDER BY id", &[])? {
            names.owners.push(row.text("id")?);
            let name = row.text("reddit_username")?.to_lowercase();
            names.add(&name, What::Word);
        }
        names.words.sort_unstable_by(|one, other| (one.owner, &one.word).cmp(&(other.owner, &other.word)));
        names.words.dedup_by(|one, other| one.word == other.word && one.owner == other.owner && one.what == other.what);
        Ok(names)
    }

    /// Whether no document came or went since they were read.
    pub(in crate::search) fn is_of(&self, c: &mut dyn Conn) -> Result<bool> {
        Ok(self.counted == counted(c)?)
    }

    fn add(&mut self, word: &str, what: What) {
        let (letters, length) = letters(word);
        // No shorter word can be meant, and none is so long.
        if (SHORTEST - 1..=LONGEST).contains(&length) || (what == What::Subreddit && (1..=LONGEST).contains(&length)) {
            self.words.push(Known { word: word.to_owned(), letters, length, what, owner: self.owners.len() - 1 });
        }
    }

    /// The name that a word was probably meant to be, among those of these personas and of nobody; of everybody where none is named.
    /// Two letters may be wrong, missing, too many or swapped, and of a long word a third.
    pub(super) fn meant(&self, word: &str, what: What, personas: &[String]) -> Option<&str> {
        let word = word.to_lowercase();
        let (bits, length) = letters(&word);
        if what == What::Word && length < SHORTEST {
            return None;
        }
        let edits = (length / 3).max(2);
        let may_be_told: Vec<bool> =
            self.owners.iter().map(|owner| personas.is_empty() || owner.is_empty() || personas.contains(owner)).collect();
        // A changed letter takes one bit away and brings another.
        let is_near = |known: &&Known| {
            known.what == what
                && known.length.abs_diff(length) <= edits
                && (known.letters ^ bits).count_ones() as usize <= 2 * edits
                && may_be_told.get(known.owner).is_some_and(|told| *told)
        };
        let stem = tokens::stem(&word);
        // Another ending of the same word was looked for already; a subreddit is named to the letter.
        let is_new = |known: &&str| what == What::Subreddit || tokens::stem(known) != stem;
        let others = self.words.iter().filter(is_near).map(|known| known.word.as_str()).filter(is_new);
        nearest(&word, others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every way to mistype a word once.
    fn slips(word: &str) -> Vec<String> {
        let letters: Vec<char> = word.chars().collect();
        let mut slips = Vec::new();
        for at in 0..letters.len() {
            let mut missing = letters.clone();
            missing.remove(at);
            let (mut extra, mut wrong) = (letters.clone(), letters.clone());
            extra.insert(at, 'q');
            wrong[at] = 'q';
            slips.extend([missing, extra, wrong]);
            if at > 0 && letters[at] != letters[at - 1] {
                let mut swapped = letters.clone();
                swapped.swap(at, at - 1);
                slips.push(swapped);
            }
        }
        slips.into_iter().map(|slip| slip.into_iter().collect()).collect()
    }

    #[test]
    #[allow(clippy::print_stdout, reason = "the figure of the docs")]
    fn one_slip_of_any_kind_is_found_among_a_hundred_thousand_names() {
        let mut dice = fastrand::Rng::with_seed(3);
        let mut names = Names { owners: vec!["ana".to_owned(), "bob".to_owned()], ..Names::default() };
        for _ in 0..100_000 {
            let length = dice.usize(9..16);
            let word: String = (0..length).map(|_| dice.lowercase()).collect();
            names.add(&word, What::Word);
        }
        for name in ["kubernetes", "heronwatcher"] {
            names.add(name, What::Word);
        }
        let began = std::time::Instant::now();
        let mut asked = 0;
        for name in ["kubernetes", "heronwatcher"] {
            for slip in slips(name) {
                asked += 1;
                let meant = names.meant(&slip, What::Word, &["bob".to_owned()]);
                assert!(meant == Some(name) || tokens::stem(&slip) == tokens::stem(name), "{slip}: {meant:?}");
            }
        }
        println!("{asked} mistyped words among 100,000 names: {:?} each", began.elapsed() / asked);
        assert_eq!(names.meant("kubernetis", What::Word, &["ana".to_owned()]), None, "another persona's names are not told");
        assert_eq!(names.meant("kube", What::Word, &[]), None, "too short for a guess");
        assert_eq!(names.meant("kubernetes", What::Subreddit, &[]), None);
    }
}
