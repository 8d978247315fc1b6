-- What people answered to messages, and cards that are to show it. The twin under migrations/sqlite holds the same; change both together.

-- One for each delivery that asked its recipient for an answer, whichever way it comes: a pressed button of a card.
CREATE TABLE answer (
    delivery_id BIGINT NOT NULL PRIMARY KEY REFERENCES delivery (id) ON DELETE CASCADE,
    message_id  BIGINT NOT NULL,
    choice      TEXT,                            -- the key of what they chose; NULL: no answer yet
    shown       TEXT,                            -- its words, as they were shown
    via         BIGINT,                         -- how it came: Via in src/domain/answer.rs
    answered_at BIGINT
);
CREATE INDEX answer_message ON answer (message_id, choice, shown);

-- Cards that do not show yet what was answered. Gone when they do, or when there is no use in trying any more.
CREATE TABLE card_update (
    delivery_id   BIGINT NOT NULL PRIMARY KEY REFERENCES delivery (id) ON DELETE CASCADE,
    provider_id   BIGINT NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    member        TEXT NOT NULL,                 -- whose card it is, as the provider calls them
    response_code TEXT NOT NULL,                 -- what allows to change it, once
    shown         TEXT NOT NULL,                 -- the words of the answer
    until         BIGINT NOT NULL,              -- when that ends to be good
    due_at        BIGINT NOT NULL,
    tries         BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX card_update_due ON card_update (due_at);

-- Whose card was pressed: WeCom's ids are compared without case.
CREATE INDEX recipient_wecom_member ON recipient (lower(wecom_userid)) WHERE wecom_userid IS NOT NULL;

-- Who it is that sent a reply.
CREATE INDEX recipient_mobile ON recipient (mobile) WHERE mobile IS NOT NULL;
