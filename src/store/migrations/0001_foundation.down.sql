DROP TABLE audit_log;
DROP TABLE change_feed;
DROP TABLE topic;
DROP TABLE writer_lock;
