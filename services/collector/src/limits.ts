import { limits } from '@syncproof/core/contract'
import { LABEL_VALUES_MAX } from '@syncproof/store'

/** Every bound of the collector in one place, each with its reason. Those that a sender must know too come
 *  from the contract. */
export const collectorLimits = {
  /** One batch as sent. */
  bodyBytesMax: limits.bodyBytesMax,
  /** One batch after inflating: a gzip bomb stops here, whatever its ratio. */
  inflatedBytesMax: limits.inflatedBytesMax,
  /** Bodies of batches that are in memory at once, as sent and inflated. Parsed and on their way to the store they take some
   *  four times as much; what is more is turned away before it is read. */
  bodiesBytesMax: 64 * 1024 * 1024,
  /** How many times larger than sent a gzip body is taken to become, until it is known: events do seven to eight. */
  inflationExpected: 8,
  /** What a request counts for at least: its head, its socket, its place in the store's queue. */
  requestBytesMin: 16 * 1024,
  /** What one key may send by default: fifty times what a busy app makes, and a runaway one leaves room for the others. */
  keyRequestsPerSecond: 500,
  keyBytesPerSecond: 16 * 1024 * 1024,
  /** A key that was quiet may send so much at once: what a fleet has spooled while the collector was away. */
  quotaBurstSeconds: 30,
  /** Bodies of the report API are a few members or a list of keys. */
  reportBodyBytesMax: 256 * 1024,
  /** Objects, arrays and scalars of one event. The largest honest event, a write of 512 fields with all its
   *  fingerprints, has about 2,100; checking costs time for each. */
  valuesPerEventMax: 8_192,
  /** Batches that are checked at once, each for so long before the others, and the sockets, have their turn. */
  checksAtOnce: 2,
  turnMs: 1,
  /** Spans that are read in one turn of the event loop. */
  spansPerTurn: 25,
  /** Spans of one OTLP request. OpenTelemetry's batches have 512 at most, those of its Collector 8,192. */
  spansPerRequestMax: 10_000,
  /** Rejected spans that an answer describes; the others are counted. */
  spanMessagesMax: 10,
  /** A pointer in an answer names the nearest member that fits: long keys must not come back multiplied. */
  pointerLengthMax: 512,
  /** An event id older than this is refused where nobody has said how long events are kept: its partition may be gone, and
   *  with it the memory of duplicates. */
  eventAgeMsMax: 30 * 24 * 60 * 60 * 1000,
  /** How long a collector goes by what it has read of how long events are kept. */
  horizonTtlMs: 10_000,

  /** Request line and headers together, Node's own default; an entity id in a path fits. */
  headersBytesMax: 16 * 1024,
  /** A path parameter as it stands in the URL: an entity id of the contract's length, percent-encoded. */
  paramLengthMax: 3 * limits.stringLengthMax,
  /** Whole headers; who is slower holds a socket on purpose. */
  headersTimeoutMs: 10_000,
  /** Whole request with its body: 4 MiB in 30 s is 140 kB/s. */
  requestTimeoutMs: 30_000,
  /** From the end of the body to the answer; longer than a body may take, shorter than the socket lives. */
  handlerTimeoutMs: 45_000,
  /** A whole export: millions of rows to a client that keeps reading. */
  exportTimeoutMs: 15 * 60_000,
  /** Processes that an export remembers having told of; some 10 MB. */
  exportProcessesMax: 100_000,
  /** A socket on which nothing moves. */
  idleTimeoutMs: 60_000,
  /** Longer than the 60 s of common load balancers, so that they close first and no request is lost in between. */
  keepAliveTimeoutMs: 72_000,
  /** How often Node looks for requests past their timeout. */
  timeoutCheckMs: 1_000,
  /** What was accepted is answered within this after close(); then sockets are cut. */
  closeGraceMs: 10_000,

  /** A key is about 50 characters; nothing longer is looked up. */
  keyLengthMax: 512,
  /** Keys remembered, of those that open something and of all others so many each. */
  keyCacheMax: 1_000,
  /** A revoked key works no longer than this. */
  keyCacheTtlMs: 5_000,
  /** When a key was last used is for people who ask whether it still is. */
  keyUseEveryMs: 60_000,

  pageDefault: 100,
  pageMax: 500,
  /** A cursor is opaque text of the store, far shorter. */
  cursorLengthMax: 2_048,
  /** Longer lists of records are the whole pair's business. */
  keysPerReconciliationMax: 1_000,

  /** Values of one label before `__overflow__`: operation names come from code, which may misuse them. */
  labelValuesMax: LABEL_VALUES_MAX,
  /** A scrape never waits longer for the database; it shows the last known figures instead. */
  storeFiguresTimeoutMs: 1_000,
  /** Scrapes and metrics of one scrape share figures of this age. */
  storeFiguresTtlMs: 1_000,
  /** Every stage behind it looks at it within seconds, and an alert waits for minutes. */
  heartbeatEveryMs: 10_000,
  /** A read that gives way on a replica is tried so often; each time a longer pause comes first. */
  replicaTriesMax: 4,
  replicaPauseMs: 100,
  /** A readiness probe must answer before the prober gives up. */
  readyTimeoutMs: 2_000,
  /** What 503 asks a sender to wait; the SDK adds its own backoff. */
  retryAfterSeconds: 2,
} as const
