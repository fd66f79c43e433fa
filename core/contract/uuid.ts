const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** The time in a UUIDv7 (RFC 9562, section 5.7), in milliseconds since 1970; undefined for other text. */
export function uuidV7TimeMs(id: string): number | undefined {
  if (!UUID.test(id) || id[14] !== '7') return undefined
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

/** Whether a process is one whose telemetry was made from spans (OpenTelemetry), as its id says: a UUIDv8. Such a process
 *  numbers no events, and the clock of its spans may have been set: nothing may be claimed from what it did not report,
 *  nor proven from its times. */
export function isMadeOfSpans(processId: string): boolean {
  return processId[14] === '8'
}
