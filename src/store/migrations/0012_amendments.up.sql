-- Wishes about what was sent: to take it away, or to give it another text. A row is committed before any request that carries it out.
CREATE TABLE amendments (
  persona_id TEXT NOT NULL,
  id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('retract', 'amend')),
  text TEXT,
  evaluation TEXT,
  digest TEXT NOT NULL,
  policy TEXT NOT NULL,
  reason TEXT NOT NULL,
  asked_by TEXT NOT NULL,
  asked_at INTEGER NOT NULL,
  confirmed_by TEXT,
  confirmed_at INTEGER,
  started_at INTEGER,
  finished_at INTEGER,
  outcome TEXT CHECK (outcome IN ('done', 'refused', 'failed', 'abandoned')),
  message TEXT,
  next_try_at INTEGER,
  tries INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (persona_id, id),
  FOREIGN KEY (persona_id, item_id) REFERENCES pending_posts (persona_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX amendments_open ON amendments (persona_id, item_id) WHERE finished_at IS NULL;
CREATE INDEX amendments_item ON amendments (persona_id, item_id, asked_at);
CREATE INDEX amendments_due ON amendments (persona_id, next_try_at) WHERE next_try_at IS NOT NULL;

-- What was taken back is kept, and not recalled.
ALTER TABLE interactions ADD COLUMN retracted_at INTEGER;
