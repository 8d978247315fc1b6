-- Deliveries that need somebody's attention. The twin under migrations/postgres holds the same; change both together.

-- What a failed or unknown delivery has in common with others: Trouble in src/domain/trouble.rs. NULL: it needs nobody's
-- attention, or somebody has set it aside.
ALTER TABLE delivery ADD COLUMN trouble TEXT;
-- The act that set it aside last.
ALTER TABLE delivery ADD COLUMN set_aside INTEGER;
UPDATE delivery SET trouble = state || ':' || channel || ':' || COALESCE(provider_id, 0) || ':'
    || CASE WHEN EXISTS (SELECT 1 FROM receipt r WHERE r.delivery_id = delivery.id AND r.state = delivery.state)
        THEN 'reported:' || COALESCE(reason, '')
        ELSE COALESCE(reason, '') || ':' || COALESCE((SELECT a.code FROM attempt a
            WHERE a.delivery_id = delivery.id ORDER BY a.number DESC LIMIT 1), '') END
WHERE state IN (4, 8) AND outlet <> 0 AND address IS NOT NULL;
CREATE INDEX delivery_trouble ON delivery (trouble, updated_at, id) WHERE trouble IS NOT NULL;

-- What somebody did about many of them at once, as far as it has come.
CREATE TABLE attention_act (
    id          INTEGER PRIMARY KEY,
    resends     INTEGER NOT NULL,                -- 1 sends them again, 0 sets them aside
    trouble     TEXT NOT NULL,
    late        INTEGER NOT NULL,                -- sends again too what is past its time
    actor       TEXT NOT NULL,
    at          INTEGER NOT NULL,                -- what failed later is not its
    planned     INTEGER NOT NULL,                -- how many there were
    done        INTEGER NOT NULL DEFAULT 0,
    passed_over INTEGER NOT NULL DEFAULT 0,
    cursor_at   INTEGER NOT NULL DEFAULT 0,      -- the last it looked at
    cursor_id   INTEGER NOT NULL DEFAULT 0,
    finished_at INTEGER
) STRICT;
CREATE INDEX attention_act_open ON attention_act (id) WHERE finished_at IS NULL;
