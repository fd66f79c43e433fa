/** Times and bounds of the reconciler; each is a trade that its comment names. */
export const limits = {
  /** A lane's job ends after this long and is added again: short, so that a shutdown waits little. */
  laneSliceMs: 5_000,
  /** How long a lane waits before it asks again when it has just been drained; most of the delay from event to
   *  finding. The longer nothing comes, the longer it waits, up to the maximum: idle lanes cost a core little. */
  lanePollMs: 50,
  lanePollMsMax: 250,
  /** A lane waits this long after a failure: longer than a poll, so that a broken database is not hammered. */
  laneRetryMs: 1_000,
  eventsPerStepMax: 1_000,
  /** A batch of one operation that failed this often is passed over, unjudged and counted. */
  stepFailuresMax: 5,
  /** How often every process makes sure that the jobs are there; what a flushed Redis costs. */
  sweepIntervalMs: 2_000,
  /** A scrape never waits longer for what it reads of the store or the queue. */
  scrapeReadMs: 1_000,
  /** A pair's scheduler asks so often between two runs whether the next one is due: a tenth of `every` is how late it may be,
   *  and never more than the maximum. */
  dueAsksPerRun: 10,
  dueAskMsMin: 500,
  dueAskMsMax: 10_000,
  /** Reports at once in one process; most of a run is waiting for the grace period or the target's rate. */
  reportsAtOnceMax: 4,
  heartbeatMs: 1_000,
  /** A running report whose worker was silent this long belongs to whoever claims it. */
  abandonedMs: 4_000,
  /** An operation of a process silent for this long is not waited for: three missed heartbeats of an SDK. */
  silentProcessMs: 30_000,
  /** Keys of one report that settles unknown outcomes. */
  keysPerReportMax: 500,
  /** Unknown outcomes that are still open after a recheck are rechecked again after this, or four graces. */
  settleAgainMs: 60_000,
  /** A database is asked about an unknown commit at once, and while it does not know, again after this, doubling up to
   *  the maximum. */
  askAgainMs: 1_000,
  askAgainMsMax: 60_000,
  /** Unknown commits in one question to a database. */
  commitsPerAskMax: 1_000,
  /** For so long the 32 bits of a transaction id that a row shows name one: 2^31 of them in this time were 600,000 a
   *  second; one backend that does nothing else makes some 130,000. */
  transactionIdHorizonMs: 3_600_000,
  /** How far the clocks of collector and database may be apart before times of the two are not compared. */
  clockMarginMs: 5_000,
  /** Of looking for the write that made a version which another one replaced. */
  makers: { graceMs: 30_000, waitMsMax: 60 * 60 * 1000 },
  /** A group of findings is over when it has not happened for so long, and its function ended so many calls meanwhile: a
   *  day has each hour's traffic in it. */
  groupQuietMs: 24 * 60 * 60 * 1000,
  groupCallsMin: 20,
  /** Groups that one sink is told of at once. */
  alertsAtOnceMax: 8,
  /** A sink's job ends after this long, and the message that is being sent, and is added again. */
  alertSliceMs: 5_000,
  /** How long a sink may take to answer. */
  alertAnswerMs: 10_000,
  /** How much longer a sink may take that does not end by itself. */
  alertLateMs: 1_000,
  /** See `AlertTimes`. */
  alertTimes: { retryMs: 5_000, retryMsMax: 300_000, leaseMs: 30_000 },
  /** A sink that is away for a day, or a key that nobody has mended over the weekend, costs no message. */
  alertTriesMs: 7 * 24 * 60 * 60 * 1000,
  alertAnswerLengthMax: 200,
  /** How often what is past its time is removed, and partitions are made ahead: little at a time, and a partition that
   *  somebody reads is tried for again soon. */
  expireEveryMs: 60 * 60 * 1000,
  /** A process that could not do it leaves it to others for so long. */
  expireRetryMs: 60_000,
  /** Suspects held in memory; more are counted as indeterminate, and the report says so. */
  suspectsMax: 20_000,
  /** Open findings whose records are read again by each whole run. */
  watchedMax: 10_000,
  /** Keys that a run of a pair with hashed ids keeps in memory, some 200 bytes each; for suspects beyond them it lists
   *  the sides twice. */
  hashedKeysMax: 100_000,
  /** Records rechecked at a time, and read at once; the target's own rate limit bounds the requests. */
  recheckBatch: 50,
  recheckConcurrency: 4,
  recheckTriesMax: 5,
  /** Reads of one record that may fail: the connector has tried each of them several times itself. */
  readFailuresMax: 2,
  /** After this many records in a row that could not be read, a system is taken to be down for this run. */
  failuresInRowMax: 8,
  /** The wait between two tries grows to this many grace periods. */
  recheckBackoffMax: 4,
  /** Between two looks at a record where the pair has no grace, or a read failed. */
  recheckPauseMs: 500,
  stageBatch: 1_000,
  /** Records of a segment: some seconds of work, all that a worker that is killed costs. */
  segmentRecords: 250_000,
  /** How often a worker looks whether the others are done with their segments. */
  segmentPollMs: 100,
  /** Workers asked for at a time, for one run. */
  helpersMax: 32,
  /** Page size of reads from the store; the store's own maximum. */
  pageSize: 500,
  /** A failure of the queue that did not come back for so long is over. */
  repeatQuietMs: 10_000,
  /** Of the five seconds that a shutdown may take. */
  closeMs: 4_000,
} as const

export interface MakerLimits {
  /** A process may be this late with what it reports before anything is concluded from what it did not: three heartbeats
   *  of an SDK, longer than a request to the collector may take. */
  readonly graceMs: number
  /** For so long it is looked for; then nothing is said of it. */
  readonly waitMsMax: number
}

export interface AlertTimes {
  /** A message that was not taken is tried again after this, doubled with each try. */
  readonly retryMs: number
  readonly retryMsMax: number
  /** A message whose worker said nothing for so long is sent by another one: longer than sending may take. */
  readonly leaseMs: number
}

/** Default of a pair's `grace`. */
export const GRACE_MS_DEFAULT = 120_000
