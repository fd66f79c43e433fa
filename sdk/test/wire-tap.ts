import { createHash } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { type Answer, recordingServer } from './recording-server.ts'

/** Every spelling in which a value could be hidden in bytes. */
function spellings(text: string): readonly string[] {
  const json = JSON.stringify(text).slice(1, -1)
  const ascii = json.replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const plain = [
    text,
    json,
    JSON.stringify(json).slice(1, -1),
    ascii,
    encodeURIComponent(text),
    encodeURI(text),
  ]
  const bytes = Buffer.from(text)
  // base64 of the value anywhere in a longer text: by three alignments, without the characters that its neighbours touch
  const base64 = [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    return (['base64', 'base64url'] as const).map((form) => padded.toString(form).slice(4, -4))
  })
  const digests = (['hex', 'base64', 'base64url'] as const).flatMap((form) =>
    ['md5', 'sha1', 'sha256'].map((name) => createHash(name).update(text).digest(form).slice(0, 20)),
  )
  const hex = bytes.toString('hex')
  return [...plain, ...base64, ...digests, hex, hex.toUpperCase()]
}

/** The spellings of a value that stand in these bytes. */
export function found(canary: string, bytes: Buffer): readonly string[] {
  return spellings(canary).filter((spelling) => bytes.includes(spelling))
}

/** A collector behind a wire that is listened to. */
export async function tappedCollector(answer?: Answer) {
  const server = await recordingServer(answer)
  const chunks: Buffer[] = []
  const wire = createServer((socket) => {
    const inner = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.on('data', (chunk) => chunks.push(chunk))
    for (const end of [socket, inner]) end.on('error', () => end.destroy())
    socket.pipe(inner).pipe(socket)
  })
  await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve))
  const address = wire.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    server,
    bytes: () => inflated(Buffer.concat(chunks)),
    async close() {
      wire.close()
      await server.close()
    },
  }
}

/** What was said on the wire, with gzip bodies laid open. */
function inflated(raw: Buffer): Buffer {
  const parts: Buffer[] = [raw]
  for (let at = raw.indexOf('\r\n\r\n'); at >= 0; at = raw.indexOf('\r\n\r\n', at + 4)) {
    if (raw.readUInt16BE(at + 4) === 0x1f8b) {
      const head = raw.subarray(0, at).toString('latin1')
      const length = Number(/content-length: (\d+)(?![\s\S]*content-length)/i.exec(head)?.[1])
      parts.push(gunzipSync(raw.subarray(at + 4, at + 4 + length)))
    }
  }
  return Buffer.concat(parts)
}
