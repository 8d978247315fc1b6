-- Ids that leave the house, in links, mails, cards, alerts and answers, are never given out a second time.
-- The twin under migrations/postgres says why nothing is changed there; change both together.

-- A plain key is one more than the highest there is, and so comes back when the highest row goes or an older store takes this
-- one's place. AUTOINCREMENT remembers what was given out. It changes nothing of what is on disk but the text of a table, which
-- SQLite lets be written (https://www.sqlite.org/lang_altertable.html#otheralter). Ids of messages are made of the time;
-- draft, import and rights_request remember theirs already.
-- That a table comes and goes makes every connection read the texts anew.
CREATE TABLE ids_are_remembered (id INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'INTEGER PRIMARY KEY,', 'INTEGER PRIMARY KEY AUTOINCREMENT,')
WHERE type = 'table' AND name IN ('source', 'api_key', 'recipient', 'recipient_group', 'provider', 'delivery', 'receipt',
    'operator', 'suppression', 'role', 'alarm', 'scenario', 'scenario_change', 'broadcast', 'button', 'button_key',
    'button_press');
PRAGMA writable_schema = RESET;
DROP TABLE ids_are_remembered;

INSERT INTO sqlite_sequence (name, seq)
SELECT 'source', COALESCE(max(id), 0) FROM source
UNION ALL SELECT 'api_key', COALESCE(max(id), 0) FROM api_key
UNION ALL SELECT 'recipient', COALESCE(max(id), 0) FROM recipient
UNION ALL SELECT 'recipient_group', COALESCE(max(id), 0) FROM recipient_group
UNION ALL SELECT 'provider', COALESCE(max(id), 0) FROM provider
UNION ALL SELECT 'delivery', COALESCE(max(id), 0) FROM delivery
UNION ALL SELECT 'receipt', COALESCE(max(id), 0) FROM receipt
UNION ALL SELECT 'operator', COALESCE(max(id), 0) FROM operator
UNION ALL SELECT 'suppression', COALESCE(max(id), 0) FROM suppression
UNION ALL SELECT 'role', COALESCE(max(id), 0) FROM role
UNION ALL SELECT 'alarm', COALESCE(max(id), 0) FROM alarm
UNION ALL SELECT 'scenario', COALESCE(max(id), 0) FROM scenario
UNION ALL SELECT 'scenario_change', COALESCE(max(id), 0) FROM scenario_change
UNION ALL SELECT 'broadcast', COALESCE(max(id), 0) FROM broadcast
UNION ALL SELECT 'button', COALESCE(max(id), 0) FROM button
UNION ALL SELECT 'button_key', COALESCE(max(id), 0) FROM button_key
UNION ALL SELECT 'button_press', COALESCE(max(id), 0) FROM button_press;
