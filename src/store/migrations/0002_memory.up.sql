CREATE TABLE personas (
  id TEXT PRIMARY KEY,
  reddit_username TEXT NOT NULL UNIQUE,
  display_name TEXT,
  config TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE belief_nodes (
  persona_id TEXT NOT NULL REFERENCES personas (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  title TEXT NOT NULL,
  summary TEXT NOT NULL,
  current_confidence REAL CHECK (current_confidence >= 0 AND current_confidence <= 1),
  tags TEXT NOT NULL DEFAULT '[]',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, id)
) STRICT;
CREATE INDEX belief_nodes_confidence ON belief_nodes (persona_id, current_confidence);
CREATE INDEX belief_nodes_updated ON belief_nodes (persona_id, updated_at);

CREATE TABLE belief_edges (
  persona_id TEXT NOT NULL REFERENCES personas (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  source_id TEXT NOT NULL,
  target_id TEXT NOT NULL,
  relation TEXT NOT NULL CHECK (relation IN ('supports', 'contradicts', 'depends_on', 'evidence_for')),
  weight REAL NOT NULL DEFAULT 0.5 CHECK (weight >= 0 AND weight <= 1),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, id),
  UNIQUE (persona_id, source_id, target_id, relation),
  CHECK (source_id <> target_id),
  FOREIGN KEY (persona_id, source_id) REFERENCES belief_nodes (persona_id, id) ON DELETE CASCADE,
  FOREIGN KEY (persona_id, target_id) REFERENCES belief_nodes (persona_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX belief_edges_target ON belief_edges (persona_id, target_id);

CREATE TABLE stance_versions (
  persona_id TEXT NOT NULL REFERENCES personas (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  belief_id TEXT NOT NULL,
  text TEXT NOT NULL,
  confidence REAL NOT NULL CHECK (confidence >= 0 AND confidence <= 1),
  status TEXT NOT NULL DEFAULT 'current' CHECK (status IN ('current', 'deprecated', 'locked')),
  rationale TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, id),
  FOREIGN KEY (persona_id, belief_id) REFERENCES belief_nodes (persona_id, id) ON DELETE CASCADE
) STRICT;
-- At most one stance of a belief is in force.
CREATE UNIQUE INDEX stance_versions_in_force ON stance_versions (persona_id, belief_id) WHERE status IN ('current', 'locked');
CREATE INDEX stance_versions_belief ON stance_versions (persona_id, belief_id, created_at);

CREATE TABLE evidence_links (
  persona_id TEXT NOT NULL REFERENCES personas (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  belief_id TEXT NOT NULL,
  stance_id TEXT,
  source_type TEXT NOT NULL CHECK (source_type IN ('reddit_comment', 'external_link', 'note')),
  source_ref TEXT NOT NULL,
  strength TEXT NOT NULL CHECK (strength IN ('weak', 'moderate', 'strong')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, id),
  FOREIGN KEY (persona_id, belief_id) REFERENCES belief_nodes (persona_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX evidence_links_belief ON evidence_links (persona_id, belief_id, created_at);

CREATE TABLE belief_updates (
  persona_id TEXT NOT NULL REFERENCES personas (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  belief_id TEXT NOT NULL,
  old_value TEXT NOT NULL,
  new_value TEXT NOT NULL,
  reason TEXT NOT NULL,
  trigger_type TEXT NOT NULL CHECK (trigger_type IN ('manual', 'evidence', 'conflict', 'governor')),
  updated_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, id),
  FOREIGN KEY (persona_id, belief_id) REFERENCES belief_nodes (persona_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX belief_updates_belief ON belief_updates (persona_id, belief_id, created_at);

CREATE TABLE interactions (
  persona_id TEXT NOT NULL REFERENCES personas (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  content TEXT NOT NULL,
  interaction_type TEXT NOT NULL CHECK (interaction_type IN ('post', 'comment', 'reply')),
  reddit_id TEXT NOT NULL UNIQUE,
  subreddit TEXT NOT NULL,
  parent_id TEXT,
  metadata TEXT NOT NULL DEFAULT '{}',
  embedding BLOB,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, id)
) STRICT;
CREATE INDEX interactions_created ON interactions (persona_id, created_at, id);
-- Subreddits differ by more than their case.
CREATE INDEX interactions_subreddit ON interactions (persona_id, lower(subreddit), created_at);
CREATE INDEX interactions_parent ON interactions (persona_id, parent_id);

CREATE TABLE agent_config (
  persona_id TEXT NOT NULL REFERENCES personas (id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  config_key TEXT NOT NULL,
  config_value TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, id),
  UNIQUE (persona_id, config_key)
) STRICT;
