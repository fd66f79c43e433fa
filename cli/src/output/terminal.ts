import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
export type Paint = (style: Style, text: string) => string

/** Where the CLI writes: data on stdout, talk on stderr. */
export interface Terminal {
  /** One or more lines of data. */
  data(text: string): void
  /** One or more lines of talk. */
  say(text: string): void
  /** A line of talk that the next one, or talk, takes the place of; nothing where stderr is no terminal. */
  passing(text: string): void
  /** Colours data; does nothing where stdout is no terminal, or with NO_COLOR. */
  readonly paint: Paint
  /** As `paint`, for talk. */
  readonly paintTalk: Paint
  /** Columns of stdout; infinite where it is no terminal, so that what is piped is never broken. */
  readonly columns: number
  readonly talkColumns: number
}

export interface OutputStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export function createTerminal(
  stdout: OutputStream,
  stderr: OutputStream,
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  let isPassing = false
  const clear = () => {
    const was = isPassing
    isPassing = false
    return was ? '\r\u001b[K' : ''
  }
  return {
    data(text) {
      const cleared = clear()
      if (cleared) stderr.write(cleared)
      stdout.write(`${text}\n`)
    },
    say: (text) => void stderr.write(`${clear()}${text}\n`),
    passing(text) {
      if (stderr.isTTY !== true) return
      stderr.write(`\r\u001b[K${text}`)
      isPassing = text !== ''
    },
    paint: painter(stdout, env),
    paintTalk: painter(stderr, env),
    columns: columnsOf(stdout),
    talkColumns: columnsOf(stderr),
  }
}

/** One JSON document on one line, or indented where a person looks. What JSON leaves as it is and a terminal would
 *  obey (DEL and C1 controls) is escaped; it is the same JSON. */
export function json(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (unsafe) => `\\u${unsafe.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function painter(stream: OutputStream, env: Readonly<Record<string, string | undefined>>): Paint {
  const coloured = stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  return coloured
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text
}

function columnsOf(stream: OutputStream): number {
  return stream.isTTY === true && stream.columns ? stream.columns : Number.POSITIVE_INFINITY
}
