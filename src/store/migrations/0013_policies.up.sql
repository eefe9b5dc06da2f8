-- What each subreddit asks of those who write there, as its own pages said it last. Rules and requirements are JSON; requirements may be
-- unknown while the rules are known. A row without rules holds only that they could not be read.
CREATE TABLE subreddit_policies (
  subreddit TEXT PRIMARY KEY,
  rules TEXT,
  requirements TEXT,
  fetched_at INTEGER,
  tried_at INTEGER NOT NULL,
  failure TEXT
) STRICT;
