//! The command line as a shell meets it: the real program, an empty home, exit codes, and what stands in its output.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A home directory of its own, thrown away at the end.
struct Home(tempfile::TempDir);

/// How a run of the program ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    fn failed_with(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for text in texts {
            assert!(self.err.contains(text), "{text:?} is not in {self:?}");
        }
    }
}

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        command.env_clear().env("HOME", self.path()).current_dir(self.path()).stdin(Stdio::null());
        command
    }

    fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        self.run_with(arguments, &[])
    }

    fn run_with<S: AsRef<OsStr>>(&self, arguments: &[S], environment: &[(&str, &str)]) -> Ran {
        let ended = self.command().args(arguments).envs(environment.iter().copied()).output().unwrap();
        Ran {
            code: ended.status.code().unwrap_or(-1),
            out: String::from_utf8(ended.stdout).unwrap(),
            err: String::from_utf8(ended.stderr).unwrap(),
        }
    }

    /// Write a file of the configuration directory that only its owner may read.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let directory = self.path().join(".config/quarterdeck");
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        set_mode(&path, 0o600);
        path
    }
}

fn set_mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    #[cfg(not(unix))]
    let _ = (path, mode);
}

/// The findings of `config check --json` as `(level, setting or "", message)`.
fn findings(ran: &Ran) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let value = ran.json();
    let found = value["findings"].as_array().unwrap();
    found.iter().map(|finding| (text(&finding["level"]), text(&finding["setting"]), text(&finding["message"]))).collect()
}

const COMPLETE: &str = "REDDIT_CLIENT_ID=app\nREDDIT_CLIENT_SECRET=s3cret\nREDDIT_USERNAME=deck_hand\nREDDIT_PASSWORD='pass word'\n\
                        OPENROUTER_API_KEY=sk-or-1\n";

#[test]
fn a_fresh_installation_names_everything_that_is_missing() {
    let home = Home::new();
    let ran = home.run(&["config", "check", "--json"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let missing: Vec<String> = findings(&ran).into_iter().filter(|(level, ..)| level == "missing").map(|(_, setting, _)| setting).collect();
    assert_eq!(missing, ["reddit.client_id", "reddit.client_secret", "reddit.username", "reddit.password", "llm.api_key"]);
    assert_eq!(ran.json()["mode"], "dry-run");
    assert!(std::fs::read_dir(home.path()).unwrap().next().is_none(), "a check makes nothing");
}

#[test]
fn a_complete_installation_has_no_problems() {
    let home = Home::new();
    home.write("environment", COMPLETE);
    let ran = home.run(&["config", "check"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("mode dry-run; no problems"), "{ran:?}");
}

#[test]
fn a_stronger_layer_goes_over_a_weaker_one_and_is_named() {
    let home = Home::new();
    home.write(
        "config.toml",
        "mode = \"live\"\n[llm]\nresponse_model = \"file/model\"\nconsistency_model = \"file/model\"\nfallback_models = [\"a/b\"]\n",
    );
    home.write("environment", "RESPONSE_MODEL=environment-file/model\nFALLBACK_MODELS=\n");
    let environment = [("CONSISTENCY_MODEL", "environment/model"), ("DATABASE_URL", "environment.db")];
    let ran = home.run_with(&["config", "show", "--json", "--database", "line.db"], &environment);
    assert_eq!(ran.code, 0, "{ran:?}");
    let value = ran.json();
    let setting = |key: &str| {
        let found = value["settings"].as_array().unwrap().iter().find(|setting| setting["setting"] == key).unwrap();
        (found["value"].as_str().unwrap().to_owned(), found["source"]["kind"].as_str().unwrap().to_owned())
    };
    let expect = |key: &str, value: &str, source: &str| assert_eq!(setting(key), (value.to_owned(), source.to_owned()));
    expect("mode", "live", "file");
    expect("llm.response_model", "environment-file/model", "environment_file");
    expect("llm.consistency_model", "environment/model", "environment");
    // An empty value is not set: the weaker layer stays in force.
    expect("llm.fallback_models", "a/b", "file");
    expect("agent.interval_seconds", "14400", "default");
    let (database, source) = setting("database");
    assert!(database.starts_with("sqlite:/") && database.ends_with("/line.db"), "{database}");
    assert_eq!(source, "command_line");
}

#[test]
fn invalid_toml_is_named_by_file_line_and_column_and_nothing_runs() {
    let home = Home::new();
    let path = home.write("config.toml", "mode = \"live\"\n\n[reddit\nclient_id = \"canary-c41\"\n");
    let ran = home.run(&["config", "show"]);
    ran.failed_with(1, &[&format!("{}, line 3, column ", path.display()), "invalid TOML", "expected", "next: "]);
    let ran = home.run(&["config", "check"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("line 3, column ") && !ran.all().contains("canary-c41"), "{ran:?}");
    // The file that could not be read may hold what is not set: nothing is called missing.
    assert!(!ran.out.contains("missing"), "{ran:?}");
}

#[test]
fn an_unknown_key_is_an_error_with_the_nearest_known_one() {
    let home = Home::new();
    home.write("config.toml", "[moderation]\nlease_second = 60\n");
    let ran = home.run(&["config", "show"]);
    ran.failed_with(
        1,
        &["config.toml, line 2, column 1", "unknown setting `moderation.lease_second`", "did you mean `moderation.lease_seconds`?"],
    );
}

#[test]
fn values_out_of_bounds_say_what_is_allowed() {
    let home = Home::new();
    for (name, value, expected) in [
        ("QUARTERDECK_MODE", "production", "\"dry-run\" or \"sandbox\" or \"live\""),
        ("QUARTERDECK_MODE", "sandbox", "which is not on this machine"),
        ("QUARTERDECK_LEASE_SECONDS", "soon", "a whole number from 1 to 86400 (seconds)"),
        ("REDDIT_OAUTH_URL", "http://oauth.reddit.example", "https://"),
        ("REDDIT_USER_AGENT", "bot", "seven characters"),
        ("DATABASE_URL", "mysql://u:canary-9f@h/d", "sqlite:PATH or postgres://"),
        ("QUARTERDECK_AGENT_MIN_PROBABILITY", "0.9", "agent.max_probability is below"),
    ] {
        let ran = home.run_with(&["config", "show"], &[(name, value)]);
        ran.failed_with(1, &[expected, "next: "]);
        assert!(!ran.all().contains("canary-9f"), "{ran:?}");
        assert_eq!(home.run_with(&["config", "check"], &[(name, value)]).code, 3, "{name}");
    }
}

#[test]
fn names_of_the_runbook_are_understood_and_reported() {
    let home = Home::new();
    let environment =
        [("DATABASE_URL", "sqlite+aiosqlite:///./data/agent.db"), ("AUTO_POSTING_ENABLED", "true"), ("REDDIT_CLIENT_ID", "...")];
    let ran = home.run_with(&["config", "check", "--json"], &environment);
    let found = findings(&ran);
    let with = |text: &str| found.iter().find(|(.., message)| message.contains(text)).unwrap_or_else(|| panic!("{text}: {found:?}"));
    let place = format!("used as sqlite:{}", home.path().canonicalize().unwrap().join("data/agent.db").display());
    assert_eq!(with(&place).0, "note");
    assert_eq!(with("AUTO_POSTING_ENABLED is ignored").0, "note");
    assert_eq!(with("placeholder").1, "reddit.client_id");
}

#[test]
fn a_mistyped_name_in_the_environment_is_noticed() {
    let home = Home::new();
    let ran = home.run_with(&["config", "check"], &[("QUARTERDECK_MOD", "live"), ("REDDIT_CLIENTID", "x"), ("EDITOR", "vi")]);
    assert!(ran.out.contains("did you mean QUARTERDECK_MODE?") && ran.out.contains("did you mean REDDIT_CLIENT_ID?"), "{ran:?}");
    assert!(!ran.out.contains("EDITOR"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn a_secrets_file_that_others_may_read_is_refused() {
    let home = Home::new();
    let path = home.write("environment", COMPLETE);
    for mode in [0o640, 0o604, 0o666] {
        set_mode(&path, mode);
        let ran = home.run(&["config", "show"]);
        ran.failed_with(1, &["holds a secret (REDDIT_CLIENT_SECRET)", "next: chmod 600"]);
        assert!(!ran.all().contains("s3cret"), "{ran:?}");
    }
    set_mode(&path, 0o600);
    assert_eq!(home.run(&["config", "show"]).code, 0);
    // Without a secret in it, the file may be as open as any other; the same rule holds for the configuration file.
    let path = home.write("environment", "RESPONSE_MODEL=a/b\n");
    set_mode(&path, 0o644);
    assert_eq!(home.run(&["config", "show"]).code, 0);
    let path = home.write("config.toml", "database = \"postgres://deck:canary-77@db/deck\"\n");
    set_mode(&path, 0o644);
    let ran = home.run(&["config", "show"]);
    ran.failed_with(1, &["holds a secret (DATABASE_URL)"]);
    assert!(!ran.all().contains("canary-77"), "{ran:?}");
}

#[test]
fn a_secrets_file_that_cannot_be_read_is_named() {
    let home = Home::new();
    let path = home.path().join(".config/quarterdeck/environment");
    std::fs::create_dir_all(&path).unwrap();
    home.run(&["config", "show"]).failed_with(1, &[&path.display().to_string(), "cannot be read", "next: "]);

    let home = Home::new();
    let path = home.write("environment", "");
    std::fs::write(&path, b"REDDIT_USERNAME=x\nREDDIT_PASSWORD=\xff\n").unwrap();
    home.run(&["config", "show"]).failed_with(1, &["line 2 is not valid UTF-8"]);
}

#[test]
fn a_data_directory_that_cannot_be_used_is_a_problem() {
    let home = Home::new();
    home.write("environment", COMPLETE);
    std::fs::write(home.path().join("file"), "").unwrap();
    let ran = home.run(&["config", "check", "--data-dir", "file/below"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("file/below cannot be used") && ran.out.contains("command line (--data-dir)"), "{ran:?}");
}

#[test]
fn a_named_configuration_file_must_exist_and_brings_its_own_secrets() {
    let home = Home::new();
    let ran = home.run(&["config", "show", "--config", "none.toml"]);
    ran.failed_with(1, &["there is no configuration file at", "none.toml", "next: "]);
    std::fs::write(home.path().join("staging.toml"), "mode = \"live\"\n").unwrap();
    let secrets = home.path().join("staging.environment");
    std::fs::write(&secrets, "REDDIT_USERNAME=deck_hand\n").unwrap();
    let ran = home.run_with(&["config", "show"], &[("QUARTERDECK_CONFIG", "staging.toml")]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("deck_hand") && ran.out.contains("live"), "{ran:?}");
}

#[test]
fn no_output_ever_holds_a_secret() {
    let secrets = [
        ("REDDIT_CLIENT_SECRET", "canary-a1"),
        ("REDDIT_PASSWORD", "canary-b2"),
        ("REDDIT_OTP", "canary-c3"),
        ("REDDIT_REFRESH_TOKEN", "canary-d4"),
        ("OPENROUTER_API_KEY", "canary-e5"),
        ("DATABASE_URL", "postgres://deck:canary-f6@db.example/deck?sslmode=require"),
    ];
    let file: String = secrets.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    let toml = "[reddit]\npassword = \"canary-g7\"\nclient_secret = \"canary-h8\n";
    let homes: [&dyn Fn(&Home); 3] =
        [&|_| {}, &|home| drop(home.write("environment", &file)), &|home| drop(home.write("config.toml", toml))];
    for (index, prepare) in homes.iter().enumerate() {
        let home = Home::new();
        prepare(&home);
        let environment: &[(&str, &str)] = if index == 0 { &secrets } else { &[] };
        for arguments in [
            &["config", "show"][..],
            &["config", "show", "--json"],
            &["config", "check"],
            &["config", "check", "--json"],
            &["config", "path"],
            &["config", "path", "--json"],
            &["config", "show", "-vvv"],
            &["config", "check", "-vvv", "--color", "always"],
            &["config", "reference"],
            &["--help"],
        ] {
            let ran = home.run_with(arguments, environment);
            assert!(!ran.all().contains("canary"), "{arguments:?}: {ran:?}");
        }
        let log = home.path().join(".local/state/quarterdeck/quarterdeck.log");
        assert!(!std::fs::read_to_string(log).unwrap().contains("canary"));
    }
    let home = Home::new();
    let shown = home.run_with(&["config", "show"], &secrets).out;
    assert!(shown.contains("set, from environment") && shown.contains("postgres://deck:***@db.example/deck"), "{shown}");
}

#[test]
fn wrong_usage_is_code_two_in_both_forms() {
    let home = Home::new();
    home.run(&["config", "chek"]).failed_with(2, &["error: ", "chek"]);
    home.run::<&str>(&[]).failed_with(2, &["the console needs a terminal", "next: `quarterdeck --plain`"]);
    home.run_with(&["config", "show", "-v"], &[("QUARTERDECK_LOG", "quarterdeck=loud")]).failed_with(2, &["QUARTERDECK_LOG", "next: "]);
    let ran = home.run(&["--json", "config", "chek"]);
    let value: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((ran.code, value["code"].as_i64()), (2, Some(2)));
    assert!(value["error"].as_str().unwrap().contains("chek") && value["next"].is_string(), "{value}");
}

#[test]
fn a_failure_in_json_mode_is_one_object_on_standard_error() {
    let home = Home::new();
    let ran = home.run_with(&["config", "show", "--json"], &[("QUARTERDECK_MODE", "\u{1b}]0;title\u{7}")]);
    let value: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!((ran.code, value["code"].as_i64()), (1, Some(1)));
    assert!(!ran.all().contains('\u{1b}'), "{ran:?}");
}

#[test]
fn every_subcommand_explains_itself() {
    let home = Home::new();
    let mut paths: Vec<Vec<String>> = vec![Vec::new()];
    let mut seen = 0;
    while let Some(path) = paths.pop() {
        let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let ran = home.run(&arguments);
        assert_eq!(ran.code, 0, "{path:?}: {ran:?}");
        assert!(ran.out.contains("Usage: quarterdeck") && ran.out.contains("--json"), "{path:?}: {ran:?}");
        seen += 1;
        let commands = ran.out.split_once("Commands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or_default());
        for line in commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
            let name = line.split_whitespace().next().unwrap();
            if name != "help" {
                paths.push(path.iter().cloned().chain([name.to_owned()]).collect());
            }
        }
    }
    assert!(seen >= 8, "only {seen} pages were found");
}

#[test]
fn completions_and_manual_pages_are_made() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let ran = home.run(&["completions", shell]);
        assert!(ran.code == 0 && ran.out.contains("quarterdeck") && ran.out.contains("config"), "{shell}: {}", ran.err);
    }
    let ran = home.run(&["man"]);
    assert!(ran.code == 0 && ran.out.contains(".TH quarterdeck 1"), "{ran:?}");
    let ran = home.run(&["man", "--dir", "pages"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for page in ["quarterdeck.1", "quarterdeck-config.1", "quarterdeck-config-check.1"] {
        assert!(std::fs::read_to_string(home.path().join("pages").join(page)).unwrap().contains(".TH"), "{page}");
    }
    std::fs::write(home.path().join("file"), "").unwrap();
    home.run(&["man", "--dir", "file/below"]).failed_with(1, &["file/below", "next: "]);
}

#[test]
fn the_page_of_settings_is_the_one_in_the_documentation() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md")).unwrap();
    let made = Home::new().run(&["config", "reference"]).out;
    assert!(page == made, "docs/configuration.md is not up to date: cargo run -- config reference > docs/configuration.md");
}

#[test]
fn the_log_is_written_only_when_asked_for_and_is_closed_to_others() {
    let home = Home::new();
    let log = home.path().join(".local/state/quarterdeck/quarterdeck.log");
    home.run(&["config", "show"]);
    assert!(!log.exists());
    home.run_with(&["config", "show", "-v"], &[("QUARTERDECK_MODE", "x")]).failed_with(1, &[]);
    let text = std::fs::read_to_string(&log).unwrap();
    let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(line["level"], "ERROR");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::metadata(log.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[test]
fn colours_need_a_terminal_or_a_wish() {
    let home = Home::new();
    assert!(!home.run(&["config", "check"]).all().contains('\u{1b}'));
    assert!(home.run(&["config", "check", "--color", "always"]).out.contains("\u{1b}["));
    assert!(!home.run(&["config", "check", "--json", "--color", "always"]).all().contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let home = Home::new();
    let mut child = home.command().args(["completions", "zsh"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &b""[..]));
}
