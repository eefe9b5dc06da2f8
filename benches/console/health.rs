//! The health tab with 2,000 monitors and 90 days of history: from the key to the board, a key on it, and into a line and back.

use super::terminal::Terminal;
use super::{data, print};
use portable_pty::CommandBuilder;
use quarterdeck::base::{Clock, SystemClock};
use quarterdeck::store::Conn;
use quarterdeck::vals;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

const MONITORS: usize = 2_000;
const DAYS: usize = 90;

/// Two thousand targets of forty systems, with the sums of ninety days, of two days of hours, and the changes that a quarter brings.
fn fill(home: &Path) {
    let mut file = String::from("[defaults]\ninterval = \"1d\"\n");
    for number in 0..MONITORS {
        // Nobody listens there: the refusal costs nothing, and no result comes while it is measured.
        writeln!(file, "[[probe]]\nname = \"target-{number:04}\"\nsystem = \"system-{:02}\"\ntcp = \"127.0.0.1:1\"", number % 40).unwrap();
    }
    let config = home.join(".config").join("quarterdeck");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("probes.toml"), file).unwrap();
    let db = data::open(&home.join("deck.db"));
    let now = SystemClock.now();
    let numbers = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < $1 - 1), m (m) AS (SELECT 0 UNION ALL SELECT m + 1 FROM m WHERE m < $2 - 1) ";
    let many = |count: usize| i64::try_from(count).unwrap();
    db.write_blocking(move |c: &mut dyn Conn| -> quarterdeck::store::Result<()> {
        let recent = ["12000"; 30].join(" ");
        c.exec(
            &format!(
                "{numbers} INSERT INTO probe_states (name, system, status, since, reason, cause, failures, successes, good, is_held, last_at, next_at, last_error, last_error_at, recent, detail)
                 SELECT printf('target-%04d', n), printf('system-%02d', n % 40), CASE WHEN n % 50 = 0 THEN 'unhealthy' ELSE 'healthy' END, $3 - n * 1000,
                   'it answers in 12 ms', NULL, 0, 2, 1, 0, $3, $3 + 86400000, NULL, NULL, $4, '{{}}' FROM n, m"
            ),
            vals![many(MONITORS), many(1), now, recent],
        )?;
        for (table, length, count) in [("probe_days", 86_400_000_i64, DAYS), ("probe_hours", 3_600_000, 48)] {
            c.exec(
                &format!(
                    "{numbers} INSERT INTO {table} (name, start, results, failures, degraded, unknown, latency_count, latency_us_sum, latency_us_max)
                     SELECT printf('target-%04d', n), ($3 / $4 - m) * $4, 120, m % 3, 0, 0, 120, 1440000, 90000 FROM n, m"
                ),
                vals![many(MONITORS), many(count), now, length],
            )?;
        }
        c.exec(
            &format!(
                "{numbers} INSERT INTO probe_changes (name, at, from_status, to_status, reason, cause)
                 SELECT printf('target-%04d', n), $3 - m * 86400000 - n, CASE WHEN m % 2 = 0 THEN 'healthy' ELSE 'unhealthy' END,
                   CASE WHEN m % 2 = 0 THEN 'unhealthy' ELSE 'healthy' END, 'refused', 'refused' FROM n, m"
            ),
            vals![many(MONITORS), many(DAYS), now],
        )?;
        Ok(())
    })
    .unwrap();
}

/// A console that shows its empty queue and is quiet.
fn opened(program: &impl Fn(&Path) -> CommandBuilder, home: &Path) -> Terminal {
    let mut command = program(home);
    // The first runs of two thousand probes are another bench's.
    command.arg("--read-only");
    let mut console = Terminal::start(command, true);
    console.frame_with("READ-ONLY");
    console.settle(Duration::from_millis(500));
    // It opens the tab that was open when the last one was left.
    console.write("gq");
    console.settle(Duration::from_millis(300));
    console
}

pub fn run(program: impl Fn(&Path) -> CommandBuilder) {
    let home = tempfile::tempdir().unwrap();
    fill(home.path());
    opened(&program, home.path()).end("q");
    let open = || {
        let mut console = opened(&program, home.path());
        let pressed = console.write("gh");
        let (at, _) = console.frame_with("target-");
        console.end("q");
        at - pressed
    };
    print("the health tab of 2,000 monitors and 90 days, from the key to the board", (0..20).map(|_| open()).collect());
    let mut console = opened(&program, home.path());
    console.write("gh");
    console.frame_with("target-");
    console.settle(Duration::from_millis(300));
    let mut key = |keys: &str, wanted: &str| {
        let pressed = console.write(keys);
        let (at, _) = console.frame_with(wanted);
        console.settle(Duration::from_millis(60));
        at - pressed
    };
    print("a key on its board to the end of its frame", (0..200).map(|_| key("j", "")).collect());
    print(
        "into a line with its 90 days",
        (0..20)
            .map(|_| {
                let took = key("\r", "how its state changed");
                key("\x1b", "target-");
                took
            })
            .collect(),
    );
    console.end("q");
}
