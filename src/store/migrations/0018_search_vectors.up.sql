-- Which models made vectors. A name is unique for what the model is; the same name means comparable vectors.
CREATE TABLE search_vector_models (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  dimensions INTEGER NOT NULL CHECK (dimensions > 0)
) STRICT;

-- One row for each passage that was ever embedded: its latest vector, numbers of 16 bits, little end first. Without a model the passage is
-- gone (the row tells those who follow), without a vector the model could not read it. `change` grows with every change of any row, so that
-- an index reads only what is new; `stamp` is a checksum of the passage and its vector, 0 without one. Passages are not referenced, because
-- a row outlives its passage.
CREATE TABLE search_vectors (
  passage INTEGER PRIMARY KEY,
  persona_id TEXT,
  model INTEGER REFERENCES search_vector_models (id),
  vector BLOB,
  change INTEGER NOT NULL,
  stamp INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX search_vectors_change ON search_vectors (change);
CREATE INDEX search_vectors_model ON search_vectors (model, passage, stamp);

-- One row: the newest change, and a name that tells this database from another one.
CREATE TABLE search_vectors_state (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  database TEXT NOT NULL,
  change INTEGER NOT NULL
) STRICT;
