import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { median } from '../shared/median.ts'
import { bare, observed, traced, type Variant } from './calls.ts'

const ROUNDS = 25
const WARM_UP_ROUNDS = 5
/** Four spans each must fit into the 2,048 of a BatchSpanProcessor. */
const CALLS_BETWEEN_FLUSHES = 500
const FLUSHES_PER_ROUND = 6
const IMPORTS = 21

const dist = join(import.meta.dirname, '../../sdk/dist')

const sink = fork(join(import.meta.dirname, 'sink.ts'))
const [url] = (await once(sink, 'message')) as [string]
const variants = [bare, await observed(url), ...traced(url), { ...bare, name: 'bare again' }]
const cpuUs = new Map<string, number[]>(variants.map(({ name }) => [name, []]))

for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
  // each round begins with another one, so that none always runs after the same
  for (const index of variants.keys()) {
    const variant = variants[(index + round + WARM_UP_ROUNDS) % variants.length] ?? bare
    const us = await measure(variant)
    if (round >= 0) cpuUs.get(variant.name)?.push(us)
  }
}
sink.kill()

/** CPU of the process for one call, in microseconds. */
async function measure({ call, flush }: Variant): Promise<number> {
  const before = process.cpuUsage()
  for (let n = 0; n < FLUSHES_PER_ROUND; n += 1) {
    for (let k = 0; k < CALLS_BETWEEN_FLUSHES; k += 1) await call(`c-${k}`, { score: k })
    await flush()
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / (FLUSHES_PER_ROUND * CALLS_BETWEEN_FLUSHES)
}

/** Differences from the bare call, round by round. */
function added(name: string): readonly number[] {
  const floor = cpuUs.get('bare') ?? []
  return (cpuUs.get(name) ?? []).map((us, round) => us - (floor[round] ?? 0))
}

function spread(values: readonly number[], digits = 1): string {
  const sorted = [...values].sort((a, b) => a - b)
  const [low = 0] = sorted
  const show = (value: number) => value.toFixed(digits)
  return `${show(median(values)).padStart(7)}   (${show(low)} to ${show(sorted.at(-1) ?? 0)})`
}

function importMs(): readonly number[] {
  const run = (code: string) => {
    const startedMs = performance.now()
    spawnSync(process.execPath, ['--input-type=module', '-e', code])
    return performance.now() - startedMs
  }
  const importing = `await import(${JSON.stringify(join(dist, 'index.js'))})`
  return Array.from({ length: IMPORTS }, () => run(importing) - run('await undefined'))
}

function compressedBytes(): number {
  const loaded = new Set(['index.js'])
  for (const file of loaded) {
    const code = readFileSync(join(dist, file), 'utf8')
    for (const [, path = ''] of code.matchAll(/(?:^|[;}])(?:import|export)[^"'();]*?["'](\.[^"']+)["']/g))
      loaded.add(join(file, '..', path))
  }
  return gzipSync(Buffer.concat([...loaded].map((file) => readFileSync(join(dist, file)))), { level: 9 })
    .length
}

function ratio(a: string, b: string): string {
  const over = added(b)
  return spread(
    added(a).map((us, round) => us / (over[round] ?? Number.NaN)),
    2,
  )
}

const lines = [
  `${ROUNDS} interleaved rounds of ${FLUSHES_PER_ROUND * CALLS_BETWEEN_FLUSHES} calls, Node ${process.version}; median (lowest to highest)`,
  '',
  'CPU added to a call, µs',
  `  syncproof                       ${spread(added('syncproof'))}`,
  `  OpenTelemetry, four spans       ${spread(added('four spans'))}`,
  `  OpenTelemetry, span with events ${spread(added('span with events'))}`,
  `  the bare call, measured again   ${spread(added('bare again'))}`,
  '',
  'ratios',
  `  syncproof / four spans          ${ratio('syncproof', 'four spans')}   wanted: at most 1`,
  `  syncproof / span with events    ${ratio('syncproof', 'span with events')}`,
  '',
  `import, ms                        ${spread(importMs())}   wanted: at most 15`,
  `loaded with the core, gzip bytes  ${String(compressedBytes()).padStart(7)}   wanted: at most 10000`,
]
process.stdout.write(`${lines.join('\n')}\n`)
