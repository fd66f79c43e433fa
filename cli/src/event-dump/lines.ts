/** A batch may be 16 MiB, and holds an event whole. */
const LINE_BYTES_MAX = 64 * 1024 * 1024

/** The lines of a stream of UTF-8, without their ends; at its end one that was cut comes too. Only `\n` ends a line: JSON may hold
 *  any other separator as it is.
 *  @throws Error for a line that is longer than any event can be */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, end))
      yield Buffer.concat(parts).toString('utf8')
      parts = []
      bytes = 0
      from = end + 1
    }
    parts.push(chunk.subarray(from))
    bytes += chunk.length - from
    if (bytes > LINE_BYTES_MAX) throw new Error(`a line is longer than ${LINE_BYTES_MAX} bytes`)
  }
  if (bytes > 0) yield Buffer.concat(parts).toString('utf8')
}
