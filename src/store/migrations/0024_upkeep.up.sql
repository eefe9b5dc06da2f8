-- What was done to keep the deck sound, and how it went: checks, backups, drills, retention, verification. The board reads ages from here.
CREATE TABLE upkeep_runs (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('passed', 'problems', 'failed')),
  summary TEXT NOT NULL,
  detail TEXT NOT NULL,
  actor_kind TEXT NOT NULL,
  actor TEXT NOT NULL
) STRICT;
CREATE INDEX upkeep_runs_kind ON upkeep_runs (kind, ended_at, id);
