import * as zlib from 'node:zlib'

/** CRC-32 of the text's UTF-8, as zlib has it; by hand before Node 20.15, whose zlib keeps it to itself. */
export function crc32(text: string): number {
  // not a named import: that would not link there
  return (zlib as { crc32?: (text: string) => number }).crc32?.(text) ?? crc32ByHand(text)
}

const POLYNOMIAL = 0xedb88320

let table: Uint32Array | undefined

export function crc32ByHand(text: string): number {
  table ??= Uint32Array.from({ length: 256 }, (_, byte) => afterBits(byte))
  let rest = 0xffffffff
  for (const byte of Buffer.from(text)) rest = (table[(rest ^ byte) & 0xff] ?? 0) ^ (rest >>> 8)
  return ~rest >>> 0
}

function afterBits(byte: number): number {
  let rest = byte
  for (let bit = 0; bit < 8; bit += 1) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1
  return rest >>> 0
}
