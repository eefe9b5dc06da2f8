-- What each text resembles: compared with the fingerprints of later drafts. Empty for rows of older versions, whose text is read instead.
ALTER TABLE pending_posts ADD COLUMN simhash INTEGER;
CREATE INDEX pending_posts_persona_updated ON pending_posts (persona_id, updated_at);
CREATE INDEX pending_posts_persona_created ON pending_posts (persona_id, created_at);

-- Modes of rules that people set while the program runs; they stand above the files.
CREATE TABLE rule_modes (
  rule_id TEXT PRIMARY KEY,
  mode TEXT NOT NULL CHECK (mode IN ('off', 'shadow', 'review', 'block')),
  reason TEXT NOT NULL,
  changed_by TEXT NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
