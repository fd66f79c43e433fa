import { expect, it } from 'vitest'
import { readTelemetryEnvironment } from './environment.ts'

it('the service and its version come from the variables of OpenTelemetry', () => {
  expect(
    readTelemetryEnvironment({
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=from-attributes, service.version=1.2%2B3,other=x',
    }),
  ).toEqual({ service: 'from-attributes', release: '1.2+3', disabledBy: undefined })
  expect(
    readTelemetryEnvironment({ OTEL_SERVICE_NAME: 'named', OTEL_RESOURCE_ATTRIBUTES: 'service.name=x' })
      .service,
  ).toBe('named')
})

it('empty is unset, and what cannot be decoded says nothing', () => {
  const nothing = { service: undefined, release: undefined, disabledBy: undefined }
  expect(readTelemetryEnvironment({ OTEL_SERVICE_NAME: '', OTEL_RESOURCE_ATTRIBUTES: '' })).toEqual(nothing)
  expect(readTelemetryEnvironment({ OTEL_RESOURCE_ATTRIBUTES: 'service.name=%E0%A4%A' })).toEqual(nothing)
})

it('SYNCPROOF_DISABLED decides over OTEL_SDK_DISABLED; only true is true', () => {
  const disabledBy = (env: NodeJS.ProcessEnv) => readTelemetryEnvironment(env).disabledBy
  expect(disabledBy({ OTEL_SDK_DISABLED: 'true' })).toBe('OTEL_SDK_DISABLED')
  expect(disabledBy({ OTEL_SDK_DISABLED: '1' })).toBeUndefined()
  expect(disabledBy({ OTEL_SDK_DISABLED: 'true', SYNCPROOF_DISABLED: 'false' })).toBeUndefined()
  expect(disabledBy({ SYNCPROOF_DISABLED: 'TRUE' })).toBe('SYNCPROOF_DISABLED')
})
