/** What every collector says alike, once. */
export function once(expr: string): string {
  return `max without (instance, pod) (${expr})`
}
