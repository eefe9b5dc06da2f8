-- Answers that would come again word for word, under the digest of all that decides them. The questions are not kept.
CREATE TABLE response_cache (
  cache_key TEXT PRIMARY KEY,
  persona_id TEXT NOT NULL DEFAULT '',
  kind TEXT NOT NULL,
  model_asked TEXT NOT NULL,
  model_answered TEXT,
  provider TEXT,
  call_id TEXT NOT NULL,
  answer TEXT NOT NULL,
  finish_reason TEXT,
  cost_picos INTEGER,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX response_cache_expiry ON response_cache (expires_at);

-- Calls whose answer broke off and whose cost can still be looked up.
CREATE INDEX llm_calls_lost ON llm_calls (started_at, id) WHERE outcome = 'interrupted' AND cost_reported_picos IS NULL;
