//! Near-duplicates: whether a draft says again what was said before, with a few words changed. Pure.
//!
//! Two steps. A fingerprint (SimHash, Charikar 2002) of 64 bits is kept for every text; fingerprints that differ in few bits are candidates,
//! found by comparing against all of them, which takes a fraction of a millisecond for 100,000. Then the words of the candidates are
//! compared (Jaccard: shared three-word sequences of all three-word sequences of both).
//!
//! **Distance.** One sentence changed in five leaves two thirds of the sequences shared and changes about 13 of 64 bits; unrelated texts
//! differ in 32, give or take 4. [`MAX_DISTANCE`] lies between: it misses few copies and lets about one unrelated text in a thousand
//! through to the exact comparison.
//!
//! **Short texts.** Below [`FEWEST_WORDS`] words there are so few sequences that a common phrase ("thanks, that makes sense") is a
//! duplicate of itself in everybody's mouth. [`SimilarityIndex`] and [`near_duplicate`] never report those; who calls [`simhash`] and
//! [`jaccard`] directly asks [`long_enough`] first.
//!
//! Fingerprints are stored. The hash is therefore written out here, and a test holds its values: whoever changes it makes every stored
//! fingerprint worthless.

/// Most differing bits at which two texts are compared word by word.
pub const MAX_DISTANCE: u32 = 20;
/// Jaccard similarity from which two texts count as near-duplicates.
pub const DUPLICATE: f64 = 0.5;
/// Texts of fewer words are not compared.
pub const FEWEST_WORDS: usize = 8;

/// Words of a sequence.
const SEQUENCE: usize = 3;

/// The stored fingerprint of one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// What the caller knows the text by.
    pub id: usize,
    /// Its [`simhash`].
    pub simhash: u64,
}

/// The set of three-word sequences of a text, each as a hash. Texts of one or two words have their words instead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sequences {
    sorted: Vec<u64>,
    words: usize,
}

impl Sequences {
    /// Case and punctuation make no difference; an apostrophe inside a word is left out.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let words = word_hashes(text);
        let mut sorted = sequences(&words);
        sorted.sort_unstable();
        sorted.dedup();
        Self { sorted, words: words.len() }
    }

    /// Whether the text has words enough for a similarity to mean something.
    #[must_use]
    pub const fn long_enough(&self) -> bool {
        self.words >= FEWEST_WORDS
    }

    /// Shared sequences of all sequences, 0 to 1. Two texts without words are alike.
    #[must_use]
    pub fn jaccard(&self, other: &Self) -> f64 {
        let (a, b) = (&self.sorted, &other.sorted);
        if a.is_empty() && b.is_empty() {
            return 1.0;
        }
        let (mut i, mut j, mut shared) = (0, 0, 0_usize);
        while let (Some(left), Some(right)) = (a.get(i), b.get(j)) {
            shared += usize::from(left == right);
            i += usize::from(left <= right);
            j += usize::from(right <= left);
        }
        shared as f64 / (a.len() + b.len() - shared) as f64
    }

    /// The fingerprint: every bit as most of the sequences have it.
    #[must_use]
    pub fn simhash(&self) -> u64 {
        let mut votes = [0_i32; 64];
        for hash in &self.sorted {
            for (bit, vote) in votes.iter_mut().enumerate() {
                *vote += if hash >> bit & 1 == 1 { 1 } else { -1 };
            }
        }
        votes.iter().enumerate().fold(0, |fingerprint, (bit, vote)| fingerprint | u64::from(*vote > 0) << bit)
    }
}

/// The fingerprint of a text; texts that are nearly the same have fingerprints that differ in few bits. 0 for a text without words.
#[must_use]
pub fn simhash(text: &str) -> u64 {
    Sequences::of(text).simhash()
}

/// Shared three-word sequences of all three-word sequences of both texts, 0 to 1.
#[must_use]
pub fn jaccard(a: &str, b: &str) -> f64 {
    Sequences::of(a).jaccard(&Sequences::of(b))
}

/// Whether a text has words enough ([`FEWEST_WORDS`]) for a similarity to mean something.
#[must_use]
pub fn long_enough(text: &str) -> bool {
    words(text).take(FEWEST_WORDS).count() == FEWEST_WORDS
}

/// The similarity of two texts, when both are long enough and it is at least [`DUPLICATE`].
#[must_use]
pub fn near_duplicate(a: &str, b: &str) -> Option<f64> {
    let (a, b) = (Sequences::of(a), Sequences::of(b));
    let similarity = a.jaccard(&b);
    (a.long_enough() && b.long_enough() && similarity >= DUPLICATE).then_some(similarity)
}

/// The places in `among` whose fingerprints differ from `of` in at most `max_distance` bits, in their order.
#[must_use]
pub fn candidates(of: u64, among: &[u64], max_distance: u32) -> Vec<usize> {
    among.iter().enumerate().filter(|(_, other)| (of ^ **other).count_ones() <= max_distance).map(|(place, _)| place).collect()
}

/// A text that is nearly the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// What the caller knows it by.
    pub id: usize,
    /// Jaccard similarity, 0 to 1.
    pub similarity: f64,
}

/// Earlier texts, kept ready for comparison: 8 bytes for the fingerprint and 8 for every word of each.
#[derive(Debug, Clone, Default)]
pub struct SimilarityIndex {
    fingerprints: Vec<u64>,
    texts: Vec<(usize, Sequences)>,
}

impl SimilarityIndex {
    /// An index of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text. A text that is too short to be compared is left out.
    pub fn add(&mut self, id: usize, text: &str) -> Option<Fingerprint> {
        let sequences = Sequences::of(text);
        sequences.long_enough().then(|| {
            let simhash = sequences.simhash();
            self.fingerprints.push(simhash);
            self.texts.push((id, sequences));
            Fingerprint { id, simhash }
        })
    }

    /// How many texts are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The texts that are at least `at_least` similar (see [`DUPLICATE`]), the most similar first. None for a text that is too short.
    #[must_use]
    pub fn near(&self, text: &str, at_least: f64) -> Vec<Near> {
        let sequences = Sequences::of(text);
        if !sequences.long_enough() {
            return Vec::new();
        }
        let mut near: Vec<Near> = candidates(sequences.simhash(), &self.fingerprints, MAX_DISTANCE)
            .into_iter()
            .filter_map(|place| {
                let (id, other) = self.texts.get(place)?;
                let similarity = sequences.jaccard(other);
                (similarity >= at_least).then_some(Near { id: *id, similarity })
            })
            .collect();
        near.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.id.cmp(&b.id)));
        near
    }
}

/// The words of a text as they are written: letters and digits, with apostrophes inside.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !sign.is_alphanumeric() && !matches!(sign, '\'' | '’')).filter(|word| word.contains(char::is_alphanumeric))
}

fn word_hashes(text: &str) -> Vec<u64> {
    let mut buffer = [0; 4];
    words(text)
        .map(|word| {
            let folded = word.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase);
            // FNV-1a.
            folded.fold(0xcbf2_9ce4_8422_2325, |hash, sign| {
                sign.encode_utf8(&mut buffer).bytes().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
            })
        })
        .collect()
}

fn sequences(words: &[u64]) -> Vec<u64> {
    let combined = |sequence: &[u64]| sequence.iter().fold(0, |hash, word| mixed(hash ^ word));
    if words.len() < SEQUENCE { words.chunks(1).map(combined).collect() } else { words.windows(SEQUENCE).map(combined).collect() }
}

/// Spreads every bit over all others (the finaliser of SplitMix64), in an order that matters.
const fn mixed(hash: u64) -> u64 {
    let hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAID: &str = "River levels fall slower than the maps say, because the gauges were set after the dam was built. \
        Anyone who walks along the bank in autumn can see the old water line a metre above the new one. \
        The agency publishes the readings every morning, but it corrects them only once a year. \
        That is why a boat with a deep keel should trust the sounding line more than any chart. \
        I learned this the hard way near the second lock, where the mud held us for a whole tide.";

    const EDITED: &str = "River levels fall slower than the maps say, because the gauges were set after the dam was built. \
        Anyone who walks along the bank in autumn can see the old water line a metre above the new one. \
        Readings appear each day on a government page, although nobody checks whether they are right until December. \
        That is why a boat with a deep keel should trust the sounding line more than any chart. \
        I learned this the hard way near the second lock, where the mud held us for a whole tide.";

    const SAME_SUBJECT: &str = "The charts of this river are old, and the water is not where they put it. After the dam the levels changed, \
        and the gauges along the bank were never moved. If you sail here with a deep keel, take a sounding line with you and trust it. \
        The agency has readings on its page, corrected once a year, which is of no use in autumn. We sat in the mud near a lock once.";

    #[test]
    fn a_copy_with_one_sentence_of_five_changed_is_found() {
        assert!((simhash(SAID) ^ simhash(EDITED)).count_ones() <= MAX_DISTANCE);
        let similarity = jaccard(SAID, EDITED);
        assert!(similarity > 0.55 && similarity < 0.8, "{similarity}");
        let mut index = SimilarityIndex::new();
        assert!(index.add(7, SAID).is_some() && index.add(8, SAME_SUBJECT).is_some());
        let near = index.near(EDITED, DUPLICATE);
        assert_eq!(near.iter().map(|near| near.id).collect::<Vec<_>>(), [7]);
        assert_eq!(near_duplicate(SAID, EDITED), Some(similarity));
    }

    #[test]
    fn two_texts_on_one_subject_are_two_texts() {
        let similarity = jaccard(SAID, SAME_SUBJECT);
        assert!(similarity < 0.15, "{similarity}");
        assert_eq!(near_duplicate(SAID, SAME_SUBJECT), None);
    }

    #[test]
    fn case_punctuation_and_apostrophes_make_no_difference() {
        let (a, b) = (
            "Don't TRUST the maps: they're old, very old, older than the dam!",
            "dont trust — the maps they’re old very old older than the dam",
        );
        assert_eq!(simhash(a), simhash(b));
        assert!((jaccard(a, b) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn short_texts_are_not_reported() {
        let thanks = "Thanks, that makes sense!";
        assert!(!long_enough(thanks) && long_enough(SAID));
        assert_eq!(near_duplicate(thanks, thanks), None);
        let mut index = SimilarityIndex::new();
        assert_eq!(index.add(1, thanks), None);
        assert!(index.is_empty() && index.near(thanks, DUPLICATE).is_empty());
        // The functions below still compare them, by their words.
        assert!((jaccard("good point", "Point: good") - 1.0).abs() < f64::EPSILON);
        assert!((jaccard("", "") - 1.0).abs() < f64::EPSILON && jaccard("", "word").abs() < f64::EPSILON);
    }

    /// These values stand in databases.
    #[test]
    fn the_fingerprint_is_the_same_for_ever() {
        assert_eq!(simhash(""), 0);
        assert_eq!(simhash("river"), 0x9dbd_8d76_5ae0_380a);
        assert_eq!(simhash("River levels fall slower than the maps say."), 0x8019_952c_d6c8_e459);
        assert_eq!(simhash(SAID), 0xc99a_c099_ca46_4839);
    }

    #[test]
    fn candidates_are_those_within_the_distance() {
        assert_eq!(candidates(0b1111, &[0b1111, 0b1110, 0b1000, u64::MAX], 1), [0, 1]);
        assert_eq!(candidates(0, &[], 64), Vec::<usize>::new());
    }

    proptest! {
        #[test]
        fn any_texts_are_compared(a in "(?s).{0,120}", b in "(?s).{0,120}") {
            let similarity = jaccard(&a, &b);
            prop_assert!((0.0..=1.0).contains(&similarity));
            prop_assert!((similarity - jaccard(&b, &a)).abs() < f64::EPSILON);
            prop_assert!((jaccard(&a, &a) - 1.0).abs() < f64::EPSILON);
            prop_assert_eq!(simhash(&a), simhash(&format!(" {a}!")));
        }
    }
}
