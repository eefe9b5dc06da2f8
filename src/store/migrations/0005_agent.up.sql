-- One row per persona whose loop ever ran. `heartbeat_at` tells a live loop from one that died.
CREATE TABLE agent_runs (
  persona_id TEXT PRIMARY KEY REFERENCES personas (id) ON DELETE CASCADE,
  status TEXT NOT NULL CHECK (status IN ('running', 'stopping', 'stopped', 'error')),
  process TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL,
  last_activity_at INTEGER,
  next_cycle_at INTEGER,
  cycle_count INTEGER NOT NULL,
  failures_in_a_row INTEGER NOT NULL,
  error_message TEXT,
  stop_requested_at INTEGER,
  stop_requested_by TEXT,
  parameters TEXT NOT NULL
) STRICT;
