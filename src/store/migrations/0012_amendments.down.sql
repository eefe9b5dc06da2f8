ALTER TABLE interactions DROP COLUMN retracted_at;
DROP TABLE amendments;
