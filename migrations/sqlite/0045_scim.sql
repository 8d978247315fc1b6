-- What identity systems (SCIM, docs/SCIM.md) say of people and groups besides what the directory keeps of them anyway.
-- The twin under migrations/postgres holds the same; change both together.

-- Their own id for a person, and which facts they told, as bits (src/domain/scim/user.rs): what they told and tell no
-- more is cleared, what others told stays.
ALTER TABLE recipient ADD COLUMN external_id TEXT;
ALTER TABLE recipient ADD COLUMN scim_told INTEGER NOT NULL DEFAULT 0;
-- They deleted the person, who is inactive and whom they are not shown. NULL again once anybody makes the person active.
ALTER TABLE recipient ADD COLUMN left_at INTEGER;
CREATE INDEX recipient_external_id ON recipient (external_id) WHERE external_id IS NOT NULL;

-- Their own id for a group, and how often its list of members changed, for whoever must know that it did.
ALTER TABLE recipient_group ADD COLUMN external_id TEXT;
ALTER TABLE recipient_group ADD COLUMN member_changes INTEGER NOT NULL DEFAULT 0;
