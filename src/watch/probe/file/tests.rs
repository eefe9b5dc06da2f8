use super::*;
use crate::watch::probe::model::{Schedule, Target, When};
use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use std::time::Duration;

struct Known;

impl Names for Known {
    fn value(&self, name: &str) -> Result<Option<String>, String> {
        Ok((name == "SHOP_KEY").then(|| "canary".to_owned()))
    }
}

fn read_text(text: &str) -> Result<Definitions, Vec<String>> {
    parse("/p.toml", text, false, &Known).map_err(|broken| broken.faults.iter().map(ToString::to_string).collect())
}

fn faults(text: &str) -> Vec<String> {
    read_text(text).unwrap_err()
}

#[test]
fn a_whole_file_is_read() {
    let text = r#"
presets = ["textbook-rag"]
[preset.textbook-rag]
base_url = "http://localhost:9000"
[defaults]
interval = "1m"
failures = 2
[[probe]]
name = "shop"
system = "web"
http = "https://shop.example/health"
headers = { Authorization = "Bearer ${SHOP_KEY}" }
degraded_over = "250ms"
conditions = ["[STATUS] == 200"]
[[probe]]
name = "cache"
redis = "localhost"
[[probe]]
name = "port"
tcp = "[::1]:99"
timeout = "2s"
interval = "5s"
[[heartbeat]]
name = "nightly"
cron = "30 2 * * *"
zone = "Europe/Berlin"
grace = "30m"
[[maintenance]]
system = "web"
from = 2026-11-22T02:00:00+01:00
until = 2026-11-22T03:00:00+01:00
"#;
    let all = read_text(text).unwrap();
    let shop = all.probe("shop").unwrap();
    assert_eq!((shop.system.as_str(), shop.interval, shop.failures), ("web", Duration::from_secs(60), 2));
    assert_eq!(shop.degraded_over, Some(Duration::from_millis(250)));
    let Target::Http { headers, follow, method, .. } = &shop.target else { panic!("{shop:?}") };
    assert_eq!((headers[0].1.expose_secret(), *follow, method.as_str()), ("Bearer canary", false, "GET"));
    assert!(!format!("{all:?}").contains("canary"), "a secret is not told");
    assert!(matches!(&all.probe("cache").unwrap().target, Target::Redis { port: 6_379, .. }));
    assert!(matches!(&all.probe("port").unwrap().target, Target::Tcp { host, port: 99 } if host == "::1"));
    assert!(matches!(&all.heartbeats[0].schedule, Schedule::Cron { .. }));
    assert!(matches!(all.maintenance[0].when, When::Once { from, until } if until - from == 3_600_000));
    assert!(all.probes.iter().any(|probe| probe.system == "textbook-rag"
        && matches!(&probe.target, Target::Http { url, .. } if url.starts_with("http://localhost:9000"))));
}

#[test]
fn each_fault_names_its_line_and_what_was_expected() {
    for (text, words) in [
        (
            "[[probe]]\nname = \"a\"\nhttp = \"http://h\"\nintervall = \"3s\"\n",
            "line 4, column 1: [[probe]] has no key `intervall`; did you mean `interval`?",
        ),
        ("[[probe]]\nname = \"a\"\n", "line 1, column 1: [[probe]] has no `http`: it needs one target"),
        ("[[probe]]\nname = \"a\"\ntcp = \"h:1\"\nhttp = \"http://h\"\n", "one target"),
        ("[[probe]]\nname = \"a b\"\ntcp = \"h:1\"\n", "line 2"),
        ("[[probe]]\nname = \"a\"\ntcp = \"h\"\n", "host:port"),
        ("[[probe]]\nname = \"a\"\ntcp = \"h:1\"\nconditions = [\"[STATUS] == 200\"]\n", "tcp never tells [STATUS]"),
        ("[[probe]]\nname = \"a\"\ntcp = \"h:1\"\ninterval = \"soon\"\n", "is not a length of time"),
        ("[[probe]]\nname = \"a\"\ntcp = \"h:1\"\ninterval = \"5s\"\ntimeout = \"9s\"\n", "longer than `interval`"),
        (
            "[[probe]]\nname = \"a\"\ntcp = \"h:1\"\n[[probe]]\nname = \"a\"\ntcp = \"h:2\"\n",
            "line 4, column 1: there is a second probe called `a`",
        ),
        ("[[probe]]\nname = \"a\"\nhttp = \"ftp://h\"\n", "https://host/path"),
        ("[[probe]]\nname = \"a\"\nredis = \"h\"\npassword = \"${NOBODY}\"\n", "line 4, column 12: `password`: NOBODY is not set"),
        ("[[probe]]\nname = \"a\"\nlog_file = \"/l\"\nerror = \"(\"\n", "not a regular expression"),
        ("[[heartbeat]]\nname = \"a\"\ncron = \"0 0 30 2 *\"\n", "never comes"),
        ("[[heartbeat]]\nname = \"a\"\ncron = \"* * * * * *\"\n", "leave the seconds out"),
        ("[[heartbeat]]\nname = \"a\"\ncron = \"0 0 * * *\"\nzone = \"Berlin\"\n", "Europe/Berlin"),
        ("[[maintenance]]\nprobe = \"a\"\ncron = \"0 0 * * *\"\nduration = \"1h\"\n", "no probe or heartbeat called `a`"),
        ("[[maintenance]]\nall = true\nfrom = 2026-11-22T02:00:00\nuntil = 2026-11-22T03:00:00Z\n", "a time with its zone"),
        ("presets = [\"textbok-rag\"]\n", "did you mean `textbook-rag`?"),
        ("presets = [\"textbook-rag\", \"textbook-rag\"]\n", "line 1, column 11: the preset `textbook-rag` is switched on twice"),
        ("presets = [\"textbook-rag\"]\n[[probe]]\nname = \"textbook-health\"\ntcp = \"h:1\"\n", "a second probe called `textbook-health`"),
        ("presets = [\"textbook-rag\"]\n[preset.textbook-rag]\nbase_ur = \"x\"\n", "did you mean `base_url`?"),
        ("[preset.textbook-rag]\nbase_url = \"x\"\n", "not switched on"),
        ("[defaults]\nfailures = 0\n", "from 1 to 1000"),
        ("probe = 3\n", "expected [[probe]]"),
        ("[[probe]\n", "invalid TOML"),
    ] {
        let found = faults(text);
        assert!(found.iter().any(|fault| fault.contains(words)), "{words:?} in {found:?}");
        assert!(found.iter().all(|fault| fault.starts_with("/p.toml, line ") || fault.starts_with("preset ")), "{found:?}");
    }
}

#[test]
fn a_fault_in_a_probe_is_one_fault_though_a_window_holds_it() {
    let window = |scope: &str| format!("[[maintenance]]\n{scope}\ncron = \"0 3 * * 0\"\nduration = \"1h\"\n");
    let probe = "[[probe]]\nname = \"shop\"\nsystem = \"web\"\nredis = \"h\"\npassword = \"${NOBODY}\"\n";
    for scope in ["system = \"web\"", "probe = \"shop\""] {
        let found = faults(&format!("{probe}{}", window(scope)));
        assert!(found.len() == 1 && found[0].contains("NOBODY is not set"), "{found:?}");
    }
    let beat = "[[heartbeat]]\nname = \"nightly\"\nevery = \"soon\"\n";
    assert_eq!(faults(&format!("{beat}{}", window("probe = \"nightly\""))).len(), 1);
    let preset = "presets = [\"advisor-batch\"]\n[preset.advisor-batch]\ndatabase_url = \"${NOBODY}\"\n";
    for probe in ["advisor-database", "advisor-health"] {
        assert_eq!(faults(&format!("{preset}{}", window(&format!("probe = \"{probe}\"")))).len(), 1);
    }
    assert_eq!(faults(&format!("{probe}{}", window("system = \"wep\""))).len(), 2, "this one holds nothing");
}

#[test]
fn a_secret_in_a_file_that_others_may_read_is_refused_and_not_repeated() {
    let text = "[[probe]]\nname = \"a\"\nredis = \"h\"\npassword = \"canary\"\n";
    let broken = parse("/p.toml", text, true, &Known).unwrap_err();
    assert!(broken.to_string().contains("chmod 600") && !broken.to_string().contains("canary"), "{broken}");
    assert!(parse("/p.toml", text, false, &Known).is_ok());
    let probe = |rest: &str| format!("[[probe]]\nname = \"a\"\n{rest}\n");
    let preset = |name: &str, rest: &str| format!("presets = [\"{name}\"]\n[preset.{name}]\n{rest}\n");
    for text in [
        probe("redis = \"h\"\npassword = \"canary{x\""),
        probe("http = \"https://user:canary@h/x\""),
        probe("http = \"https://h/x?token=canary\""),
        probe("http = \"https://h/\"\nheaders = { Cookie = \"canary\" }"),
        probe("http = \"https://h/\"\nheaders = { X-Secret = \"canary\" }"),
        probe("http = \"https://h/\"\nheaders = { Proxy-Authorization = \"canary\" }"),
        probe("postgres = \"postgres://u:canary@h/db\""),
        probe("postgres = \"postgres://h/db?user=u&password=canary\""),
        probe("qdrant = \"http://h/?api_key=canary\""),
        probe("prometheus = \"http://u:canary@h\"\nquery = \"up\""),
        probe("command = [\"x\"]\nenv = { PGPASSWORD = \"canary\" }"),
        preset("textbook-rag", "base_url = \"http://u:canary@h\""),
        preset("textbook-rag", "qdrant_key = \"canary{x\""),
        preset("advisor-batch", "database_url = \"postgres://u@h/db?password=canary\""),
    ] {
        let faults = parse("/p.toml", &text, true, &Known).unwrap_err().faults;
        let told = format!("{faults:?}");
        assert!(faults.len() == 1 && told.contains("holds a secret") && !told.contains("canary"), "{text}: {told}");
        assert!(parse("/p.toml", &text, false, &Known).is_ok(), "{text}");
        let named = text.replace("canary{x", "${SHOP_KEY}").replace("canary", "${SHOP_KEY}");
        assert!(parse("/p.toml", &named, true, &Known).is_ok(), "{named}");
    }
    for text in [
        probe("http = \"https://h:80/x?page=2\"\nheaders = { Accept = \"text/html\", user-agent = \"x\" }"),
        probe("postgres = \"postgres://u@h/db\""),
        preset("advisor-batch", "database_url = \"postgres://u@h/db\""),
    ] {
        assert!(parse("/p.toml", &text, true, &Known).is_ok(), "{text}");
    }
}

#[test]
fn what_stands_for_a_name_is_laid_in_only_where_nobody_sees_it() {
    let text = r#"
presets = ["advisor-batch"]
[preset.advisor-batch]
base_url = "http://user:hidden@localhost:9000"
[[probe]]
name = "shop"
system = "${SHOP_KEY}"
http = "https://shop.example/${SHOP_KEY}"
body = "${SHOP_KEY}"
conditions = ["[BODY].key == ${SHOP_KEY}"]
remedy = "Send ${SHOP_KEY} again."
remedy_command = "curl -H 'Key: ${SHOP_KEY}' https://shop.example"
[[heartbeat]]
name = "nightly"
remedy_command = "run ${SHOP_KEY}"
[[maintenance]]
system = "${SHOP_KEY}"
from = 2026-11-22T02:00:00+01:00
until = 2026-11-22T03:00:00+01:00
reason = "${SHOP_KEY}"
"#;
    let all = read_text(text).unwrap();
    let shop = all.probe("shop").unwrap();
    assert!(shop.conditions[0].contains("canary") && matches!(&shop.target, Target::Http { url, .. } if url.ends_with("canary")));
    let seen = format!("{all:?} {:?} {:?} {:?} {:?}", shop.remedy, shop.command, all.heartbeats, all.maintenance);
    assert!(!seen.contains("canary") && seen.contains("Send ${SHOP_KEY} again."), "{seen}");
    let told = crate::watch::probe::check::told(shop, format!("{} {:?}", shop.conditions[0], "x-canary"));
    assert_eq!(told, "[BODY].key == [secret] \"x-[secret]\"");
    let first = all.probe("advisor-health").unwrap().command.clone().unwrap();
    assert_eq!(first, "curl -s http://user:[secret]@localhost:9000/admin/status");
    let found = faults("[[probe]]\nname = \"a\"\ntcp = \"h:1\"\ninterval = \"${SHOP_KEY}\"\nconditions = [\"[BODY] ${SHOP_KEY}\"]\n");
    assert!(found.len() == 2 && !format!("{found:?}").contains("canary"), "{found:?}");
}

#[test]
fn a_command_is_given_its_secrets_in_its_environment_and_not_in_its_arguments() {
    let command = |rest: &str| format!("[[probe]]\nname = \"a\"\ncommand = {rest}\n");
    let found = faults(&command("[\"curl\", \"-H\", \"Key: ${SHOP_KEY}\", \"http://h\"]"));
    assert!(found.len() == 1 && found[0].contains("line 3") && found[0].contains("env = { SHOP_KEY = \"${SHOP_KEY}\" }"), "{found:?}");
    let all = read_text(&command("[\"fetch\"]\nenv = { KEY = \"${SHOP_KEY}\" }")).unwrap();
    let Target::Command { argv, env } = &all.probes[0].target else { panic!("{all:?}") };
    assert_eq!((argv.as_slice(), env[0].0.as_str(), env[0].1.expose_secret()), (&["fetch".to_owned()][..], "KEY", "canary"));
    assert!(faults(&command("[\"fetch\"]\nenv = { 1KEY = \"x\" }"))[0].contains("1KEY is not a variable"));
    assert!(faults("[[probe]]\nname = \"a\"\ntcp = \"h:1\"\nenv = { A = \"b\" }\n")[0].contains("no key `env`"));
}

#[test]
fn each_preset_lays_out() {
    for (name, _) in presets::ALL {
        let all = read_text(&format!("presets = [\"{name}\"]\n")).unwrap();
        assert!(!all.probes.is_empty(), "{name}");
    }
}

#[test]
fn a_broken_file_leaves_what_was_in_force() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE_NAME);
    let source = Source::open(directory.path(), &directory.path().join("environment"));
    assert!(source.current().broken.is_none() && source.current().definitions.probes.is_empty());
    std::fs::write(&path, "[[probe]]\nname = \"a\"\ntcp = \"h:1\"\n").unwrap();
    assert!(source.reload() && !source.reload());
    std::fs::write(&path, "[[probe]]\nname = \"a\"\n").unwrap();
    assert!(!source.reload());
    let current = source.current();
    assert_eq!((current.definitions.probes.len(), current.broken.is_some()), (1, true));
    std::fs::remove_file(&path).unwrap();
    assert!(source.reload() && source.current().definitions.probes.is_empty() && source.current().broken.is_none());
}

#[test]
fn an_environment_file_that_is_closed_to_others_is_taken_up_and_never_shown() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let environment = directory.path().join("environment");
    let mode = |mode| std::fs::set_permissions(&environment, std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::write(directory.path().join(FILE_NAME), "[[probe]]\nname = \"a\"\nredis = \"h\"\npassword = \"${QUARTERDECK_CANARY}\"\n")
        .unwrap();
    std::fs::write(&environment, "QUARTERDECK_CANARY=hidden\n").unwrap();
    mode(0o644);
    let source = Source::open(directory.path(), &environment);
    let broken = source.current().broken.unwrap().to_string();
    assert!(broken.contains("chmod 600"), "{broken}");
    // What the fault asks for.
    mode(0o600);
    assert!(source.reload() && source.current().broken.is_none() && !source.reload());
    assert!(!format!("{source:?}").contains("hidden"), "{source:?}");
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in any::<String>()) {
        let _ = parse("/p", &text, true, &Known);
    }

    #[test]
    fn no_value_makes_it_panic(key in "(name|http|tcp|redis|interval|cron|from|conditions|headers)", value in "[\\[\\]{}\"a-z0-9:=$ .-]{0,30}") {
        let _ = parse("/p", &format!("[[probe]]\n{key} = {value}\n[[heartbeat]]\n{key} = \"{value}\"\n"), true, &Known);
    }
}
