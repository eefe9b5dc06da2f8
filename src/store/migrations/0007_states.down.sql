DROP INDEX pending_posts_state;
DROP INDEX pending_posts_persona;
DROP INDEX pending_posts_one_reply;
ALTER TABLE pending_posts ADD COLUMN state_now TEXT NOT NULL DEFAULT 'pending' CHECK (state_now IN ('pending', 'blocked', 'claimed', 'held', 'returned', 'rejected', 'discarded', 'scheduled',
    'sending', 'unknown', 'unresolved', 'refused', 'confirmed', 'visible', 'filtered', 'gone', 'expired', 'abandoned'));
UPDATE pending_posts SET state_now = CASE state WHEN 'superseded' THEN 'expired' WHEN 'retracted' THEN 'gone' WHEN 'amended' THEN 'visible' ELSE state END;
ALTER TABLE pending_posts DROP COLUMN state;
ALTER TABLE pending_posts RENAME COLUMN state_now TO state;
CREATE INDEX pending_posts_state ON pending_posts (state, created_at, id);
CREATE INDEX pending_posts_persona ON pending_posts (persona_id, state, created_at, id);
CREATE UNIQUE INDEX pending_posts_one_reply ON pending_posts (persona_id, parent_id)
  WHERE parent_id IS NOT NULL AND state NOT IN ('rejected', 'discarded', 'expired', 'abandoned', 'refused');
