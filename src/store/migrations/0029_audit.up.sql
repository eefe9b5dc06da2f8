-- Keyed checkpoints: so many entries, this head, at this time, under this key. What somebody without the key restamps or cuts off shows.
CREATE TABLE audit_checkpoints (
  number INTEGER PRIMARY KEY,
  entries INTEGER NOT NULL,
  head TEXT NOT NULL,
  at INTEGER NOT NULL,
  key_id TEXT NOT NULL,
  prev_mac TEXT NOT NULL,
  mac TEXT NOT NULL
) STRICT;

-- Rows whose personal detail was taken out; open only inside the transaction that takes it out.
CREATE TABLE audit_redactions (
  seq INTEGER PRIMARY KEY,
  is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
  at INTEGER NOT NULL
) STRICT;

-- The log only grows. Whoever owns the file can drop these; then the chain and the checkpoints tell.
-- [sqlite]
CREATE TRIGGER audit_log_is_not_edited BEFORE UPDATE ON audit_log
WHEN NOT EXISTS (SELECT 1 FROM audit_redactions WHERE seq = OLD.seq AND is_open = 1)
  OR NEW.seq IS NOT OLD.seq OR NEW.at IS NOT OLD.at OR NEW.persona_id IS NOT OLD.persona_id OR NEW.actor_kind IS NOT OLD.actor_kind
  OR NEW.action IS NOT OLD.action OR NEW.subject_kind IS NOT OLD.subject_kind OR NEW.before_digest IS NOT OLD.before_digest
  OR NEW.after_digest IS NOT OLD.after_digest OR NEW.prev_hash IS NOT OLD.prev_hash OR NEW.hash IS NOT OLD.hash
BEGIN SELECT RAISE(ABORT, 'the audit log only grows: no row of it can be edited'); END;
CREATE TRIGGER audit_log_is_not_cut BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log only grows: no row of it can be deleted'); END;
CREATE TRIGGER audit_log_is_not_replaced BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.seq OR hash = NEW.hash)
BEGIN SELECT RAISE(ABORT, 'the audit log only grows: no row of it can be replaced'); END;
CREATE TRIGGER audit_checkpoints_are_not_edited BEFORE UPDATE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints of the audit log are not edited'); END;
CREATE TRIGGER audit_checkpoints_are_not_cut BEFORE DELETE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints of the audit log are not deleted'); END;
-- [postgres]
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log only grows: % is refused on %', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE FUNCTION audit_refuse_edit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM audit_redactions WHERE seq = OLD.seq AND is_open = 1)
    AND (NEW.seq, NEW.at, NEW.persona_id, NEW.actor_kind, NEW.action, NEW.subject_kind, NEW.before_digest, NEW.after_digest, NEW.prev_hash, NEW.hash)
      IS NOT DISTINCT FROM
      (OLD.seq, OLD.at, OLD.persona_id, OLD.actor_kind, OLD.action, OLD.subject_kind, OLD.before_digest, OLD.after_digest, OLD.prev_hash, OLD.hash)
  THEN RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit log only grows: no row of it can be edited' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_log_is_not_edited BEFORE UPDATE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_refuse_edit();
CREATE TRIGGER audit_log_is_not_cut BEFORE DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoints_are_not_edited BEFORE UPDATE OR DELETE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoints_are_not_emptied BEFORE TRUNCATE ON audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
