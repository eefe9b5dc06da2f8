DROP INDEX post_revisions_notes;
