#!/usr/bin/env bash
# Hands a message to Belltower, and again until it is taken:  send.sh YOUR-OWN-ID < message.json
#
# BELLTOWER_URL is where Belltower is reached, BELLTOWER_KEY a key of your source. Needs curl 7.76 or later, which waits as long
# as a `Retry-After` asks. Prints the answer; ends with 22 where the message was refused.
set -euo pipefail

curl --silent --show-error --fail-with-body --max-time 120 --retry 5 --retry-connrefused \
  --header "Authorization: Bearer $BELLTOWER_KEY" \
  --header "Content-Type: application/json" \
  --header "Idempotency-Key: $1" \
  --data-binary @- \
  "$BELLTOWER_URL/api/v1/messages"
