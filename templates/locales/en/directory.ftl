### People and groups.

nav-people = People
nav-groups = Groups
to-people = See the people
people-lead = Students, teachers and staff: how they are reached, and what they do not want.
people-import = Import people
coverage-title = Who can be reached
coverage-note = Active people with an address that is not on the suppression list.
coverage-nobody = By no channel
people-empty = Nobody in the directory yet
people-empty-more = Export a file from the personnel or student system; once it is imported, people can be chosen by what is known of them.
people-no-match = Nobody matches
people-no-match-more = Campus ids, e-mail addresses and mobile numbers are found by their beginning, names and departments by any part.
filter-people = Name, campus id, e-mail or mobile
filter-people-hint = Find people
column-person = Person
column-department = Department
column-addresses = Addresses
column-campus-id = Campus id
column-updated = Updated
column-people = People
column-group = Group
column-slug = Slug
column-unwanted = Unwanted topics
person-active = Active
person-inactive = Inactive
person-inactive-more = New messages are not sent to them.
person-new = Add a person
person-edit = Edit
person-name = Name
person-language = Language
person-language-hint = Such as zh-CN or en; empty for the campus's.
person-form-lead = The next import replaces what you change here by what its file says.
person-was-added = Added to the directory.
person-was-saved = Saved.
person-was-activated = Active again: new messages reach them.
person-was-deactivated = Inactive: new messages are not sent to them.
person-was-erased = Everything that said who they were is gone.
person-groups = Groups
person-groups-empty = In no group.
addresses-title = Addresses
addresses-none = No address
addresses-none-more = No address is known, so no channel reaches them.
addresses-revealed = Shown in full; the audit log says that you looked.
reveal-act = Show in full
reveal-hint = The audit log keeps who looked.
reveal-not = Your role may not see them in full.
address-email = E-mail
address-mobile = Mobile
address-wecom_userid = WeCom account
address-wechat_openid = WeChat openid
address-kept = It is { $address } now. Leave this empty to keep it.
address-bound = Bound by themself
address-clear = Take it away
attributes-title = Attributes
attributes-empty = Nothing else is known.
attributes-hint = One a line as name = value, such as role = student. Filters can ask for them.
preferences-title = Preferences
preferences-note = Emergencies come through all the same.
preferences-empty = Nothing is opted out of.
preference-topic-hint = Such as campus.activity.#; # alone stands for every topic.
preference-reason = Reason
preference-reason-hint = Goes into the audit log, such as “asked by phone”. No personal data, please.
preference-add = Add opt-out
preference-added = The opt-out counts from the next message on.
preference-removed = The opt-out is gone from the next message on.
preference-kept = The opt-out is still there. { $why }
every-channel = Every channel
opt-in-open = Remove opt-out
opt-in-title = Remove the opt-out from “{ $topic }”?
opt-in-lead = Messages it covers reach this person again. Remove it only when they asked you to.
opt-in-reason = Reason for removing it
opt-in-act = Yes, remove it
history-title = What they were sent
history-empty = Nothing was sent to them yet
history-empty-more = Each delivery and what became of it will stand here.
deactivate-open = Deactivate
deactivate-title = Deactivate “{ $name }”?
deactivate-lead = No message selects them from now on; deliveries that are planned already go out. You can activate them again at any time, and so does an import whose file names them.
deactivate-act = Deactivate person
activate-act = Activate
erase-open = Erase
erase-title = Erase who “{ $name }” is?
erase-forgets = Name, addresses, attributes, opt-outs and memberships go, and so does every trace of them in messages and deliveries.
erase-keeps = That something was sent and what became of it stays counted.
erase-waiting = Deliveries that still wait are cancelled.
erase-import = If another system still exports them, the next import adds them again. Remove them there first.
erase-final = This cannot be undone.
erase-type = Type the campus id { $id } to confirm
erase-act = Erase for good
import-lead = Brings the directory up to date from a file of the personnel or student system. Lines that change nothing are not written.
import-file = File
import-deactivate = Deactivate whoever is missing
import-deactivate-hint = The file must name everybody on campus: whoever it does not name becomes inactive and gets no more messages. People on lines with a fault stay active.
import-act = Upload
import-done = Imported
import-created = Created
import-updated = Updated
import-unchanged = Unchanged
import-deactivated = Deactivated
import-rejected = Lines with a fault
import-to-mend = { $n ->
    [one] 1 line to mend
   *[other] { $count } lines to mend
}
import-rejected-file = faults
import-line = Line
import-column = Column
import-value = Value
import-form-title = What the file looks like
import-form-table = CSV: the first row names the columns, in Chinese or English, the campus id among them; columns it does not know become attributes, which filters can ask for. Only what the file has columns for is changed, and an empty cell clears. UTF-8, GBK and others are told by the bytes, and so is the separator.
import-form = NDJSON: each line is a JSON object about one person, and a field left out is cleared. campus_id and name are needed; other fields become attributes as well.
import-field = Kept as
import-unlisted = { $n ->
    [one] 1 more fault is not listed.
   *[other] { $count } more faults are not listed.
}
import-nobody-deactivated = Nobody was deactivated: some lines do not say whom they are about. Mend them and upload again.
groups-lead = Sets of people to send to: listed by hand, or found by a filter.
groups-empty = No groups yet
groups-empty-more = Make one, and messages and routing rules can name it.
groups-no-match = No group found
filter-groups = Name or slug
group-new = New group
group-edit = Edit
group-name = Name
group-slug-hint = Small letters, digits, - and _, such as freshers-2024. Rules and the API name the group by it; it cannot be changed later.
group-static = Static
group-static-hint = Its members are listed.
group-dynamic = Dynamic
group-dynamic-hint = A filter finds its members whenever it is used.
group-members = Campus ids of members
group-members-hint = One a line, or with commas or spaces between; you can paste them from a table.
group-filter = Filter
group-filter-hint = Such as role = 'student' and year >= 2023. Text stands in single quotes.
group-filter-more = How to write a filter
filter-example-and = students of one department
filter-example-in = who entered in 2023 or 2024
filter-example-like = whose campus id begins with 2024
filter-example-not = the fourth year and above, unless on exchange
filter-example-null = staff without a language of their own
group-preview = Count people
group-count = Count
group-people = { $n ->
    [one] 1 person
   *[other] { $count } people
}
group-was-made = The group is there.
group-was-saved = Saved; it counts from the next message on.
group-was-deleted = The group “{ $name }” is deleted.
group-added = { $n ->
    [one] 1 person was added.
   *[other] { $count } people were added.
}
group-removed = { $n ->
    [one] 1 person was removed.
   *[other] { $count } people were removed.
}
group-delete-open = Delete
group-delete-title = Delete “{ $name }”?
group-delete-lead = Its members stay in the directory, and what was sent stays as it is. Calls of the API that name it are refused from then on.
group-delete-act = Delete group
group-kept-title = “{ $name }” cannot be deleted now
group-kept-lead = These rules, sources, scenarios, broadcasts, alarm buttons and messages that still wait name it, and without it they would reach others. Change the rules, sources and scenarios, end the broadcasts, disarm the buttons or have them armed anew, and wait for the messages or cancel them.
group-kept-rule = Routing rule “{ $name }”
group-kept-source = Source “{ $name }” is limited to it
group-kept-scenario = Scenario “{ $name }”
group-kept-broadcast = Broadcast “{ $name }”
group-kept-button = Alarm button “{ $name }”
understood = I see
members-title = Members
members-now = Whom the filter finds now
members-add = Add
members-remove = Remove
member-remove = Remove
members-empty = No members
members-empty-more = A message to this group reaches nobody now.
preview-nothing = Write a filter, and here stands how many people it finds.
preview-people = { $n ->
    [one] Finds 1 person
   *[other] Finds { $count } people
}
preview-sample = Among them:
fault-where-filter_syntax = Something is wrong at character { $value }.
fault-where-filter_value = The value at character { $value } cannot be compared so.
fault-where-filter_limit = The filter is too long or too complex, at character { $value }.
fault-members-unknown_recipient = Not in the directory: { $value }. Take them out, or import these people first.
fault-bad_slug = Use 1 to 64 small letters, digits, - or _, a letter or digit first.
fault-bad_pattern = This is not a topic. Use small letters, digits, - and _, with dots between words, such as campus.activity.#.
fault-bad_address = This address cannot be used; look at how it is written.
fault-bad_language = Write a language tag such as zh-CN or en.
fault-bad_campus_id = A campus id has 1 to 64 characters and no spaces.
fault-bad_name = An attribute's name has 1 to 64 characters, no double quotes and no backslashes.
fault-reserved = This name has a use of its own and cannot be an attribute's.
fault-duplicate = This stands further up already.
fault-not_flat = A value is text, a number, true or false.
fault-not_a_string = This should be text.
fault-not_an_object = The line should be a JSON object.
fault-not_a_pair = Write name = value on each line.
fault-not_the_same = This is not the campus id above.
fault-no_file = Choose a file.
fault-file_kind = Such a file cannot be read. Send Excel (.xlsx), CSV or NDJSON; save an old .xls as .xlsx.
fault-malformed = The line is not JSON.
fault-encoding = Letters here cannot be read. Save the file as UTF-8 (in Excel “CSV UTF-8”) and upload it again.
fault-formula = This is a formula; write its value.
fault-lost_number = The spreadsheet shortened a long number and its digits are lost. Format the column as text, enter it again and save.
fault-no_value = The spreadsheet shows no value here. Mend the cell or widen its column, and save.
fault-no_campus_id = There is no column of campus ids. Name one campus_id in the first row.
fault-no_header = The first row does not name the columns.
fault-duplicate_column = Two columns mean the same.
fault-nothing_valid = No line of the file is valid, so nobody was deactivated. Is it the right file?
conflict-group_in_use = A rule, a source, a scenario, a broadcast that is not over, an alarm button or a message that still waits names this group, so it cannot be deleted.
group-meanwhile = Somebody else has saved this group since you opened it. What you filled in is still here; saving again puts yours in its place.
group-meanwhile-name = It is now called “{ $name }”.
group-meanwhile-filter = Its filter is now
conflict-dynamic_group = A filter decides who is in a dynamic group; nobody can be added or removed by hand.
first-page = First page
next-page = Next page
preference-new = Add an opt-out in their name
filter-advice-empty = Write a filter, such as role = 'student'.
filter-advice-value = A value goes here: text in single quotes, such as 'student', numbers as they are.
filter-advice-joined = Write and or or between two comparisons, and close every parenthesis.
filter-advice-name = An attribute's name goes here, such as role or department.
filter-advice-question = After a name comes =, !=, <, >, in, like or is null.
filter-advice-character = Use plain ASCII signs, and single quotes around text.
filter-advice-operator = Write = for equal and != for not equal.
filter-advice-closing = A single quote is not closed.
posters-title = QR codes to bind WeChat, for posters
posters-lead = Print them: whoever scans one with WeChat or WeCom proves who they are and is reached there from then on.
posters-account = Provider
posters-address = What the code says
poster-download = Download SVG
poster-title = Scan with WeChat: messages from { $campus }
person-scan-title = Bind WeChat by a QR code
person-scan-offer = Show the account’s code to the person before you. Scanning it with their own WeChat and following the account binds it.
person-scan-again = WeChat is bound. To use another one, show a code again and have the person scan it.
person-scan-show = Show a QR code
person-scan-lead = See that it is them first, then have them scan it with their own WeChat. It is bound to this person at once; that the code was shown is in the audit log.
person-scan-until = This page notices when it is scanned. The code is good once, until { $time }.
person-scan-used = Scanned: WeChat is bound
person-scan-refused = The account made no code. It said:
people-export-hint = Everyone the filters find. The audit log keeps how many they were; addresses are masked for whoever may not learn them.
