-- On which campus day a delivery is counted (adr 73). The twin under migrations/sqlite holds the same; change both together.

SET LOCAL lock_timeout = '5s';  -- nodes that serve do not wait for this behind a long statement

-- The moment on whose day it stands in day_count, as long as it has ended. NULL: it is open, was suppressed when it was planned, or
-- an older version ended it, so that the moment follows from others of the row. Those of test keys have one, too, and count on no day.
ALTER TABLE delivery ADD COLUMN counted_at BIGINT;
