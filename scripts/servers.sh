# Sourced by scripts/test and scripts/chaos: a private PostgreSQL and a private RabbitMQ, gone when the script ends. Whoever
# sources this has a function `fail`. With `keeps_running=yes` a server that ends is started again at the same port, until
# the script does.

has() { command -v "$1" >/dev/null 2>&1; }

# The folder of the newest PostgreSQL server; Debian keeps it out of PATH, under its version.
postgres_bin() {
  local found
  found=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1) || true
  found=${found:-$(command -v initdb || true)}
  [ -n "$found" ] && dirname "$(readlink -f "$found")"
}

# The folder of the RabbitMQ server's own programs; those that Debian puts into PATH want to be root or its own account.
rabbitmq_bin() {
  local found
  found=$(compgen -G '/usr/lib/rabbitmq/bin/rabbitmq-server' || command -v rabbitmq-server || true)
  [ -n "$found" ] && dirname "$(readlink -f "$found")"
}

# --- Servers ------------------------------------------------------------------------------------------------------

# Where servers keep their data: in memory if 2 GB are free there, since each test's database is some 300 new files.
# Not $TMPDIR: a socket's path has room for 107 bytes, and the servers' account must reach it.
data_root() {
  local free
  free=$(df -Pm /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
  if [ -w /dev/shm ] && [ "${free:-0}" -ge 2048 ]; then echo /dev/shm; else echo /tmp; fi
}

folder=$(mktemp -d "$(data_root)/belltower-test.XXXXXX")
keeps_running=${keeps_running:-}
servers=()
epmd_port=

stop_servers() {
  local pid
  for pid in "${servers[@]}"; do
    # INT has PostgreSQL let go of its clients; RabbitMQ hears it only from a terminal, but TERM anywhere.
    [ -n "$keeps_running" ] || kill -INT "$pid" 2>/dev/null || true
    kill -TERM "$pid" 2>/dev/null || true
  done
  for pid in "${servers[@]}"; do
    wait "$pid" 2>/dev/null || true
  done
  # Erlang's register of names outlives whoever started it.
  [ -z "$epmd_port" ] || epmd -port "$epmd_port" -kill >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop_servers EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a server's program as an account without rights where this is root, which PostgreSQL refuses to run as.
as_server() {
  local account=$1
  shift
  if [ "$(id -u)" -eq 0 ]; then
    exec setpriv --reuid="$account" --regid="$(id -g "$account")" --clear-groups --pdeathsig INT "$@"
  elif has setpriv; then
    exec setpriv --pdeathsig INT "$@"
  else
    exec "$@"
  fi
}

# Becomes a server by a function; or starts it that way, and again whenever it has ended, where servers are to keep running.
# One that never lasts a second is given up.
run() {
  [ -n "$keeps_running" ] || "$@"
  local server began failures=0
  # INT stops PostgreSQL at once, TERM the script that RabbitMQ is started by.
  trap 'kill -INT "$server"; kill -TERM "$server"; wait "$server"; exit 0' TERM
  while [ "$failures" -lt 20 ]; do
    began=$SECONDS
    "$@" &
    server=$!
    wait "$server" || true
    if [ $((SECONDS - began)) -lt 2 ]; then failures=$((failures + 1)); else failures=0; fi
    sleep 0.2
  done
}

# The first of these accounts that is there, where this is root; else whoever this is.
account_of() {
  local name
  if [ "$(id -u)" -ne 0 ]; then
    id -un
    return
  fi
  for name in "$@" nobody; do
    if id "$name" >/dev/null 2>&1; then
      echo "$name"
      return
    fi
  done
}

# A password that needs no escaping in a URL.
new_password() { head -c 18 /dev/urandom | base64 | tr '+/' '-_'; }

# A folder of that account's own.
server_folder() {
  chmod 711 "$folder"
  mkdir -m 700 "$1"
  [ "$(id -u)" -ne 0 ] || chown "$2" "$1"
}

port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port below the range the system hands to outgoing connections.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); do
    port_is_taken "$port" || break
  done
  echo "$port"
}

# What start_postgres starts, with its variables.
postgres_server() {
  cd "$home"
  as_server "$account" "$bin/postgres" -D "$home/data" -p "$port" -k "$home" -c listen_addresses=127.0.0.1 \
    -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=200 -c max_wal_size=256MB
}

start_postgres() {
  local bin home=$folder/postgres account password port pid
  bin=$(postgres_bin) || fail "the PostgreSQL server's programs (initdb, postgres) were not found"
  account=$(account_of postgres)
  password=$(new_password)
  server_folder "$home" "$account"
  printf '%s\n' "$password" >"$home/password"
  [ "$(id -u)" -ne 0 ] || chown "$account" "$home/password"
  (cd "$home" && as_server "$account" "$bin/initdb" --no-sync -D "$home/data" -U belltower --encoding=UTF8 --locale=C \
    --auth=password --pwfile="$home/password") >"$home.log" 2>&1 || { cat "$home.log" >&2; fail "initdb failed"; }

  local try
  for try in 1 2 3; do
    port=$(free_port)
    (run postgres_server) </dev/null >"$home.log" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
      # The log says so only once connections are taken; the port alone could be another process's.
      if grep -q 'ready to accept connections' "$home.log"; then
        servers+=("$pid")
        export BELLTOWER_TEST_POSTGRES=postgres://belltower:$password@127.0.0.1:$port/postgres
        return
      fi
      sleep 0.05
    done
    wait "$pid" || true
  done
  cat "$home.log" >&2
  fail "PostgreSQL did not start after $try tries"
}

# What start_rabbitmq starts, with its variables.
rabbitmq_server() {
  cd "$home"
  export HOME=$home RABBITMQ_NODENAME=belltower-$port@localhost RABBITMQ_CONFIG_FILE=$home.conf
  export RABBITMQ_MNESIA_BASE=$home/data RABBITMQ_LOG_BASE=$home/log RABBITMQ_LOGS=-
  export RABBITMQ_PID_FILE=$home/pid RABBITMQ_CONF_ENV_FILE=$home/none
  export RABBITMQ_ENABLED_PLUGINS_FILE=$home/plugins
  # Nodes talk to each other by a port of their own, and find it in a register of names.
  export RABBITMQ_DIST_PORT=$dist_port ERL_EPMD_PORT=$epmd_port ERL_EPMD_ADDRESS=127.0.0.1
  export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
  as_server "$account" "$bin/rabbitmq-server"
}

start_rabbitmq() {
  local bin home=$folder/rabbitmq account password port dist_port pid
  bin=$(rabbitmq_bin) || fail "the RabbitMQ server's program (rabbitmq-server) was not found"
  account=$(account_of rabbitmq)
  password=$(new_password)
  server_folder "$home" "$account"
  epmd_port=$(free_port)

  local try
  for try in 1 2 3; do
    port=$(free_port)
    cat >"$home.conf" <<END
listeners.tcp.1 = 127.0.0.1:$port
default_user = belltower
default_pass = $password
disk_free_limit.absolute = 10MB
raft.wal_max_size_bytes = 16777216
END
    chmod 644 "$home.conf"
    dist_port=$(free_port)
    (run rabbitmq_server) </dev/null >"$home.log" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
      if grep -q 'Server startup complete' "$home.log"; then
        servers+=("$pid")
        export BELLTOWER_TEST_RABBITMQ=amqp://belltower:$password@127.0.0.1:$port
        return
      fi
      sleep 0.1
    done
    wait "$pid" || true
  done
  cat "$home.log" >&2
  fail "RabbitMQ did not start after $try tries"
}

