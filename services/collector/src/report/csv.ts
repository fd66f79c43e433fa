/** One line of RFC 4180 CSV, with its line end. Null is an empty cell. */
export function csvLine(cells: readonly (string | null)[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

/** What a spreadsheet would read as a formula, with the full-width forms that some normalise. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/

/** A record's key is text from outside: a leading quote mark keeps a spreadsheet from running it. */
function csvCell(cell: string | null): string {
  if (cell === null) return ''
  const inert = FORMULA.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert
}
