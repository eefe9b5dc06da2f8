-- The sizes of each day, of the whole (without a name), of tables and of indexes: growth is measured by them.
CREATE TABLE table_sizes (
  day INTEGER NOT NULL,
  name TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (day, name)
) STRICT;

-- Statements that took long, by the digest of their text.
CREATE TABLE slow_statements (
  id TEXT PRIMARY KEY,
  statement TEXT NOT NULL,
  times INTEGER NOT NULL,
  longest_us INTEGER NOT NULL,
  total_us INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL
) STRICT;

-- What may not be taken away, whatever a rule says: a Reddit user, an item, a persona, or a period.
CREATE TABLE retention_holds (
  id TEXT PRIMARY KEY,
  scope TEXT NOT NULL CHECK (scope IN ('user', 'item', 'persona', 'period')),
  target TEXT NOT NULL,
  from_at INTEGER,
  until_at INTEGER,
  reason TEXT NOT NULL,
  placed_by TEXT NOT NULL,
  placed_at INTEGER NOT NULL,
  released_by TEXT,
  released_at INTEGER,
  release_reason TEXT
) STRICT;

-- Each batch that was archived and taken away: where its rows are in its file, and the digest of those bytes.
CREATE TABLE retention_batches (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  rule TEXT NOT NULL,
  kind TEXT NOT NULL,
  rows_gone INTEGER NOT NULL,
  file TEXT,
  position INTEGER NOT NULL,
  length INTEGER NOT NULL,
  digest TEXT,
  rewritten_at INTEGER,
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX retention_batches_file ON retention_batches (file, position);

-- Up to when rows of a kind may be gone: sums are not made anew from rows before it.
CREATE TABLE retention_horizons (
  kind TEXT PRIMARY KEY,
  until_at INTEGER NOT NULL
) STRICT;

-- People who asked to be erased, by salted digests of their names: they are not written to again.
CREATE TABLE erased_people (
  id TEXT PRIMARY KEY,
  salt TEXT NOT NULL,
  digest TEXT NOT NULL,
  run_id TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT;

CREATE INDEX pending_posts_correlation ON pending_posts (correlation_id);
