const flushes = new Set<() => Promise<void>>()

function onBeforeExit(): void {
  // the flush keeps the process alive for as long as it takes; when the loop runs empty again nothing is left
  for (const flush of flushes) void flush()
  flushes.clear()
}

/** Has a script that ends by itself deliver what waits: Node emits `beforeExit` when nothing else is left to
 *  do. It is not emitted by `process.exit`, by a signal or by an uncaught error, and nothing here changes how
 *  those end: there, call `shutdown` first.
 *  @returns takes it back */
export function flushAtExit(flush: () => Promise<void>, timeoutMs: number): () => void {
  if (timeoutMs === 0) return () => {}
  // one listener for any number of clients
  if (flushes.size === 0) {
    process.off('beforeExit', onBeforeExit)
    process.once('beforeExit', onBeforeExit)
  }
  flushes.add(flush)
  return () => {
    flushes.delete(flush)
    if (flushes.size === 0) process.off('beforeExit', onBeforeExit)
  }
}
