-- What the list of the queue is filtered by, beside what a filter already had. Items of before have NULL in the first three, which means
-- "look into the evaluation and the metadata", and every bit set in `text_…`, which means "look into the text".
ALTER TABLE pending_posts ADD COLUMN rules TEXT;
ALTER TABLE pending_posts ADD COLUMN score_thousandths INTEGER;
ALTER TABLE pending_posts ADD COLUMN tainted INTEGER;
-- Which groups of three characters the text has, each as one of 768 bits: a text without a bit that the search has cannot contain it.
ALTER TABLE pending_posts ADD COLUMN text_0 INTEGER NOT NULL DEFAULT -1;
ALTER TABLE pending_posts ADD COLUMN text_1 INTEGER NOT NULL DEFAULT -1;
ALTER TABLE pending_posts ADD COLUMN text_2 INTEGER NOT NULL DEFAULT -1;
ALTER TABLE pending_posts ADD COLUMN text_3 INTEGER NOT NULL DEFAULT -1;
ALTER TABLE pending_posts ADD COLUMN text_4 INTEGER NOT NULL DEFAULT -1;
ALTER TABLE pending_posts ADD COLUMN text_5 INTEGER NOT NULL DEFAULT -1;
ALTER TABLE pending_posts ADD COLUMN text_6 INTEGER NOT NULL DEFAULT -1;
ALTER TABLE pending_posts ADD COLUMN text_7 INTEGER NOT NULL DEFAULT -1;
ALTER TABLE pending_posts ADD COLUMN text_8 INTEGER NOT NULL DEFAULT -1;
ALTER TABLE pending_posts ADD COLUMN text_9 INTEGER NOT NULL DEFAULT -1;
ALTER TABLE pending_posts ADD COLUMN text_10 INTEGER NOT NULL DEFAULT -1;
ALTER TABLE pending_posts ADD COLUMN text_11 INTEGER NOT NULL DEFAULT -1;
-- One index answers every filter without reading the rows, in the order of the list. The one over all states goes: nothing reads it, and
-- it tempts a planner that does not know the state into walking through every finished item.
DROP INDEX pending_posts_created;
DROP INDEX pending_posts_state;
CREATE INDEX pending_posts_state ON pending_posts (state, created_at, id, persona_id, verdict, target_subreddit, post_type, parent_author,
  lease_holder, lease_until, escalated_to, expires_at, rules, score_thousandths, tainted,
  text_0, text_1, text_2, text_3, text_4, text_5, text_6, text_7, text_8, text_9, text_10, text_11);
CREATE INDEX pending_posts_expiry ON pending_posts (state, expires_at, id);
-- A full id, whoever's it is.
CREATE INDEX pending_posts_id ON pending_posts (id);
