-- Whose trouble a delivery is. The twin under migrations/postgres holds the same; change both together.

-- The department of its message, kept where it takes a trouble; NULL: of the whole campus, or it never had one. Departments
-- find their own by it without looking at everybody's.
ALTER TABLE delivery ADD COLUMN trouble_department TEXT;
UPDATE delivery SET trouble_department = (SELECT m.department FROM message m WHERE m.id = delivery.message_id)
WHERE trouble IS NOT NULL;
CREATE INDEX delivery_trouble_department ON delivery (trouble_department, trouble, updated_at, id)
    WHERE trouble IS NOT NULL;

-- Who began it, whose right to it is asked for while it goes on; NULL: a command, or it is older than this.
ALTER TABLE attention_act ADD COLUMN operator_id INTEGER;
-- It ended early, as they lost the right.
ALTER TABLE attention_act ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;
