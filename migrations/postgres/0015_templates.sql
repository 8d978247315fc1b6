-- Values that stand for a template's variables where it is looked at. JSON: name -> value.
ALTER TABLE template ADD COLUMN samples TEXT NOT NULL DEFAULT '{}';
