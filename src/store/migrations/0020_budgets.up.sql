-- What may be spent, by whom or by what, in which period.
CREATE TABLE budgets (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  scope TEXT NOT NULL,
  period TEXT NOT NULL CHECK (period IN ('day', 'week', 'month', 'lifetime')),
  zone TEXT NOT NULL,
  limit_picos INTEGER NOT NULL CHECK (limit_picos >= 0),
  is_hard INTEGER NOT NULL,
  thresholds TEXT NOT NULL,
  unpriced_allowed TEXT NOT NULL DEFAULT '[]',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- What a period has used of a budget: what was charged, and what is set aside for calls under way.
CREATE TABLE budget_periods (
  budget_id TEXT NOT NULL REFERENCES budgets (id) ON DELETE CASCADE,
  period_start INTEGER NOT NULL,
  spent_picos INTEGER NOT NULL,
  reserved_picos INTEGER NOT NULL,
  unknown_calls INTEGER NOT NULL,
  PRIMARY KEY (budget_id, period_start)
) STRICT;

-- One for each attempt under way: what it may cost at most, against which periods.
CREATE TABLE budget_reservations (
  call_id TEXT NOT NULL,
  budget_id TEXT NOT NULL REFERENCES budgets (id) ON DELETE CASCADE,
  period_start INTEGER NOT NULL,
  picos INTEGER NOT NULL,
  reserved_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (call_id, budget_id)
) STRICT;
CREATE INDEX budget_reservations_expiry ON budget_reservations (expires_at);

-- A threshold that was reached: once in a period.
CREATE TABLE budget_events (
  budget_id TEXT NOT NULL REFERENCES budgets (id) ON DELETE CASCADE,
  period_start INTEGER NOT NULL,
  percent INTEGER NOT NULL,
  at INTEGER NOT NULL,
  spent_picos INTEGER NOT NULL,
  limit_picos INTEGER NOT NULL,
  actions TEXT NOT NULL,
  PRIMARY KEY (budget_id, period_start, percent)
) STRICT;
