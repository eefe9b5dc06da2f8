-- Jobs that say when they run: what the last reports said, and the runs behind them. When a job is expected stands in no column: it follows
-- from its definition, so that a changed schedule needs no repair.
CREATE TABLE heartbeats (
  name TEXT PRIMARY KEY,
  schedule TEXT NOT NULL,
  schedule_at INTEGER NOT NULL,
  last_ping_at INTEGER,
  last_end_at INTEGER,
  failed INTEGER NOT NULL DEFAULT 0 CHECK (failed IN (0, 1)),
  failed_since INTEGER,
  up_since INTEGER,
  last_failure_at INTEGER,
  last_failure TEXT,
  recent TEXT NOT NULL DEFAULT '[]',
  runs INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE heartbeat_runs (
  heartbeat TEXT NOT NULL,
  number INTEGER NOT NULL,
  run TEXT,
  started_at INTEGER,
  ended_at INTEGER,
  outcome TEXT NOT NULL CHECK (outcome IN ('running', 'success', 'failure', 'lost')),
  exit_status INTEGER,
  message TEXT,
  actor_kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  PRIMARY KEY (heartbeat, number)
) STRICT;
CREATE INDEX heartbeat_runs_open ON heartbeat_runs (heartbeat, number) WHERE outcome = 'running';
