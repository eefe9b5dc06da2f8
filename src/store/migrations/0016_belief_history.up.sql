-- What each belief was from when until when: one row for every state it was in, never changed but for its end.
-- `held_from` and `held_until` say when it was so, `recorded_at` when this database learned of it: they differ for what was imported.
CREATE TABLE belief_versions (
  persona_id TEXT NOT NULL,
  belief_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  title TEXT NOT NULL,
  summary TEXT NOT NULL,
  tags TEXT NOT NULL,
  confidence REAL CHECK (confidence >= 0 AND confidence <= 1),
  stance_id TEXT,
  locked INTEGER NOT NULL,
  held_from INTEGER NOT NULL,
  held_until INTEGER,
  recorded_at INTEGER NOT NULL,
  PRIMARY KEY (persona_id, belief_id, version),
  FOREIGN KEY (persona_id, belief_id) REFERENCES belief_nodes (persona_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX belief_versions_held ON belief_versions (persona_id, held_until, held_from);

INSERT INTO belief_versions (persona_id, belief_id, version, title, summary, tags, confidence, stance_id, locked, held_from, held_until, recorded_at)
SELECT n.persona_id, n.id, 1, n.title, n.summary, n.tags, n.current_confidence, NULL, 0, n.created_at, NULL, n.created_at
FROM belief_nodes n
WHERE NOT EXISTS (SELECT 1 FROM stance_versions s WHERE s.persona_id = n.persona_id AND s.belief_id = n.id);
INSERT INTO belief_versions (persona_id, belief_id, version, title, summary, tags, confidence, stance_id, locked, held_from, held_until, recorded_at)
SELECT n.persona_id, n.id, row_number() OVER (PARTITION BY s.persona_id, s.belief_id ORDER BY s.created_at, s.id), n.title, n.summary, n.tags,
  s.confidence, s.id, CASE s.status WHEN 'locked' THEN 1 ELSE 0 END, s.created_at,
  lead(s.created_at) OVER (PARTITION BY s.persona_id, s.belief_id ORDER BY s.created_at, s.id), s.created_at
FROM belief_nodes n JOIN stance_versions s ON s.persona_id = n.persona_id AND s.belief_id = n.id;

-- Edges from when until when, those that were removed among them.
CREATE TABLE belief_edge_periods (
  persona_id TEXT NOT NULL REFERENCES personas (id) ON DELETE CASCADE,
  edge_id TEXT NOT NULL,
  source_id TEXT NOT NULL,
  target_id TEXT NOT NULL,
  relation TEXT NOT NULL,
  weight REAL NOT NULL,
  held_from INTEGER NOT NULL,
  held_until INTEGER,
  recorded_at INTEGER NOT NULL,
  end_recorded_at INTEGER,
  PRIMARY KEY (persona_id, edge_id)
) STRICT;
INSERT INTO belief_edge_periods (persona_id, edge_id, source_id, target_id, relation, weight, held_from, held_until, recorded_at, end_recorded_at)
SELECT persona_id, id, source_id, target_id, relation, weight, created_at, NULL, created_at, NULL FROM belief_edges;

-- Which beliefs an interaction was written from.
CREATE TABLE interaction_beliefs (
  persona_id TEXT NOT NULL,
  belief_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  interaction_id TEXT NOT NULL,
  PRIMARY KEY (persona_id, belief_id, created_at, interaction_id),
  FOREIGN KEY (persona_id, interaction_id) REFERENCES interactions (persona_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX interaction_beliefs_interaction ON interaction_beliefs (persona_id, interaction_id);
INSERT INTO interaction_beliefs (persona_id, belief_id, created_at, interaction_id)
SELECT i.persona_id, b.id, i.created_at, i.id FROM interactions i
JOIN belief_nodes b ON b.persona_id = i.persona_id AND i.metadata LIKE '%"' || b.id || '"%';

-- What a change was, and which earlier change it reverses.
ALTER TABLE belief_updates ADD COLUMN action TEXT;
ALTER TABLE belief_updates ADD COLUMN undoes TEXT;
-- Which way evidence was weighed; none where it only was added.
ALTER TABLE evidence_links ADD COLUMN direction TEXT CHECK (direction IN ('increase', 'decrease'));

-- Statements that conflict with a belief which does not yield by itself: a person decides.
CREATE TABLE belief_conflicts (
  persona_id TEXT NOT NULL,
  id TEXT NOT NULL,
  belief_id TEXT NOT NULL,
  explanation TEXT NOT NULL,
  strength TEXT NOT NULL CHECK (strength IN ('weak', 'moderate', 'strong')),
  confidence REAL NOT NULL,
  source TEXT,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'refused')),
  raised_by TEXT NOT NULL,
  raised_at INTEGER NOT NULL,
  decided_by TEXT,
  decided_at INTEGER,
  reason TEXT,
  stance_id TEXT,
  PRIMARY KEY (persona_id, id),
  FOREIGN KEY (persona_id, belief_id) REFERENCES belief_nodes (persona_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX belief_conflicts_open ON belief_conflicts (persona_id, state, belief_id);

-- Edges that a model suggests: a person accepts or refuses them.
CREATE TABLE belief_suggestions (
  persona_id TEXT NOT NULL,
  id TEXT NOT NULL,
  source_id TEXT NOT NULL,
  target_id TEXT NOT NULL,
  relation TEXT NOT NULL CHECK (relation IN ('supports', 'contradicts', 'depends_on', 'evidence_for')),
  weight REAL NOT NULL CHECK (weight >= 0 AND weight <= 1),
  reasoning TEXT NOT NULL,
  model TEXT,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'refused', 'linked')),
  suggested_at INTEGER NOT NULL,
  decided_by TEXT,
  decided_at INTEGER,
  reason TEXT,
  edge_id TEXT,
  PRIMARY KEY (persona_id, id),
  FOREIGN KEY (persona_id, source_id) REFERENCES belief_nodes (persona_id, id) ON DELETE CASCADE,
  FOREIGN KEY (persona_id, target_id) REFERENCES belief_nodes (persona_id, id) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX belief_suggestions_open ON belief_suggestions (persona_id, source_id, target_id, relation) WHERE state = 'open';
CREATE INDEX belief_suggestions_state ON belief_suggestions (persona_id, state);

-- Beliefs made on an approval, whose relations a model is still to be asked for.
CREATE TABLE belief_link_requests (
  persona_id TEXT NOT NULL,
  belief_id TEXT NOT NULL,
  requested_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  finished_at INTEGER,
  outcome TEXT,
  PRIMARY KEY (persona_id, belief_id),
  FOREIGN KEY (persona_id, belief_id) REFERENCES belief_nodes (persona_id, id) ON DELETE CASCADE
) STRICT;
