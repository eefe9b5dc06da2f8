-- Prices with the time from which they hold. `rates` is the price row as JSON, in USD per token.
CREATE TABLE price_book (
  id TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  model TEXT NOT NULL,
  effective_from INTEGER NOT NULL,
  rates TEXT NOT NULL,
  digest TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  UNIQUE (model, effective_from)
) STRICT;

-- One row per attempt of a model call: a retried call that cost money twice is two rows with one request_id.
CREATE TABLE llm_calls (
  id TEXT PRIMARY KEY,
  request_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  persona_id TEXT,
  module TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  model_asked TEXT NOT NULL,
  model_answered TEXT,
  provider TEXT,
  generation_id TEXT,
  streamed INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  latency_us INTEGER,
  first_token_us INTEGER,
  tokens_in INTEGER,
  tokens_out INTEGER,
  tokens_cached INTEGER,
  tokens_written INTEGER,
  tokens_reasoning INTEGER,
  usage_flags TEXT,
  cost_reported TEXT,
  cost_reported_picos INTEGER,
  cost_computed_picos INTEGER,
  price_id TEXT,
  outcome TEXT NOT NULL CHECK (outcome IN ('started', 'ok', 'error', 'interrupted', 'malformed')),
  http_status INTEGER,
  error_type TEXT,
  error_message TEXT,
  finish_reason TEXT,
  UNIQUE (request_id, attempt)
) STRICT;
CREATE INDEX llm_calls_started ON llm_calls (started_at, id);
CREATE INDEX llm_calls_persona ON llm_calls (persona_id, started_at);
CREATE INDEX llm_calls_correlation ON llm_calls (correlation_id);
