### Templates, and texts as each channel brings them.

wording-title = As it arrives
wording-note = A variable without a sample value stands as ‹name›.
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
nav-templates = Templates
templates-lead = Texts that systems name instead of writing their own, by channel and language where it matters.
templates-empty = No templates yet
templates-empty-more = Write one: systems then send only its variables, and the wording is kept here.
templates-no-match = No template matches
filter-templates = Name or slug
column-variants = Texts of its own for
template-new = New template
template-edit = Edit template
template-form-lead = Saving makes a new version. Messages accepted before keep theirs.
template-saved = Saved as version { $number }
template-meanwhile = { $by } saved a version meanwhile. Below is what yours says otherwise; saving again replaces it.
template-breaking = This version would make calls fail that work today. It is not saved yet.
template-asks = The variable { $name } has to be given from now on
template-drops = The variable { $name } may not be given any more
template-agree = These systems know; save it all the same
template-used-by = Systems that named it in the last 30 days
template-unused = No system named it in the last 30 days.
template-uses =
    { $n ->
        [one] { $count } message
       *[other] { $count } messages
    }
template-newer = Version { $number } is in use
template-look-at = Look at version { $number }
template-variables = Variables
template-no-variables = The texts have no variables.
template-variants = By channel and language
template-variants-note = Such as sms, en or sms.en. A title or body left empty is that of above.
template-samples = Sample values
template-samples-note = For previews only, kept with the template. New variables appear after “Preview”.
sample-of = Variable { $name }
template-look = Preview
field-template-slug = Slug
field-template-slug-hint = Lower-case letters, digits, - and _. Systems name it so; it cannot be changed later.
field-template-name = Name
field-template-name-hint = For administrators.
field-template-body-hint = Markdown; a variable is written {"{{ name }}"}.
field-template-link = Link
field-template-link-hint = An https address that every text ends with; may be left out.
variant-number = Variant { $number }
variant-key = Channel or language
variant-add = Add a variant
variant-remove = Remove this variant
variable-required = Required
variable-optional = Optional
variable-text = text
variable-number = number
variable-yes-no = yes or no
variable-list = list
variable-object = object
