-- Which groups a source may write to, the versions of groups, and finding people. The twin under migrations/postgres holds the same; change both together.

-- Slugs, as a JSON array; none: it may write to anybody.
ALTER TABLE source ADD COLUMN audience_groups TEXT NOT NULL DEFAULT '[]';

-- Grows by one whenever its name, kind or filter changes: whoever edits it says which one they saw.
ALTER TABLE recipient_group ADD COLUMN version INTEGER NOT NULL DEFAULT 1;

-- Whoever looks for a person by the beginning of an id, an address or a number finds it without going through the directory;
-- by a part of a name they go through the names alone. By bytes, so that beginnings are ranges in every language.
CREATE INDEX recipient_campus_id_lower ON recipient (lower(campus_id));
CREATE INDEX recipient_email_lower ON recipient (lower(email)) WHERE email IS NOT NULL;
CREATE INDEX recipient_name ON recipient (name);
