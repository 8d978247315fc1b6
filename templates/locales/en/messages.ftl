### Overview, messages and deliveries.

overview-title = Today
reading-messages = Messages accepted
reading-out = Handed to providers
reading-out-note = { $share } of what is to be sent
reading-oldest = Longest waiting
reading-oldest-none = No backlog
reading-trouble = Failed or unknown
reading-trouble-none = All in order
trend-title = Last 24 hours
trend-note = Deliveries per hour
channels-today = Channels today
channels-empty = No deliveries today
channels-empty-more = Once a source sends its first message, each channel's results appear here.
todo-title = Waiting for you
todo-none = Nothing is waiting
providers-title = Providers
providers-none = No provider is set up: nothing can leave
provider-working = Working
provider-paused = Paused
silent-title = Sources gone quiet
recent-title = Latest messages
all-messages = See all
messages-lead = What was sent to whom, and what became of it.
messages-empty = No messages yet
messages-empty-more = Register a source, take its key and send the first one.
messages-empty-source = Create a key, fill in the sample above and send the first one.
messages-no-match = No message matches
messages-no-match-more = Try with fewer filters.
to-sources = To the sources
filter-text = Title, text or id
filter-text-hint = Search messages
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
progress-troubled = { $count } in trouble
progress-title = Progress
progress-none = No deliveries have been planned yet.
content-title = As sent
content-personal = What stands in ‹ › differs from person to person
deliveries-title = Person by person
deliveries-no-match = No delivery matches
deliveries-empty = No deliveries yet
deliveries-empty-more = After routing there is one delivery per person and channel.
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
cancel-lead = Deliveries that have not left are stopped. What a provider already took cannot be called back; you will see how many of each.
cancel-act = Stop sending
todo-held = Messages held for review
todo-unrouted = Messages without a rule
todo-troubled = Deliveries failed or unknown today
provider-again = next try at { $time }
event-accepted = Accepted
event-scheduled = Scheduled
event-planned = Deliveries planned
event-completed = Everything has an outcome
event-resent = Sent again
event-cancelled = Cancelled
event-routed = Matched by routing rules
event-held = Held for review
event-released = Released by a reviewer
event-rejected = Rejected by a reviewer
event-unrouted = Could not be routed
event-from = { $by }, request { $request }
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
attempt-title = Attempt { $number }
attempt-accepted = Taken by the provider
attempt-permanent_recipient = This address cannot be reached
attempt-permanent_message = The provider refuses this text
attempt-transient = Failed for now, tried again later
attempt-throttled = The provider asks for less, tried again later
attempt-config = The provider's settings need an administrator
attempt-unknown = No clear answer came
attempt-repeats = repeats an attempt that was cut off
receipt-title = Receipt
fact-provider = Provider
fact-sent = Sent
fact-delivered = Delivered
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
audience-erased = people erased since
audience-rules = decided by rules
