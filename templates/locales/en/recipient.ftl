### Pages for the people that messages are for.

page-withdrawn = This message was withdrawn
page-withdrawn-more = Whoever sent it has called it off. What it said does not hold.
page-preferences = Not interested in messages like this?
page-emergency = Emergency messages reach everyone and cannot be turned off.
page-for-you = This page was made for you. Whoever has its link can read it.
link-gone = This link leads nowhere any more
link-gone-more = It was not copied whole, or its time is over. Open the message again where you received it.
unsubscribe-title = Message preferences
unsubscribe-about = Topic
unsubscribe-lead = You are sent these messages. Nothing changes until you press a button.
unsubscribe-is-out = You are not sent all of these messages.
unsubscribe-topic = All messages of the topic { $topic }
unsubscribe-channel = Only those by { $channel }; they may still come another way
unsubscribe-family = Everything under { $family }
unsubscribe-off = Turned off
unsubscribe-stop = Unsubscribe
unsubscribe-resume = Receive them again
unsubscribe-stopped = Done: you are not sent these messages any more.
unsubscribe-resumed = Done: you are sent these messages again.
unsubscribe-also = These were also turned off for you elsewhere:
unsubscribe-emergencies = Emergency messages reach everyone and cannot be turned off. Messages that are on their way already may still arrive.
