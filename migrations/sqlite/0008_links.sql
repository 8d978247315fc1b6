-- When whoever a delivery is for first opened its page behind the signed link. NULL: not that we know.
ALTER TABLE delivery ADD COLUMN read_at INTEGER;
