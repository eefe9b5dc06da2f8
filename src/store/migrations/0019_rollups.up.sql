-- What a call needs to be priced again later, what it was reserved at, how far report and book differ, and where an imported row is from.
ALTER TABLE llm_calls ADD COLUMN category TEXT NOT NULL DEFAULT 'interactive';
ALTER TABLE llm_calls ADD COLUMN service_tier TEXT;
ALTER TABLE llm_calls ADD COLUMN tokens_written_1h INTEGER;
ALTER TABLE llm_calls ADD COLUMN tokens_written_12h INTEGER;
ALTER TABLE llm_calls ADD COLUMN cost_reserved_picos INTEGER;
ALTER TABLE llm_calls ADD COLUMN drift TEXT;
ALTER TABLE llm_calls ADD COLUMN queue_us INTEGER;
ALTER TABLE llm_calls ADD COLUMN is_cached INTEGER NOT NULL DEFAULT 0;
ALTER TABLE llm_calls ADD COLUMN trace TEXT;
ALTER TABLE llm_calls ADD COLUMN source_file TEXT;
ALTER TABLE llm_calls ADD COLUMN source_line INTEGER;

-- What failed, in time order: few rows of many.
CREATE INDEX llm_calls_failed ON llm_calls (started_at, module, error_type) WHERE outcome NOT IN ('ok', 'started');
-- What is under way: a row comes into it with the request and leaves it with the answer.
CREATE INDEX llm_calls_open ON llm_calls (started_at) WHERE outcome = 'started';

-- Sums of a UTC day by everything that is asked for; kept in the transaction of the call, and checked by summing the calls again.
CREATE TABLE roll_day (
  day INTEGER NOT NULL,
  model TEXT NOT NULL,
  module TEXT NOT NULL,
  persona_id TEXT NOT NULL DEFAULT '',
  category TEXT NOT NULL,
  calls INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  interrupted INTEGER NOT NULL,
  cache_hits INTEGER NOT NULL,
  retries INTEGER NOT NULL,
  tokens_in INTEGER NOT NULL,
  tokens_out INTEGER NOT NULL,
  tokens_cached INTEGER NOT NULL,
  tokens_written INTEGER NOT NULL,
  tokens_reasoning INTEGER NOT NULL,
  reported_picos INTEGER NOT NULL,
  computed_picos INTEGER NOT NULL,
  charged_picos INTEGER NOT NULL,
  unpriced INTEGER NOT NULL,
  latency_count INTEGER NOT NULL,
  latency_us_sum INTEGER NOT NULL,
  queue_us_sum INTEGER NOT NULL,
  odd_calls INTEGER NOT NULL,
  drift_picos INTEGER NOT NULL,
  PRIMARY KEY (day, model, module, persona_id, category)
) STRICT, WITHOUT ROWID;

-- The same of an hour. An hour has never more rows than calls, and what does not begin at midnight needs no calls.
CREATE TABLE roll_hour (
  hour INTEGER NOT NULL,
  model TEXT NOT NULL,
  module TEXT NOT NULL,
  persona_id TEXT NOT NULL DEFAULT '',
  category TEXT NOT NULL,
  calls INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  interrupted INTEGER NOT NULL,
  cache_hits INTEGER NOT NULL,
  retries INTEGER NOT NULL,
  tokens_in INTEGER NOT NULL,
  tokens_out INTEGER NOT NULL,
  tokens_cached INTEGER NOT NULL,
  tokens_written INTEGER NOT NULL,
  tokens_reasoning INTEGER NOT NULL,
  reported_picos INTEGER NOT NULL,
  computed_picos INTEGER NOT NULL,
  charged_picos INTEGER NOT NULL,
  unpriced INTEGER NOT NULL,
  latency_count INTEGER NOT NULL,
  latency_us_sum INTEGER NOT NULL,
  queue_us_sum INTEGER NOT NULL,
  odd_calls INTEGER NOT NULL,
  drift_picos INTEGER NOT NULL,
  PRIMARY KEY (hour, model, module, persona_id, category)
) STRICT, WITHOUT ROWID;

-- Sketches that merge, of an hour and of a day by model and module: percentiles of any span without its calls. `span` is the length in
-- milliseconds. Apart from the sums, whose rows they would make twenty times as long.
CREATE TABLE roll_sketch (
  span INTEGER NOT NULL,
  start INTEGER NOT NULL,
  model TEXT NOT NULL,
  module TEXT NOT NULL,
  latency BLOB,
  first_token BLOB,
  tokens_in BLOB,
  tokens_out BLOB,
  PRIMARY KEY (span, start, model, module)
) STRICT;
