import { spawnSync } from 'node:child_process'

const MISSING =
  'THE PROMETHEUS TESTS WERE NOT RUN: install prometheus and prometheus-alertmanager (Debian: apt-get install prometheus prometheus-alertmanager).'

/** Whether this machine has the programs. Without them the run says loudly that these tests are missing; CI fails. */
export function hasPrometheus(): boolean {
  const isThere = ['promtool', 'prometheus', 'prometheus-alertmanager'].every(
    (program) => spawnSync(program, ['--version']).status === 0,
  )
  if (isThere) return true
  if (process.env.CI === 'true') throw new Error(MISSING)
  process.stderr.write(`\n  !!  ${MISSING}\n\n`)
  return false
}
