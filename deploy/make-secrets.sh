#!/bin/sh
# Makes the secrets that docker-compose.yml names, each a file in deploy/secrets/. Those that are there are left as they are.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
cd secrets

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
# the folder lets nobody in; a file is read by the user of its container
keep() { [ -s "$1" ] || printf '%s' "$2" >"$1"; chmod 0444 "$1"; }

for name in postgres_password redis_password collector_password reconciler_password example_password \
  grafana_password api_key fingerprint_key; do
  keep "$name" "$(random)"
done
keep owner_url "postgres://postgres:$(cat postgres_password)@postgres:5432/syncproof"
keep collector_url "postgres://collector:$(cat collector_password)@postgres:5432/syncproof"
keep reconciler_url "postgres://reconciler:$(cat reconciler_password)@postgres:5432/syncproof"
keep example_url "postgres://example:$(cat example_password)@postgres:5432/example"
keep example_read_url "postgres://reconciler:$(cat reconciler_password)@postgres:5432/example"
keep redis_url "redis://:$(cat redis_password)@redis:6379"
echo "deploy/secrets: $(ls | wc -l | tr -d ' ') secrets. The key of the API is in api_key, that of Grafana's admin in grafana_password."
