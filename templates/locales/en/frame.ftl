### The frame, and words every page uses.

product = Belltower
skip-to-content = Skip to content
menu = Open navigation
main-navigation = Main navigation
breadcrumb = Where you are
nav-overview = Overview
nav-messages = Messages
nav-sources = Sources
nav-mailbox = Simulator mailbox
nav-floor-audience = Audience
nav-floor-sending = Sending
nav-floor-house = Administration
emergency-button = Emergency
account-menu = Account menu
language-menu = Change language
theme-menu = Change appearance
theme-auto = As the device
theme-light = Light
theme-dark = Dark
signed-in-as = Signed in as { $name }
sign-out = Sign out
copy = Copy
copied = Copied
pages = Pages
tabs = Pages beside this one
newest = Newest
older = Older
save = Save
leave-it = Not now
never = never
filter-any = Any
filter-act = Filter
filters-clear = Clear the filters
filter-more = More filters
filter-since = From
filter-until = Until
list-separator = ,{" "}
facts-title = Facts
time-now = just now
time-minutes-ago = { $n ->
    [one] 1 minute ago
   *[other] { $n } minutes ago
}
time-in-minutes = { $n ->
    [one] in 1 minute
   *[other] in { $n } minutes
}
time-today = today { $time }
time-yesterday = yesterday { $time }
time-tomorrow = tomorrow { $time }
lasting-milliseconds = { $n } ms
lasting-seconds = { $n } s
lasting-minutes = { $n } min
lasting-hours = { $n } h
lasting-days = { $n ->
    [one] 1 day
   *[other] { $n } days
}
