//! The programs of PostgreSQL: which one serves, what it is told, and how it is ended.
//!
//! They are given everything by their environment: an argument can be read by every user of the machine.

use super::database_name;
use crate::upkeep::backup::work::Tell;
use crate::upkeep::backup::{Error, Result};
use crate::upkeep::progress::Unit;
use postgres::config::Host;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the versions of PostgreSQL are installed beside one another.
const INSTALLED: &str = "/usr/lib/postgresql";

/// A program of PostgreSQL: of the server's own version, else the one in the path, else of the nearest newer version, which reads all
/// that is older.
pub(super) fn program(name: &'static str, version: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let major = major(version);
    let wanted = if major == 0 { "as the server's".to_owned() } else { major.to_string() };
    find(name, major, Path::new(INSTALLED), &in_path).ok_or(Error::NoProgram { program: name, version: wanted })
}

/// The number before the first dot. A version may stand in a manifest that somebody else wrote: nothing of it but this number is used.
fn major(version: &str) -> u32 {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn find(name: &str, major: u32, installed: &Path, in_path: &[PathBuf]) -> Option<PathBuf> {
    let of = |major: u32| installed.join(major.to_string()).join("bin").join(name);
    let entries = std::fs::read_dir(installed).into_iter().flatten().flatten();
    let mut newer: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|other| *other > major).collect();
    newer.sort_unstable();
    let own = std::iter::once(of(major));
    own.chain(in_path.iter().map(|directory| directory.join(name))).chain(newer.into_iter().map(of)).find(|path| path.is_file())
}

/// A program with the address in its environment.
pub(super) fn command(program: &Path, url: &str) -> Result<Command> {
    let unfit = |reason: String| Error::Unfit { reason };
    let config: postgres::Config = url.parse().map_err(|error: postgres::Error| unfit(error.to_string()))?;
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    if !hosts.is_empty() {
        command.env("PGHOST", hosts.join(","));
    }
    let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
    if !ports.is_empty() {
        command.env("PGPORT", ports.join(","));
    }
    if let Some(user) = config.get_user() {
        command.env("PGUSER", user);
    }
    if let Some(password) = config.get_password() {
        command.env("PGPASSWORD", String::from_utf8_lossy(password).into_owned());
    }
    let name = database_name(url)?;
    command.env("PGDATABASE", name).env("PGAPPNAME", "quarterdeck backup");
    if let Some(mode) = url.split(['?', '&']).find_map(|part| part.strip_prefix("sslmode=")) {
        command.env("PGSSLMODE", mode);
    }
    Ok(command)
}

/// Run a program to its end, or until it is to stop. `grows` is the file whose size tells how far it is.
pub(super) fn run(name: &'static str, mut command: Command, grows: &Path, tell: &Tell) -> Result<()> {
    let failed = |reason: String| Error::Program { program: name, reason };
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let mut errors = child.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(errors) = errors.as_mut() {
            // The end is enough, and a program that says a lot must not be held up.
            let mut chunk = [0; 4_096];
            while let Ok(read @ 1..) = errors.read(&mut chunk) {
                said.extend_from_slice(chunk.get(..read).unwrap_or_default());
                if said.len() > 65_536 {
                    said.drain(..32_768);
                }
            }
        }
        said
    });
    loop {
        match child.try_wait() {
            Ok(Some(status)) => {
                let said = reader.join().unwrap_or_default();
                return if status.success() { Ok(()) } else { Err(failed(tail(&said))) };
            }
            Ok(None) => {}
            Err(error) => return Err(failed(error.to_string())),
        }
        let size = std::fs::metadata(grows).map_or(0, |found| found.len());
        if let Err(stopped) = tell.told("copying the database", size, None, Unit::Bytes) {
            // It has ended by itself when this fails.
            let _ = child.kill();
            let _ = child.wait();
            return Err(stopped);
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

/// The end of what a program said, on one line.
pub(super) fn tail(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.iter().rev().take(3).rev().copied().collect::<Vec<_>>().join("; ");
    if last.is_empty() { "it said nothing".to_owned() } else { crate::base::SafeText::clipped(&last, 300).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_are_those_of_the_server_or_newer_ones() {
        let home = tempfile::tempdir().unwrap();
        let add = |below: &str| {
            let path = home.path().join(below);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let (old, own, new, newest) =
            (add("pg/13/bin/pg_dump"), add("pg/16/bin/pg_dump"), add("pg/17/bin/pg_dump"), add("pg/100/bin/pg_dump"));
        let at = |version: &str, in_path: &[PathBuf]| find("pg_dump", major(version), &home.path().join("pg"), in_path);
        assert_eq!(at("16.4 (Debian 16.4-1)", &[]), Some(own));
        assert_eq!(at("14.2", &[]), Some(home.path().join("pg/16/bin/pg_dump")));
        assert_eq!(at("18", &[]), Some(newest));
        let in_path = add("bin/pg_dump");
        assert_eq!(at("14.2", &[home.path().join("bin")]), Some(in_path));
        assert_eq!(at("200", &[]), None);
        // Nothing but a number: a manifest cannot lead to a program of its own.
        add("elsewhere/bin/pg_dump");
        assert_eq!((major("../elsewhere"), major(""), major("99999999999")), (0, 0, 0));
        assert!(old.is_file() && new.is_file());
    }
}
