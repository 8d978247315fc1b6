-- What the vendors of SMS and WeChat need. The twin under migrations/sqlite holds the same; change both together.

-- Another reference that a receipt's delivery may have been taken under.
ALTER TABLE receipt ADD COLUMN also TEXT;
