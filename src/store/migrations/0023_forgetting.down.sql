-- [sqlite]
DROP TRIGGER search_items_hidden;
DROP TRIGGER search_items_gone;
DROP TRIGGER search_stances_gone;
DROP TRIGGER search_beliefs_gone;
DROP TRIGGER search_interactions_retracted;
DROP TRIGGER search_interactions_gone;
DROP TRIGGER search_personas_gone;
DROP TRIGGER search_documents_gone;
DROP TRIGGER search_passages_forgotten;
-- [postgres]
DROP TRIGGER search_items_hidden ON pending_posts;
DROP TRIGGER search_items_gone ON pending_posts;
DROP TRIGGER search_stances_gone ON stance_versions;
DROP TRIGGER search_beliefs_gone ON belief_nodes;
DROP TRIGGER search_interactions_retracted ON interactions;
DROP TRIGGER search_interactions_gone ON interactions;
DROP TRIGGER search_personas_gone ON personas;
DROP TRIGGER search_documents_gone ON search_documents;
DROP TRIGGER search_passages_forgotten ON search_passages;
DROP FUNCTION search_row_gone();
DROP FUNCTION search_personas_gone();
DROP FUNCTION search_documents_gone();
DROP FUNCTION search_passages_forgotten();
-- [both]
DROP INDEX search_documents_author;
ALTER TABLE search_vector_models DROP COLUMN recipe;
