DROP INDEX llm_calls_lost;
DROP TABLE response_cache;
