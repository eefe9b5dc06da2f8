//! Logins and secrets: whether each persona has one that can be used, and how old it is.

use crate::base::{Millis, clock::duration};
use crate::config::Settings;
use crate::rounds::found::{Found, Look, count};
use crate::rounds::patient::Patient;
use crate::rounds::rows;
use crate::upkeep::secrets::check;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::UNIX_EPOCH;

use secrecy::ExposeSecret as _;

const DAY: Millis = 86_400_000;
/// Reddit ends a refresh token that was not used for about a year.
const UNUSED: Millis = 300 * DAY;

/// When a file was changed last.
fn changed_at(path: &Path) -> Option<Millis> {
    let changed = std::fs::metadata(path).ok()?.modified().ok()?;
    i64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

/// Whether the settings give an account a login: its own, or one of the others.
fn has_login(settings: &Settings, account: &str) -> bool {
    let reddit = &settings.reddit;
    if reddit.username.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(account)) {
        return reddit.password.is_some() || reddit.refresh_token.is_some();
    }
    let accounts = reddit.accounts.as_ref().and_then(|text| serde_json::from_str::<BTreeMap<String, Value>>(text.expose_secret()).ok());
    accounts.is_some_and(|all| all.keys().any(|name| name.eq_ignore_ascii_case(account)))
}

/// What is wrong with the file of a refresh token, if something is. Its text is not repeated.
fn broken(path: &Path, account: &str) -> Option<String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Some(format!("cannot be read: {error}")),
    };
    let Ok(kept) = serde_json::from_str::<Value>(&text) else { return Some("is not a file that this program wrote".to_owned()) };
    let of = |key: &str| kept.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (of("refresh_token"), of("account")) {
        (None, _) => Some("holds no token".to_owned()),
        (_, Some(name)) if !name.eq_ignore_ascii_case(account) => Some("belongs to another account".to_owned()),
        _ => None,
    }
}

/// Secrets are kept where nobody else reads them, are no placeholders, and are not too old.
pub(in crate::rounds) fn secrets(patient: &Patient) -> Look {
    let days = patient.settings.as_ref().map_or(90, |settings| settings.secrets_max_age_days);
    let findings = check::check(&patient.loaded, days, patient.now());
    let listed = check::list(&patient.loaded, patient.now());
    let set = listed.iter().filter(|secret| secret.is_set == Some(true)).count();
    let oldest = listed.iter().filter_map(|secret| secret.at_least).max();
    let detail = json!({ "set": set, "oldest_ms": oldest, "limit_days": days, "findings": findings });
    let problems: Vec<_> = findings.iter().filter(|finding| finding.is_problem).collect();
    let age = oldest.map(|age| format!(", the oldest {}", duration(age))).unwrap_or_default();
    let found = match problems.first() {
        Some(first) => {
            let more = if problems.len() > 1 { format!("; {} more", problems.len() - 1) } else { String::new() };
            Found::warn(format!("{}: {}{more}", first.about, first.what)).remedy(&first.next, "quarterdeck secrets check")
        }
        None => Found::pass(format!("{} kept as they should be{age}", count(set, "secret is", "secrets are"))),
    };
    Ok(found.number(format!("{}{age}", count(set, "secret", "secrets"))).detail(detail))
}

/// Logins are there and not too old.
pub(super) fn look(patient: &Patient) -> Look {
    let now = patient.now();
    let settings = patient.settings()?;
    let accounts = patient.read(rows::accounts).unwrap_or_default();
    let mut detail = Vec::new();
    let (mut without, mut wrong, mut old) = (Vec::new(), Vec::new(), Vec::new());
    for account in &accounts {
        let file = patient.data_dir().join(format!("refresh-token-{}", account.to_lowercase()));
        let age = changed_at(&file).map(|at| now - at);
        let login = has_login(settings, account);
        detail.push(json!({ "account": account, "has_login": login, "token_age_ms": age }));
        if age.is_some() {
            wrong.extend(broken(&file, account).map(|reason| format!("{} {reason}", file.display())));
            old.extend(age.filter(|age| *age > UNUSED).map(|age| (account, age)));
        } else if !login {
            without.push(account.as_str());
        }
    }
    let detail = json!({ "accounts": detail });
    let found = match (wrong.first(), old.first()) {
        (Some(why), _) => Found::fail(format!("the file of a refresh token {why}"))
            .remedy("remove the file and set a fresh REDDIT_REFRESH_TOKEN", "quarterdeck secrets list"),
        (None, Some((account, age))) => {
            let why = format!("the refresh token of u/{account} was not used for {}; Reddit ends such tokens", duration(*age));
            Found::warn(why).remedy("log in again for a fresh one", "quarterdeck secrets list")
        }
        (None, None) if accounts.is_empty() => Found::pass("there is no persona that would need a login"),
        (None, None) if !without.is_empty() => {
            Found::warn(format!("there is no login for {}: u/{}", count(without.len(), "account", "accounts"), without.join(", u/")))
                .remedy("set REDDIT_USERNAME and REDDIT_PASSWORD, or REDDIT_ACCOUNTS", "quarterdeck config check")
        }
        (None, None) => Found::pass(format!("{} a login", count(accounts.len(), "account has", "accounts have"))),
    };
    Ok(found.detail(detail))
}
