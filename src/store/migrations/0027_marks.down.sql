DROP TABLE last_started;
DROP TABLE marks;
