//! The document at hand as lines: why it was found, what it stands among, and its text with the words of the question marked. Pure.

use super::list::{age, bar, sign};
use super::marks::marks;
use super::request::Looked;
use super::{View, act};
use crate::base::{Millis, SafeText, clock};
use crate::console::text::{Piece, Pieces, line, wrap};
use crate::console::theme::{Glyphs, Role};
use crate::search::{Hit, Kind, Term};

/// Results of each side of a thread, where more than the thread is shown.
const FEW: usize = 3;

/// What a preview is made from.
pub(super) struct Sheet<'a> {
    pub hit: &'a Hit,
    pub looked: Option<&'a Result<Box<Looked>, String>>,
    pub terms: &'a [Term],
    pub view: View,
    pub width: usize,
    pub now: Millis,
    pub glyphs: &'a Glyphs,
}

/// The lines of the preview.
pub(super) fn lines(sheet: &Sheet<'_>) -> Vec<Pieces> {
    let mut page = Page { lines: Vec::new(), sheet };
    page.head();
    if sheet.view == View::Whole {
        page.reason();
        page.heading("what was found");
        page.extract(sheet.hit);
    }
    match sheet.looked {
        None => {}
        Some(Err(why)) => page.text(Role::Bad, 0, &format!("it cannot be read: {why}")),
        Some(Ok(looked)) => {
            if sheet.view != View::Text {
                page.stance(looked);
                page.thread(looked);
            }
            if sheet.view != View::Thread {
                page.heading("the whole text");
                page.document(&looked.text);
            }
        }
    }
    page.lines
}

struct Page<'a> {
    lines: Vec<Pieces>,
    sheet: &'a Sheet<'a>,
}

impl Page<'_> {
    fn heading(&mut self, text: &str) {
        self.lines.push(Vec::new());
        self.lines.push(line(Role::Heading, text));
    }

    fn text(&mut self, role: Role, indent: usize, text: &str) {
        self.pieces(&[Piece::new(role, text)], indent);
    }

    fn pieces(&mut self, pieces: &[Piece], indent: usize) {
        self.lines.extend(wrap(pieces, self.sheet.width, indent));
    }

    /// What it is, whose, where and when.
    fn head(&mut self) {
        let hit = self.sheet.hit;
        self.pieces(
            &[Piece::new(Role::Badge, sign(hit.kind, self.sheet.glyphs)), Piece::new(Role::Heading, &format!(" {}", hit.title))],
            0,
        );
        let mut facts = vec![hit.kind.as_str().replace('_', " ")];
        facts.extend(act::owner(hit).map(|owner| format!("of {owner}")));
        facts.extend(hit.subreddit.as_ref().map(|place| format!("in r/{}", SafeText::line(place))));
        facts.extend(hit.state.as_ref().map(|state| SafeText::line(state).to_string()));
        facts.extend(hit.confidence.map(|confidence| format!("confidence {confidence:.2}")));
        let minute = clock::local(hit.at);
        let age = age(self.sheet.now - hit.at);
        facts.push(format!("{age} ago, {}", minute.get(..16).unwrap_or(&minute)));
        self.text(Role::Dim, 0, &facts.join(", "));
    }

    /// Why it is among the results.
    fn reason(&mut self) {
        let hit = self.sheet.hit;
        let mut pieces = Vec::new();
        if !hit.reason.words.is_empty() {
            pieces.push(Piece::new(Role::Dim, "its words: "));
            pieces.push(Piece::new(Role::Accent, &hit.reason.words.join(", ")));
            pieces.push(Piece::new(Role::Dim, "   "));
        }
        if let Some(similarity) = hit.reason.similarity {
            let near = format!("its meaning: {} {similarity:.2}", bar(similarity, self.sheet.glyphs));
            pieces.push(Piece::new(Role::Dim, &near));
        }
        if !pieces.is_empty() {
            self.pieces(&pieces, 0);
        }
    }

    fn extract(&mut self, hit: &Hit) {
        let role = |is_match| if is_match { Role::Accent } else { Role::Text };
        let pieces: Vec<Piece> = hit.extract.iter().map(|part| Piece::new(role(part.is_match), part.text.as_str())).collect();
        self.pieces(&pieces, 1);
    }

    fn stance(&mut self, looked: &Looked) {
        let Some((title, stance)) = &looked.stance else { return };
        let of = if self.sheet.hit.kind == Kind::Stance { format!(" on {}", SafeText::line(title)) } else { String::new() };
        match stance {
            // The document itself says it.
            Some(stance) if stance.id == self.sheet.hit.id => {}
            Some(stance) => {
                self.heading(&format!("the stance in force{of}: {}, confidence {:.2}", stance.status.as_str(), stance.confidence));
                self.text(Role::Text, 1, &stance.text);
            }
            None => self.heading(&format!("no stance{of} is in force")),
        }
    }

    fn thread(&mut self, looked: &Looked) {
        let is_whole = self.sheet.view == View::Whole;
        let thread = &looked.thread;
        if !is_whole && thread.parent.is_none() && thread.siblings.is_empty() && thread.children.is_empty() {
            self.heading("it stands alone");
            self.text(Role::Dim, 1, "nothing that it answers or that answers it is among the documents");
        }
        let parent = thread.parent.as_slice();
        for (title, hits) in [("it answers", parent), ("beside it", &thread.siblings), ("what answers it", &thread.children)] {
            if hits.is_empty() {
                continue;
            }
            let title = match self.sheet.hit.kind {
                Kind::Stance if title == "it answers" => "its belief",
                Kind::Decision if title == "it answers" => "what was decided about",
                Kind::Belief if title == "what answers it" => "its stances",
                Kind::QueueItem if title == "what answers it" => "what was decided",
                _ => title,
            };
            self.heading(title);
            let shown = if is_whole { FEW } else { hits.len() };
            for hit in hits.iter().take(shown) {
                let age = age(self.sheet.now - hit.at);
                let pieces = [
                    Piece::new(Role::Badge, sign(hit.kind, self.sheet.glyphs)),
                    Piece::new(Role::Text, &format!(" {}", hit.title)),
                    Piece::new(Role::Dim, &format!("  {age} ago")),
                ];
                self.pieces(&pieces, 1);
                if !is_whole {
                    self.extract(hit);
                }
            }
            if hits.len() > shown {
                self.text(Role::Dim, 1, &format!("and {} more", hits.len() - shown));
            }
        }
    }

    fn document(&mut self, text: &str) {
        // Made safe as a whole: a sequence that is cut into pieces would not be known for one.
        let text = SafeText::new(text);
        if text.as_str().trim().is_empty() {
            self.text(Role::Dim, 1, "it has no text");
            return;
        }
        let text = text.as_str();
        let mut pieces = Vec::new();
        let mut done = 0;
        for place in marks(text, self.sheet.terms) {
            pieces.push(Piece::new(Role::Text, text.get(done..place.start).unwrap_or_default()));
            done = place.end;
            pieces.push(Piece::new(Role::Accent, text.get(place).unwrap_or_default()));
        }
        pieces.push(Piece::new(Role::Text, text.get(done..).unwrap_or_default()));
        self.pieces(&pieces, 1);
    }
}
