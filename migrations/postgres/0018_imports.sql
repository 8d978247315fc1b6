-- Files of people that were handed in, and what becomes of each. The twin under migrations/sqlite holds the same; change both together.

CREATE TABLE import (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operator_id BIGINT NOT NULL REFERENCES operator (id) ON DELETE CASCADE,
    file_name   TEXT NOT NULL,                   -- as the browser called it
    stage       TEXT NOT NULL,
    detail      TEXT NOT NULL,                   -- JSON: what the columns are for, what was found, which file waits
    position    BIGINT NOT NULL,                -- bytes that the pass in hand has read, kept with what it has read
    size        BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX import_operator ON import (operator_id, id);
CREATE INDEX import_updated_at ON import (updated_at);
