/** Milliseconds that `Retry-After` asks to wait (RFC 9110: seconds or a date); undefined where it asks for nothing. */
export function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - serverNowMs(headers))
}

/** A moment is held against the server's own clock where it says it: ours may differ. */
export function serverNowMs(headers: Headers): number {
  const serverNow = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(serverNow) ? Date.now() : serverNow
}
