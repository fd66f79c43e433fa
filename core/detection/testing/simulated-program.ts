import type { Assignment } from '../../contract/index.ts'
import type { Answer, Program } from './program.ts'
import { begin, end, type Operation, readOther, readRow } from './simulated-operation.ts'
import { enterSection, leaveSection, type SectionRun } from './simulated-section.ts'
import { createRecord, type Payload, syncRow } from './simulated-sync.ts'
import type { RowState, Steps, Thread, World } from './simulated-world.ts'
import { type Statement, type WriteResult, writeAll, writeRow, writeUnreported } from './simulated-write.ts'

/** One operation, from its start to its end: read, merge, write, sync, and what it does when it is refused. */
export function* runProgram(world: World, program: Program, thread: Thread): Steps {
  const key = String(program.row)
  if (program.shape === 'raw')
    return yield* writeUnreported(world, key, thread, { [program.field]: program.value + 10 })
  const mail = program.mail === 'none' ? [] : [{ system: 'mail' }]
  const syncs = [...program.syncs, ...mail]
  const operation = begin(world, { process: program.process, key, syncs })
  const run: Run = { world, program, thread, operation, section: {} }
  // who holds a row and waits for a section, while the one in the section waits for the row, waits for ever
  const entersLate = program.entersLate && program.guard !== 'lock'
  if (!entersLate) yield* enter(run, true)
  if (program.guard === 'lock' && program.shape !== 'bulk') {
    yield () => !world.locks.has(key)
    world.locks.set(key, thread)
  }
  yield* readRow(world, operation)
  if (entersLate) yield* enter(run, false)
  yield* body(run)
  if (world.locks.get(key) === thread) world.locks.delete(key)
  if (run.section.run) yield* leaveSection(world, run.section.run, thread)
  if (program.shape === 'hang') world.truth.orphans.add(operation.id)
  else end(world, operation)
}

function* enter({ world, program, thread, operation, section }: Run, base_read_inside: boolean): Steps {
  if (program.section === 'none') return
  yield* enterSection(world, operation, thread, program, section)
  operation.section = { name: program.sectionName, base_read_inside }
}

function* body(run: Run): Steps {
  const { world, program, operation } = run
  const reads = readsOf(run)
  yield* reads('before')
  if (program.shape === 'sync_first') yield* syncFirst(run)
  else if (program.shape === 'create') yield* createRecord(world, operation, program.answers[0] ?? 'ok')
  else if (program.shape === 'bulk') yield* writeAll(world, operation, run.thread)
  else yield* writeFirst(run)
  yield* reads('after')
}

function readsOf({ world, program: { reads }, operation }: Run) {
  const key = operation.key === '0' ? '1' : '0'
  return function* (when: 'before' | 'after'): Steps {
    if (reads === when || reads === 'both') yield* readOther(world, operation, key, { isCached: false })
    if (reads === 'cached') yield* readOther(world, operation, key, { isCached: when === 'before' })
  }
}

interface Run {
  readonly world: World
  readonly program: Program
  readonly thread: Thread
  readonly operation: Operation
  readonly section: { run?: SectionRun }
}

function* writeFirst(run: Run): Steps {
  const { world, program, operation } = run
  const result = { ok: false }
  if (program.shape === 'declared_call')
    return yield* inCall(run, (called) => declared(run, called), program.syncs)
  if (program.shape === 'two_calls_at_once') yield* writeTwice(run, result)
  else if (program.shape === 'write_in_call')
    yield* inCall(run, function* (called) {
      yield* writeRow(world, called, run.thread, statementOf(program, called.base), result)
      operation.base = called.base
    })
  else yield* writeOnce(run, result)
  if (!result.ok || program.shape === 'no_sync') return
  const [answer = 'ok'] = program.answers
  const payload = payloadOf(run, answer)
  for (let step = 0; step < program.pause; step++) yield
  if (program.shape === 'outbox') return sendLater(run, payload)
  if (program.shape === 'sync_unawaited') {
    const syncing = syncRow(world, operation, payload)
    world.spawn(() => syncing)
    return
  }
  if (program.shape === 'sync_in_call') yield* inCall(run, (called) => syncRow(world, called, payload))
  else yield* syncRow(world, operation, payload)
  if (operation.attempts.at(-1)?.outcome === 'rejected') yield* react(run, payload)
  if (program.mail !== 'none')
    yield* syncRow(world, operation, { ...payloadOf(run, program.mail), system: 'mail' })
}

function* writeOnce({ world, program, thread, operation }: Run, result: WriteResult): Steps {
  const isRetried = program.shape === 'retried_check'
  const first = { ...statementOf(program, operation.base), ...(isRetried && RETRIED) }
  yield* writeRow(world, operation, thread, first, result)
  if (!isRetried || result.ok || operation.writes.length > 0) return
  yield* readRow(world, operation)
  yield* writeRow(world, operation, thread, { ...statementOf(program, operation.base), ...RETRIED }, result)
}

const RETRIED = { checksVersion: true, missIsAnswer: true } as const

/** What a called operation does that has to reach the systems itself. */
function* declared({ world, program, thread }: Run, called: Operation): Steps {
  const result = { ok: false }
  yield* writeRow(world, called, thread, statementOf(program, called.base), result)
  if (!result.ok) return
  const { base } = called
  const payload = {
    values: base?.values ?? {},
    state: base,
    answer: program.answers[0] ?? 'ok',
    isNamed: program.names,
  }
  yield* syncRow(world, called, { ...payload, revisions: program.revisions })
}

/** Another process sends it, when it gets round to it. */
function sendLater({ world, program, operation }: Run, payload: Payload): void {
  world.spawn(function* () {
    const outbox = begin(world, { process: 1 - program.process, key: operation.key })
    yield* syncRow(world, outbox, { ...payload, onBehalfOf: operation })
    end(world, outbox)
  })
}

/** The caller tells the external system before the database. */
function* syncFirst({ world, program, thread, operation }: Run): Steps {
  const statement = statementOf(program, operation.base)
  const payload = { ...operation.base?.values, ...defined(statement.values) }
  const answer = program.answers[0] ?? 'ok'
  yield* syncRow(world, operation, { values: payload, answer, isNamed: false, revisions: program.revisions })
  if (operation.attempts.at(-1)?.outcome !== 'ok') return
  const result = { ok: false }
  yield* writeRow(world, operation, thread, statement, result)
  // an increment that the database computes was never in the payload, and what the row holds already is no loss
  const before = operation.base?.values ?? {}
  operation.carriedByRejected =
    program.style !== 'expression' &&
    Object.entries(defined(statement.values)).some(
      ([field, value]) => field !== 't' && before[field] !== value,
    )
}

/** Two called operations write the same row at once, each from its own reading. */
function* writeTwice({ world, program, operation }: Run, result: WriteResult): Steps {
  let running = 2
  for (const shift of [0, 1]) {
    world.spawn(function* (thread) {
      const called = begin(world, { process: program.process, key: operation.key, parent: operation })
      yield* readRow(world, called)
      const statement = statementOf({ ...program, value: (program.value + shift) % 3 }, called.base)
      yield* writeRow(world, called, thread, statement, result)
      end(world, called)
      running--
    })
  }
  // they take the row's lock themselves
  world.locks.delete(operation.key)
  yield () => running === 0
  yield* readRow(world, operation)
  result.ok = operation.writes.every((write) => write.outcome === 'ok')
}

/** The row as the operation last saw it. */
function payloadOf({ operation, program }: Run, answer: Answer): Payload {
  const { base } = operation
  const values = { ...base?.values, ...(program.alters && { a: 77 }) }
  return { values, state: base, answer, isNamed: program.names, revisions: program.revisions }
}

function* react(run: Run, first: Payload): Steps {
  const { world, program, thread, operation } = run
  const again = { ...first, answer: program.answers[1] ?? 'ok' }
  const [written] = operation.writes
  switch (program.reaction) {
    case 'retry':
      return yield* syncRow(world, operation, again)
    case 'retry_in_call':
      return yield* inCall(run, (called) => syncRow(world, called, again))
    case 'undo': {
      const values = Object.fromEntries(
        (written?.fields ?? []).map((field) => [field, written?.overwritten.values[field]]),
      )
      const assigned = Object.fromEntries(
        Object.keys(values).map((field) => [field, field === 't' ? 'last_write_wins' : 'value'] as const),
      )
      const undoing = 't' in values ? { ...values, t: world.tick } : values
      return yield* writeRow(
        world,
        operation,
        thread,
        { assigned, values: undoing, checksVersion: false, fate: program.fate },
        { ok: false },
      )
    }
    case 'note': {
      const assigned = { n: 'supplied' } as const
      return yield* writeRow(
        world,
        operation,
        thread,
        { assigned, values: { n: 99 }, checksVersion: false, fate: 'commit' },
        { ok: false },
      )
    }
    case 'give_up':
  }
}

function* inCall(
  { world, program, operation }: Run,
  body: (called: Operation) => Steps,
  syncs?: Program['syncs'],
): Steps {
  const { process } = program
  const called = begin(world, { process, key: operation.key, parent: operation, ...(syncs && { syncs }) })
  yield* body(called)
  end(world, called)
}

function statementOf(program: Program, base: RowState | undefined): Statement {
  const { field, value, style } = program
  const known = base?.values ?? {}
  const made: Record<Program['style'], [Record<string, Assignment>, Record<string, number | undefined>]> = {
    spread: [
      { a: 'value', b: 'value', n: 'value', t: 'last_write_wins', [field]: 'supplied' },
      { ...known, t: 1_000 + value, [field]: value },
    ],
    supplied: [{ [field]: 'supplied' }, { [field]: value }],
    derived: [
      { [field]: 'value', t: 'last_write_wins' },
      { [field]: (known[field] ?? 0) + 1 + value, t: 1_000 + value },
    ],
    counter: [{ n: 'counter' }, { n: (known.n ?? 0) + 1 }],
    expression: [{ n: 'expression' }, { n: undefined }],
  }
  const [assigned, values] = made[style]
  const { fate, unseen, marked } = program
  return { assigned, values, checksVersion: program.guard === 'version', fate, unseen, marked }
}

function defined(values: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([field, value]) => (value === undefined ? [] : [[field, value]])),
  )
}
