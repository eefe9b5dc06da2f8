//! Results in a file of their own: JSON lines for programs, Markdown for people. What exists is never written over.

use crate::base::clock;
use crate::console::new_file;
pub(in crate::console) use crate::console::new_file::Refused;
use crate::search::Hit;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::console) enum Form {
    /// One JSON object a line.
    JsonLines,
    Markdown,
}

/// A file in the current directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) struct Target {
    pub name: String,
    form: Form,
}

impl Target {
    /// The file that a name stands for.
    ///
    /// # Errors
    /// A sentence, for a name that leads elsewhere or says no form.
    pub fn named(typed: &str) -> Result<Self, String> {
        let name = typed.trim();
        if !new_file::is_plain(name) {
            return Err("name a file of this directory, as answers.jsonl or answers.md".to_owned());
        }
        let form = match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
            Some("jsonl") => Form::JsonLines,
            Some("md") => Form::Markdown,
            _ => return Err("the ending says the form: .jsonl for programs, .md for people".to_owned()),
        };
        Ok(Self { name: name.to_owned(), form })
    }
}

/// Write results into a new file.
///
/// # Errors
/// [`Refused::Exists`] when there is a file of this name: it stays as it is.
pub(super) fn write(target: &Target, question: &str, hits: &[Hit]) -> Result<(), Refused> {
    let text = match target.form {
        Form::JsonLines => json_lines(hits).map_err(|error| Refused::Failed(format!("{} cannot be written: {error}", target.name)))?,
        Form::Markdown => markdown(question, hits),
    };
    new_file::write(&target.name, &text)
}

fn json_lines(hits: &[Hit]) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for hit in hits {
        text.push_str(&serde_json::to_string(hit)?);
        text.push('\n');
    }
    Ok(text)
}

fn markdown(question: &str, hits: &[Hit]) -> String {
    let mut text = format!("# Search: {}\n", escaped(question));
    for hit in hits {
        text.push_str(&format!("\n## {}\n\n", escaped(hit.title.as_str())));
        let owner = hit.persona_name.as_ref().map(|name| format!(", u/{}", escaped(name.as_str()))).unwrap_or_default();
        let place = hit.subreddit.as_ref().map(|name| format!(", r/{}", escaped(name))).unwrap_or_default();
        text.push_str(&format!(
            "{}{owner}{place}, {}, `{}`\n\n",
            hit.kind,
            clock::local(hit.at),
            crate::base::SafeText::line(&hit.id).as_str().replace('`', "'")
        ));
        let extract: String = hit
            .extract
            .iter()
            .map(|part| if part.is_match { format!("**{}**", escaped(part.text.as_str())) } else { escaped(part.text.as_str()) })
            .collect();
        text.push_str(&format!("> {extract}\n"));
    }
    text
}

/// Text from outside as plain words: nothing of it is markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in crate::base::SafeText::line(text).as_str().chars() {
        if matches!(letter, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '&' | '!') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::tests::hit;
    use super::*;
    use crate::search::Kind;

    #[test]
    fn a_name_stays_in_the_directory_and_says_its_form() {
        assert_eq!(Target::named(" answers.jsonl ").map(|target| target.form), Ok(Form::JsonLines));
        assert_eq!(Target::named("Answers.MD").map(|target| target.form), Ok(Form::Markdown));
        for bad in ["", "answers", "../x.md", "/etc/x.md", ".md", "a\0.md", "C:\\x.md", "x.csv"] {
            assert!(Target::named(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn json_lines_are_the_answers_and_markdown_has_no_markup_of_theirs() {
        let mut one = hit(Kind::Belief, "b1", "A <b>title</b> [link](x)");
        one.extract[0].is_match = true;
        let lines = json_lines(&[one.clone(), hit(Kind::Note, "n1", "Other")]).unwrap();
        let read: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((read.len(), read[0]["kind"].as_str(), read[1]["id"].as_str()), (2, Some("belief"), Some("n1")));
        let text = markdown("a `b`", &[one]);
        assert!(text.contains("## A \\<b\\>title\\</b\\> \\[link\\](x)") && text.contains("# Search: a \\`b\\`"), "{text}");
    }

    #[test]
    fn what_exists_is_not_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.md");
        let target = Target { name: path.display().to_string(), form: Form::Markdown };
        assert_eq!(write(&target, "x", &[]), Ok(()));
        let before = std::fs::read_to_string(&path).unwrap();
        assert_eq!(write(&target, "y", &[hit(Kind::Note, "n", "t")]), Err(Refused::Exists));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
        let gone = Target { name: directory.path().join("no/a.md").display().to_string(), form: Form::Markdown };
        assert!(matches!(write(&gone, "x", &[]), Err(Refused::Failed(_))));
    }
}
