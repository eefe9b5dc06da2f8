DROP INDEX pending_posts_reviewed;
DROP TABLE golden_results;
DROP TABLE golden_items;
DROP TABLE golden_templates;
DROP TABLE feedback_labels;
DROP TABLE second_opinions;
DROP TABLE samples;
DROP TABLE quality_salt;
