import type { EntityRef } from '@syncproof/core/contract'
import type { Verification } from '@syncproof/core/verification'
import { flow } from './flow.ts'
import type { Paint, Style } from './terminal.ts'
import { printable } from './text.ts'

const STYLES: Readonly<Record<Verification['result'], Style>> = {
  verified: 'green',
  refuted: 'red',
  'not-verifiable': 'yellow',
}

interface Named {
  readonly id?: string
  readonly kind?: string
  readonly entity?: EntityRef
}

/** One finding as lines for people: whether it follows from its witness, which event proves it, what is on trust. */
export function verificationLines(
  { id, kind, entity }: Named,
  verification: Verification,
  paint: Paint,
  columns: number,
): string[] {
  const { result } = verification
  const layout = { columns, paint, indent: 0, hanging: 2 }
  const below = { ...layout, indent: 2, hanging: 4 }
  return [
    ...flow(
      [
        { text: result.replace('-', ' '), style: STYLES[result] },
        { text: printable(kind ?? 'no finding'), style: 'bold' },
        { text: entity === undefined ? '' : printable(`${entity.type} ${entity.id}`) },
        { text: printable(id ?? ''), style: 'dim' },
      ],
      layout,
    ),
    ...textsOf(verification).flatMap((text) => flow([{ text: printable(text) }], below)),
  ]
}

function textsOf(verification: Verification): readonly string[] {
  switch (verification.result) {
    case 'verified':
      return [`${verification.says}.`, ...verification.onTrust.map((text) => `On trust: that ${text}.`)]
    case 'refuted':
      return [`Does not hold: ${verification.step.must}`, verification.step.because]
    case 'not-verifiable':
      return [`Because ${verification.why.replace(/\.$/, '')}.`]
  }
}
