-- Which groups a source may write to, and the versions of groups. The twin under migrations/sqlite holds the same; change both together.

-- Slugs, as a JSON array; none: it may write to anybody.
ALTER TABLE source ADD COLUMN audience_groups TEXT NOT NULL DEFAULT '[]';

-- Grows by one whenever its name, kind or filter changes: whoever edits it says which one they saw.
ALTER TABLE recipient_group ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
