-- [sqlite]
DROP TRIGGER search_passages_gone;
-- [both]
DROP TABLE search_words;
DROP TABLE search_names;
DROP TABLE search_files;
DROP TABLE search_positions;
DROP TABLE search_passages;
DROP TABLE search_documents;
