-- [sqlite]
DROP TRIGGER audit_log_is_not_edited;
DROP TRIGGER audit_log_is_not_cut;
DROP TRIGGER audit_log_is_not_replaced;
-- [postgres]
DROP TRIGGER audit_log_is_not_edited ON audit_log;
DROP TRIGGER audit_log_is_not_cut ON audit_log;
DROP TRIGGER audit_log_is_not_emptied ON audit_log;
-- [both]
DROP TABLE audit_checkpoints;
DROP TABLE audit_redactions;
-- [postgres]
DROP FUNCTION audit_refuse_edit();
DROP FUNCTION audit_refuse();
