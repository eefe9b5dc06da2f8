-- What happened to the deck and around it, told by people or found when a process starts: deployments, restarts, changed settings, notes.
CREATE TABLE marks (
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('deployment', 'restart', 'configuration', 'note')),
  system TEXT NOT NULL,
  what TEXT NOT NULL,
  actor TEXT NOT NULL
) STRICT;
CREATE INDEX marks_at ON marks (at, id);

-- What a process found when it started last, so that the next one can tell what changed: the program's version, digests of settings.
CREATE TABLE last_started (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;
