### Overview, messages and deliveries.

overview-title = Today
reading-messages = Messages accepted
reading-out = Handed to providers
reading-out-note = { $share } of what is to be sent
reading-oldest = Longest waiting
reading-oldest-none = No backlog
reading-trouble = Failed or unknown
reading-trouble-none = All in order
all-well = All is well: nothing is late, every provider works, nothing waits for you.
wrong-separator = ;{" "}
wrong-provider = provider “{ $name }” is failing
wrong-unserved = nobody serves { $channel }
wrong-late = the oldest has waited { $time }
wrong-troubled = { $n ->
    [one] one delivery needs attention
   *[other] { $count } deliveries need attention
}
wrong-held = { $n ->
    [one] one message waits for review
   *[other] { $count } messages wait for review
}
wrong-unrouted = { $n ->
    [one] one message matches no rule
   *[other] { $count } messages match no rule
}
wrong-silent = { $n ->
    [one] one source is silent
   *[other] { $count } sources are silent
}
trend-title = Trend
trend-hours = Last 24 hours
trend-hour = Hour
trend-days = Last 14 days
trend-day = Day
trend-note = Deliveries by hour, last 24 hours
trend-days-note = Deliveries that ended, by day, last 14 days
as-table = As a table
channels-today = Channels today
channels-empty = No deliveries today
channels-empty-more = Once a source sends its first message, each channel's results appear here.
todo-title = Waiting for you
todo-none = Nothing is waiting
providers-title = Providers
providers-none = No provider is set up: nothing can leave
unserved = No provider
unserved-advice = Sources may use it and no provider that is switched on serves it: messages wait until they expire
silent-title = Sources gone quiet
silent-more = The others are on the page of sources
recent-title = Latest messages
all-messages = See all
messages-lead = What was sent to whom, and what became of it.
messages-empty = No messages yet
messages-empty-more = Register a source, take its key and send the first one.
messages-empty-source = Create a key, fill in the sample above and send the first one.
messages-no-match = No message matches
filter-backwards = The last day is before the first: swap the two dates.
messages-no-match-more = Try with fewer filters.
to-sources = To the sources
filter-text = Title, topic or id
filter-text-hint = Search messages
filter-trouble = Only with failed or unknown deliveries
filter-person = Person
filter-person-hint = Name or campus id
column-message = Message
column-source = Source
column-status = Status
column-category = Category
column-topic = Topic
column-progress = Deliveries
column-time = Time
column-recipient = Recipient
column-channel = Channel
column-state = State
column-attempts = Attempts
column-last = Last attempt
test-key-mark = test
progress-out = { $out } of { $planned } out
progress-dropped = { $count } not sent
progress-troubled = { $count } in trouble
progress-title = Progress
progress-nothing = There are no deliveries; “What happened” says why.
progress-none = No deliveries have been planned yet.
content-title = As sent
content-personal = What stands in ‹ › differs from person to person
deliveries-title = Person by person
deliveries-no-match = No delivery matches
deliveries-none = No deliveries
deliveries-none-more = This message was sent to nobody; “What happened” says why.
deliveries-empty = No deliveries yet
deliveries-empty-more = After routing there is one delivery per person and channel.
answers-title = Answers
answers-out = { $answered } of { $asked } have answered
column-answer = Answer
column-answered = People
column-share = Share
answer-none = Not answered
answer-says = Answered: { $text }
answer-title = Answered: { $text }
via-card = By a button of the card
timeline-title = What happened
attempts-title = Attempts and receipts
attempts-empty = Not tried yet
attempts-empty-more = It is sent as soon as its turn comes; the result is recorded here.
resend-open = Resend { $count }
resend-title = Resend what did not get through
resend-lead = Only deliveries in the chosen states are reopened. People who got it get nothing again.
resend-states = Which ones
resend-count = { $n ->
    [one] 1 delivery
   *[other] { $count } deliveries
}
resend-unknown-hint = These may have arrived; some people could get it twice.
resend-act = Resend
cancel-open = Cancel
cancel-title = Cancel “{ $title }”?
cancel-lead = Deliveries that have not left are stopped. WeCom messages are called back for a day after they were sent. What another provider already took cannot be; you will see how many of each.
cancel-act = Stop sending
message-broadcast = To its broadcast
recall-open = Call back { $count }
recall-title = Call back “{ $title }”?
recall-lead = The message disappears from the WeCom of those who got it. Who has read it has read it, and other channels cannot take anything back.
recall-act = Call back
todo-held = Messages held for review
todo-unrouted = Messages without a rule
todo-attention = Deliveries needing attention
provider-again = next try at { $time }
provider-unknown-codes = answers nobody knows: { $codes }
provider-quota = { $used } of { $daily } today
event-accepted = Accepted
event-scheduled = Scheduled
event-planned = Deliveries planned
event-completed = Everything has an outcome
event-resent = Sent again
event-unanswered_repeated = No answer came; sent once more
event-cancelled = Cancelled
event-recalled = Called back
event-routed = Matched by routing rules
event-held = Held for review
event-released = Released by a reviewer
event-rejected = Rejected by a reviewer
event-expired = Expired before anything was sent
event-unrouted = Could not be routed
event-quiet_hours = Waits for the end of the quiet hours
event-quiet_expired = Expires before the quiet hours end
event-similar = Much like another message
event-no_provider = No provider takes these
event-over_quota = More than today's quotas can carry
event-waits-until = { $channels }, until { $until }
event-alike-elsewhere = almost the same as a message of another department
event-alike = { $percent } % the same as a message of { $other }
event-from = { $by }, request { $request }
actor-source = source { $name }
actor-command = command { $name }
event-goes-out = goes out { $at }
event-suppressed = { $count } cannot be sent
content-general = For all
resend-no-state = Choose at least one state.
resend-nothing = There is nothing to send again.
resend-done = { $n ->
    [one] 1 delivery was reopened.
   *[other] { $count } deliveries were reopened.
}
cancel-done = Deliveries stopped: { $stopped }. Gone before the stop: { $sent }.
cancel-recalled = { "" } Called back: { $count }.
attempt-title = Attempt { $number }
attempt-accepted = Taken by the provider
attempt-permanent_recipient = This address cannot be reached
attempt-permanent_message = The provider refuses this text
attempt-transient = Failed for now, tried again later
attempt-throttled = The provider asks for less, tried again later
attempt-config = The provider's settings need an administrator
attempt-unknown = No clear answer came
attempt-repeats = repeats an attempt that was cut off
attempt-unanswered = the one before was not answered: it may arrive twice
sandbox = sandbox
sandbox-accepted = Sandbox: taken, nothing left this machine
sandbox-delivered = Sandbox: delivered
sandbox-failed = Sandbox: there is no such recipient
sandbox-transient = Sandbox: a trouble that passes
sandbox-throttled = Sandbox: too many for now
sandbox-config = Sandbox: the account is not in order
sandbox-unknown = Sandbox: handed over, and no answer came
receipt-title = Receipt
fact-provider = Provider
fact-sent = Sent
fact-delivered = Delivered
fact-read = Page opened
fact-next = Next attempt
fact-operator = Written by
fact-audience = Audience
fact-send-at = Send at
fact-expires = Valid until
fact-template = Template
audience-everyone = everyone
audience-groups = groups { $names }
audience-people = { $n ->
    [one] 1 person by name
   *[other] { $count } people by name
}
audience-filter = where { $filter }
audience-excludes = some people left out
audience-direct = { $n ->
    [one] 1 direct address
   *[other] { $count } direct addresses
}
audience-personal = each person by name
audience-told = whoever has that broadcast, or may have it
audience-missed = whoever no channel has reached
audience-silent = whoever has not said whether they are safe
audience-erased = people erased since
audience-rules = decided by rules
deliveries-export = Export as CSV
deliveries-export-hint = As filtered when this page was opened. The audit log keeps it; people stand in it masked for whoever may not learn addresses.
column-reason = Reason
