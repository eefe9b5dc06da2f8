-- Wishes to let a blocked text pass, and who confirmed them. They hold for one text: a new revision leaves them behind.
CREATE TABLE overrides (
  persona_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  digest TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  confirmed_by TEXT,
  confirmed_at INTEGER,
  PRIMARY KEY (persona_id, item_id, revision),
  FOREIGN KEY (persona_id, item_id) REFERENCES pending_posts (persona_id, id) ON DELETE CASCADE,
  CHECK (confirmed_by IS NULL OR confirmed_by <> asked_by)
) STRICT;
