DROP TABLE rule_modes;
DROP INDEX pending_posts_persona_created;
DROP INDEX pending_posts_persona_updated;
ALTER TABLE pending_posts DROP COLUMN simhash;
