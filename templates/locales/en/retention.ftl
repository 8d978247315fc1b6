### How long what was sent is kept.

settings-retention = Retention
retention-lead = How long what was sent is kept, in days after the day on which a message ended. What a term removes cannot be had back; figures and charts stay as they are. An empty field is as usual.
retention-announcement = Announcements
retention-resource_update = Resource updates
retention-emergency = Emergencies
retention-records = Other records
term-announcement_content = Announcements: content
term-announcement_content-hint = Texts, audience, variables, addresses and answers (days); usually 365, at least 30
term-announcement_deliveries = Announcements: deliveries
term-announcement_deliveries-hint = What became of it person by person (days); usually 730, at least 183
term-resource_update_content = Resource updates: content
term-resource_update_content-hint = As above; usually 365, at least 30
term-resource_update_deliveries = Resource updates: deliveries
term-resource_update_deliveries-hint = As above; usually 730, at least 183
term-emergency_content = Emergencies: content
term-emergency_content-hint = As above; usually 1,095, at least 183
term-emergency_deliveries = Emergencies: deliveries
term-emergency_deliveries-hint = As above; usually 1,825, at least 365
term-calls = Raw calls of vendors
term-calls-hint = Calls nobody could read, receipts that are about nothing that was sent (days); usually 30, at least 7
term-replies = Replies by SMS
term-replies-hint = What people wrote back (days); usually 90, at least 30
term-acts = Acts on many deliveries
term-acts-hint = What was sent again or set aside under “Attention”, once it is done (days); usually 365, at least 183
term-imports = Reports of imports
term-imports-hint = What became of files of people (days); usually 180, at least 30
term-too-short = Deliveries stay at least as long as the content.
retention-exempt = The audit log, with every sign-in and every look at personal data, is never removed: the law wants logs kept for at least six months (Cybersecurity Law, article 21; Personal Information Protection Law). Messages that are open, held or being sent are not touched.
retention-asks = These terms are shorter. They would remove for good, within hours:
retention-of-messages = { $n ->
    [one] 1 message
   *[other] { $count } messages
}
retention-agree = I have seen this; remove it for good
retention-due = To be removed now
retention-looked = Nothing was left to be removed
retention-never = It has not run yet
retention-rule = Rule
retention-messages = Messages
retention-deliveries = Deliveries
retention-under-way = { $n ->
    [one] The deliveries of 1 message are being removed, some thousand at a time.
   *[other] The deliveries of { $count } messages are being removed, some thousand at a time.
}
retention-removed = Removed in the last 30 days
retention-removed-none = Nothing was removed
retention-removed-none-more = What is removed is counted here by day and rule.
retention-day = Day
label-colon = : 
removed-title = (content removed)
content-removed = The content was removed
content-removed-more = The time for which it is kept is over. When it was sent, by whom and how many it reached is kept.
deliveries-removed = The deliveries were removed
deliveries-removed-more = The time for which they are kept is over. The counts above stay.
deliveries-emptied = Names, addresses and answers were removed with the content.
delivery-removed = Name, address, answer and the provider’s words were removed with the content of the message on
audience-removed = Removed
event-content_removed = Content removed: its time was over
event-deliveries_removed = Deliveries removed: their time was over
