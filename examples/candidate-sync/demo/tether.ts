// Loaded into every process that the demo starts, before its own program (node --import). When the demo is gone,
// also by kill -9, the channel to it closes; the process then ends as for SIGTERM, and surely a moment later.

const GRACE_MS = 5_000

process.on('disconnect', () => {
  setTimeout(() => process.exit(1), GRACE_MS).unref()
  process.kill(process.pid, 'SIGTERM')
})
process.channel?.unref()
