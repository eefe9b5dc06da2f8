-- One row per draft that a person may have to see. `version` rises with every change, `fence` with every claim.
CREATE TABLE pending_posts (
  persona_id TEXT NOT NULL REFERENCES personas (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'blocked', 'claimed', 'held', 'returned', 'rejected', 'discarded', 'scheduled',
    'sending', 'unknown', 'unresolved', 'refused', 'confirmed', 'visible', 'filtered', 'gone', 'expired', 'abandoned')),
  version INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  post_type TEXT NOT NULL CHECK (post_type IN ('post', 'comment', 'reply')),
  target_subreddit TEXT NOT NULL,
  parent_id TEXT,
  thread_id TEXT,
  parent_author TEXT,
  title TEXT,
  content TEXT NOT NULL,
  verdict TEXT NOT NULL CHECK (verdict IN ('allow', 'review', 'block')),
  evaluation TEXT NOT NULL,
  draft_metadata TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  return_rounds INTEGER NOT NULL DEFAULT 0,
  lease_holder TEXT,
  lease_until INTEGER,
  hold_until INTEGER,
  hold_reason TEXT,
  reviewed_by TEXT,
  reviewed_at INTEGER,
  approval_digest TEXT,
  approval_account TEXT,
  approval_policy TEXT,
  not_before INTEGER,
  reject_code TEXT,
  reject_directive TEXT,
  reject_note TEXT,
  directive_consumed_at INTEGER,
  state_reason TEXT,
  fullname TEXT,
  permalink TEXT,
  expires_at INTEGER NOT NULL,
  next_check_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, id)
) STRICT;
-- Keyset pages of the queue, oldest first, for one state and for all.
CREATE INDEX pending_posts_state ON pending_posts (state, created_at, id);
CREATE INDEX pending_posts_created ON pending_posts (created_at, id);
CREATE INDEX pending_posts_persona ON pending_posts (persona_id, state, created_at, id);
CREATE INDEX pending_posts_parent ON pending_posts (persona_id, parent_id);
CREATE INDEX pending_posts_thread ON pending_posts (persona_id, thread_id);
-- At most one direct reply of ours per parent: what makes a lost answer decidable.
CREATE UNIQUE INDEX pending_posts_one_reply ON pending_posts (persona_id, parent_id)
  WHERE parent_id IS NOT NULL AND state NOT IN ('rejected', 'discarded', 'expired', 'abandoned', 'refused');

CREATE TABLE post_revisions (
  persona_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  title TEXT,
  content TEXT NOT NULL,
  author_kind TEXT NOT NULL,
  author TEXT NOT NULL,
  note TEXT,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, item_id, revision),
  FOREIGN KEY (persona_id, item_id) REFERENCES pending_posts (persona_id, id) ON DELETE CASCADE
) STRICT;

-- The outbox: a row is committed before any request that writes to the outside.
CREATE TABLE delivery_attempts (
  persona_id TEXT NOT NULL,
  id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  digest TEXT NOT NULL,
  account TEXT NOT NULL,
  high_water TEXT,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  outcome TEXT CHECK (outcome IN ('confirmed', 'refused', 'not_sent', 'unknown', 'unresolved', 'abandoned')),
  code TEXT,
  message TEXT,
  fullname TEXT,
  reconcile_reads INTEGER NOT NULL DEFAULT 0,
  complete_absences INTEGER NOT NULL DEFAULT 0,
  last_absence_at INTEGER,
  next_reconcile_at INTEGER,
  PRIMARY KEY (persona_id, id),
  FOREIGN KEY (persona_id, item_id) REFERENCES pending_posts (persona_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX delivery_attempts_open ON delivery_attempts (persona_id, item_id) WHERE finished_at IS NULL;
CREATE INDEX delivery_attempts_item ON delivery_attempts (persona_id, item_id, started_at);
CREATE INDEX delivery_attempts_reconcile ON delivery_attempts (next_reconcile_at) WHERE next_reconcile_at IS NOT NULL;

-- People and threads that are left alone.
CREATE TABLE mutes (
  persona_id TEXT NOT NULL REFERENCES personas (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('thread', 'user', 'subreddit')),
  target TEXT NOT NULL,
  reason TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, kind, target)
) STRICT;

-- The kill switch: a row means that nothing is sent. `scope` is a persona's id, an account, or '*' for all.
CREATE TABLE pauses (
  scope TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  paused_by TEXT NOT NULL,
  paused_at INTEGER NOT NULL,
  until INTEGER
) STRICT;

-- Recorded acknowledgements, such as that of the API's terms before live mode.
CREATE TABLE acknowledgements (
  name TEXT PRIMARY KEY,
  acknowledged_by TEXT NOT NULL,
  acknowledged_at INTEGER NOT NULL,
  detail TEXT NOT NULL
) STRICT;
