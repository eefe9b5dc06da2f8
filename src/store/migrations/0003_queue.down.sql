DROP TABLE acknowledgements;
DROP TABLE pauses;
DROP TABLE mutes;
DROP TABLE delivery_attempts;
DROP TABLE post_revisions;
DROP TABLE pending_posts;
