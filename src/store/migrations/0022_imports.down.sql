DROP INDEX llm_calls_generation;
ALTER TABLE llm_calls DROP COLUMN module_version;
ALTER TABLE llm_calls DROP COLUMN signature;
DROP TABLE import_rejects;
DROP TABLE import_files;
