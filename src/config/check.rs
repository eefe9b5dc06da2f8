//! The whole check of an installation's settings: what was found while reading, what is missing, what is probably not meant.

use super::directories::{Examined, examine};
use super::{Level, Loaded, Mode, Problem, Purpose, SETTINGS, Settings, Source, value};
use secrecy::ExposeSecret as _;
use std::path::Path;

/// Everything worth saying about the settings, the worst first. It changes nothing and connects to nothing.
#[must_use]
pub fn check(loaded: &Loaded) -> Vec<Problem> {
    let mut found: Vec<Problem> = loaded.problems().to_vec();
    match loaded.settings() {
        Err(super::Error::Invalid { first, .. }) if !found.contains(&first) => found.push(*first),
        Err(_) => {}
        Ok(settings) => {
            addresses(&settings, &mut found);
            accounts(&settings, &mut found);
        }
    }
    missing(loaded, &mut found);
    texts(loaded, &mut found);
    places(loaded, &mut found);
    found.sort_by_key(|problem| problem.level);
    found
}

fn missing(loaded: &Loaded, found: &mut Vec<Problem>) {
    for purpose in [Purpose::Reddit, Purpose::Models] {
        for setting in loaded.missing(purpose) {
            let message = format!("{} is not set; {}", setting.key, purpose.sentence());
            let next = format!("set {} in the environment or in the environment file", setting.env);
            found.push(Problem::new(Level::Missing, "no source", message).about(setting).next(next));
        }
    }
}

/// Texts that pass their check and look as if nobody had filled them in.
fn texts(loaded: &Loaded, found: &mut Vec<Problem>) {
    for setting in SETTINGS {
        let source = loaded.source(setting.key);
        let Some(text) = loaded.text(setting.key).filter(|_| source != Source::Default) else { continue };
        if value::is_placeholder(&text) {
            let problem = Problem::new(Level::Odd, &source, format!("{} holds the placeholder of an example", setting.key));
            found.push(problem.about(setting).next("put the real value there"));
        } else if text.trim() != text {
            let problem = Problem::new(Level::Odd, &source, format!("{} begins or ends with a blank", setting.key));
            found.push(problem.about(setting).next("remove the blank, unless it belongs there"));
        }
    }
}

/// Credentials that go elsewhere than by default.
fn addresses(settings: &Settings, found: &mut Vec<Problem>) {
    let pairs = [
        ("reddit.base_url", &settings.reddit.base_url),
        ("reddit.oauth_url", &settings.reddit.oauth_url),
        ("llm.base_url", &settings.llm.base_url),
    ];
    for (key, address) in pairs {
        let Some(setting) = super::Setting::by_key(key).filter(|setting| setting.default != Some(address)) else { continue };
        let source = settings.sources.get(key).cloned().unwrap_or(Source::Default);
        let message = format!("{key} sends credentials to {address} in place of {}", setting.default.unwrap_or("nothing"));
        // On this machine it is the sandbox. With Reddit there is one real place; model services there are many.
        let level = if value::is_here(address) || key == "llm.base_url" { Level::Note } else { Level::Odd };
        found.push(Problem::new(level, source, message).about(setting).next("remove it, unless that host is yours"));
    }
}

fn accounts(settings: &Settings, found: &mut Vec<Problem>) {
    let reddit = &settings.reddit;
    let source = |key: &str| settings.sources.get(key).cloned().unwrap_or(Source::Default);
    let mut odd = |key: &'static str, message: String, next: &str| {
        let problem = Problem::new(Level::Odd, source(key), message).next(next);
        found.push(super::Setting::by_key(key).map_or(problem.clone(), |setting| problem.about(setting)));
    };
    if let Some(name) = &reddit.username
        && !(name.len() >= 3 && name.len() <= 20 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')))
    {
        odd("reddit.username", "reddit.username is not the name of a Reddit account".to_owned(), "write the name alone, without u/");
    }
    if let Some(agent) = &reddit.user_agent
        && !(agent.matches(':').count() >= 2 && agent.contains("/u/"))
    {
        let message = "reddit.user_agent has not the form that Reddit asks for, platform:app:version (by /u/name)".to_owned();
        odd("reddit.user_agent", message, "write it in that form, or remove it to have it made");
    }
    if reddit.otp.as_ref().is_some_and(|code| code.expose_secret().len() != 6) {
        odd("reddit.otp", "reddit.otp is not a code of six digits".to_owned(), "set the code that the authenticator shows");
    }
    if matches!(source("reddit.otp"), Source::File { .. } | Source::EnvironmentFile { .. }) {
        let message = "reddit.otp stands in a file; a one-time code is good for half a minute".to_owned();
        odd("reddit.otp", message, "remove it there and set REDDIT_OTP for one command only");
    }
    if settings.mode == Mode::Live && value::is_here(&reddit.oauth_url) {
        odd("mode", "mode is live and Reddit's address is on this machine".to_owned(), "use mode sandbox, or remove the address");
    }
    if settings.mode == Mode::Live && !settings.missing(Purpose::Reddit).is_empty() {
        odd("mode", "mode is live and the credentials for it are not complete".to_owned(), "set what is missing, or go back to dry-run");
    }
}

/// Directories that cannot be used.
fn places(loaded: &Loaded, found: &mut Vec<Problem>) {
    let data_dir = loaded.text("data_dir").unwrap_or_default();
    let state_dir = &loaded.directories().state_dir;
    for (name, path, source) in
        [("data directory", Path::new(&data_dir), loaded.source("data_dir")), ("directory for logs", state_dir.as_path(), Source::Default)]
    {
        match examine(path) {
            Examined::Usable => {}
            Examined::CanBeMade => {
                let message = format!("the {name} {} is not there yet; it is made when it is needed", path.display());
                found.push(Problem::new(Level::Note, source, message));
            }
            Examined::OpenToOthers => {
                let message = format!("the {name} {} can be read by others than its owner", path.display());
                found.push(Problem::new(Level::Note, source, message).next(format!("chmod 700 {}", path.display())));
            }
            Examined::Unusable(reason) => {
                let message = format!("the {name} {} cannot be used: {reason}", path.display());
                found.push(Problem::new(Level::Error, source, message).next("choose another place, or make this one writable"));
            }
        }
    }
}
