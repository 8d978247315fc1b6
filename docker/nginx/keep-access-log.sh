#!/bin/sh
# Keeps the access log of nginx in Docker for more than six months: a file for each day, compressed an hour after its end, removed
# after 200 days. Addresses are personal data: no longer than you have to.
#
# The official image runs what lies in /docker-entrypoint.d before nginx, which then takes this shell's place: so this goes on in
# the background, beside nginx and as long as it. `keep-access-log.sh once` looks a single time.
set -u

folder=${ACCESS_LOG_FOLDER:-/var/log/nginx}
nginx=${NGINX_PID:-1}
keep_days=200

log=$folder/belltower.log

# The day of the first line, as nginx wrote it: so it is known after a restart, too.
day_of_log() { sed -n '1s/^[^[]*\[\([0-9]*-[0-9]*-[0-9]*\)T.*/\1/p;1q' "$log"; }

turn() {
  # Renamed before, and nginx could not be told.
  [ -e "$log" ] || kill -USR1 "$nginx"
  [ -s "$log" ] || return 0
  day=$(day_of_log)
  [ "$day" != "$(date +%F)" ] || return 0
  name=$folder/belltower-${day:-undated}
  kept=$name.log
  n=1
  while [ -e "$kept" ] || [ -e "$kept.gz" ]; do
    n=$((n + 1))
    kept=$name.$n.log
  done
  # nginx writes on into the renamed file until it is told to open a new one: no line is lost. As of now, because after a quiet
  # evening its last line is older than an hour, and it would be compressed while its workers still write to it.
  mv "$log" "$kept" && touch "$kept" && kill -USR1 "$nginx"
}

tidy() {
  # Its workers may still write to what was renamed just now.
  find "$folder" -name 'belltower-*.log' -mmin +60 -exec gzip {} +
  find "$folder" -name 'belltower-*.log.gz' -mtime +"$keep_days" -exec rm -f {} +
}

look() {
  turn
  tidy
}

if [ "${1:-}" = once ]; then
  look
else
  while :; do
    sleep 60
    look
  done &
fi
