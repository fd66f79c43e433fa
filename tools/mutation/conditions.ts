import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'oxc-parser'

/** One condition of a source file, and what to put there instead. */
export interface Mutant {
  /** `file › function › condition → constant`, with a number where it is not the only one of these. It stays the same
   *  while the condition does. */
  readonly id: string
  /** From the root of the project. */
  readonly file: string
  readonly start: number
  readonly end: number
  readonly replacement: 'true' | 'false'
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
}

type Found = Omit<Mutant, 'id' | 'file'> & { readonly within: string }

/** Every condition of a file, each deleted once:
 *  - a term of `&&` holds always (`true`), one of `||` never (`false`); an `if` never happens;
 *  - of a choice (`? :`) that is between something and nothing, something is taken, of any other one each side;
 *  - what a callback of `filter`, `find` or `every` asks holds always, of `some` never, what any other function answers
 *    is either constant.
 *
 *  No conditions are: a default (`??`), the order of a `sort`, and what only decides how a finding is shown: spreads in
 *  objects, and the members in `SHOWN`. */
export function mutantsOf(root: string, file: string): readonly Mutant[] {
  const source = readFileSync(join(root, file), 'utf8')
  const { program, errors } = parseSync(file, source)
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`)
  const found: Found[] = []
  visit(program as unknown as Any, { within: '', role: 'inert' }, found)
  const seen = new Map<string, number>()
  return found.map(({ within, ...place }) => {
    const text = source
      .slice(place.start, place.end)
      .replace(/\s*\/\/.*$/gm, '')
      .replace(/\s+/g, ' ')
    const name = `${file.replace(/^core\/detection\/(detectors\/)?/, '')} › ${within} › ${text} → ${place.replacement}`
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return { id: count === 1 ? name : `${name} (${count})`, file, ...place }
  })
}

type Constant = Mutant['replacement']

/** What a node is, where that makes it a condition: the answer of a function, with the constants that replace it.
 *  `inert`: somebody else asks, or nobody. */
type Role = 'inert' | readonly Constant[]

interface Scope {
  /** Name of the function. */
  readonly within: string
  readonly role: Role
}

/** A node as the parser gives it: any member may be missing. */
type Any = Node & { readonly [member: string]: Any | undefined } & {
  readonly operator?: string
  readonly name?: string
}

const NODE: Any = { type: '', start: 0, end: 0 } as Any
const ANSWER: Role = ['true', 'false']
const COMPARISONS = ['===', '!==', '<', '<=', '>', '>=', 'in']
const SHOWN = ['summary', 'occurred_at', 'details']
/** What deletes the condition in the callback of a method. */
const CALLBACKS: Readonly<Record<string, Constant>> = {
  filter: 'true',
  find: 'true',
  findLast: 'true',
  findIndex: 'true',
  every: 'true',
  some: 'false',
}
const PREDICATE =
  /^((is|was|has|same|names|carries|keep)[A-Z]\w*|has|hasOwn|includes|some|every|excludes|Boolean|carries|test|inDifferentTransactions|repeats|serves|precedes|replacedARow)$/

function visit(node: Any, scope: Scope, found: Found[]): void {
  const { within, role } = scope
  for (const [at, constants] of conditionsOf(node, role))
    for (const replacement of constants) found.push({ start: at.start, end: at.end, replacement, within })
  for (const [child, as, name = within] of partsOf(node, scope))
    visit(child, { within: name, role: as }, found)
}

/** The conditions that this node is or joins, each with what replaces it. */
function conditionsOf(node: Any, role: Role): readonly (readonly [Any, readonly Constant[]])[] {
  const { test = NODE, left = NODE, right = NODE } = node
  switch (node.type) {
    case 'LogicalExpression':
      if (node.operator === '??') return []
      return (
        [left, right]
          .filter((term) => inner(term).operator !== node.operator)
          // `found && toFinding(found)` is no condition at its end but what comes of it
          .filter(
            (term) => term === left || isCondition(inner(term)) || (role !== 'inert' && isName(inner(term))),
          )
          .map((term) => [term, [node.operator === '&&' ? 'true' : 'false']])
      )
    case 'IfStatement':
      return inner(test).type === 'LogicalExpression' && inner(test).operator === '||'
        ? []
        : [[test, ['false']]]
    case 'ConditionalExpression':
      return [[test, sidesOf(node)]]
    default:
      return role !== 'inert' && isCondition(node) ? [[node, role]] : []
  }
}

type Part = readonly [node: Any, role: Role, within?: string | undefined]

/** The nodes below that can hold conditions, and what they are for. */
function partsOf(node: Any, { within, role }: Scope): readonly Part[] {
  const { argument, body, expression, id, init, key, value, callee, left, right } = node
  const some = (...parts: readonly (Any | undefined)[]): readonly Part[] =>
    parts.flatMap((part) => (part ? [[part, 'inert'] as const] : []))
  switch (node.type) {
    case 'SpreadElement':
      return argument?.type === 'ParenthesizedExpression' ? [] : some(argument)
    case 'Property':
      return SHOWN.includes(key?.name ?? '') ? [] : some(value)
    case 'ParenthesizedExpression':
      return expression ? [[expression, role]] : []
    case 'LogicalExpression':
      return [left, right].flatMap((term) =>
        term ? [[term, inner(term).operator === node.operator ? role : 'inert'] as const] : [],
      )
    case 'CallExpression': {
      const method = callee?.property?.name ?? ''
      if (method === 'sort' || method === 'toSorted') return some(callee)
      const deleted = CALLBACKS[method]
      const given = node.arguments as unknown as readonly Any[]
      return [
        ...some(callee),
        ...given.map((each): Part => [each, isArrow(each) && deleted ? [deleted] : 'inert']),
      ]
    }
    case 'ReturnStatement':
      return argument ? [[argument, role]] : []
    case 'ArrowFunctionExpression':
      return body ? [[body, role === 'inert' ? ANSWER : role]] : []
    case 'FunctionDeclaration':
      return body ? [[body, ANSWER, id?.name]] : []
    case 'BlockStatement':
      return childrenOf(node).map((child) => [child, child.type === 'ReturnStatement' ? role : 'inert'])
    case 'VariableDeclarator':
      // a condition with a name is a term of another one, and deleted there
      return init ? [[init, 'inert', within === '' || isArrow(init) ? joined(within, id?.name) : within]] : []
    default:
      return some(...childrenOf(node))
  }
}

/** A choice between something and nothing has one side that deletes it. */
function sidesOf({ consequent = NODE, alternate = NODE }: Any): readonly Constant[] {
  if (isNothing(alternate)) return ['true']
  return isNothing(consequent) ? ['false'] : ['true', 'false']
}

function isNothing(node: Any): boolean {
  if (node.type === 'Identifier') return node.name === 'undefined'
  return node.type === 'ArrayExpression' && (node.elements as unknown as readonly Any[]).length === 0
}

/** By its form, or by the name of what it calls. */
function isCondition({ type, operator = '', callee }: Any): boolean {
  if (type === 'BinaryExpression') return COMPARISONS.includes(operator)
  if (type === 'UnaryExpression') return operator === '!'
  return type === 'CallExpression' && PREDICATE.test(callee?.name ?? callee?.property?.name ?? '')
}

function isName({ type }: Any): boolean {
  return type === 'Identifier'
}

function isArrow({ type }: Any): boolean {
  return type === 'ArrowFunctionExpression'
}

function inner(node: Any): Any {
  return node.type === 'ParenthesizedExpression' && node.expression ? inner(node.expression) : node
}

function joined(within: string, name = ''): string {
  return within === '' ? name : `${within}.${name}`
}

function childrenOf(node: Any): readonly Any[] {
  return Object.values(node as object)
    .flat()
    .filter((value): value is Any => typeof value?.type === 'string' && !value.type.startsWith('TSType'))
}
