DROP TABLE search_vectors_state;
DROP INDEX search_vectors_model;
DROP INDEX search_vectors_change;
DROP TABLE search_vectors;
DROP TABLE search_vector_models;
