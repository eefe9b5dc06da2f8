-- Logs of other programs: which files were read, how far, and which of their lines were not taken.
CREATE TABLE import_files (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL,
  is_current INTEGER NOT NULL,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  size INTEGER NOT NULL,
  modified_ns INTEGER NOT NULL,
  head_length INTEGER NOT NULL,
  head_digest TEXT NOT NULL,
  tail_length INTEGER NOT NULL,
  tail_digest TEXT NOT NULL,
  position INTEGER NOT NULL,
  line INTEGER NOT NULL,
  is_complete INTEGER NOT NULL,
  options TEXT NOT NULL,
  format TEXT,
  calls INTEGER NOT NULL,
  repeated INTEGER NOT NULL,
  corrected INTEGER NOT NULL,
  rejected INTEGER NOT NULL,
  other INTEGER NOT NULL,
  last_call_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX import_files_path ON import_files (path, is_current);
CREATE INDEX import_files_inode ON import_files (inode, device);

-- The number of a line and the reason; never the line itself, which may hold what somebody said.
CREATE TABLE import_rejects (
  file_id INTEGER NOT NULL REFERENCES import_files (id) ON DELETE CASCADE,
  line INTEGER NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (file_id, line)
) STRICT;

-- What the logs of modules tell beside what the ledger knows of its own calls.
ALTER TABLE llm_calls ADD COLUMN signature TEXT;
ALTER TABLE llm_calls ADD COLUMN module_version TEXT;
-- A call that both the ledger and a log know is found by the id that the service gave it.
CREATE INDEX llm_calls_generation ON llm_calls (generation_id) WHERE generation_id IS NOT NULL;
