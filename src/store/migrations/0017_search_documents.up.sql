-- What can be found: one row for each thing that was said, believed, decided or written down, made from the row or the file that holds it.
-- `source_id` names that row; `mark` is the digest of the text, so that a change of the state alone leaves the passages as they are.
CREATE TABLE search_documents (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('interaction', 'belief', 'stance', 'queue_item', 'decision', 'runbook', 'note')),
  persona_id TEXT REFERENCES personas (id) ON DELETE CASCADE,
  source_id TEXT NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  subreddit TEXT,
  state TEXT,
  confidence REAL,
  own_name TEXT,
  parent TEXT,
  author TEXT,
  mark TEXT NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (kind, source_id)
) STRICT;
CREATE INDEX search_documents_at ON search_documents (at, id);
CREATE INDEX search_documents_state ON search_documents (state, at, id);
CREATE INDEX search_documents_kind ON search_documents (kind, at, id);
CREATE INDEX search_documents_persona ON search_documents (persona_id, at, id);
CREATE INDEX search_documents_subreddit ON search_documents (subreddit, at, id);
CREATE INDEX search_documents_parent ON search_documents (parent, at);
CREATE INDEX search_documents_name ON search_documents (own_name);

-- What is ranked: a short document is one passage; a long one has its heading and windows of its words beside the whole.
-- Ids grow and are never used again. `embedded` is the model that has read it, whether or not it made a vector.
CREATE TABLE search_passages (
  id INTEGER PRIMARY KEY,
  document INTEGER NOT NULL REFERENCES search_documents (id) ON DELETE CASCADE,
  persona_id TEXT,
  part TEXT NOT NULL CHECK (part IN ('whole', 'heading', 'window')),
  text TEXT NOT NULL,
  length INTEGER NOT NULL,
  embedded TEXT
) STRICT;
CREATE INDEX search_passages_document ON search_passages (document, id);
CREATE INDEX search_passages_embedded ON search_passages (embedded, id);

-- How far each topic of the change feed, and each table of the first fill, has been taken in. `reached` is a key of the table.
CREATE TABLE search_positions (
  name TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  reached TEXT NOT NULL DEFAULT ''
) STRICT;

-- Files of the folders as they were read.
CREATE TABLE search_files (
  kind TEXT NOT NULL,
  path TEXT NOT NULL,
  stamp TEXT NOT NULL,
  sections INTEGER NOT NULL,
  PRIMARY KEY (kind, path)
) STRICT;

-- Names that people mistype: of subreddits, authors and beliefs.
CREATE TABLE search_names (
  kind TEXT NOT NULL,
  persona_id TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (kind, persona_id, name)
) STRICT;

-- [sqlite]
-- The text stands in search_passages; this holds the index alone. `scope` has a word for the persona, the kind and the subreddit.
CREATE VIRTUAL TABLE search_words USING fts5 (title, body, scope, content = '', contentless_delete = 1, prefix = '2 3',
  tokenize = 'unicode61 remove_diacritics 0');
CREATE TRIGGER search_passages_gone AFTER DELETE ON search_passages WHEN old.part = 'whole'
BEGIN
  DELETE FROM search_words WHERE rowid = old.id;
END;
-- [postgres]
CREATE TABLE search_words (
  passage BIGINT PRIMARY KEY REFERENCES search_passages (id) ON DELETE CASCADE,
  words TSVECTOR NOT NULL
);
CREATE INDEX search_words_index ON search_words USING GIN (words);
