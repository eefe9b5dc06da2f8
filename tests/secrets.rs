//! `quarterdeck secrets` as people use it: the real program, a real environment file, the sandbox as the services.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use quarterdeck::sandbox::{self, Options, Sandbox};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::program::{Did, Home};

const OLD: &str = "sk-old-canary-0123456789";
const NEW: &str = "sk-new-canary-9876543210";

/// A home with an environment file in the usual place.
struct Deck {
    home: Home,
    sandbox: Sandbox,
}

impl Deck {
    /// The model service takes `key` only.
    async fn new(key: Option<&str>) -> Self {
        let options = Options { posts: 0, model_key: key.map(str::to_owned), ..Options::default() };
        let deck = Self { home: Home::new(), sandbox: sandbox::start(options).await.unwrap() };
        std::fs::create_dir_all(deck.file().parent().unwrap()).unwrap();
        std::fs::set_permissions(deck.file().parent().unwrap(), std::fs::Permissions::from_mode(0o700)).unwrap();
        deck
    }

    fn file(&self) -> PathBuf {
        self.home.directory.path().join(".config/quarterdeck/environment")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }

    fn write(&self, text: &str) {
        std::fs::write(self.file(), text).unwrap();
        std::fs::set_permissions(self.file(), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.home.command(words);
        command.env("OPENROUTER_BASE_URL", self.sandbox.model_url()).env("REDDIT_BASE_URL", self.sandbox.reddit_url());
        command
    }

    async fn run(&self, words: &[&str]) -> Did {
        self.typed(words, "").await
    }

    /// With something on standard input.
    async fn typed(&self, words: &[&str], input: &str) -> Did {
        let (mut command, input) = (self.command(words), input.to_owned());
        // On a thread of its own: the sandbox answers from this runtime.
        let output = std::thread::spawn(move || {
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            // A command that refuses does not read.
            let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
            child.wait_with_output().unwrap()
        });
        while !output.is_finished() {
            tokio::task::yield_now().await;
        }
        Did::of(output.join().unwrap())
    }

    async fn state(&self) -> String {
        let did = self.run(&["--json", "secrets", "rotate", "OPENROUTER_API_KEY", "--status"]).await.done();
        did.json()["state"].as_str().unwrap().to_owned()
    }
}

const FILE: &str = "# our keys\r\nexport OPENROUTER_API_KEY='sk-old-canary-0123456789'  # made in May\r\n\r\nREDDIT_USERNAME=deck\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_value_is_set_from_standard_input_and_nothing_else_changes() {
    let deck = Deck::new(None).await;
    deck.write(FILE);
    let did = deck.typed(&["secrets", "set", "OPENROUTER_API_KEY"], &format!("{NEW}\n")).await.done();
    assert!(!did.out.contains("canary") && !did.err.contains("canary"), "{}{}", did.out, did.err);
    assert_eq!(deck.text(), FILE.replace(OLD, NEW));
    deck.typed(&["secrets", "set", "REDDIT_PASSWORD"], "it's $HOME").await.done();
    assert_eq!(deck.text(), format!("{}REDDIT_PASSWORD=\"it's \\$HOME\"\r\n", FILE.replace(OLD, NEW)));
    assert_eq!(std::fs::metadata(deck.file()).unwrap().permissions().mode() & 0o777, 0o600);
    let listed = deck.run(&["--json", "secrets", "list"]).await.done();
    assert!(!listed.out.contains("canary") && !listed.out.contains("$HOME"));
    let listed = listed.json();
    let named = |name: &str| listed["secrets"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap().clone();
    assert_eq!((named("OPENROUTER_API_KEY")["is_set"].as_bool(), named("REDDIT_OTP")["is_set"].as_bool()), (Some(true), Some(false)));
    assert!(named("OPENROUTER_API_KEY")["since"].is_i64());
    deck.run(&["secrets", "list"]).await.says(0, &["OPENROUTER_API_KEY", "yes", "environment file"]);
    // Who did it stands in the log, and not what.
    let log = deck.run(&["--json", "audit", "log", "--action", "secrets.*"]).await.done();
    assert_eq!(log.json()["rows"].as_array().unwrap().len(), 2);
    assert!(!log.out.contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_names_and_values_are_refused_and_nothing_is_repeated() {
    let deck = Deck::new(None).await;
    deck.write(FILE);
    deck.run(&["secrets", "set", "OPENROUTER_APIKEY"]).await.refused(2, "did you mean OPENROUTER_API_KEY?");
    let did = deck.run(&["secrets", "set", "OPENROUTER_API_KEY", NEW]).await;
    assert!(!did.err.contains("canary"), "{}", did.err);
    did.refused(2, "seen by everybody");
    let did = deck.run(&["secrets", "set", "sk-canary-value-in-the-wrong-place"]).await;
    assert!(!did.err.contains("canary"), "{}", did.err);
    did.refused(2, "no secret of this program");
    for (input, why) in [
        ("", "no value"),
        ("\n", "no value"),
        ("two\nlines\n", "one line"),
        ("a\u{1b}[2J", "control"),
        ("<new-key>", "placeholder"),
        ("YOUR_KEY", "placeholder"),
    ] {
        deck.typed(&["secrets", "set", "OPENROUTER_API_KEY"], input).await.refused(2, why);
    }
    assert_eq!(deck.text(), FILE);
    std::fs::set_permissions(deck.file(), std::fs::Permissions::from_mode(0o640)).unwrap();
    let did = deck.typed(&["secrets", "set", "OPENROUTER_API_KEY"], NEW).await;
    did.refused(1, "chmod 600");
    // Nor is it read by anything else: the command to type is said.
    deck.run(&["queue", "list"]).await.refused(1, "OPENROUTER_API_KEY");
    assert!(deck.run(&["queue", "list"]).await.err.contains("chmod 600"));
    deck.write("PROBE_TOKEN=sk-canary\n");
    deck.run(&["queue", "list"]).await.done();
    std::fs::set_permissions(deck.file(), std::fs::Permissions::from_mode(0o604)).unwrap();
    deck.run(&["queue", "list"]).await.refused(1, "PROBE_TOKEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_in_steps_that_go_on_in_another_process() {
    let deck = Deck::new(Some(NEW)).await;
    deck.write(FILE);
    assert_eq!(deck.state().await, "none");
    let rotate = ["secrets", "rotate", "OPENROUTER_API_KEY"];
    // One step alone, as if the power failed behind it: the old value is in force.
    let did = deck.typed(&["--json", "secrets", "rotate", "OPENROUTER_API_KEY", "--step"], NEW).await.done();
    assert_eq!((did.json()["state"].as_str(), deck.state().await.as_str()), (Some("added"), "added"));
    assert!(deck.text().starts_with(FILE) && deck.text().contains("OPENROUTER_API_KEY__NEXT="), "{}", deck.text());
    deck.typed(&["secrets", "set", "OPENROUTER_API_KEY"], "sk-another-1").await.refused(1, "is being replaced");
    // The service takes it: it is put in force, and the old one is kept.
    deck.run(&rotate).await.says(0, &["switched; the new value is in force", "takes it", "next:", "revoke"]);
    assert_eq!(deck.state().await, "switched");
    let config = deck.run(&["--json", "config", "check"]).await;
    assert!(!config.out.contains("canary") && config.out.contains("is being replaced"), "{}", config.out);
    // The old one is refused by the service, so it goes.
    deck.run(&rotate).await.says(0, &["retired", "no replacement is under way"]);
    assert_eq!(deck.text(), FILE.replace(OLD, NEW));
    let runs = deck.run(&["--json", "audit", "log", "--action", "upkeep.rotation"]).await.done().json();
    assert_eq!(runs["rows"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_service_refuses_does_not_come_into_force_and_an_abort_restores() {
    let deck = Deck::new(Some(OLD)).await;
    deck.write(FILE);
    deck.typed(&["secrets", "rotate", "OPENROUTER_API_KEY"], NEW).await.refused(1, "the old value of OPENROUTER_API_KEY stays in force");
    assert_eq!(deck.state().await, "added");
    deck.run(&["secrets", "rotate", "OPENROUTER_API_KEY", "--abort"]).await.says(0, &["aborted"]);
    assert_eq!(deck.text(), FILE);
    deck.run(&["secrets", "rotate", "OPENROUTER_API_KEY", "--abort"]).await.refused(1, "is not being replaced");
    deck.typed(&["secrets", "rotate", "OPENROUTER_API_KEY"], OLD).await.refused(1, "the one that is in force");
    deck.typed(&["secrets", "rotate", "OPENAI_API_KEY"], NEW).await.refused(1, "nothing to replace");
    deck.typed(&["secrets", "rotate", "QUARTERDECK_AUDIT_KEY"], NEW).await.refused(2, "it is added to");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_value_that_still_works_is_kept_until_it_is_revoked() {
    // Every key is taken.
    let deck = Deck::new(None).await;
    deck.write(FILE);
    let rotate = ["secrets", "rotate", "OPENROUTER_API_KEY"];
    deck.typed(&rotate, NEW).await.says(0, &["added, then switched"]);
    deck.run(&rotate).await.refused(3, "still works");
    assert_eq!(deck.state().await, "switched");
    // From here the abort leads back too.
    deck.run(&["secrets", "rotate", "OPENROUTER_API_KEY", "--abort"]).await.done();
    assert_eq!(deck.text(), FILE);
    deck.typed(&rotate, NEW).await.done();
    deck.run(&["secrets", "rotate", "OPENROUTER_API_KEY", "--unverified"]).await.says(0, &["retired"]);
    assert_eq!(deck.text(), FILE.replace(OLD, NEW));
}

/// A service that takes a connection and never answers: the program is killed while it waits.
#[tokio::test(flavor = "multi_thread")]
async fn killed_while_the_service_is_asked_it_goes_on_where_it_was() {
    let deck = Deck::new(Some(NEW)).await;
    deck.write(FILE);
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    for (step, left) in [(Some(NEW), "added"), (None, "added")] {
        let mut command = deck.command(&["secrets", "rotate", "OPENROUTER_API_KEY"]);
        command.env("OPENROUTER_BASE_URL", &address).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(step.unwrap_or_default().as_bytes());
        // It has come to ask.
        let asked = silent.accept().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        drop(asked);
        assert_eq!(deck.state().await, left);
        assert!(deck.text().starts_with(FILE), "the old value is in force");
    }
    deck.run(&["secrets", "rotate", "OPENROUTER_API_KEY"]).await.done();
    // Killed again while the new one is tried before the old one goes.
    let mut command = deck.command(&["secrets", "rotate", "OPENROUTER_API_KEY"]);
    let mut child = command.env("OPENROUTER_BASE_URL", &address).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let asked = silent.accept().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(asked);
    assert_eq!(deck.state().await, "switched");
    deck.run(&["secrets", "rotate", "OPENROUTER_API_KEY"]).await.says(0, &["retired"]);
    assert_eq!(deck.text(), FILE.replace(OLD, NEW));
    let left: Vec<_> = std::fs::read_dir(deck.file().parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".new")), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_away_changes_nothing_and_the_reddit_login_is_tried() {
    let deck = Deck::new(None).await;
    deck.write(FILE);
    let mut command = deck.command(&["secrets", "rotate", "OPENROUTER_API_KEY"]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    command.env("OPENROUTER_BASE_URL", format!("http://{free}")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(NEW.as_bytes()).unwrap();
    Did::of(child.wait_with_output().unwrap()).refused(1, "cannot be reached");
    assert_eq!(deck.state().await, "added");

    let text = format!("REDDIT_CLIENT_ID={}\nREDDIT_CLIENT_SECRET=wrong-one\nREDDIT_USERNAME={}\n", sandbox::CLIENT_ID, sandbox::ACCOUNT);
    deck.write(&format!("{text}REDDIT_PASSWORD=old-password\n"));
    deck.typed(&["secrets", "rotate", "REDDIT_CLIENT_SECRET"], "wrong-two").await.refused(1, "refuses the login");
    deck.run(&["secrets", "rotate", "REDDIT_CLIENT_SECRET", "--abort"]).await.done();
    let did = deck.typed(&["secrets", "rotate", "REDDIT_CLIENT_SECRET"], sandbox::CLIENT_SECRET).await;
    did.says(0, &["logs in with it"]);
    deck.run(&["secrets", "rotate", "REDDIT_CLIENT_SECRET"]).await.says(0, &["retired"]);
    deck.typed(&["secrets", "rotate", "REDDIT_PASSWORD"], sandbox::PASSWORD).await.says(0, &["logs in with it"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_names_what_is_wrong() {
    let deck = Deck::new(None).await;
    deck.write("OPENROUTER_API_KEY=<new-key>\nOPENAI_API_KEY=the-same-value\nREDDIT_PASSWORD=the-same-value\nREDDIT_CLIENTSECRET=x\n");
    let found = deck.run(&["--json", "secrets", "check"]).await.ended(3).json();
    let all = found["findings"].to_string();
    for expected in ["placeholder", "has the same value as", "did you mean REDDIT_CLIENT_SECRET?"] {
        assert!(all.contains(expected), "{expected}: {all}");
    }
    assert!(!all.contains("the-same-value") && !all.contains("new-key"));
    // Old: the file was last changed long ago.
    deck.write(FILE);
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(100 * 86_400);
    std::fs::File::options().append(true).open(deck.file()).unwrap().set_modified(old).unwrap();
    deck.run(&["secrets", "check"])
        .await
        .says(3, &["OPENROUTER_API_KEY is", "old; 90 days are the limit", "secrets rotate OPENROUTER_API_KEY"]);
    std::fs::set_permissions(deck.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    deck.run(&["secrets", "check"]).await.says(3, &["can be read by others", "chmod 600"]);
    deck.write(FILE);
    deck.run(&["secrets", "check"]).await.says(0, &["no problems"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_passed_in_while_another_is_put_in_force_is_not_dropped() {
    let deck = Deck::new(None).await;
    deck.write(FILE);
    deck.typed(&["secrets", "rotate", "OPENROUTER_API_KEY", "--step"], NEW).await.done();
    let rotate = ["secrets", "rotate", "OPENROUTER_API_KEY", "--unverified"];
    let did = deck.typed(&rotate, "sk-a-third-one").await;
    assert!(!did.err.contains("third"), "{}", did.err);
    did.refused(1, "is being replaced already, by another value");
    assert_eq!(deck.state().await, "added");
    // The same value, or none, goes on.
    deck.typed(&rotate, &format!("{NEW}\n")).await.says(0, &["switched"]);
    deck.typed(&rotate, "sk-a-third-one").await.refused(1, "nothing was done");
    deck.typed(&rotate, "").await.says(0, &["retired"]);
    assert_eq!(deck.text(), FILE.replace(OLD, NEW));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_does_not_count_is_named_when_the_old_value_is_retired() {
    let deck = Deck::new(None).await;
    deck.write(&format!("OPENROUTER_API_KEY=older\nOPENROUTER_API_KEY={OLD}\n"));
    let rotate = ["--json", "secrets", "rotate", "OPENROUTER_API_KEY", "--unverified"];
    deck.typed(&rotate, NEW).await.done();
    let retired = deck.typed(&rotate, "").await.done().json();
    assert_eq!((retired["did"][0].as_str(), retired["covered"][0].as_i64()), (Some("retired"), Some(1)), "{retired}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_says_nothing_of_its_password() {
    let deck = Deck::new(None).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    deck.write(&format!("DATABASE_URL=postgres://deck:old-canary@{free}/deck\n"));
    // Without `--database`, which goes before the file.
    let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
    command.env_clear().env("HOME", deck.home.directory.path()).args(["secrets", "rotate", "DATABASE_URL"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("postgres://deck:new-canary@{free}/deck").as_bytes()).unwrap();
    let did = Did::of(child.wait_with_output().unwrap());
    assert!(!did.err.contains("canary") && !did.err.contains("refuses"), "{}", did.err);
    did.refused(1, "cannot be asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_the_probes_are_secrets_too() {
    let deck = Deck::new(None).await;
    deck.write("REDIS_PASSWORD=canary\n");
    let probes = "[[probe]]\nname = \"shop\"\nsystem = \"web\"\nhttp = \"https://shop.example/\"\nheaders = { X-Key = \"${SHOP_KEY}\", X-Redis = \"${REDIS_PASSWORD}\" }\n";
    std::fs::write(deck.file().with_file_name("probes.toml"), probes).unwrap();
    deck.run(&["secrets", "check"]).await.says(0, &["no problems"]);
    deck.typed(&["secrets", "set", "SHOP_KEY"], "sk-shop").await.done();
    assert_eq!(deck.text(), "REDIS_PASSWORD=canary\nSHOP_KEY=sk-shop\n");
    let listed = deck.run(&["--json", "secrets", "list"]).await.done().json();
    let shop = listed["secrets"].as_array().unwrap().iter().find(|one| one["name"] == "SHOP_KEY").unwrap();
    assert!(shop["is_set"] == true && shop["since"].is_i64() && shop["setting"].is_null(), "{shop}");
    deck.typed(&["secrets", "rotate", "SHOP_KEY"], "x").await.refused(2, "used by probes.toml alone");
    // A file that is refused says nothing about what is in it.
    std::fs::set_permissions(deck.file(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let listed = deck.run(&["--json", "secrets", "list"]).await.done().json();
    assert!(listed["secrets"].as_array().unwrap().iter().all(|one| one["is_set"].is_null()), "{listed}");
    assert!(listed["problem"].as_str().unwrap().contains("chmod 600"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_age_is_told_also_where_a_service_manager_hands_the_value_over() {
    let deck = Deck::new(None).await;
    deck.write(FILE);
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(300 * 86_400);
    std::fs::File::options().append(true).open(deck.file()).unwrap().set_modified(old).unwrap();
    let output = deck.command(&["secrets", "check"]).env("OPENROUTER_API_KEY", OLD).output().unwrap();
    Did::of(output).says(3, &["OPENROUTER_API_KEY is", "old; 90 days are the limit"]);
    // Another value being set does not make this one young.
    deck.typed(&["secrets", "set", "REDDIT_PASSWORD"], "new-one").await.done();
    deck.run(&["secrets", "check"]).await.says(3, &["OPENROUTER_API_KEY is", "old; 90 days are the limit"]);
}

/// Secrets are planted, much is done, and everything that is left behind is looked through.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_anything_that_is_left_behind() {
    let deck = Deck::new(Some(NEW)).await;
    deck.write(&format!("OPENROUTER_API_KEY={OLD}\nREDDIT_CLIENT_ID=id\nREDDIT_CLIENT_SECRET=canary-client-secret\nREDDIT_USERNAME=deck\nREDDIT_PASSWORD=canary-password\nDATABASE_URL=postgres://deck:canary-database@127.0.0.1:1/none\n"));
    let mut said = String::new();
    let mut keep = |did: Did| said.push_str(&format!("{}{}", did.out, did.err));
    keep(deck.run(&["seed"]).await);
    keep(deck.typed(&["-vvv", "secrets", "rotate", "OPENROUTER_API_KEY"], NEW).await);
    keep(deck.run(&["-vvv", "secrets", "rotate", "OPENROUTER_API_KEY"]).await);
    for words in [
        &["-vvv", "secrets", "list"][..],
        &["-vvv", "--json", "secrets", "check"],
        &["-vvv", "--json", "config", "show"],
        &["-vvv", "config", "check"],
        &["-vvv", "audit", "log", "--details", "--limit", "100"],
        &["-vvv", "models", "key"],
        &["-vvv", "agent", "once"],
        &["-vvv", "--json", "queue", "show", NEW],
        &["secrets", "set", "OPENROUTER_API_KEY", NEW],
    ] {
        keep(deck.run(words).await);
    }
    // The value that a person typed as an argument is theirs; nothing of it is said.
    assert!(!said.contains("canary"), "{said}");
    let mut looked = 0;
    look(deck.home.directory.path(), &mut |path| {
        if path != deck.file() {
            let bytes = std::fs::read(path).unwrap();
            looked += 1;
            assert!(!bytes.windows(6).any(|window| window == b"canary"), "{}", path.display());
        }
    });
    assert!(looked >= 3, "a database and a log are there");
}

fn look(directory: &Path, at: &mut dyn FnMut(&Path)) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { look(&path, at) } else { at(&path) }
    }
}
