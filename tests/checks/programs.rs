//! Real servers for one test: started on a free port in a directory of their own, ended with it.

use std::io::{BufRead as _, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// A server that ends with the test.
pub struct Server {
    child: Child,
    /// The process that serves, which is not the child where another user runs it.
    serving: u32,
    pub port: u16,
    /// Goes with it.
    _directory: tempfile::TempDir,
}

impl Server {
    /// Start a program and wait until it says that it is ready.
    pub fn start(mut command: Command, port: u16, directory: tempfile::TempDir, ready: &'static str) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (tell, told) = mpsc::channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let read = |stream: Box<dyn Read + Send>, tell: mpsc::Sender<String>| {
            // What it says is read to its end, that it does not stand still.
            std::thread::spawn(move || BufReader::new(stream).lines().map_while(Result::ok).for_each(|line| drop(tell.send(line))))
        };
        read(Box::new(out), tell.clone());
        read(Box::new(err), tell);
        let serving = child.id();
        let server = Self { child, serving, port, _directory: directory };
        let mut said = Vec::new();
        while !said.last().is_some_and(|line: &String| line.contains(ready)) {
            said.push(told.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("it did not start: {said:?}")));
        }
        server
    }

    /// Send a signal to what serves.
    pub fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.serving.to_string()]).status().unwrap().success());
        if signal == "-CONT" && self.serving != self.child.id() {
            // Whoever runs it for another user stops with it, and does not go on by itself.
            assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
        }
    }

    /// End it, and wait until it has ended.
    pub fn end(&mut self) {
        self.signal("-KILL");
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-KILL", &self.serving.to_string()]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody has.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A program of the system; says so where it is not installed.
pub fn installed(name: &str, package: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: {name} is not installed (Debian package {package})");
    }
    found
}

/// A Redis server.
pub fn redis(more: &[&str]) -> Option<Server> {
    let program = installed("redis-server", "redis-server")?;
    let (port, directory) = (free_port(), tempfile::tempdir().unwrap());
    let mut command = Command::new(program);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--enable-debug-command", "yes"]);
    command.arg("--dir").arg(directory.path()).args(more);
    Some(Server::start(command, port, directory, "Ready to accept connections"))
}

/// A Prometheus server that scrapes nothing.
pub fn prometheus() -> Option<Server> {
    let program = installed("prometheus", "prometheus")?;
    let (port, directory) = (free_port(), tempfile::tempdir().unwrap());
    let config = directory.path().join("prometheus.yml");
    std::fs::write(&config, "global:\n  scrape_interval: 15s\n").unwrap();
    let mut command = Command::new(program);
    command
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()));
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    Some(Server::start(command, port, directory, "Server is ready to receive web requests"))
}

/// The directory of PostgreSQL's programs.
fn postgres_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().filter_map(Result::ok);
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").is_file()).collect();
    found.sort();
    let found = found.pop();
    if found.is_none() {
        eprintln!("skipped: PostgreSQL is not installed (Debian package postgresql)");
    }
    found
}

/// A command as the user who may run PostgreSQL, which refuses to be root.
fn as_postgres(program: &Path) -> Command {
    let is_root = std::fs::metadata("/proc/self").map(|about| std::os::unix::fs::MetadataExt::uid(&about) == 0).unwrap();
    let mut command = Command::new(if is_root { Path::new("runuser") } else { program });
    if is_root {
        command.args(["-u", "postgres", "--"]).arg(program);
    }
    command.current_dir("/");
    command
}

/// A PostgreSQL server with ten connections, three of them for superusers; the superuser `deck` has this password.
pub fn postgres(password: &str) -> Option<Server> {
    let programs = postgres_programs()?;
    let (port, directory) = (free_port(), tempfile::tempdir().unwrap());
    // The server's user has to reach its directory, and nothing else.
    let mode = |path: &Path, mode: u32| std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    mode(directory.path(), 0o711);
    let home = directory.path().join("postgres");
    std::fs::create_dir(&home).unwrap();
    let words = home.join("password");
    std::fs::write(&words, password).unwrap();
    let _ = Command::new("chown").arg("-R").arg("postgres").arg(&home).stderr(Stdio::null()).status();
    let data = home.join("data");
    let mut make = as_postgres(&programs.join("initdb"));
    make.arg("--pgdata").arg(&data).args([
        "--username",
        "deck",
        "--auth",
        "scram-sha-256",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--no-sync",
    ]);
    let made = make.arg("--pwfile").arg(&words).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut command = as_postgres(&programs.join("postgres"));
    command.arg("-D").arg(&data);
    for setting in [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", home.display()),
        "fsync=off".to_owned(),
        "autovacuum=off".to_owned(),
        "max_connections=10".to_owned(),
        "superuser_reserved_connections=3".to_owned(),
    ] {
        command.args(["-c", &setting]);
    }
    let mut server = Server::start(command, port, directory, "ready to accept connections");
    let pid = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
    server.serving = pid.lines().next().unwrap().parse().unwrap();
    Some(server)
}
