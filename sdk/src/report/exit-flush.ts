const flushes = new Set<() => Promise<void>>()

function onBeforeExit(): void {
  // a flush keeps the process alive for as long as it takes; then the loop runs empty again, and it comes here again
  for (const flush of flushes) void flush()
}

/** Has a script that ends by itself deliver what waits: Node emits `beforeExit` when nothing else is left to
 *  do. It is not emitted by `process.exit`, by a signal or by an uncaught error, and nothing here changes how
 *  those end: there, call `shutdown` first.
 *  @param flush does nothing where nothing is new since the last time, or the process would never end
 *  @returns takes it back */
export function flushAtExit(flush: () => Promise<void>, timeoutMs: number): () => void {
  if (timeoutMs === 0) return () => {}
  // one listener for any number of clients
  if (flushes.size === 0) process.on('beforeExit', onBeforeExit)
  flushes.add(flush)
  return () => {
    flushes.delete(flush)
    if (flushes.size === 0) process.off('beforeExit', onBeforeExit)
  }
}
