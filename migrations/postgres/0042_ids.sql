-- Ids that leave the house are never given out a second time: nothing to change here.
-- The twin under migrations/sqlite has tables remember what they gave out; change both together.

-- Sequences of identity columns never give a number twice. What a dump lacks is made up for when it is restored:
-- src/store/restoring.rs.
SELECT 1;
