//! Secrets: not in a backup unless asked for, and then for the passphrase alone.

use crate::house::{backups, create, everything, holds, house};
use crate::program::Home;
use std::os::unix::fs::PermissionsExt;

const CANARY: &str = "canary-9f31c7d2";

fn with_secrets() -> Home {
    let home = house();
    let config = home.directory.path().join(".config/quarterdeck");
    let private = |path: std::path::PathBuf, text: String| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    };
    private(config.join("environment"), format!("# keys\nOPENROUTER_API_KEY={CANARY}-1\nREDDIT_PASSWORD='{CANARY}-2'\n"));
    private(config.join("config.toml"), format!("# mine\n[reddit]\nclient_secret = \"{CANARY}-3\"\nusername = \"DemoAgentBot\"\n"));
    let probes = [
        format!("[[probe]]\nname = \"shop\"\nhttp = \"https://shop.example/health?key={CANARY}-5&full=1\""),
        format!("headers = {{ X-Auth = \"{CANARY}-6\", X-Auth-Key = \"{CANARY}-7\", Accept = \"text/html\" }}"),
        format!("[[probe]]\nname = \"curl\"\ncommand = [\"curl\", \"-H\", \"Authorization: Bearer {CANARY}-8\", \"https://shop.example\"]"),
        format!("# password = \"{CANARY}-9\"\n"),
    ];
    private(config.join("probes.toml"), probes.join("\n"));
    private(home.directory.path().join("refresh-token-demoagentbot"), format!("{CANARY}-4\n"));
    private(home.directory.path().join("right"), "correct horse battery\n".to_owned());
    private(home.directory.path().join("wrong"), "correct horse staple\n".to_owned());
    home
}

#[test]
fn secrets_stay_out_unless_they_are_asked_for() {
    let home = with_secrets();
    home.run(&["backup", "create"])
        .says(0, &["secrets", "none", "config.toml was kept without the secrets in it", "probes.toml was kept without"]);
    for (path, bytes) in everything(&backups(&home)) {
        assert!(!holds(&bytes, CANARY), "{}", path.display());
    }
    let to = home.path("new");
    home.run(&["backup", "restore", "newest", "--to", &to, "--secrets", "--passphrase-file", &home.path("right")])
        .refused(1, "holds no secrets");
    home.run(&["backup", "restore", "newest", "--to", &to]).done();
    let config = std::fs::read_to_string(home.path("new/config/config.toml")).unwrap();
    assert!(config.contains("client_secret was left out of the backup") && config.contains("username = \"DemoAgentBot\""), "{config}");
    let probes = std::fs::read_to_string(home.path("new/config/probes.toml")).unwrap();
    for kept in [
        "https://shop.example/health?key=***&full=1",
        "Accept = \"text/html\"",
        "\"curl\", \"-H\"",
        "# password was left out of the backup",
    ] {
        assert!(probes.contains(kept), "{kept}: {probes}");
    }
}

#[test]
fn secrets_that_were_asked_for_open_with_their_passphrase_alone() {
    let home = with_secrets();
    let (right, wrong) = (home.path("right"), home.path("wrong"));
    let made = home.run(&["backup", "create", "--secrets", "--passphrase-file", &right]);
    made.says(0, &["encrypted with the passphrase"]);
    for (path, bytes) in everything(&backups(&home)) {
        assert!(!holds(&bytes, CANARY) && !holds(&bytes, "correct horse"), "{}", path.display());
    }
    home.run(&["backup", "drill"]).done();
    let to = home.path("new");
    home.run(&["backup", "restore", "newest", "--to", &to, "--secrets", "--passphrase-file", &wrong])
        .refused(1, "does not open the secrets");
    assert!(!home.directory.path().join("new").exists());
    home.run(&["backup", "restore", "newest", "--in-place", "--yes", "--secrets", "--passphrase-file", &wrong])
        .refused(1, "nothing was restored");
    home.run(&["backup", "restore", "newest", "--to", &to, "--secrets", "--passphrase-file", &right]).done();
    let live = home.directory.path().join(".config/quarterdeck");
    for (restored, original) in [
        ("new/config/environment", live.join("environment")),
        ("new/config/config.toml", live.join("config.toml")),
        ("new/config/probes.toml", live.join("probes.toml")),
        ("new/refresh-token-demoagentbot", home.directory.path().join("refresh-token-demoagentbot")),
    ] {
        assert_eq!(std::fs::read(home.path(restored)).unwrap(), std::fs::read(original).unwrap(), "{restored}");
        assert_eq!(std::fs::metadata(home.path(restored)).unwrap().permissions().mode() & 0o777, 0o600, "{restored}");
    }
    // In place, with the configuration, the old files are kept aside.
    std::fs::write(live.join("environment"), "OPENROUTER_API_KEY=later\n").unwrap();
    let words =
        ["backup", "restore", "newest", "--in-place", "--configuration", "--yes", "--secrets", "--passphrase-file", &right, "--json"];
    let restored = home.run(&words).done().json();
    assert!(holds(&std::fs::read(live.join("environment")).unwrap(), CANARY));
    let aside = restored["aside"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|path| path.as_str())
        .find(|path| path.contains("environment.before-"))
        .unwrap();
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "OPENROUTER_API_KEY=later\n");
}

#[test]
fn a_passphrase_comes_from_a_private_place() {
    let home = with_secrets();
    home.run(&["backup", "create", "--secrets"]).refused(2, "no terminal to ask");
    std::fs::set_permissions(home.path("right"), PermissionsExt::from_mode(0o644)).unwrap();
    home.run(&["backup", "create", "--secrets", "--passphrase-file", &home.path("right")]).refused(1, "chmod 600");
    home.run(&["backup", "create", "--passphrase-file", &home.path("right")]).refused(2, "--secrets");
    std::fs::write(home.path("wrong"), "short\n").unwrap();
    home.run(&["backup", "create", "--secrets", "--passphrase-file", &home.path("wrong")]).refused(2, "too short");
    assert_eq!(crate::house::entries(&home), Vec::<String>::new());
    create(&home);
}

#[test]
fn who_was_erased_is_named_when_an_older_backup_is_restored() {
    use quarterdeck::upkeep::backup::erasures::{Erased, append};
    let home = house();
    home.open()
        .write_blocking(|c| {
            let persona = quarterdeck::memory::personas::find(c, "DemoAgentBot").unwrap().id;
            c.exec(
                "INSERT INTO mutes (persona_id, kind, target, reason, created_by, created_at) VALUES ($1, 'user', 'Gone_Again', 'x', 'ana', 1)",
                quarterdeck::vals![&persona],
            )
        })
        .unwrap();
    append(&backups(&home), &Erased::new("Before", 1, "run")).unwrap();
    create(&home);
    append(&backups(&home), &Erased::new("gone_again", i64::MAX / 2, "run")).unwrap();
    let restored = home.run(&["backup", "restore", "newest", "--to", &home.path("new")]);
    restored.says(3, &["2 erasures were asked for", "erase again", "user Gone_Again"]);
    let applied = home.run(&["backup", "restore", "newest", "--to", &home.path("applied"), "--apply-erasures"]);
    applied.says(0, &["erased again"]);
    let left = crate::house::everything(&home.directory.path().join("applied"));
    assert!(!left.iter().any(|(_, bytes)| holds(bytes, "Gone_Again")));
    std::fs::write(backups(&home).join("erasures.jsonl"), "nonsense\n").unwrap();
    home.run(&["backup", "restore", "newest", "--to", &home.path("newer")]).refused(1, "line 1");
    assert!(!home.directory.path().join("newer").exists());
}
