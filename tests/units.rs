//! The units in assets/systemd: systemd understands them, and every command line in them is one that this program understands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PROGRAM: &str = "/usr/local/bin/quarterdeck";

/// Every unit with its text.
fn units() -> BTreeMap<String, String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/systemd");
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let units = files.filter(|path| path.extension().is_some_and(|ending| ending == "service" || ending == "timer"));
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    units.map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

fn values<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| line.strip_prefix(key)?.strip_prefix('='))
}

#[test]
fn every_command_line_is_one_of_ours() {
    for (name, text) in units().iter().filter(|(name, _)| name.ends_with(".service")) {
        let lines: Vec<&str> = values(text, "ExecStart").collect();
        assert_eq!(lines.len(), 1, "{name}");
        let instances: &[&str] = if name.contains('@') { &["daily", "weekly", "monthly"] } else { &[""] };
        for instance in instances {
            let line = lines[0].replace("%i", instance);
            let mut words = line.split_whitespace();
            assert_eq!(words.next(), Some(PROGRAM), "{name}");
            // Everything before `--help` is parsed: an option or a command that there is not is refused.
            let home = tempfile::tempdir().unwrap();
            let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
            let output = command.env_clear().env("HOME", home.path()).args(words).arg("--help").stdin(Stdio::null()).output().unwrap();
            assert!(output.status.success(), "{name}: {line}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn services_are_closed_and_give_what_is_in_flight_its_time() {
    let units = units();
    for (name, text) in units.iter().filter(|(name, _)| name.ends_with(".service")) {
        for line in [
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "ProtectHome=yes",
            "UMask=0077",
            "TimeoutStopSec=35",
            "User=quarterdeck",
            "LimitCORE=0",
            "StateDirectoryMode=0700",
            "CapabilityBoundingSet=",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {name}");
        }
        if text.contains("[Install]") {
            assert!(text.contains("Restart=on-failure"), "{name}");
        }
    }
    // Every timer starts a unit that there is.
    for (name, text) in units.iter().filter(|(name, _)| name.ends_with(".timer")) {
        let own = name.replace(".timer", ".service");
        let unit = values(text, "Unit").next().unwrap_or(&own);
        let template = unit.split_once('@').map_or(unit.to_owned(), |(name, _)| format!("{name}@.service"));
        assert!(units.contains_key(&template), "{name} starts {unit}");
        assert!(values(text, "OnCalendar").count() == 1 && text.contains("Persistent=yes"), "{name}");
    }
    assert!(units.len() >= 16, "{:?}", units.keys());
}

#[test]
fn systemd_understands_them() {
    let found = Command::new("systemd-analyze").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no systemd-analyze");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let units = units();
    for (name, text) in &units {
        // The program has to be there to be found.
        std::fs::write(directory.path().join(name), text.replace(PROGRAM, env!("CARGO_BIN_EXE_quarterdeck"))).unwrap();
    }
    let instances = units.keys().filter(|name| !name.contains('@')).cloned().chain(["quarterdeck-round@daily.service".to_owned()]);
    let mut command = Command::new("systemd-analyze");
    command.args(["verify", "--man=no", "--recursive-errors=no"]).args(instances.map(|name| directory.path().join(name)));
    let output = command.env("SYSTEMD_UNIT_PATH", format!("{}:", directory.path().display())).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // Without a running systemd it complains about the machine; what it says of our files names them.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("quarterdeck")).collect();
    assert!(output.status.success() || ours.is_empty(), "{said}");
    assert!(ours.is_empty(), "{ours:?}");
    for (name, text) in units.iter().filter(|(name, _)| name.ends_with(".timer")) {
        let when = values(text, "OnCalendar").next().unwrap();
        let output = Command::new("systemd-analyze").args(["calendar", when]).output().unwrap();
        assert!(output.status.success(), "{name}: {when}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// What stands in quotation marks behind `quarterdeck ` in a file.
fn advised(text: &str) -> Vec<String> {
    let literals = text.split('"').skip(1).step_by(2);
    literals.filter(|literal| literal.starts_with("quarterdeck ") && !literal.contains(['{', '|'])).map(str::to_owned).collect()
}

#[test]
fn every_command_that_doctor_and_rounds_advise_is_one_of_ours() {
    fn files(directory: &Path, all: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path, all) } else { all.push(path) }
        }
    }
    let mut all = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rounds"), &mut all);
    let mut commands: Vec<String> = all.iter().flat_map(|path| advised(&std::fs::read_to_string(path).unwrap())).collect();
    commands.sort();
    commands.dedup();
    assert!(commands.len() > 30, "{commands:?}");
    let home = tempfile::tempdir().unwrap();
    for advised in commands {
        let words: Vec<&str> = advised.split_whitespace().skip(1).collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_quarterdeck"));
        let output = command.env_clear().env("HOME", home.path()).args(&words).arg("--help").stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{advised}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
