#!/bin/sh
# Run once, when the volume of PostgreSQL is made: a login for each service, a member of the roles with the least rights, and
# a database for the example. `syncproof migrate --roles` gives the roles their rights.
# It is executable, so that the image runs it as a program of its own. psql reads the passwords: they show in no list of processes.
set -eu
for name in collector reconciler example; do test -s "/run/secrets/${name}_password"; done
psql -X -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set collector `cat /run/secrets/collector_password`
\set reconciler `cat /run/secrets/reconciler_password`
\set example `cat /run/secrets/example_password`
create role syncproof_collector nologin;
create role syncproof_reports nologin;
create role syncproof_reconciler nologin;
create role collector login password :'collector' in role syncproof_collector, syncproof_reports;
create role reconciler login password :'reconciler' in role syncproof_reconciler;
create role example login password :'example';
create database example owner example;
revoke connect on database syncproof, example from public;
grant connect on database syncproof to collector, reconciler;
grant connect on database example to reconciler;
\connect example
-- what is compared is read and never written
alter default privileges for role example in schema public grant select on tables to reconciler;
SQL
