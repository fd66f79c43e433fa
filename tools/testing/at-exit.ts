const acts = new Set<() => void>()

/** Does something when this process ends by itself or by `process.exit`; what came last is done first. It must be
 *  synchronous. A signal that ends the process leaves no time for it.
 *  @returns takes it back */
export function atExit(act: () => void): () => void {
  acts.add(act)
  return () => void acts.delete(act)
}

process.on('exit', () => {
  for (const act of [...acts].reverse()) act()
})
