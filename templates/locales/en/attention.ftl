### Deliveries that need attention.

nav-attention = Needs attention
nav-waiting = ({ $count })
attention-lead = Deliveries that failed or whose outcome nobody knows, by reason and provider: deal with a kind once, and all of it is dealt with.
attention-empty = No delivery needs attention
attention-empty-more = What fails or stays without an answer is shown here, with why and what to do.
attention-groups = { $n ->
    [0] No delivery needs attention
    [one] One kind of trouble needs attention
   *[other] { $count } kinds of trouble need attention
}
attention-count = { $n ->
    [one] One delivery
   *[other] { $count } deliveries
}
attention-examples = For example
attention-open = Look and act
attention-acts = Done lately
attention-done = Done
attention-gone = Nothing has this trouble any more.
attention-no-match = Nothing among the latest { $count } matches; ask for less.
attention-over = The message is past its time
attention-resend = Send { $count } again
attention-resend-title = { $n ->
    [one] Send this delivery again?
   *[other] Send these { $count } deliveries again?
}
attention-resend-lead = Each begins anew. Messages that were cancelled are left out. Where the cause is still there they fail again and come back here.
attention-late = Also those past their time
attention-late-hint = They are left out otherwise: a reminder that comes too late is often worse than none.
attention-busy = At it…
attention-aside = Set aside
attention-aside-title = { $n ->
    [one] Set this delivery aside?
   *[other] Set these { $count } deliveries aside?
}
attention-aside-lead = They stay failed or unknown and leave this page; it is kept who decided so and when. They come back only if they are sent again and fail anew.
attention-aside-act = Set aside
attention-aside-done = { $n ->
    [one] One delivery was set aside.
   *[other] { $count } deliveries were set aside.
}
attention-act = Progress
attention-progress = Progress
attention-goes-on = Under way
attention-leave = You may leave this page; it goes on.
attention-passed = Left out
attention-passed-late = Their message was cancelled or is past its time, or somebody else was faster.
attention-passed-hint = Their message was cancelled, or somebody else was faster.
attention-stopped = Stopped before it came to all of them
attention-stopped-mark = Stopped
attention-stopped-why = { $by } may no longer send messages for all that this is about, so it did not go on. What was done stays done; the rest still needs attention.
attention-back = Back to what needs attention
attention-set-aside = Set aside
attention-set-aside-by = { $by }, { $at }
trouble-means = Meaning
trouble-advice = What to do
trouble-code = Code
trouble-words = In the vendor's words
trouble-since = Since
trouble-latest = latest
trouble-permanent_recipient = Address cannot be reached
trouble-permanent_recipient-means = The provider says that this mailbox, number or account does not exist, is closed, or takes nothing.
trouble-permanent_recipient-advice = Have the department check and mend the addresses in the directory, then send again. Set aside what nobody will mend.
trouble-permanent_message = Text refused
trouble-permanent_message-means = The provider does not take this text: its signature or template is not approved, it holds a word that is not allowed, or it is too long.
trouble-permanent_message-advice = Change the template, signature or text as the vendor's words say, have it approved there, then send again.
trouble-retries_exhausted = Given up after many tries
trouble-retries_exhausted-means = The provider could not take it for a long time: no connection, busy, or greylisted.
trouble-retries_exhausted-advice = Run the self-test on the provider's page; once it passes, send again.
trouble-unknown_code = Code that nobody knows
trouble-unknown_code-means = The provider answered with a code that Belltower does not know, each time it was tried.
trouble-unknown_code-advice = Look the code up in the vendor's documents, say in the provider's settings what it means, then send again.
trouble-text_not_rendered = Text could not be filled in
trouble-text_not_rendered-means = A variable of the template or text has no value for these people, so nothing was handed over.
trouble-text_not_rendered-advice = Supply the variable or mend the template, and have the source send the message anew.
trouble-no_answer = No answer came
trouble-no_answer-means = It was handed over, but the connection broke or timed out before a clear answer: it may have arrived.
trouble-no_answer-advice = Wait for receipts, or ask in the vendor's own console. Sending again may reach people twice.
trouble-restored = Under way when a backup was made that was restored
trouble-restored-means = What was sent between the backup and the restore is not known any more: it may have arrived.
trouble-restored-advice = Ask in the vendor's own console, or set it aside where its time is over. Sending again may reach people twice.
trouble-reported = Receipt says it did not arrive
trouble-reported-means = The provider took it, and told later that it did not arrive or that it cannot say.
trouble-reported-advice = The code says why: switched off is worth sending again later, an unused number is to be mended in the directory, what is blocked is the vendor's to explain.
trouble-other = Another reason
trouble-other-means = A reason without a kind of its own; see the vendor's words.
trouble-other-advice = Open one of the deliveries and read what was tried.
attention-all = It is about all { $count } of this group, not only those the list has been narrowed to.
