ALTER TABLE pending_posts DROP COLUMN escalation_reason;
ALTER TABLE pending_posts DROP COLUMN escalated_to;
DROP TABLE skips;
DROP TABLE approvals;
