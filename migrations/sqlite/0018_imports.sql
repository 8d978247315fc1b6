-- Files of people that were handed in, and what becomes of each. The twin under migrations/postgres holds the same; change both together.

CREATE TABLE import (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    operator_id INTEGER NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    file_name   TEXT NOT NULL,                   -- as the browser called it
    stage       TEXT NOT NULL,
    detail      TEXT NOT NULL,                   -- JSON: what the columns are for, what was found, which file waits
    position    INTEGER NOT NULL,                -- bytes that the pass in hand has read, kept with what it has read
    size        INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX import_operator ON import (operator_id, id);
CREATE INDEX import_updated_at ON import (updated_at);
