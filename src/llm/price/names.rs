//! One model, several names: which book entries may price a call. Pure.
//!
//! Asked as `anthropic/claude-haiku-4.5`, a call is answered by `anthropic/claude-4.5-haiku-20251001`, and another table calls it
//! `claude-haiku-4-5`. The names to look for, in order:
//!
//! 1. the name as it stands;
//! 2. without the date at its end (`-20251001`, `-2025-08-07`, `@20251001`), and without `~`;
//! 3. for Claude, family and version in their other order, and the version with `-` for `.`;
//! 4. each of these without the provider before the `/`.
//!
//! A suffix such as `:free` or `:online` is never taken off: it changes the price.

/// The names under which `model` may stand in a book, the most exact first.
#[must_use]
pub fn candidates(model: &str) -> Vec<String> {
    let model = model.trim();
    let undated = without_date(model.strip_prefix('~').unwrap_or(model));
    let mut names = vec![model.to_owned(), undated.to_owned()];
    names.extend(claude_spellings(undated));
    let bare: Vec<String> = names.iter().filter_map(|name| name.rsplit_once('/').map(|(_, bare)| bare.to_owned())).collect();
    names.extend(bare);
    let mut unique: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        if !name.is_empty() && !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique
}

fn without_date(model: &str) -> &str {
    if let Some((name, date)) = model.rsplit_once('@') {
        return if date.len() == 8 && digits(date) { name } else { model };
    }
    if let Some((name, date)) = model.rsplit_once('-')
        && date.len() == 8
        && date.starts_with("20")
        && digits(date)
    {
        return name;
    }
    let start = model.len().saturating_sub(11);
    match model.get(start..).map(str::as_bytes) {
        Some([b'-', b'2', b'0', year @ .., b'-', m1, m2, b'-', d1, d2])
            if year.iter().chain([m1, m2, d1, d2]).all(u8::is_ascii_digit) && year.len() == 2 && start > 0 =>
        {
            model.get(..start).unwrap_or(model)
        }
        _ => model,
    }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn claude_spellings(model: &str) -> Vec<String> {
    let (provider, name) = model.rsplit_once('/').map_or(("", model), |(provider, name)| (provider, name));
    let Some((first, second)) = name.strip_prefix("claude-").and_then(|rest| rest.split_once('-')) else { return Vec::new() };
    let version = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let (family, version) = match (version(first), version(second)) {
        (true, false) => (second, first),
        (false, true) => (first, second),
        _ => return Vec::new(),
    };
    let with = |name: String| if provider.is_empty() { name } else { format!("{provider}/{name}") };
    let (dotted, dashed) = (version.replace('-', "."), version.replace('.', "-"));
    vec![
        with(format!("claude-{family}-{dotted}")),
        with(format!("claude-{dotted}-{family}")),
        with(format!("claude-{family}-{dashed}")),
        with(format!("claude-{dashed}-{family}")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_and_providers_come_off_in_order() {
        assert_eq!(
            candidates("openai/gpt-5-mini-2025-08-07"),
            ["openai/gpt-5-mini-2025-08-07", "openai/gpt-5-mini", "gpt-5-mini-2025-08-07", "gpt-5-mini"]
        );
        assert_eq!(candidates("gpt-4o"), ["gpt-4o"]);
        assert_eq!(candidates("a@20251001"), ["a@20251001", "a"]);
    }

    #[test]
    fn claude_is_found_under_each_of_its_spellings() {
        let names = candidates("anthropic/claude-4.5-haiku-20251001");
        for spelling in ["anthropic/claude-haiku-4.5", "claude-haiku-4-5", "anthropic/claude-4.5-haiku"] {
            assert!(names.iter().any(|name| name == spelling), "{spelling} in {names:?}");
        }
        assert!(candidates("claude-haiku-4-5-20251001").contains(&"claude-haiku-4.5".to_owned()));
    }

    #[test]
    fn what_changes_the_price_stays() {
        assert!(candidates("openai/gpt-4o:free").iter().all(|name| name.ends_with(":free")));
        assert!(candidates("qwen/qwen3-30b-a3b-instruct-2507").iter().all(|name| name.ends_with("-2507")));
    }

    proptest! {
        #[test]
        fn any_name_is_its_own_first_candidate(name in "\\PC{1,40}") {
            let names = candidates(&name);
            prop_assert!(name.trim().is_empty() || names[0] == name.trim());
        }
    }
}
