DROP TABLE agent_config;
DROP TABLE interactions;
DROP TABLE belief_updates;
DROP TABLE evidence_links;
DROP TABLE stance_versions;
DROP TABLE belief_edges;
DROP TABLE belief_nodes;
DROP TABLE personas;
