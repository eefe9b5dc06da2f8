-- Who may do what. Empty: a fresh installation with one operator, who may do everything. The name '*' stands for whoever is not listed.
CREATE TABLE reviewers (
  name TEXT PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('watcher', 'reviewer', 'senior', 'admin')),
  added_by TEXT NOT NULL,
  added_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
