DROP TABLE subreddit_policies;
