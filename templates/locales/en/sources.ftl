### Sources, keys and the simulator mailbox.

sources-lead = Systems that may send messages through the API.
sources-empty = No sources yet
sources-empty-more = Register a department's system and give it a key; then it can send.
source-new = Register a source
source-edit = Edit rights
source-disabled = Disabled
source-form-lead = Grant what it needs and no more; you can change it at any time.
source-name = Name of the system
source-name-hint = Operators know its messages by it, such as “Academic Affairs”. It cannot be changed later.
source-department = Department
source-topics-hint = One a line, such as academic.exam; * stands for one word, # for any depth.
column-topics = Topics it may use
column-channels = Channels
column-keys = Keys
column-today = Today
column-last-active = Last active
keys-title = Keys
keys-note = A key is shown in full once, when it is made.
keys-empty = No keys yet
keys-empty-more = Start with a test key: everything runs, nothing leaves.
key-live = Live
key-test = Test
key-revoked = Ended
key-ends = Replaced, ends
key-create = Create key
column-key = Key
column-kind = Kind
column-created = Created
column-last-used = Last used
column-acts = Acts
revoke-open = Revoke
revoke-title = Revoke the key “{ $name }”?
revoke-lead = Systems that use it get 401 from this moment. It cannot be undone: make sure a new key is in place.
revoke-act = Revoke key
fresh-title = New key
fresh-lead = Copy it now and keep it safe. It cannot be shown again once you leave this page.
sample-title = First call
sample-note = Put the key into the environment variable BELLTOWER_KEY, then run it.
sample-note-nobody = The address is nobody’s. With a test key the sandbox takes it and nothing leaves; put a real address in its place before you use a live key.
sample-note-oneself = Put your own campus id in the place of YOUR-CAMPUS-ID. Until then the message is taken and reaches nobody.
latest-title = Latest messages
rights-title = Rights
rights-extra = Further rights
rights-none = None
source-groups = May write to
source-groups-any = Anybody in the directory
source-groups-hint = Chosen groups are as far as it reaches: it may name them, people in them, and filters among these people. None chosen: anybody. Routing rules are not limited.
source-groups-limited = You may choose groups whose people all belong to your departments, and one at least.
sample-note-groups = You have to be in one of the groups it may write to.
mailbox-lead = Mail the built-in simulator received. None of it left this machine.
mailbox-total = { $n ->
    [one] 1 mail
   *[other] { $count } mails
}
mailbox-empty = No mail yet
mailbox-empty-more = Send a message by e-mail and it will appear here.
mailbox-no-match = No mail matches
filter-mail = Recipient or subject
filter-mail-hint = Search mail
column-subject = Subject
column-to = To
column-received = Received
mail-to = To { $to }
mail-html = HTML
mail-text = Text
mail-source = Source
mail-headers = Headers
source-disable = Disable
source-enable = Enable
disable-title = Disable “{ $name }”?
disable-lead = Its calls answer 401 at once, whichever key they carry. What it has already sent goes out. You can enable it again at any time.
disable-act = Disable source
source-rate = Requests a second
source-daily = Messages a day
source-broker-user = User at the broker
source-broker-user-hint = For a system that publishes at RabbitMQ instead of calling: the user it signs in as there. Empty: it only calls. Allowed addresses do not bind it; the broker has to.
source-limit-hint = Leave it empty for no limit.
source-rate-hint = Leave it empty for no limit. Each node counts for itself: with several nodes enter what it may have, divided by their number.
source-first-key = First key
source-unlimited = no limit
source-saved = The rights were saved and apply from now on.
source-was-disabled = The source is disabled: its keys are refused from now on.
source-was-enabled = The source is enabled: its keys are taken again.
key-was-revoked = The key was revoked.
sms-lead = Texts the built-in SMS gateway received. None of them left this machine.
sms-total = { $n ->
    [one] 1 text
   *[other] { $count } texts
}
sms-empty = No text yet
sms-empty-more = Send a message by SMS and it will appear here.
sms-no-match = No text matches
filter-sms = Number or text
filter-sms-hint = Search texts
column-text = Text
column-number = Number
column-segments = Billed as
sms-segments = { $count } SMS
sms-characters = { $n ->
    [one] 1 character, sign included
   *[other] { $count } characters, sign included
}
sms-length = Length
sms-call = Gateway's id
sms-request = Request as received
sms-no-receipt = None yet
cards-tab = WeCom
cards-lead = What members of the built-in WeCom received. It never left this machine.
cards-total = { $n ->
    [one] 1 message
   *[other] { $count } messages
}
cards-empty = Nothing received yet
cards-empty-more = Send a message by WeChat and it appears here.
filter-cards = Member, title or text
card-members = Members
card-member = Member
card-link = Opens
card-press = Press a button for a member
card-all-pressed = Everybody has pressed one.
card-replaced = Cards that changed
card-pressed = { $member } pressed the button. Their card changes soon, and the answer is on the message’s page.
card-not-pressed = It cannot be pressed: the card was changed or called back.
