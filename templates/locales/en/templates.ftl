### Templates, and texts as each channel brings them.

wording-title = As it arrives
wording-note = Follows what you type. A variable without a sample value stands as ‹name›.
language-chinese = Chinese
language-english = English
wording-refused = It would not be sent: { $why }
wording-unknown-template = An estimate: the provider fills its own template { $id }, whose wording nobody entered.
wording-unknown = An estimate: the provider fills a template of its own, whose wording nobody entered.
wording-unknown-sign = The sign is an estimate: the provider’s settings name none.
wording-left-out =
    { $n ->
        [one] No room: { $count } character is cut
       *[other] No room: { $count } characters are cut
    }
wording-left =
    { $n ->
        [one] { $count } character left before one more is billed
       *[other] { $count } characters left before one more is billed
    }
wording-nobody-sms = No SMS provider yet; reckoned with the campus’s own sign
wording-nobody-wechat = No WeChat provider is in use: nothing goes by WeChat.
wording-vendor-template = WeChat’s template { $id }
