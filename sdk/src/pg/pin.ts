import type { Equality, Operand } from '../sql/statement.ts'

/** Rows of one statement that are reported one by one. */
export const ROWS_PER_STATEMENT_MAX = 100

/** Which rows a statement is about, by the key. */
export interface Pin {
  /** The key as text, where it is one row. */
  readonly key: string | undefined
}

/** Undefined where the statement does not name its rows by the key, or names more than are reported one by one. */
export function pinOf(
  equalities: readonly Equality[],
  key: string,
  values: readonly unknown[],
): Pin | undefined {
  const equality = equalities.find(({ column }) => column === key)
  if (!equality) return undefined
  const [first] = equality.operands
  if (equality.isArray) {
    const list = first && givenValue(first, values)
    if (!Array.isArray(list) || list.length > ROWS_PER_STATEMENT_MAX) return undefined
    return { key: list.length === 1 ? keyText(list[0]) : undefined }
  }
  if (!first || equality.operands.length > ROWS_PER_STATEMENT_MAX) return undefined
  return { key: equality.operands.length === 1 ? keyText(givenValue(first, values)) : undefined }
}

export function givenValue(operand: Operand, values: readonly unknown[]): unknown {
  return 'param' in operand ? values[operand.param - 1] : operand.literal
}

export function keyText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
    ? String(value)
    : undefined
}
