#!/bin/sh
# Run once, when the volume of PostgreSQL is made: a login for each service, a member of the roles with the least rights, and
# a database for the example. `syncproof migrate --roles` gives the roles their rights.
set -eu
secret() { cat "/run/secrets/$1"; }
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v collector="$(secret collector_password)" \
  -v reconciler="$(secret reconciler_password)" \
  -v example="$(secret example_password)" <<'SQL'
create role syncproof_collector nologin;
create role syncproof_reports nologin;
create role syncproof_reconciler nologin;
create role collector login password :'collector' in role syncproof_collector, syncproof_reports;
create role reconciler login password :'reconciler' in role syncproof_reconciler;
create role example login password :'example';
create database example owner example;
revoke connect on database syncproof from public;
grant connect on database syncproof to collector, reconciler;
SQL
