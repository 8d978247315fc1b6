-- Which template a message named. The twin under migrations/sqlite holds the same; change both together.

-- NULL: it brought its own words.
ALTER TABLE message ADD COLUMN template TEXT;
UPDATE message SET template = content::json -> 'template' ->> 'slug' WHERE content LIKE '%"template"%';
CREATE INDEX message_template ON message (template, source_id, created_at) WHERE template IS NOT NULL;
