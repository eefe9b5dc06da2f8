DROP INDEX pending_posts_correlation;
DROP TABLE erased_people;
DROP TABLE retention_horizons;
DROP TABLE retention_batches;
DROP TABLE retention_holds;
DROP TABLE slow_statements;
DROP TABLE table_sizes;
