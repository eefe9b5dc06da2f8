-- How a model was reached, so that its vectors can be searched while another one reads their passages. It holds no key.
ALTER TABLE search_vector_models ADD COLUMN recipe TEXT;
-- Who was answered, for taking a name out when nothing is left of it.
CREATE INDEX search_documents_author ON search_documents (author) WHERE author IS NOT NULL;

-- What was forgotten before these triggers were there: documents without a row, vectors without a passage.
DELETE FROM search_documents WHERE kind = 'interaction' AND NOT EXISTS (
  SELECT 1 FROM interactions i WHERE i.persona_id = search_documents.persona_id AND i.id = search_documents.source_id AND i.retracted_at IS NULL);
DELETE FROM search_documents WHERE kind = 'belief' AND NOT EXISTS (
  SELECT 1 FROM belief_nodes b WHERE b.persona_id = search_documents.persona_id AND b.id = search_documents.source_id);
DELETE FROM search_documents WHERE kind = 'stance' AND NOT EXISTS (
  SELECT 1 FROM stance_versions s WHERE s.persona_id = search_documents.persona_id AND s.id = search_documents.source_id);
DELETE FROM search_documents WHERE kind IN ('queue_item', 'decision') AND NOT EXISTS (
  SELECT 1 FROM pending_posts p WHERE p.persona_id = search_documents.persona_id AND p.state NOT IN ('expired', 'gone', 'retracted')
    AND p.id = CASE search_documents.kind WHEN 'decision' THEN search_documents.parent ELSE search_documents.source_id END);
DELETE FROM search_names WHERE persona_id <> '' AND NOT EXISTS (SELECT 1 FROM personas p WHERE p.id = search_names.persona_id);
UPDATE search_vectors SET persona_id = NULL, model = NULL, vector = NULL, stamp = 0, change = gone.next
FROM (SELECT v.passage AS passage, (SELECT s.change FROM search_vectors_state s) + row_number() OVER (ORDER BY v.passage) AS next
      FROM search_vectors v WHERE v.model IS NOT NULL AND NOT EXISTS (SELECT 1 FROM search_passages p WHERE p.id = v.passage)) gone
WHERE search_vectors.passage = gone.passage;
UPDATE search_vectors_state SET change = (SELECT max(v.change) FROM search_vectors v) WHERE change < (SELECT max(v.change) FROM search_vectors v);
UPDATE search_positions SET seq = (SELECT count(*) FROM search_documents) WHERE name = 'documents';
UPDATE search_positions SET seq = (SELECT CAST(coalesce(sum(length), 0) AS INTEGER) FROM search_passages) WHERE name = 'words';

-- Whatever takes a row away, by whatever statement, takes its documents, words, names and vectors along, in the same transaction.
-- [sqlite]
CREATE TRIGGER search_passages_forgotten AFTER DELETE ON search_passages
BEGIN
  UPDATE search_vectors_state SET change = change + 1
    WHERE EXISTS (SELECT 1 FROM search_vectors WHERE passage = old.id AND model IS NOT NULL);
  UPDATE search_vectors SET persona_id = NULL, model = NULL, vector = NULL, stamp = 0, change = (SELECT change FROM search_vectors_state)
    WHERE passage = old.id AND model IS NOT NULL;
  UPDATE search_positions SET seq = seq - old.length WHERE name = 'words';
END;
CREATE TRIGGER search_documents_gone AFTER DELETE ON search_documents
BEGIN
  UPDATE search_positions SET seq = seq - 1 WHERE name = 'documents';
  DELETE FROM search_names WHERE kind = 'title' AND persona_id = coalesce(old.persona_id, '') AND name = old.title
    AND old.kind IN ('belief', 'runbook');
  DELETE FROM search_names WHERE kind = 'author' AND persona_id = coalesce(old.persona_id, '') AND name = old.author
    AND old.kind = 'queue_item' AND NOT EXISTS (SELECT 1 FROM search_documents d
      WHERE d.author = old.author AND d.persona_id = old.persona_id AND d.kind = 'queue_item');
END;
CREATE TRIGGER search_personas_gone AFTER DELETE ON personas
BEGIN
  DELETE FROM search_names WHERE persona_id = old.id;
END;
CREATE TRIGGER search_interactions_gone AFTER DELETE ON interactions
BEGIN
  DELETE FROM search_documents WHERE kind = 'interaction' AND source_id = old.id AND persona_id = old.persona_id;
END;
CREATE TRIGGER search_interactions_retracted AFTER UPDATE OF retracted_at ON interactions WHEN new.retracted_at IS NOT NULL
BEGIN
  DELETE FROM search_documents WHERE kind = 'interaction' AND source_id = new.id AND persona_id = new.persona_id;
END;
CREATE TRIGGER search_beliefs_gone AFTER DELETE ON belief_nodes
BEGIN
  DELETE FROM search_documents WHERE kind = 'belief' AND source_id = old.id AND persona_id = old.persona_id;
END;
CREATE TRIGGER search_stances_gone AFTER DELETE ON stance_versions
BEGIN
  DELETE FROM search_documents WHERE kind = 'stance' AND source_id = old.id AND persona_id = old.persona_id;
END;
CREATE TRIGGER search_items_gone AFTER DELETE ON pending_posts
BEGIN
  DELETE FROM search_documents WHERE kind = 'queue_item' AND source_id = old.id AND persona_id = old.persona_id;
  DELETE FROM search_documents WHERE kind = 'decision' AND parent = old.id AND persona_id = old.persona_id;
END;
CREATE TRIGGER search_items_hidden AFTER UPDATE OF state ON pending_posts WHEN new.state IN ('expired', 'gone', 'retracted')
BEGIN
  DELETE FROM search_documents WHERE kind = 'queue_item' AND source_id = new.id AND persona_id = new.persona_id;
  DELETE FROM search_documents WHERE kind = 'decision' AND parent = new.id AND persona_id = new.persona_id;
END;
-- [postgres]
CREATE FUNCTION search_passages_forgotten() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  UPDATE search_vectors_state SET change = change + 1
    WHERE EXISTS (SELECT 1 FROM search_vectors v WHERE v.passage = old.id AND v.model IS NOT NULL);
  UPDATE search_vectors SET persona_id = NULL, model = NULL, vector = NULL, stamp = 0, change = (SELECT s.change FROM search_vectors_state s)
    WHERE passage = old.id AND model IS NOT NULL;
  UPDATE search_positions SET seq = seq - old.length WHERE name = 'words';
  RETURN NULL;
END $body$;
CREATE TRIGGER search_passages_forgotten AFTER DELETE ON search_passages FOR EACH ROW EXECUTE FUNCTION search_passages_forgotten();
CREATE FUNCTION search_documents_gone() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  UPDATE search_positions SET seq = seq - 1 WHERE name = 'documents';
  IF old.kind IN ('belief', 'runbook') THEN
    DELETE FROM search_names n WHERE n.kind = 'title' AND n.persona_id = coalesce(old.persona_id, '') AND n.name = old.title;
  END IF;
  IF old.kind = 'queue_item' THEN
    DELETE FROM search_names n WHERE n.kind = 'author' AND n.persona_id = coalesce(old.persona_id, '') AND n.name = old.author
      AND NOT EXISTS (SELECT 1 FROM search_documents d WHERE d.author = old.author AND d.persona_id = old.persona_id AND d.kind = 'queue_item');
  END IF;
  RETURN NULL;
END $body$;
CREATE TRIGGER search_documents_gone AFTER DELETE ON search_documents FOR EACH ROW EXECUTE FUNCTION search_documents_gone();
CREATE FUNCTION search_personas_gone() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  DELETE FROM search_names n WHERE n.persona_id = old.id;
  RETURN NULL;
END $body$;
CREATE TRIGGER search_personas_gone AFTER DELETE ON personas FOR EACH ROW EXECUTE FUNCTION search_personas_gone();
CREATE FUNCTION search_row_gone() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  DELETE FROM search_documents d WHERE d.kind = tg_argv[0] AND d.source_id = old.id AND d.persona_id = old.persona_id;
  IF tg_argv[0] = 'queue_item' THEN
    DELETE FROM search_documents d WHERE d.kind = 'decision' AND d.parent = old.id AND d.persona_id = old.persona_id;
  END IF;
  RETURN NULL;
END $body$;
CREATE TRIGGER search_interactions_gone AFTER DELETE ON interactions FOR EACH ROW EXECUTE FUNCTION search_row_gone('interaction');
CREATE TRIGGER search_interactions_retracted AFTER UPDATE OF retracted_at ON interactions FOR EACH ROW
  WHEN (new.retracted_at IS NOT NULL) EXECUTE FUNCTION search_row_gone('interaction');
CREATE TRIGGER search_beliefs_gone AFTER DELETE ON belief_nodes FOR EACH ROW EXECUTE FUNCTION search_row_gone('belief');
CREATE TRIGGER search_stances_gone AFTER DELETE ON stance_versions FOR EACH ROW EXECUTE FUNCTION search_row_gone('stance');
CREATE TRIGGER search_items_gone AFTER DELETE ON pending_posts FOR EACH ROW EXECUTE FUNCTION search_row_gone('queue_item');
CREATE TRIGGER search_items_hidden AFTER UPDATE OF state ON pending_posts FOR EACH ROW
  WHEN (new.state IN ('expired', 'gone', 'retracted')) EXECUTE FUNCTION search_row_gone('queue_item');
