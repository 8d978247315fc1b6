### What changing rules would have changed, their order, and the rules as a file.

hindsight-title = What would have changed in the last 7 days
hindsight-lead = Puts the messages of the last 7 days to the change and shows which would have gone another way. Nothing is sent.
hindsight-act = See what would have changed
hindsight-again = Look again
hindsight-looking = Looking at the messages of the last 7 days…
hindsight-faulty = There is nothing to compare yet: something is wrong with it. Mend that first.
hindsight-no-messages = There were no messages in the last 7 days to compare with.
hindsight-simulate = Try one in the simulator
hindsight-none = No message would have gone another way.
hindsight-otherwise = { $n ->
    [one] { $count } message would have gone another way.
   *[other] { $count } messages would have gone another way.
}
hindsight-all = All { $n } of the last { $days } days were looked at.
hindsight-sample = Of { $n } in the last 7 days { $looked } were looked at, evenly over the time; figures are of these.
hindsight-same-end = { $n ->
    [one] For { $count } more other rules match, to the same end.
   *[other] For { $count } more other rules match, to the same end.
}
hindsight-messages = { $n ->
    [one] { $count } message
   *[other] { $count } messages
}
hindsight-before = Now
hindsight-after = After
hindsight-rules = Rules that match
hindsight-no-rule = No rule matches
hindsight-end = Outcome
hindsight-audience = Recipients
hindsight-own-people = As the sender says
hindsight-hold = Review
hindsight-no-hold = No review
hindsight-text = Text
hindsight-life = Good for
hindsight-own-life = No rule says
hindsight-examples = Such as:
hindsight-more = { $n ->
    [one] { $count } more of another kind is not listed.
   *[other] { $count } more of other kinds are not listed.
}
hindsight-note = “Now” is by the rules in force, not what was done at the time; repeats and frequency caps are left out.
rule-disable-title = Switch off the rule “{ $name }”?
rule-disable-lead = New messages pass it over. It can be switched on again any time.
rule-disable-act = Switch it off
rule-enable-title = Switch on the rule “{ $name }”?
rule-enable-lead = New messages are put to it at once.
rule-enable-act = Switch it on
rule-grip = Drag to order
rule-grip-hint = Drag, or move with the arrow keys.
rule-was-moved = “{ $name }” is number { $place } now, not saved yet.
order-changed = The order has changed and is not saved.
order-save = Save the order
order-back = Back to the old order
rules-were-ordered = The new order is saved and counts for new messages at once.
rule-stranger = No message of the last 7 days has the attribute “{ $name }”, so this part never holds.
rule-stranger-meant = No message of the last 7 days has the attribute “{ $name }”. Did you mean “{ $meant }”?
rule-saved-strange = The rule is saved, but look again: { $why }
rules-file = Rules as a file
rules-take-json = Download JSON
rules-take-toml = Download TOML
rules-import = Import from a file
rules-import-lead = The file holds the whole list and replaces all rules in force. You see the changes before anything counts.
rules-import-file = Choose a file
rules-import-another = Another file
rules-import-file-hint = JSON or TOML, as downloaded here or by the command line; up to 320 KiB.
rules-import-read = See the changes
rules-import-text = Edit the text itself
rules-import-document = Rules (JSON or TOML)
rules-import-check = See the changes
rules-import-act = Import and put in force
rules-import-faults = { $n ->
    [one] { $count } thing to mend before it can be imported
   *[other] { $count } things to mend before it can be imported
}
rules-import-line = Line { $line }
rules-import-number = Rule { $number }
rules-import-unreadable = This file cannot be read: { $why }
rules-import-unchanged = { $n ->
    [one] { $count } other says the same as before.
   *[other] { $count } others say the same as before.
}
rules-import-older = The file was made from version { $made }, and version { $now } is in force: what others changed since is overwritten.
rules-import-changed = What changed in “{ $name }”
rules-import-meanwhile = Somebody changed the rules while you were looking; nothing was imported. These are the changes against the rules of now.
rules-were-put-in = The rules are imported; version { $number } is in force.
rules-file-too-long = The file is larger than { $most } KiB. Import it with the command belltower rule apply.
simulator-search = Find a message
simulator-search-hint = Title, topic or id. It is put to the rules of now.
simulator-found-nothing = No message found.
