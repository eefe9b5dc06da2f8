//! Reading a condition: every mistake is told with the place where it stands.

use super::{Alternative, Condition, Literal, Operator, Place, Side, Step};

/// Characters of a condition.
const LONGEST: usize = 1_000;
/// Steps of a path, and alternatives of `any`.
const MOST: usize = 64;
/// What can be filled in.
const PLACES: &str = "[STATUS], [RESPONSE_TIME], [BODY], [CONNECTED], [CERTIFICATE_EXPIRATION], [VALUE]";

/// What is wrong with a condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {reason}")]
pub struct Wrong {
    /// The character where it is, from 1.
    pub at: usize,
    /// What it is, and what to write.
    pub reason: String,
}

type Parsed<T> = Result<T, Wrong>;

struct Parser<'a> {
    characters: Vec<char>,
    text: &'a str,
    at: usize,
}

/// Read a condition.
pub(super) fn condition(text: &str) -> Parsed<Condition> {
    let parser = Parser { characters: text.chars().take(LONGEST + 1).collect(), text, at: 0 };
    if parser.characters.len() > LONGEST {
        return Err(parser.wrong_at(LONGEST, format!("a condition has at most {LONGEST} characters")));
    }
    if let Some(at) = parser.characters.iter().position(|character| character.is_control()) {
        return Err(parser.wrong_at(at, "a control character".to_owned()));
    }
    parser.condition()
}

/// The number that a text is, and whether it is a length of time, then in milliseconds: `0.9`, `-3`, `1e6`, `500ms`, `48h`.
pub(super) fn number(text: &str) -> Option<(f64, bool)> {
    let is_number = |text: &str| {
        text.starts_with(|character: char| character.is_ascii_digit() || matches!(character, '-' | '+' | '.'))
            && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'))
    };
    let read = |text: &str| text.parse::<f64>().ok().filter(|number| is_number(text) && number.is_finite());
    if let Some(number) = read(text) {
        return Some((number, false));
    }
    let units = [("ms", 1.0), ("s", 1_000.0), ("m", 60_000.0), ("h", 3_600_000.0), ("d", 86_400_000.0)];
    units.into_iter().find_map(|(unit, millis)| Some((read(text.strip_suffix(unit)?)? * millis, true)))
}

impl Parser<'_> {
    fn condition(mut self) -> Parsed<Condition> {
        let left = self.side(true)?;
        self.blanks();
        let at = self.at;
        let operator = self.operator()?;
        self.blanks();
        let right_at = self.at;
        let right = self.side(false)?;
        self.blanks();
        if self.at < self.characters.len() {
            return Err(self.wrong("nothing may follow here; put a text with blanks or signs into quotation marks"));
        }
        self.makes_sense(&left, operator, &right, at, right_at)?;
        Ok(Condition { text: self.text.trim().to_owned(), left, operator, right })
    }

    /// What could never hold, or would always: told now, and not at night.
    fn makes_sense(&self, left: &Side, operator: Operator, right: &Side, at: usize, right_at: usize) -> Parsed<()> {
        let is_asked = |side: &Side| matches!(side, Side::Literal(_) | Side::Pattern(_) | Side::Any(_));
        let is_choice = |side: &Side| matches!(side, Side::Pattern(_) | Side::Any(_));
        if is_asked(left) && is_asked(right) {
            return Err(self.wrong_at(0, format!("it looks at nothing of the answer: write one of {PLACES} on one side")));
        }
        let is_order = !matches!(operator, Operator::Equal | Operator::Unequal);
        if is_order && (is_choice(left) || is_choice(right)) {
            return Err(self.wrong_at(at, "pat() and any() go with == and != only".to_owned()));
        }
        for (side, other, other_at) in [(left, right, right_at), (right, left, 0)] {
            let is_truth = matches!(side, Side::Has(_) | Side::Place(Place::Connected));
            if is_truth && is_order {
                return Err(self.wrong_at(at, "this is true or false: compare it with == or !=".to_owned()));
            }
            let literals: Vec<&Literal> = match other {
                Side::Literal(literal) => vec![literal],
                Side::Any(alternatives) => alternatives
                    .iter()
                    .filter_map(|alternative| match alternative {
                        Alternative::Literal(literal) => Some(literal),
                        Alternative::Pattern(_) => None,
                    })
                    .collect(),
                _ => vec![],
            };
            for literal in literals {
                let Literal { text, number, is_duration } = literal;
                if is_truth && !matches!(text.as_str(), "true" | "false") {
                    return Err(self.wrong_at(other_at, format!("this is true or false, and never {text}")));
                }
                if is_order && number.is_none() {
                    return Err(self.wrong_at(other_at, format!("{text:?} is not a number or a length of time such as 500ms or 48h")));
                }
                let is_number = matches!(side, Side::Len(_) | Side::Place(Place::Status | Place::Value | Place::ResponseTime));
                if is_number && number.is_none() {
                    return Err(self.wrong_at(other_at, format!("this is a number, and never {text:?}")));
                }
                if *is_duration && matches!(side, Side::Len(_) | Side::Place(Place::Status | Place::Value)) {
                    return Err(self.wrong_at(other_at, format!("this is a plain number, and {text:?} is a length of time")));
                }
                if matches!(side, Side::Place(Place::CertificateExpiration)) && !is_duration {
                    return Err(self.wrong_at(other_at, format!("write a length of time such as 48h or 14d in place of {text:?}")));
                }
            }
        }
        Ok(())
    }

    fn side(&mut self, is_left: bool) -> Parsed<Side> {
        self.blanks();
        if self.at == self.characters.len() {
            return Err(self.wrong(if is_left {
                "it is empty; write something like [STATUS] == 200"
            } else {
                "the right side is missing"
            }));
        }
        if self.peek() == Some('[') {
            return self.place().map(Side::Place);
        }
        for (name, made) in [("len", Side::Len as fn(Place) -> Side), ("has", Side::Has)] {
            if self.takes_call(name) {
                self.blanks();
                let at = self.at;
                let place = self.place()?;
                if !matches!(place, Place::Body(_)) {
                    return Err(self.wrong_at(at, format!("{name}() looks at [BODY] only")));
                }
                self.blanks();
                self.expects(')')?;
                return Ok(made(place));
            }
        }
        if self.takes_call("pat") {
            return Ok(Side::Pattern(self.argument("pat")?));
        }
        if self.takes_call("any") {
            return self.any();
        }
        self.literal(|parser| if is_left { parser.is_operator() } else { false }).map(Side::Literal)
    }

    fn any(&mut self) -> Parsed<Side> {
        let mut alternatives = Vec::new();
        loop {
            self.blanks();
            alternatives.push(if self.takes_call("pat") {
                Alternative::Pattern(self.argument("pat")?)
            } else {
                Alternative::Literal(self.literal(|parser| matches!(parser.peek(), Some(',' | ')')))?)
            });
            if alternatives.len() > MOST {
                return Err(self.wrong("too many alternatives"));
            }
            self.blanks();
            match self.peek() {
                Some(',') => self.at += 1,
                Some(')') => {
                    self.at += 1;
                    return Ok(Side::Any(alternatives));
                }
                _ => return Err(self.wrong("any( wants a comma or its closing bracket here")),
            }
        }
    }

    /// What stands in the brackets of a call that was opened: brackets inside it close what they open.
    fn argument(&mut self, name: &str) -> Parsed<String> {
        self.blanks();
        if self.peek() == Some('"') {
            let text = self.quoted()?;
            self.blanks();
            self.expects(')')?;
            return Ok(text);
        }
        let from = self.at;
        let mut depth = 0_usize;
        while let Some(character) = self.peek() {
            match character {
                '(' => depth += 1,
                ')' if depth == 0 => {
                    let text: String = self.characters[from..self.at].iter().collect();
                    self.at += 1;
                    return Ok(text.trim().to_owned());
                }
                ')' => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        Err(self.wrong_at(from, format!("{name}( is never closed")))
    }

    fn literal(&mut self, ends: impl Fn(&Self) -> bool) -> Parsed<Literal> {
        let from = self.at;
        if self.peek() == Some('"') {
            // Quoted, it is a text whatever it looks like; for an order it is a number all the same.
            let text = self.quoted()?;
            let number = number(&text);
            return Ok(Literal { number: number.map(|(number, _)| number), is_duration: number.is_some_and(|(_, is)| is), text });
        }
        while self.at < self.characters.len() && !ends(self) {
            self.at += 1;
        }
        let text: String = self.characters[from..self.at].iter().collect();
        let text = text.trim().to_owned();
        if text.is_empty() {
            return Err(self.wrong_at(from, "a value is missing; an empty text is written \"\"".to_owned()));
        }
        let number = number(&text);
        Ok(Literal { number: number.map(|(number, _)| number), is_duration: number.is_some_and(|(_, is)| is), text })
    }

    fn quoted(&mut self) -> Parsed<String> {
        let from = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(character) = self.peek() {
            self.at += 1;
            match character {
                '"' => return Ok(text),
                '\\' => match self.peek() {
                    Some(next @ ('"' | '\\')) => {
                        text.push(next);
                        self.at += 1;
                    }
                    _ => text.push('\\'),
                },
                other => text.push(other),
            }
        }
        Err(self.wrong_at(from, "a quotation mark is never closed".to_owned()))
    }

    fn place(&mut self) -> Parsed<Place> {
        let from = self.at;
        let Some(end) = self.characters[from..].iter().position(|character| *character == ']') else {
            return Err(self.wrong(&format!("a placeholder is wanted here: one of {PLACES}")));
        };
        let name: String = self.characters[from..=from + end].iter().collect();
        let place = match name.as_str() {
            "[STATUS]" => Place::Status,
            "[RESPONSE_TIME]" => Place::ResponseTime,
            "[CONNECTED]" => Place::Connected,
            "[CERTIFICATE_EXPIRATION]" => Place::CertificateExpiration,
            "[VALUE]" => Place::Value,
            "[BODY]" => Place::Body(vec![]),
            _ => return Err(self.wrong(&format!("{name} is not known; there are {PLACES}"))),
        };
        self.at = from + end + 1;
        match place {
            Place::Body(_) => self.steps().map(Place::Body),
            place => Ok(place),
        }
    }

    fn steps(&mut self) -> Parsed<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            match self.peek() {
                Some('.') if self.characters.get(self.at + 1) == Some(&'[') => self.at += 1,
                Some('.') => {
                    self.at += 1;
                    let from = self.at;
                    let ends = |character: char| {
                        character.is_whitespace() || matches!(character, '.' | '[' | ']' | ')' | '(' | '=' | '<' | '>' | '!' | ',')
                    };
                    while self.peek().is_some_and(|character| !ends(character)) {
                        self.at += 1;
                    }
                    if from == self.at {
                        return Err(self.wrong("a name is missing behind the point; one with signs is written [\"…\"]"));
                    }
                    steps.push(Step::Member(self.characters[from..self.at].iter().collect()));
                }
                Some('[') => {
                    self.at += 1;
                    let from = self.at;
                    if self.peek() == Some('"') {
                        steps.push(Step::Member(self.quoted()?));
                    } else {
                        while self.peek().is_some_and(|character| character.is_ascii_digit()) {
                            self.at += 1;
                        }
                        let digits: String = self.characters[from..self.at].iter().collect();
                        let index = digits.parse().map_err(|_| self.wrong_at(from, "a place in a list is a number from 0".to_owned()))?;
                        steps.push(Step::Index(index));
                    }
                    self.expects(']')?;
                }
                _ => return Ok(steps),
            }
            if steps.len() > MOST {
                return Err(self.wrong("the path is too deep"));
            }
        }
    }

    fn is_operator(&self) -> bool {
        let next = self.characters.get(self.at + 1);
        match self.peek() {
            Some('<' | '>') => true,
            Some('=' | '!') => next == Some(&'='),
            _ => false,
        }
    }

    fn operator(&mut self) -> Parsed<Operator> {
        let two: String = self.characters.iter().skip(self.at).take(2).collect();
        let (operator, length) = match two.as_str() {
            "==" => (Operator::Equal, 2),
            "!=" => (Operator::Unequal, 2),
            "<=" => (Operator::LessOrEqual, 2),
            ">=" => (Operator::GreaterOrEqual, 2),
            two if two.starts_with('<') => (Operator::Less, 1),
            two if two.starts_with('>') => (Operator::Greater, 1),
            _ => return Err(self.wrong("one of == != < <= > >= is wanted here")),
        };
        self.at += length;
        Ok(operator)
    }

    fn takes_call(&mut self, name: &str) -> bool {
        let opened = name.chars().chain(['(']);
        let is_it = opened.enumerate().all(|(number, character)| self.characters.get(self.at + number) == Some(&character));
        if is_it {
            self.at += name.len() + 1;
        }
        is_it
    }

    fn expects(&mut self, character: char) -> Parsed<()> {
        if self.peek() == Some(character) {
            self.at += 1;
            return Ok(());
        }
        Err(self.wrong(&format!("{character} is wanted here")))
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn wrong(&self, reason: &str) -> Wrong {
        self.wrong_at(self.at, reason.to_owned())
    }

    fn wrong_at(&self, at: usize, reason: String) -> Wrong {
        Wrong { at: at + 1, reason }
    }
}
