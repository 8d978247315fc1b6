-- Roles that administrators made, and what each operator holds. The twin under migrations/postgres holds the same; change both together.

CREATE TABLE role (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    permissions TEXT NOT NULL,                   -- JSON array of words: Permission in src/domain/operator.rs
    created_at  INTEGER NOT NULL
) STRICT;

-- JSON array of {"role": a built-in one's name or a made one's id, "departments": []}; no departments: everywhere.
ALTER TABLE operator ADD COLUMN grants TEXT NOT NULL DEFAULT '[]';
UPDATE operator SET grants = '[{"role":"' || role || '","departments":[]}]';
ALTER TABLE operator DROP COLUMN role;
