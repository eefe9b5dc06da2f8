-- One row that every write transaction locks on PostgreSQL: it gives the single-writer meaning that SQLite has.
CREATE TABLE writer_lock (id INTEGER PRIMARY KEY) STRICT;
INSERT INTO writer_lock (id) VALUES (1);

-- Change feed: the newest sequence number of each topic, and the entries behind it.
CREATE TABLE topic (name TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
CREATE TABLE change_feed (
  topic TEXT NOT NULL,
  seq INTEGER NOT NULL,
  persona_id TEXT,
  kind TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (topic, seq)
) STRICT;

-- Append-only, hash-chained: hash = SHA-256 over the previous hash and every column of the row.
CREATE TABLE audit_log (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  persona_id TEXT,
  actor_kind TEXT NOT NULL CHECK (actor_kind IN ('human', 'agent', 'system', 'timeout')),
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject_kind TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  reason TEXT,
  before_digest TEXT NOT NULL,
  after_digest TEXT NOT NULL,
  detail TEXT NOT NULL,
  prev_hash TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX audit_log_subject ON audit_log (subject_kind, subject_id, seq);
