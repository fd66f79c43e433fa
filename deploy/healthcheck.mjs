// Health check of a container: `node deploy/healthcheck.mjs URL` ends with 0 where the URL answers 200 within 3 seconds, else
// with 1 and why. The image has no curl.
const [, , url = ''] = process.argv
try {
  const { status } = await fetch(url, { signal: AbortSignal.timeout(3_000), redirect: 'error' })
  if (status !== 200) throw new Error(`answers ${status}`)
} catch (error) {
  process.stderr.write(`${url}: ${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
