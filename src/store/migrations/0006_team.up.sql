-- First approvals of items that need two people. They hold for one revision: an edit leaves them behind.
CREATE TABLE approvals (
  persona_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  approver TEXT NOT NULL,
  digest TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, item_id, revision, approver),
  FOREIGN KEY (persona_id, item_id) REFERENCES pending_posts (persona_id, id) ON DELETE CASCADE
) STRICT;

-- Who passed an item over: it does not come back to the same person.
CREATE TABLE skips (
  persona_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  reason TEXT,
  at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, item_id, reviewer),
  FOREIGN KEY (persona_id, item_id) REFERENCES pending_posts (persona_id, id) ON DELETE CASCADE
) STRICT;

-- Who has to decide an item that others passed on to them.
ALTER TABLE pending_posts ADD COLUMN escalated_to TEXT;
ALTER TABLE pending_posts ADD COLUMN escalation_reason TEXT;
