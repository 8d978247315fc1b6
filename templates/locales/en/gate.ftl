### Before sign-in, and what went wrong.

sign-in-title = Sign in to the console
sign-in-lead = With the account an administrator gave you.
sign-in = Sign in
sign-in-wrong = The e-mail address or the password is wrong.
sign-in-undone = Nothing was done: you had been signed out by then. Sign in, and do it again.
sign-in-wait-seconds = { $n ->
    [one] Too many tries. Wait 1 second and try again.
   *[other] Too many tries. Wait { $n } seconds and try again.
}
sign-in-wait-minutes = { $n ->
    [one] Too many tries. Wait 1 minute and try again.
   *[other] Too many tries. Wait { $n } minutes and try again.
}
sign-in-new = There is no administrator yet. Whoever runs the server finds the link to create the first one in what it printed when it started.
set-up-title = Create the first administrator
set-up-lead = This link works once. Afterwards you sign in here, and invite others on the page “Operators”.
set-up-act = Create and sign in
password-title = Choose a password
password-lead = Welcome, { $name }. This link works once.
password-act = Keep and sign in
field-email = E-mail address
field-email-hint = You sign in with it.
field-name = Your name
field-name-hint = It appears in the records of what was done.
field-password = Password
field-password-hint = At least { $n } characters. A few unrelated words are easy to remember and hard to guess.
field-password-again = Password again
gate-promise = Every message accounted for.
gate-promise-more = Departments hand their messages in here. Who got them, who did not and why can be shown, person by person.
to-overview = To the overview
to-sign-in = To the sign-in
error-request-id = Request id
error-400 = This request cannot be handled
error-400-advice = Go back, check what you entered and try again.
error-401 = Please sign in
error-401-advice = Your session has ended. Sign in again to go on.
error-403 = You may not do this
error-403-advice = If your work needs it, ask an owner to change your role.
error-404 = There is nothing here
error-404-advice = The link may be wrong, or the object was deleted.
error-link = This link no longer works
error-link-unknown = There is no such link; it may have been replaced by a newer one or copied in part. If you have an account, sign in.
error-409 = This cannot be done now
error-409-advice = The object has changed meanwhile. Reload it and look again.
error-429 = Too many requests
error-429-advice = Wait a moment and try again.
error-500 = Something went wrong on our side
error-500-advice = It has been recorded. If it happens again, give the request id to an administrator.
error-503 = The store cannot be reached right now
error-503-advice = No accepted message is lost. Try again shortly.
fault-required = This is needed.
fault-too_long = This is too long.
fault-too_short = This is too short.
fault-taken = This is taken; choose another.
fault-not_your_department = This must be one of your own departments.
fault-beyond_departments = This right reaches beyond your departments; only somebody who looks after every source can give it.
fault-groups-beyond_departments = “{ $value }” has people who are not of your departments.
fault-groups-unknown_group = There is no group “{ $value }” any more; take it out.
fault-groups_needed = Choose at least one group of your departments: only somebody who looks after every source can let one write to anybody.
fault-reached_past = Limited to groups, it may have neither the right to send to addresses outside the directory nor the one to maintain the directory: with these it would reach others all the same.
fault-too_weak = This password is too easy to guess. Make it longer or use other words.
fault-invalid = This cannot be read as it stands.
fault-out_of_range = This number is out of range.
fault-topics-invalid = “{ $value }” is not a topic: use words of a-z, 0-9, _ and - joined by dots, such as library.new-books or library.#.
fault-rate_per_second-out_of_range = A whole number from 1 to { $value } requests; leave it empty for no limit.
fault-daily_messages-out_of_range = A whole number from 1 to { $value }; leave it empty for no limit.
fault-control_character = Control characters are not allowed.
fault-too_many = These are too many.
fault-mismatch = The two do not match.
error-stale = This form is out of date
form-stale = The form was opened in another session. Go back, reload the page and fill it in again.
conflict-link_used = This link was used already. Sign in, or ask an administrator for a new one.
conflict-link_expired = This link has expired. Ask an administrator for a new one.
conflict-set_up_already = This installation is set up already. Sign in.
conflict-too_many_keys = This source has too many keys in use. Revoke one first.
conflict-ended = The message has ended already; there is nothing left to stop.
conflict-content_removed = What the message said was removed because its time was over, so it cannot be sent again.
conflict-not_sent = The message has not been sent yet, so there is nothing to send again.
