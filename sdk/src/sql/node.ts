/** A node of the parse tree: `{ UpdateStmt: { … } }` and what is in it. */
export type Node = Readonly<Record<string, unknown>>

export function nodeOf(value: unknown): Node {
  return typeof value === 'object' && value !== null ? (value as Node) : NOTHING
}

const NOTHING: Node = {}

/** What a node of this type holds; undefined where the node is of another type. */
export function only(value: unknown, type: string): Node | undefined {
  const node = nodeOf(value)
  return type in node ? nodeOf(node[type]) : undefined
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A place in the text; the grammar leaves 0 out. */
export function locationOf(node: Node): number {
  return typeof node.location === 'number' ? node.location : 0
}

/** The texts of `[{ String: { sval } }]`. */
export function names(value: unknown): readonly string[] {
  return listOf(value).flatMap((item) => textOf(only(item, 'String')?.sval) ?? [])
}

/** Every node below, itself included, with the type that names it. */
export function* walk(value: unknown, type = ''): Generator<readonly [type: string, node: Node]> {
  if (Array.isArray(value)) {
    for (const item of value) yield* walk(item)
    return
  }
  if (typeof value !== 'object' || value === null) return
  yield [type, value as Node]
  for (const [name, member] of Object.entries(value)) yield* walk(member, name)
}
