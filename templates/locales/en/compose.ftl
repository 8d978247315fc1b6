# Writing a message.

nav-compose = Compose
compose-lead = A message in four steps: what, who, proof, when. Drafts are kept as you type and survive closing the browser.
compose-new = New message
compose-drafts = Drafts
compose-empty = No drafts
compose-empty-more = Begin a message; it stays here until you send it or throw it away.
compose-untitled = Message without a title
compose-throw-away = Throw away
compose-throw-away-title = Throw this draft away?
compose-throw-away-lead = What is written is deleted for good.
compose-thrown-away = The draft is gone.
compose-steps = Steps
compose-step-what = What
compose-step-who = Who
compose-step-proof = Proof
compose-step-when = When
compose-lead-what = Write the text; beside it is how it arrives by each channel.
compose-lead-who = Choose groups, write a filter or paste campus ids; they are counted together.
compose-lead-proof = Before it goes: who will get it, who will not, and why.
compose-lead-when = Decide the time and send. The number on the button is the audience.
compose-meanwhile = This draft was changed in another window. Here is still what you filled in; submit again to keep it instead.
compose-meanwhile-typing = This draft was changed in another window, so what you type here is not kept for now. Press “Next” to decide which one stands.
compose-sent-already = This message has gone already, and only once.
compose-template = Template or own words
compose-free = Own words
compose-choose = Use
compose-optional = (optional)
compose-body-hint = Markdown: **bold**, lists, [links](https://…).
compose-link = Link
compose-link-hint = Optional. Begins with https:// and is put into every channel’s text.
compose-topic-hint = Words joined by dots, such as academic.exam. People opt out by topic, and routing rules match by it.
compose-channels = Channels
compose-channels-hint = None: routing rules decide, and without a rule it goes by every channel.
compose-variants = Other words for a channel or language
compose-variants-hint = A shorter sms, an English en. Whatever has none says the title and text above.
compose-shorten = Shorten for SMS
compose-shorten-hint = Puts the title, the sentence with the news, and what else with times, places and deadlines there is room for into one SMS, for you to edit.
compose-shortened = It fits into one SMS. Read it before you go on.
compose-left-out = Left out:
compose-shorten-fits = It is one SMS as it is.
compose-shorten-not = There is no short version: the sentence that matters most does not fit into one SMS, and without it the rest would mislead. Write a shorter one here.
topics-lead = What it may be about; press one to take it:
topics-because = because of { $words }
topics-none = Nothing that was sent before is like this. Write the topic yourself.
topics-ask = Suggest a topic
compose-next-who = Next: who
compose-next-proof = Next: proof
compose-next-when = Next: when
compose-back = Back
compose-later = Finish later
compose-filter = By a filter
compose-without = Leave some people out
compose-count = Count
compose-people = { $n ->
    [one] 1 person
   *[other] { $count } people
}
compose-by-rules = No audience is named: routing rules decide.
compose-unclear = The audience is not finished yet and cannot be counted.
compose-lacks = It cannot be sent yet:
compose-reach = Who will get it
compose-reach-note = The columns of a channel add up to the audience. “Suppressed” takes in the suppression list, people who had the same a short time ago and daily caps.
missed-title = Who will not get it
missed-lead = Those behind the figures of the proof, as it would be sent now. Somebody may be in it once for each channel.
missed-who = Show who
missed-suppressed = Suppressed, for whatever cause
missed-empty = Nobody
missed-empty-more = Everybody asked about would get it.
missed-further = Nobody so far
missed-further-more = A large audience is looked through part by part. Go on to look further.
missed-more = This is part of the audience; the next page goes on looking.
missed-export-hint = Up to all of them, as filtered. Addresses stay masked.
compose-rules = Routing rules that match
compose-no-rule = No rule matches: it goes as you wrote it.
compose-when = When
compose-now = Now
compose-at = At a time
compose-send-at = Time
compose-zone = On the campus’s clocks ({ $zone }). Used with “At a time”.
compose-expires-at = Expires
compose-expires-hint = What has not left by then is not sent any more. 72 hours after sending where it is empty.
compose-review = Ask somebody to review it first
compose-review-hint = It goes once a reviewer lets it; nobody reviews their own.
compose-must-review = Your role may write messages; a reviewer has to let them go.
compose-changed = The audience has changed: { $before } at the proof, { $now } now. Send if that is right.
compose-nobody = Nobody would get this message. Choose an audience first.
compose-act-send = { $n ->
    [one] Send to 1 person
   *[other] Send to { $count } people
}
compose-act-later = { $n ->
    [one] Schedule for 1 person
   *[other] Schedule for { $count } people
}
compose-act-review = { $n ->
    [one] Send for review (1 person)
   *[other] Send for review ({ $count } people)
}
compose-was-sent = The message is on its way.
compose-was-scheduled = The message is scheduled. Until then it can be cancelled.
compose-was-held = The message waits for a reviewer.
fault-invalid_topic = A topic is 1 to 8 lower-case words joined by dots, such as academic.exam.
fault-too_early = It has to expire after it is sent.
fault-missing_variable = This variable is needed.
fault-unknown_variable = The template has no such variable.
fault-invalid_link = A whole address that begins with https://.
fault-unknown_variant = A channel (email, sms, wechat), a language (such as en) or both (sms.en).
fault-now_or_then = You chose to send now: empty the time, or choose to send later
fault-already_over = This time has passed
trial-title = Send to me first
trial-lead = Sends you one as it is now, its title marked as a trial. The draft stays a draft: nothing counts as sent, and nobody reviews it. An SMS is billed as usual. Others who see messages see the trial, too.
trial-email = By mail to the address you sign in with, { $address }.
trial-others = By { $channels } to your own addresses in the directory.
trial-unknown = Not by { $channels }: it is not known who you are in the directory.
trial-enter = Enter your campus id
trial-act = Send to me
trial-sent = Sent to you; what becomes of it is shown below.
trial-enough = At most { $most } trials within an hour; the next one is possible after { $at }.
trial-nowhere = There is no address to try it at; enter your campus id first.
act-message-export_missed = Exported whom a draft would not reach
act-message-try = Sent a draft to themselves
similar-title = Similar messages
similar-lead = Sent lately, or about to be; make sure that yours does not say it twice.
alike-same = Word for word the same
alike-nearly = Nearly the same
alike-most = Mostly the same
alike-some = Much of it the same
compose-department = For which department
compose-department-choose = Choose a department
compose-department-hint = With a department chosen, only its people get it.
compose-whole-campus = The whole campus
compose-within = Sent for { $department }: whatever groups or filters are chosen, only people of this department get it.
fault-members-recipient_not_yours = Not people of this department: { $value }. Take them out; only its own people can be sent this.
