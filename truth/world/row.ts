/** A row as the programs read it. `updated_by` names the statement that made it, so that whoever reads the row knows
 *  its version. */
export interface Row {
  readonly id: string
  readonly title: string | null
  readonly note: string | null
  readonly stage: string
  readonly score: number
  readonly owner: string | null
  readonly updated_by: string
}

/** What a program knows of a row's fields. */
export type Values = Readonly<Record<string, string | number | null>>
