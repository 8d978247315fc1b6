-- Since when an identity is bound, who guesses codes, and which operator shows a code. The twin under migrations/postgres holds the
-- same; change both together.

-- NULL: it was bound before this was kept, or is not there any more. What an account tells of earlier is out of date.
ALTER TABLE bound_identity ADD COLUMN bound_at INTEGER;

-- Codes that were asked for by one WeChat identity, and typed by it, on its latest campus day, whosever codes they were; and, under
-- a hash of its own, the codes of everybody.
CREATE TABLE identity_day (
    hash  BLOB NOT NULL PRIMARY KEY,    -- keyed, of kind and address
    day   TEXT NOT NULL,
    codes INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Which operator had a code made. NULL: it was not an operator, but a command or whoever holds a link.
ALTER TABLE scene ADD COLUMN shown_to INTEGER;
