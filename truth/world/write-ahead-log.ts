import pg from 'pg'
import type { Values } from './row.ts'

/** One row that came, changed or went, by the database's own log. */
export interface LoggedChange {
  readonly table: string
  readonly transaction: string
  readonly old: Values | null
  readonly new: Values | null
}

/** What was committed, read from PostgreSQL's write-ahead log through a slot for logical decoding, in the order of the
 *  commits; of one row that is the order of its versions, because whoever changes it holds its lock until then. */
export class WriteAheadLog {
  readonly #client: pg.Client

  private constructor(client: pg.Client) {
    this.#client = client
  }

  /** @param url of a database whose server runs with `wal_level = logical`
   *  @param tables with `REPLICA IDENTITY FULL` */
  static async open(url: string, tables: readonly string[]): Promise<WriteAheadLog> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query(`CREATE PUBLICATION truth FOR TABLE ${tables.join(', ')}`)
    // gone with the connection, so that the database can be dropped whatever happens here
    await client.query(`SELECT pg_create_logical_replication_slot('truth_${process.pid}', 'pgoutput', true)`)
    return new WriteAheadLog(client)
  }

  /** All changes since the last call. */
  async take(): Promise<LoggedChange[]> {
    const { rows } = await this.#client.query<{ xid: string; data: Buffer }>(
      `SELECT xid::text, data FROM pg_logical_slot_get_binary_changes('truth_${process.pid}', NULL, NULL,
        'proto_version', '1', 'publication_names', 'truth')`,
    )
    const relations = new Map<number, Relation>()
    return rows.flatMap(({ xid, data }) => readMessage(new Reader(data), xid, relations) ?? [])
  }

  async close(): Promise<void> {
    await this.#client.end()
  }
}

interface Relation {
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly isNumber: boolean }[]
}

const INT4 = 23

/** See "Logical Replication Message Formats" in PostgreSQL's manual. */
function readMessage(
  reader: Reader,
  transaction: string,
  relations: Map<number, Relation>,
): LoggedChange | undefined {
  const kind = reader.letter()
  if (kind === 'R') relations.set(reader.int32(), readRelation(reader))
  if (kind !== 'I' && kind !== 'U' && kind !== 'D') return undefined
  const relation = relations.get(reader.int32())
  if (!relation) throw new Error('a change of a table that was not described')
  const change = { table: relation.name, transaction, old: null, new: null }
  const first = { which: reader.letter(), values: readTuple(reader, relation) }
  if (kind === 'I') return { ...change, new: first.values }
  if (first.which !== 'O') throw new Error(`${relation.name} must have REPLICA IDENTITY FULL`)
  if (kind === 'D') return { ...change, old: first.values }
  reader.letter()
  return { ...change, old: first.values, new: readTuple(reader, relation) }
}

function readRelation(reader: Reader): Relation {
  reader.text()
  const name = reader.text()
  reader.letter()
  const columns = Array.from({ length: reader.int16() }, () => {
    reader.letter()
    const column = { name: reader.text(), isNumber: reader.int32() === INT4 }
    reader.int32()
    return column
  })
  return { name, columns }
}

function readTuple(reader: Reader, { columns }: Relation): Values {
  const count = reader.int16()
  return Object.fromEntries(
    columns.slice(0, count).map(({ name, isNumber }) => {
      if (reader.letter() === 'n') return [name, null]
      const text = reader.bytes(reader.int32())
      return [name, isNumber ? Number(text) : text]
    }),
  )
}

class Reader {
  readonly #data: Buffer
  #at = 0

  constructor(data: Buffer) {
    this.#data = data
  }

  letter(): string {
    return String.fromCharCode(this.#data.readUInt8(this.#at++))
  }

  int16(): number {
    this.#at += 2
    return this.#data.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#data.readInt32BE(this.#at - 4)
  }

  text(): string {
    const end = this.#data.indexOf(0, this.#at)
    const text = this.#data.toString('utf8', this.#at, end)
    this.#at = end + 1
    return text
  }

  bytes(length: number): string {
    this.#at += length
    return this.#data.toString('utf8', this.#at - length, this.#at)
  }
}
