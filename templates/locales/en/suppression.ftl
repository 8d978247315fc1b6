### Addresses that nothing is sent to.

nav-suppression = Suppression list
suppression-lead = Addresses nothing is sent to; only emergencies are tried. What bounces comes here by itself, for as long as the policy says.
suppression-new = Add an address
suppression-empty = No address is left alone
suppression-empty-more = An address that a provider refuses for good comes here by itself. Add those whose readers asked not to be written to, or that turned out to be somebody else's.
suppression-no-match = No address matches
suppression-no-match-more = Any part of an address is found, such as its domain or the last digits of a number.
filter-suppression = Address, whole or in part
suppression-address = Address
suppression-why = Why
suppression-since = Since
suppression-until = Until
suppression-facts = Why it is left alone
suppression-by = Put here by
suppression-by-delivery = Delivery of { $title }
suppression-told = Told by a delivery of
suppression-told-gone = A delivery that is no longer kept
suppression-words = The provider's words
suppression-note = Note
suppression-note-hint = Optional, such as “asked by phone”.
suppression-good = for good
suppression-over = Over
suppression-over-since = Over since
suppression-over-more = Its time is over: messages are sent to it again.
suppression-form-lead = Counts from the next message on. Where the address stands on the list already, this takes the place of what is said there.
suppression-days = Days
suppression-days-hint = How long it is left alone; leave it empty for good.
suppression-add = Leave it alone
suppression-was-added = Nothing is sent to this address from now on, except emergencies.
suppression-remove = Take it off the list
suppression-remove-over = It is written to again already, so this only tidies the list.
suppression-remove-act = Take it off
suppression-reason-hint = Goes into the audit log, such as “the mailbox was set up again”. No personal data, please.
suppression-was-removed = The address is off the list: messages are sent to it from the next one on.
cause-bounced = Bounced
cause-bounced-remove = Messages are sent to it from the next one on. If it still does not work, the provider says so and it comes back here by itself.
cause-asked = Asked by its reader
cause-asked-hint = Its reader does not want to be written to here.
cause-asked-remove = Messages are sent to it from the next one on. Its reader asked not to get any: take it off only when they ask for that.
cause-wrong = Somebody else's
cause-wrong-hint = What is meant for one person reaches another, as when a number has a new owner.
cause-wrong-remove = Messages are sent to it from the next one on. It belonged to somebody else: take it off only when you know whose it is.
address-listed = On the suppression list
fault-days-out_of_range = A whole number from 1 to { $value }; leave it empty for good.
suppression-many = Add many
suppression-many-lead = Puts many e-mail addresses or mobile numbers on the list at once: all of them, or none while a line is wrong. What somebody put there by hand and still holds stays as it is.
suppression-many-addresses = E-mail addresses or mobile numbers
suppression-many-hint = One a line, at most 2,000. After a comma, a line may have a note of its own. The first two columns of a table can be pasted as they are.
suppression-many-note-hint = Optional; for addresses without a note of their own.
suppression-many-file = Add from a file
suppression-many-choose = File
suppression-many-file-hint = CSV or text, UTF-8, at most 512 KB: addresses in the first column, notes in the second if there is one.
suppression-many-wrong = { $count ->
    [one] { $count } line is to be mended:
   *[other] { $count } lines are to be mended:
}
suppression-many-line = Line { $line }:
suppression-many-more = { $count ->
    [one] { $count } line more is not listed.
   *[other] { $count } lines more are not listed.
}
suppression-many-added = { $count ->
    [one] { $count } address is on the list.
   *[other] { $count } addresses are on the list.
}
suppression-many-removed = { $count ->
    [one] { $count } address taken off; it is written to from the next message on.
   *[other] { $count } addresses taken off; they are written to from the next message on.
}
suppression-many-reason = Take the chosen ones off the list, because
suppression-choose = Choose
suppression-choose-one = Choose { $address }
suppression-export-hint = All that the search finds. The audit log keeps how many; addresses are masked for whoever may not learn them.
fault-none_chosen = Choose at least one.
fault-addresses-too_many = At most { $value } at once: add them in several goes.
fault-file_too_large = The file is too large.
fault-two_addresses = Write each address on a line of its own.
