-- For which department a message was sent. The twin under migrations/sqlite holds the same; change both together.

-- NULL: for no department, but the whole campus. It stays as it is where its source moves to another.
ALTER TABLE message ADD COLUMN department TEXT;
UPDATE message SET department = (SELECT s.department FROM source s WHERE s.id = message.source_id)
WHERE source_id IS NOT NULL;
CREATE INDEX message_department ON message (department, id);

-- Only deliveries of messages of these departments, as a JSON array. NULL: of all.
ALTER TABLE attention_act ADD COLUMN departments TEXT;
