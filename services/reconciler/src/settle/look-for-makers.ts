import { detectionRules, detectors } from '@syncproof/core/detection'
import type { MakerJudge } from '@syncproof/store'
import { type Context, messageOf } from '../context.ts'
import { lateMaker } from '../detect/late-makers.ts'
import { limits } from '../limits.ts'

const MADE_BY_NOBODY = detectors.filter(({ id }) => id === 'unobserved-write')

/** Looks for who made the versions that writes replaced unseen, where that is due, and stores what nobody made. */
export async function lookForMakers(context: Context): Promise<void> {
  const { store, projectId, metrics, makers, onFinding } = context
  const judge: MakerJudge = (history) =>
    MADE_BY_NOBODY.flatMap((detector) => {
      try {
        return detector.detect(history)
      } catch (error) {
        metrics.detectorFailures.inc({ detector: detector.id })
        context.log(`detector ${detector.id} threw on ${history.operationId}: ${messageOf(error)}`)
        return []
      }
    })
  const { created, decided } = await store.makers.look(
    projectId,
    {
      ...makers,
      silentMsMax: limits.silentProcessMs,
      clockMarginMs: limits.clockMarginMs,
      resolution: lateMaker(),
      rules: detectionRules,
    },
    judge,
  )
  for (const result of ['made', 'unobserved', 'undecided'] as const)
    metrics.replacedVersions.inc({ result }, decided[result])
  for (const finding of created) onFinding(finding)
}
