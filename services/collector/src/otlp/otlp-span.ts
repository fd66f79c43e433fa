/** The parts of an OTLP/JSON span that are read here. Members that are not named are of no use to us. */
export interface OtlpSpan {
  /** 32 hex digits. */
  readonly traceId: string
  /** 16 hex digits. */
  readonly spanId: string
  /** Undefined for the first span of a trace. */
  readonly parentSpanId: string | undefined
  /** Nanoseconds since 1970, UTC, by the wall clock of who made the span. */
  readonly startNs: bigint
  readonly endNs: bigint
  /** Its status is an error. */
  readonly isError: boolean
  /** `exception.type` of the last exception that it recorded. */
  readonly exceptionType: string | undefined
  /** `http.response.status_code`, or its name before semantic conventions 1.21. */
  readonly httpStatus: number | undefined
}

export type Json = Readonly<Record<string, unknown>>

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The items of a list that may be left out; undefined where there is something else in its place. */
export function listOf(value: unknown): readonly unknown[] | undefined {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : undefined
}

const TRACE_ID = /^(?!0{32})[0-9a-fA-F]{32}$/
const SPAN_ID = /^(?!0{16})[0-9a-fA-F]{16}$/
const NANOSECONDS = /^\d{1,19}$/

/** Reads a span.
 *  @returns what is wrong with it, as a sentence's end, where it is none */
export function readSpan(raw: Json): OtlpSpan | string {
  const { traceId, spanId, parentSpanId } = raw
  if (typeof traceId !== 'string' || !TRACE_ID.test(traceId))
    return 'traceId must be 32 hex digits, not all 0'
  if (typeof spanId !== 'string' || !SPAN_ID.test(spanId)) return 'spanId must be 16 hex digits, not all 0'
  const parent = parentSpanId === '' ? undefined : parentSpanId
  if (parent !== undefined && parent !== null && !(typeof parent === 'string' && SPAN_ID.test(parent)))
    return 'parentSpanId must be 16 hex digits, or left out'
  const startNs = nanoseconds(raw.startTimeUnixNano)
  const endNs = nanoseconds(raw.endTimeUnixNano)
  if (startNs === undefined) return 'startTimeUnixNano must be nanoseconds since 1970, as text'
  if (endNs === undefined) return 'endTimeUnixNano must be nanoseconds since 1970, as text'
  if (endNs < startNs) return 'endTimeUnixNano must not be before startTimeUnixNano'
  return {
    traceId: traceId.toLowerCase(),
    spanId: spanId.toLowerCase(),
    parentSpanId: typeof parent === 'string' ? parent.toLowerCase() : undefined,
    startNs,
    endNs,
    isError: isErrorStatus(raw.status),
    exceptionType: exceptionTypeIn(raw.events),
    httpStatus: httpStatusIn(raw.attributes),
  }
}

/** Text, because 64 bits do not fit into a JSON number. */
function nanoseconds(value: unknown): bigint | undefined {
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && NANOSECONDS.test(text) ? BigInt(text) : undefined
}

function isErrorStatus(status: unknown): boolean {
  const code = isJson(status) ? status.code : undefined
  return code === 2 || code === 'STATUS_CODE_ERROR'
}

function exceptionTypeIn(events: unknown): string | undefined {
  const exception = listOf(events)?.findLast((event) => isJson(event) && event.name === 'exception')
  const type = isJson(exception) ? attributeOf(exception.attributes, 'exception.type') : undefined
  return typeof type === 'string' ? type : undefined
}

function httpStatusIn(attributes: unknown): number | undefined {
  const status =
    attributeOf(attributes, 'http.response.status_code') ?? attributeOf(attributes, 'http.status_code')
  return typeof status === 'number' && status >= 100 && status <= 599 ? status : undefined
}

/** The value of one attribute, where it is a text, a number, a flag, or a list of texts. */
export function attributeOf(attributes: unknown, key: string): AttributeValue | undefined {
  const found = listOf(attributes)?.find((attribute) => isJson(attribute) && attribute.key === key)
  return isJson(found) ? readValue(found.value) : undefined
}

export type AttributeValue = string | number | boolean | readonly string[]

/** A value of OTLP/JSON; undefined for one of another type. Never looks deeper than into one list: depth is what a hostile
 *  body attacks with. */
export function readValue(value: unknown): AttributeValue | undefined {
  const list = isJson(value) && isJson(value.arrayValue) ? value.arrayValue : undefined
  return list ? textsOf(list.values) : scalarOf(value)
}

function scalarOf(value: unknown): string | number | boolean | undefined {
  if (!isJson(value)) return undefined
  const { stringValue, boolValue, intValue, doubleValue } = value
  if (typeof stringValue === 'string') return stringValue
  if (typeof boolValue === 'boolean') return boolValue
  if (intValue !== undefined) return wholeNumber(intValue)
  return typeof doubleValue === 'number' ? doubleValue : undefined
}

/** 64 bits come as text. What is past 2^53 stays text: as a number it would be another one. */
function wholeNumber(value: unknown): number | string | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined
  if (typeof value !== 'string' || !/^-?\d{1,19}$/.test(value)) return undefined
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

function textsOf(values: unknown): readonly string[] | undefined {
  const scalars = listOf(values)?.map(scalarOf)
  const isText = (scalar: unknown) => typeof scalar === 'string' || typeof scalar === 'number'
  return scalars?.every(isText) ? scalars.map(String) : undefined
}
