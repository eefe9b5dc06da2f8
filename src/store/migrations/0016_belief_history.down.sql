DROP TABLE belief_link_requests;
DROP TABLE belief_suggestions;
DROP TABLE belief_conflicts;
ALTER TABLE evidence_links DROP COLUMN direction;
ALTER TABLE belief_updates DROP COLUMN undoes;
ALTER TABLE belief_updates DROP COLUMN action;
DROP TABLE interaction_beliefs;
DROP TABLE belief_edge_periods;
DROP TABLE belief_versions;
