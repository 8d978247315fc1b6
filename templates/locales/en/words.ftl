# Sensitive words: the administrators' list, and what becomes of a message that says one.

settings-words = Sensitive words
words-lead = Where a message says one of these words, its author is asked to look again, or somebody else has to let it go.
words-warn-part = Words to point out
words-warn-hint = Whoever writes a message is shown them in the proof and sends it only after saying that they have looked. What systems hand in goes out as usual, and its page says so.
words-hold = It says words that need a review: somebody else has to let it go
words-hold-part = Words that need a review
words-hold-hint = The message waits until a reviewer lets it go, whoever wrote it and wherever it came from. Emergencies never wait.
words-size = { $n ->
    [one] List (1 word)
   *[other] List ({ $count } words)
}
words-one-a-line = One word on each line; paste as many as you like. Say why it is there behind a bar: wire transfer | common in fraud
words-how = Case and width make no difference. Spaces, punctuation and invisible characters between Chinese characters do not count: a word with such signs in between is found, too; words are not looked for across lines or sentences. Latin words and figures are found as whole words. A word has 1 to 40 characters, the list at most 5,000 words. It takes effect within a second.
words-line = Line { $n }: { $fault }
words-lines-more = {"; "}{ $n ->
    [one] and 1 more line
   *[other] and { $count } more lines
}
words-too-many = At most { $most } words in all.
words-too-long = at most { $most } characters
words-note-too-long = at most { $most } characters behind the bar
words-no-letters = no letters or digits
words-signs = signs such as + # * are not looked for; write the word without them
words-two-sentences = a word has no full stop, question mark, exclamation mark or semicolon
words-twice = the same as line { $n } of “{ $part }”
words-title = Sensitive words
words-more = { $n ->
    [one] 1 more place
   *[other] { $count } more places
}
words-looked-at = I have looked at each of these, and they may stay
words-look = Look at each place, then tick this.
treatment-warn = Take note
treatment-hold = Needs a review
place-title = Title
place-body = Text
place-values = Variables
place-of = { $variant }: { $part }
word-separator = ,{" "}
part-separator = ;{" "}
event-words = It says sensitive words
event-word = { $word } ({ $treatment })
event-word-in = { $word }: { $places }
held-asked = Its author asks for a second look
held-may-not-send = Its author may not send by themselves
held-too-large = It says more than can be looked through for sensitive words
held-restored = It was to be sent when a backup was made that was restored; it may have gone out since
held-words = It says sensitive words that need a review: { $words }
held-alike = { $percent } % the same as a message sent in the last days
warning-words = It says sensitive words: { $words }
compose-look-first = The message says sensitive words; look at them before it is sent.
compose-says-held = This message says sensitive words that need a review: it goes out once a reviewer lets it go. You cannot review your own.
