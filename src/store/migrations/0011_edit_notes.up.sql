-- What the next prompts learn from is looked up for each draft: the few texts by people that came with a reason.
CREATE INDEX post_revisions_notes ON post_revisions (persona_id, created_at, item_id, revision)
  WHERE author_kind = 'human' AND note IS NOT NULL;
