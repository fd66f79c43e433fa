/** The text that PostgreSQL gives of a jsonb value: members by the length of their names, then by bytes. What reads it
 *  gets objects of that shape, and not of the shape in which they were sent. */
export function jsonbText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonbText).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  members.sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `"${name}": ${jsonbText(member)}`).join(', ')}}`
}
