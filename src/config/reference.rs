//! The reference page of all settings, made from the table.

use super::registry::{IGNORED_NAMES, OTHER_NAMES};
use super::{Kind, SETTINGS, Setting, value};

const HEAD: &str = "\
# Configuration

<!-- Made by `quarterdeck config reference`; a test compares the two. Do not edit by hand. -->

A value is looked for in these places; a later one goes over an earlier one:

1. the default;
2. the configuration file, `$XDG_CONFIG_HOME/quarterdeck/config.toml` (usually `~/.config/quarterdeck/config.toml`), or the file
   named by `--config` or `QUARTERDECK_CONFIG`;
3. the environment file beside it: `environment`, or `NAME.environment` when the configuration file is called `NAME.toml`;
4. the process environment;
5. the command line: `--data-dir`, `--database`.

`quarterdeck config path` says which files these are and whether they exist, `quarterdeck config show` what is in force and where it
came from, `quarterdeck config check` what is missing or odd (exit code 3 when it finds something).

An empty value counts as not set. An unknown name in the configuration file is an error, with the nearest known name. A relative
path in a file is taken from that file's directory, one in the environment or on the command line from the working directory.

Secrets belong in the environment file or in the process environment. A file that holds a secret must be readable by its owner alone
(`chmod 600`), otherwise nothing starts. Secrets are never shown, logged or stored in the database.

The environment file has a `NAME=value` on each line, with optional quotes, `export ` and `#` comments. Nothing in it is expanded.
";

/// The page, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    let mut group = None;
    for setting in SETTINGS {
        let table = setting.key.rsplit_once('.').map(|(table, _)| table);
        if group != Some(table) {
            group = Some(table);
            let title = table.map_or_else(|| "General".to_owned(), |table| format!("`[{table}]`"));
            page.push_str(&format!("\n## {title}\n\n| in the file | in the environment | value | default | |\n|---|---|---|---|---|\n"));
        }
        page.push_str(&row(setting));
    }
    page.push_str("\n## Read from the environment only\n\n| name | |\n|---|---|\n");
    for other in OTHER_NAMES {
        page.push_str(&format!("| `{}` | {} |\n", other.name, other.doc));
    }
    page.push_str("\n## Names that are understood and not obeyed\n\n| name | |\n|---|---|\n");
    for ignored in IGNORED_NAMES {
        page.push_str(&format!("| `{}` | {} |\n", ignored.name, ignored.doc));
    }
    page.push_str(
        "\n`DATABASE_URL` is also understood in the forms `sqlite+aiosqlite:///./data/agent.db` and `postgresql+asyncpg://…`; \
         `config check` says what was made of it.\n",
    );
    page
}

fn row(setting: &Setting) -> String {
    let name = setting.key.rsplit('.').next().unwrap_or(setting.key);
    let kind = match setting.kind {
        Kind::Secret => "a secret".to_owned(),
        Kind::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or "),
        Kind::Directory => "a directory".to_owned(),
        Kind::File => "a file".to_owned(),
        Kind::Database => "an address".to_owned(),
        kind => value::expected(kind),
    };
    let default = match setting.default {
        Some("") => "none".to_owned(),
        Some(default) => format!("`{default}`"),
        None => String::new(),
    };
    let need = setting.needed_for.map(|purpose| format!(" {}.", capital(purpose.sentence()))).unwrap_or_default();
    format!("| `{name}` | `{}` | {kind} | {default} | {}{need} |\n", setting.env, setting.doc)
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
