DROP TABLE llm_calls;
DROP TABLE price_book;
