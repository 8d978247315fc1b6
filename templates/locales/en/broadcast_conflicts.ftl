conflict-broadcast_state = The broadcast is at another step by now. Look at it again.
conflict-broadcast_lapsed = Nobody decided about the broadcast in time, and it went to nobody. Begin it anew if it is still needed.
conflict-broadcast_changed = Somebody did something to the broadcast meanwhile. Look at it as it is now, then decide.
conflict-broadcast_open = The same broadcast is open already.
conflict-broadcast_said = That was sent before; it is not sent twice.
conflict-broadcast_message = This message is a part of an emergency broadcast. What is to happen to it is decided on the page of the broadcast.
conflict-override_too_early = A second person still has time. Wait until it is over.
conflict-try_again = The same broadcast ended in this very moment. Press again.
