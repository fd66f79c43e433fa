import type { CommandSpec } from './command.ts'
import {
  api,
  asIs,
  config,
  database,
  help,
  json,
  metrics,
  quota,
  redis,
  server,
  since,
} from './shared-options.ts'

/** Secrets are never options: a command line can be read by everyone on the machine. */
const apiKeyNote =
  'SYNCPROOF_API_KEY in the environment is a key that the API accepts from then on, for all scopes; the database keeps its hash only. `syncproof keys create` makes others. On a database without any the collector does not start.'
const fingerprintKeyNote =
  'SYNCPROOF_FINGERPRINT_KEY in the environment must be the same secret as in your app: else what the app saw and what is read here cannot be compared.'

const hashedIdNote =
  "Where the app declares `entityId: 'hashed'`, name the id as you know it: with SYNCPROOF_FINGERPRINT_KEY in the environment its hash is looked up first."

/** Every command, in the order of the help. */
export const commands: readonly CommandSpec[] = [
  {
    name: 'dev',
    isService: true,
    summary: 'Run everything in one process, and print findings as they come',
    positionals: [],
    options: {
      ...server,
      ...metrics,
      data: { type: 'string', value: 'DIR', help: 'Folder of the embedded database. Default .syncproof.' },
      ephemeral: { type: 'boolean', help: 'Keep the embedded database in memory only.' },
      ...config,
      ...database,
      ...redis,
      json,
      help,
    },
    load: () => import('./commands/dev.ts'),
  },
  {
    name: 'collector',
    isService: true,
    summary: 'Run the collector: takes events in, serves the report API',
    notes: [apiKeyNote],
    positionals: [],
    options: { ...server, ...metrics, ...database, ...quota, help },
    load: () => import('./commands/collector.ts'),
  },
  {
    name: 'reconciler',
    isService: true,
    summary: 'Run the reconciler: judges events, compares pairs',
    notes: [fingerprintKeyNote],
    positionals: [],
    options: { ...metrics, ...config, ...database, ...redis, json, help },
    load: () => import('./commands/reconciler.ts'),
  },
  {
    name: 'reconcile',
    summary: 'Compare a pair now, and print the report',
    positionals: ['PAIR'],
    options: {
      keys: { type: 'string', value: 'A,B', help: 'Compare only these keys.' },
      wait: {
        type: 'boolean',
        help: 'Wait for the report: the default. --no-wait only asks for it, exit 3.',
      },
      timeout: { type: 'string', value: 'SECONDS', help: 'Give up waiting after this long. Default 3600.' },
      ...api,
      json,
      help,
    },
    load: () => import('./commands/reconcile.ts'),
  },
  {
    name: 'findings',
    summary: 'List findings',
    positionals: [],
    options: {
      kind: { type: 'string', value: 'KIND', help: 'Such as lost-update.' },
      verdict: { type: 'string', value: 'VERDICT', help: 'proven, observed, indeterminate or hazard.' },
      status: {
        type: 'string',
        value: 'STATUS',
        help: 'open, resolved, acknowledged, muted, or any. Default open.',
      },
      'entity-type': { type: 'string', value: 'TYPE', help: 'Such as candidate.' },
      'entity-id': { type: 'string', value: 'ID', help: 'Id of the entity.' },
      ...asIs,
      operation: { type: 'string', value: 'NAME', help: 'Name of the wrapped function.' },
      ...since,
      limit: { type: 'string', value: 'COUNT', help: 'Print at most so many. Default 100.' },
      ...api,
      json,
      help,
    },
    notes: [hashedIdNote],
    load: () => import('./commands/findings.ts'),
  },
  {
    name: 'explain',
    summary: 'Show what happened to an entity: reads, writes, syncs, findings',
    positionals: ['TYPE', 'ID'],
    options: {
      limit: {
        type: 'string',
        value: 'COUNT',
        help: 'Show at most so many events, the newest. Default 200.',
      },
      ...asIs,
      ...api,
      json,
      help,
    },
    notes: [hashedIdNote],
    load: () => import('./commands/explain.ts'),
  },
  {
    name: 'sections',
    summary: 'Show how often each declared section held its lock, by release',
    positionals: [],
    options: {
      name: { type: 'string', value: 'NAME', help: 'Name of the section, as in exclusive(NAME, …).' },
      service: { type: 'string', value: 'SERVICE', help: 'As in createSyncproof({ service }).' },
      release: { type: 'string', value: 'RELEASE', help: 'As in createSyncproof({ release }).' },
      ...since,
      limit: { type: 'string', value: 'COUNT', help: 'Print at most so many, the newest. Default 1000.' },
      ...api,
      json,
      help,
    },
    notes: [
      'Exit 0: every run was checked and held its lock, and no event of the release is missing. 1: at least one section did not hold. 3: nothing was checked, or no section was told. 4: checked in part. Releases that are listed decide: --release or --since leaves the old ones out.',
    ],
    load: () => import('./commands/sections.ts'),
  },
  {
    name: 'verify',
    summary: 'Derive findings again from their witnesses, offline',
    positionals: ['FILE'],
    options: { json, help },
    notes: [
      'FILE holds findings as JSON: one, a list, one a line, or what `syncproof findings --json` prints; - is stdin. Nothing else is read, and no code that finds them is used.',
      'Exit 0: all verified. 1: at least one does not follow from its witness. 3: FILE could not be read. 4: none refuted, and some not verifiable, as all that are not proven.',
    ],
    load: () => import('./commands/verify.ts'),
  },
  {
    name: 'processes',
    summary: 'Show which processes report, and whether all of it is accounted for',
    positionals: ['[ID]'],
    options: {
      limit: { type: 'string', value: 'COUNT', help: 'Print at most so many, the newest. Default 100.' },
      ...api,
      json,
      help,
    },
    notes: [
      'With ID, the books of that process minute by minute, of the last day. What a process produced is stored, dropped (sampled out, say), in flight, or, a minute after it told of it, unaccounted.',
      'Exit 0: all is accounted for. 3: nothing reports. 4: events are unaccounted, a process contradicts itself, or counts nothing: what rests on absence is not claimed of it.',
    ],
    load: () => import('./commands/processes.ts'),
  },
  {
    name: 'events',
    summary: 'Export events to a file, or import a file into a database',
    positionals: ['export|import', 'FILE'],
    options: {
      since: { type: 'string', value: 'TIME', help: 'Produced at or after: RFC 3339, or 15m, 2h, 7d ago.' },
      until: { type: 'string', value: 'TIME', help: 'Produced before: RFC 3339, or 15m, 2h, 7d ago.' },
      'entity-type': { type: 'string', value: 'TYPE', help: 'Events that name this entity: its type, and' },
      'entity-id': { type: 'string', value: 'ID', help: 'its id.' },
      operation: { type: 'string', value: 'NAME', help: 'Name of the wrapped function.' },
      kind: { type: 'string', value: 'KIND', help: 'Such as write.' },
      ...api,
      ...database,
      data: { type: 'string', value: 'DIR', help: 'Folder of an embedded database that the events go to.' },
      project: { type: 'string', value: 'PROJECT', help: 'Project that the events go to. Default: default.' },
      json,
      help,
    },
    notes: [
      '`events export` writes what the API at --url has, with what the filter leaves; without a filter, everything. A name that ends in .gz is compressed. The file is there when it is whole, and not before.',
      '`events import` stores a whole file in --database, or in the embedded database of --data, whatever the age of its events; the reconciler there then finds what was found where they came from. Doing it again stores nothing twice.',
    ],
    load: () => import('./commands/events.ts'),
  },
  {
    name: 'doctor',
    summary: 'Check everything that has to be right, and say how to mend what is not',
    positionals: [],
    options: {
      ...database,
      data: { type: 'string', value: 'DIR', help: 'Folder of an embedded database to look at.' },
      ...redis,
      ...config,
      json,
      help,
    },
    notes: [
      'It changes nothing. Run it where the collector runs, as the owner of the database, and from time to time: it warns before something is missing.',
      'Exit 0: all is well. 1: a warning or a problem. 3: something could not be looked at.',
    ],
    load: () => import('./commands/doctor.ts'),
  },
  {
    name: 'erase',
    summary: 'Erase what is known of an entity, for good',
    positionals: ['TYPE', 'ID'],
    options: {
      yes: { type: 'boolean', help: 'Erase it. Left out, only what would be erased is told.' },
      project: { type: 'string', value: 'PROJECT', help: 'Project of the entity. Default: default.' },
      ...asIs,
      ...database,
      data: { type: 'string', value: 'DIR', help: 'Folder of an embedded database to erase from.' },
      json,
      help,
    },
    notes: [
      'Its events, its operations, findings about it or with an event of it in the witness, and what reconciliations say of it. It cannot be undone. As the owner of the database; the services may go on running. Killed, the same command goes on.',
      'Exit 0: all is erased, or nothing was known. 1: without --yes, something is known. 3: it was stopped. 4: the app sent more of it meanwhile; repeat it.',
      "Where the app declares `entityId: 'hashed'`, name the id as you know it, with SYNCPROOF_FINGERPRINT_KEY in the environment: what is known under its hash is erased, too.",
    ],
    load: () => import('./commands/erase.ts'),
  },
  {
    name: 'migrate',
    summary: 'Bring the database to the schema of this release',
    positionals: [],
    options: {
      roles: {
        type: 'boolean',
        help: 'Also make a role for each service with the least rights that it needs, and the tables for jobs.',
      },
      ...database,
      json,
      help,
    },
    notes: [
      'With --roles the user must be one that may make roles. None of them can log in: grant syncproof_collector, syncproof_reports and syncproof_reconciler to the logins of your services. Later runs give them the rights to what is new.',
    ],
    load: () => import('./commands/migrate.ts'),
  },
  {
    name: 'keys',
    summary: 'Make, list or revoke the keys that apps and people send',
    positionals: ['create|list|revoke', '[ID]'],
    options: {
      project: {
        type: 'string',
        value: 'PROJECT',
        help: 'Project of the key. Default: to make one, default; to list and revoke, any.',
      },
      name: { type: 'string', value: 'NAME', help: 'Of a new key: who it is for. It is listed by this.' },
      scope: {
        type: 'string',
        value: 'SCOPE',
        multiple: true,
        help: 'Of a new key: ingest for an app, read for who looks, admin for who acknowledges or reconciles. Repeat it for more.',
      },
      ...database,
      json,
      help,
    },
    notes: [
      '`keys create` prints the key, this once: the database keeps its hash only. `keys list` shows what is known of all others. `keys revoke` ends the one of ID within 5 seconds and for good.',
    ],
    load: () => import('./commands/keys.ts'),
  },
  {
    name: 'help',
    summary: 'Print help, of one command if named',
    positionals: ['[COMMAND]'],
    options: { help },
    load: () => import('./commands/help.ts'),
  },
  {
    name: 'version',
    summary: 'Print the version',
    positionals: [],
    options: { json, help },
    load: () => import('./commands/version.ts'),
  },
]
