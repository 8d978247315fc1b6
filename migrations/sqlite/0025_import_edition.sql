-- Which step of an import is in hand, and whether its file is still kept. The twin under migrations/postgres holds the same; change both
-- together.

-- One more with every step: whoever goes on from an earlier one, in this process or another, changes nothing.
ALTER TABLE import ADD COLUMN edition INTEGER NOT NULL DEFAULT 0;
-- Its file is removed, with all that was in it; only what it did is remembered.
ALTER TABLE import ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
