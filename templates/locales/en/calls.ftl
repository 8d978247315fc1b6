### What sources call, from where they may, and when their silence is told.

column-refused = Refused
column-categories = Categories it may use
column-call = Call
call-answer = Answer
column-took = Took
source-silent = Gone quiet
source-late = Old key ends soon
source-calls = Calls, last 24 hours
source-refused = of them refused
silent-last = Latest message:
silent-never = No message yet
silent-due = missed since
calls-title = Latest calls
calls-more = All calls
calls-lead = Of each source the latest 200 calls that were taken and 200 that were refused are kept: address, path and answer, nothing of a message and nobody in it.
calls-all = All
calls-refused = Refused
calls-empty = No calls yet
calls-empty-more = Make the first call with a sample from below; it appears here within seconds.
calls-none-refused = No refused calls
calls-none-refused-more = All that this source called lately was taken.
call-from = from { $address }
call-took = { $ms } ms
keys-late = { $n ->
    [one] An old key ends within a day and is still used. Tell its users to put the new one in place, or they get 401 from then on.
   *[other] { $count } old keys end within a day and are still used. Tell their users to put the new ones in place, or they get 401 from then on.
}
rotate-open = Rotate
rotate-title = Rotate the key “{ $name }”?
rotate-lead = A new key of the same kind is made and shown once. The old one goes on working for the time below, so that it can be replaced in peace.
rotate-overlap = The old key works for
rotate-act = Make the new key
overlap-none = not a moment longer
overlap-hour = 1 hour
overlap-day = 24 hours
overlap-week = 7 days
overlap-month = 30 days
guard-title = Addresses and silence
guard-edit = Change
guard-lead = Limit where it calls from, and be told when nothing comes although it should.
guard-networks = Allowed addresses
guard-networks-hint = A network or an address a line, such as 10.1.0.0/16, 2001:da8::/32 or 10.1.2.3. Empty for no limit. Calls from elsewhere get 403.
guard-anywhere = From anywhere
guard-seen = It called lately from:
guard-strangers = { $n ->
    [one] One call of the last 24 hours came from elsewhere and was refused
   *[other] { $count } calls of the last 24 hours came from elsewhere and were refused
}
guard-watch = When it goes quiet
guard-watch-usual = The usual
guard-watch-usual-hint = Operators are told once a source that sent within 60 days sends nothing for 7 days.
guard-watch-after = A limit of its own
guard-watch-after-hint = For systems that send every day, such as campus cards or doors.
guard-watch-never = Tell nobody
guard-watch-never-hint = For systems that send now and then.
guard-hours = Hours without a message
guard-hours-hint = Only the days and hours chosen below count.
guard-days = Only these days count
guard-days-hint = By the campus calendar. Choose none if every day counts.
guard-times = Only these hours count
guard-times-hint = Such as 08:00-18:00; empty for all day.
guard-saved = Saved; it applies from now on.
guard-saved-but = Saved. Mind that it called from { $addresses } lately, which the list leaves out: those calls are refused from now on.
watch-usual = Operators are told once it sends nothing for 7 days, if it sent within 60 days
watch-never = Nobody is told
watch-after = { $n ->
    [one] Operators are told after an hour without a message
   *[other] Operators are told after { $count } hours without a message
}
watch-days = only { $days } counting
watch-times = { $times } each day
watch-and = , {""}
watch-comma = , {""}
sample-key = BELLTOWER_KEY holds the key { $key } ({ $id })
sample-no-key = Create a key first and put it into the environment variable BELLTOWER_KEY
sample-refused = If it is refused, the answer says what to change
fault-networks-bad_network = “{ $value }” is neither a network nor an address; write 10.1.0.0/16, 2001:da8::/32 or 10.1.2.3.
fault-hours-out_of_range = A number of hours from 1 to { $value }.
fault-bad_times = Hours such as 08:00-18:00.
conflict-key_ended = This key was revoked or has expired; it cannot be rotated.
