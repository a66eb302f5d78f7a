import { isHubError, realClock } from '#platform'
import type { ServiceBridge } from './bridge.ts'
import type { BridgeOptions } from './bridge-options.ts'
import { createCaseCalls } from './cases/case-calls.ts'
import { createCaseDriver, type Happen } from './cases/case-driver.ts'
import { createEffects } from './cases/effects.ts'
import { createFleetHoldCalls } from './cases/fleet-hold-calls.ts'
import { createGateCalls } from './cases/gate-calls.ts'
import { deviceGone } from './cases/gone-device.ts'
import { caseGuards } from './cases/guards.ts'
import { beginWork, type Core, inBrand, type Work } from './core.ts'
import { guardUrl } from './delivery/address-guard.ts'
import { createDeliveryCalls } from './delivery/delivery-calls.ts'
import { createDeliveryEngine, type Send } from './delivery/delivery-engine.ts'
import { ATTEMPT_TIMEOUT_MS, exchange, sendOnce } from './delivery/send.ts'
import { consentChanged } from './homes/consent-changes.ts'
import { eraseHome, erasureOf } from './homes/home-erasure.ts'
import { exportTraces } from './homes/home-export.ts'
import { createSiteResolverCalls } from './homes/site-resolver-calls.ts'
import { createNoticeCalls } from './notices/notice-calls.ts'
import { createOfferList } from './offers/offer-list.ts'
import { createOfferCalls } from './offers/offers.ts'
import { createStopCalls } from './offers/stop-offers.ts'
import { applyEffects } from './on-effects.ts'
import { createJobs } from './orders/jobs.ts'
import { createOrderCalls } from './orders/order-calls.ts'
import { createAgreementCalls } from './partners/agreement-calls.ts'
import { createEndpointCalls } from './partners/endpoint-calls.ts'
import { createPartCalls } from './partners/part-calls.ts'
import { createPartnerCalls } from './partners/partner-calls.ts'
import { createPartnerInbox } from './partners/partner-inbox.ts'
import { DEFAULT_POLICY } from './policy.ts'
import { createFaultReportCalls } from './reports/fault-report-calls.ts'
import { createRunner } from './runner.ts'

/** A caller's transaction is committed shortly after it hands it back to us; the loop looks then. */
const AFTER_CALLER_COMMITS_MS = 20

/** Everything between an episode and a proven repair; see `bridge.ts` for what each call promises. */
export function createServiceBridge(options: BridgeOptions): ServiceBridge {
  const { clock, logger } = options
  let nudge = (): void => {}

  const guard = {
    allowLoopback: options.allowLoopback ?? false,
    ...(options.resolveHost ? { resolveHost: options.resolveHost } : {}),
  }
  const sending = { ...guard, timeoutMs: options.attemptTimeoutMs ?? ATTEMPT_TIMEOUT_MS }
  const send: Send = (message) => sendOnce(message, sending)

  const core: Core = {
    db: options.db,
    box: options.box,
    clock,
    random: options.random,
    logger,
    publicUrl: options.publicUrl.replace(/\/$/, ''),
    policy: { ...DEFAULT_POLICY, ...options.policy },
    jobTemplateOf: (code) => options.jobTemplateOf?.(code),
    exchange: (message) => exchange(message, sending),
    committed(work) {
      for (const change of work.changes) options.onChanged?.(change)
      if (work.control) options.nudgeControl?.()
      nudge()
    },
  }

  const realNowMs = (): number => realClock.nowMs()

  // An effect may be the next happening, so the driver is handed to what it drives.
  const happen: Happen = createCaseDriver(core, { guards: caseGuards, effects: createEffects(() => happen) })
  const runner = createRunner(core, happen, createDeliveryEngine(core, send), options.pollClock)
  nudge = runner.nudge

  /** Work done in somebody else's transaction becomes true when they commit. */
  const afterCaller = (works: readonly Work[]): void => {
    if (works.length === 0) return
    realClock.setTimeout(() => {
      for (const work of works) core.committed(work)
    }, AFTER_CALLER_COMMITS_MS)
  }

  return {
    start: runner.start,
    stop: runner.stop,
    nudge: runner.nudge,
    idle: runner.idle,
    nextDueMs: runner.nextDueMs,
    async onEffects(tx, effects) {
      afterCaller(await applyEffects(core, happen, tx, effects))
    },
    async checkAddress(url) {
      try {
        await guardUrl(url, guard)
        return null
      } catch (error) {
        if (isHubError(error, 'ADDRESS_FORBIDDEN')) return error
        throw error
      }
    },
    cases: createCaseCalls(core, happen),
    faultReports: createFaultReportCalls(core, happen, afterCaller),
    fleetHolds: createFleetHoldCalls(core),
    offers: { ...createOfferList(core), ...createOfferCalls(core, happen) },
    orders: createOrderCalls(core, happen),
    jobs: createJobs(core, happen),
    partnerEvents: createPartnerInbox(core, happen, realNowMs),
    deliveries: createDeliveryCalls(core, runner.nudge),
    partners: createPartnerCalls(core, send, guard, realNowMs),
    agreements: createAgreementCalls(core),
    parts: createPartCalls(core),
    endpoints: createEndpointCalls(core, guard),
    siteResolver: createSiteResolverCalls(core),
    notices: createNoticeCalls(core, (work) => afterCaller([work])),
    homes: {
      ...createStopCalls(core),
      async consentChanged(tx, brandId, homeId, { by }) {
        const work = beginWork(tx, brandId, clock.nowMs())
        await consentChanged(core, happen, work, { homeId, by })
        afterCaller([work])
      },
      async erase(tx, brandId, homeId, { by }) {
        const work = beginWork(tx, brandId, clock.nowMs())
        await eraseHome(core, happen, work, { homeId, by })
        afterCaller([work])
        return erasureOf(work, homeId)
      },
      erasure: (brandId, homeId) => inBrand(core, brandId, (work) => erasureOf(work, homeId)),
      traces: (tx, brandId, homeId) => exportTraces(core, beginWork(tx, brandId, clock.nowMs()), homeId),
    },
    devices: {
      async gone(tx, brandId, deviceId, { by }) {
        const work = beginWork(tx, brandId, clock.nowMs())
        await deviceGone(core, happen, work, { deviceId, by })
        afterCaller([work])
      },
    },
    gates: createGateCalls(core),
  }
}
