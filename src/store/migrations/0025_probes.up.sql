-- How each probe and each own part stands: `name` of a probe, or `own/<part>`. `recent` holds the latencies of the last thirty results in
-- microseconds, oldest first, `-` for one that failed, so that a board needs no second query.
CREATE TABLE probe_states (
  name TEXT PRIMARY KEY,
  system TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('healthy', 'unknown', 'degraded', 'unhealthy')),
  since INTEGER,
  reason TEXT NOT NULL,
  cause TEXT,
  failures INTEGER NOT NULL,
  successes INTEGER NOT NULL,
  good INTEGER NOT NULL,
  is_held INTEGER NOT NULL,
  last_at INTEGER,
  next_at INTEGER,
  last_error TEXT,
  last_error_at INTEGER,
  recent TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;

-- Each change of a state, kept.
CREATE TABLE probe_changes (
  name TEXT NOT NULL,
  at INTEGER NOT NULL,
  from_status TEXT NOT NULL,
  to_status TEXT NOT NULL,
  reason TEXT NOT NULL,
  cause TEXT,
  PRIMARY KEY (name, at)
) STRICT;
CREATE INDEX probe_changes_at ON probe_changes (at, name);

-- Each result, for some hours.
CREATE TABLE probe_results (
  name TEXT NOT NULL,
  at INTEGER NOT NULL,
  status TEXT NOT NULL,
  latency_us INTEGER,
  value REAL,
  cause TEXT,
  error TEXT,
  PRIMARY KEY (name, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX probe_results_at ON probe_results (at, name);

-- Sums of an hour and of a day. `start` is their first millisecond, UTC.
CREATE TABLE probe_hours (
  name TEXT NOT NULL,
  start INTEGER NOT NULL,
  results INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  degraded INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  latency_count INTEGER NOT NULL,
  latency_us_sum INTEGER NOT NULL,
  latency_us_max INTEGER NOT NULL,
  PRIMARY KEY (name, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX probe_hours_start ON probe_hours (start, name);
CREATE TABLE probe_days (
  name TEXT NOT NULL,
  start INTEGER NOT NULL,
  results INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  degraded INTEGER NOT NULL,
  unknown INTEGER NOT NULL,
  latency_count INTEGER NOT NULL,
  latency_us_sum INTEGER NOT NULL,
  latency_us_max INTEGER NOT NULL,
  PRIMARY KEY (name, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX probe_days_start ON probe_days (start, name);

-- Probes and heartbeats that people stopped; `until` is empty for one that stands until it is lifted.
CREATE TABLE probe_pauses (
  name TEXT PRIMARY KEY,
  paused_at INTEGER NOT NULL,
  paused_by TEXT NOT NULL,
  until INTEGER,
  reason TEXT NOT NULL
) STRICT;

-- One row: the process that probes, when it was heard of, and what it found about its own network.
CREATE TABLE probe_watcher (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  process TEXT NOT NULL,
  taken_at INTEGER NOT NULL,
  beat_at INTEGER NOT NULL,
  network TEXT,
  network_since INTEGER
) STRICT;

-- Memory of our processes over time.
CREATE TABLE process_memory (
  process TEXT NOT NULL,
  at INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (process, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX process_memory_at ON process_memory (at, process);

-- What the loop of an account knew of Reddit's limits after its last cycle.
CREATE TABLE rate_states (
  account TEXT PRIMARY KEY,
  process TEXT NOT NULL,
  at INTEGER NOT NULL,
  capacity INTEGER NOT NULL,
  reserve INTEGER NOT NULL,
  available REAL NOT NULL,
  blocked_until INTEGER,
  paused_until INTEGER,
  remaining REAL,
  resets_at INTEGER,
  limited_at INTEGER
) STRICT;
