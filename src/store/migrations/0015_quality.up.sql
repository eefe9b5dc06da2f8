-- Makes the choice of samples and of golden items unpredictable from outside, and repeatable from inside.
CREATE TABLE quality_salt (id INTEGER PRIMARY KEY, salt TEXT NOT NULL) STRICT;

-- Automatic approvals that a person looks at afterwards. `percent` is the share that was in force when it was picked.
CREATE TABLE samples (
  persona_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  percent INTEGER NOT NULL,
  picked_at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, item_id),
  FOREIGN KEY (persona_id, item_id) REFERENCES pending_posts (persona_id, id) ON DELETE CASCADE
) STRICT;

-- What somebody else says of a decision afterwards. `first` is the decision, `first_kind` who made it.
CREATE TABLE second_opinions (
  persona_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  first TEXT NOT NULL CHECK (first IN ('approve', 'reject')),
  first_by TEXT NOT NULL,
  first_kind TEXT NOT NULL CHECK (first_kind IN ('human', 'machine')),
  verdict TEXT NOT NULL CHECK (verdict IN ('agree', 'overturn')),
  note TEXT,
  at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, item_id, reviewer),
  FOREIGN KEY (persona_id, item_id) REFERENCES pending_posts (persona_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX second_opinions_at ON second_opinions (at);

-- What reviewers think of a message that was sent: one label for each reviewer and item, the latest.
CREATE TABLE feedback_labels (
  persona_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  label TEXT NOT NULL CHECK (label IN ('good', 'bad', 'too_risky', 'too_weak', 'off_persona')),
  note TEXT,
  at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, item_id, reviewer),
  FOREIGN KEY (persona_id, item_id) REFERENCES pending_posts (persona_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX feedback_labels_at ON feedback_labels (persona_id, at);

-- Cases with a known right decision, which are put among the ordinary ones.
CREATE TABLE golden_templates (
  persona_id TEXT NOT NULL REFERENCES personas (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  post_type TEXT NOT NULL CHECK (post_type IN ('comment', 'reply')),
  target_subreddit TEXT NOT NULL,
  parent_id TEXT NOT NULL,
  parent_author TEXT,
  content TEXT NOT NULL,
  evaluation TEXT NOT NULL,
  draft_metadata TEXT NOT NULL,
  expected TEXT NOT NULL,
  why TEXT NOT NULL,
  added_by TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  used INTEGER NOT NULL DEFAULT 0,
  used_at INTEGER,
  PRIMARY KEY (persona_id, id)
) STRICT;

-- Which items of the queue are golden. It stands apart, so that no reading of the queue shows it.
CREATE TABLE golden_items (
  persona_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  template_id TEXT NOT NULL,
  expected TEXT NOT NULL,
  PRIMARY KEY (persona_id, item_id),
  FOREIGN KEY (persona_id, item_id) REFERENCES pending_posts (persona_id, id) ON DELETE CASCADE
) STRICT;

-- What reviewers decided about golden items.
CREATE TABLE golden_results (
  persona_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  reviewer TEXT NOT NULL,
  decision TEXT NOT NULL,
  is_right INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, item_id, reviewer),
  FOREIGN KEY (persona_id, item_id) REFERENCES golden_items (persona_id, item_id) ON DELETE CASCADE
) STRICT;

CREATE INDEX pending_posts_reviewed ON pending_posts (persona_id, reviewed_at);
