import { randomBytes } from 'node:crypto'
import pg from 'pg'
import {
  type AgreementDocument,
  type AlertEffect,
  type Episode,
  type Evidence,
  instant,
  type PartnerEvent,
  type ProductDocument,
  type RuleDocument,
  type SafetyKind,
  sealedAs,
} from '#contracts'
import { derivedId, ManualClock, newId, realClock, SecretBox, seededRandom, silentLogger } from '#platform'
import type { ConsentPurpose } from '#store'
import { type TestDatabase, testBrand, testDatabase } from '#store/testing'
import type { ServiceBridge } from '../bridge.ts'
import type { BridgeOptions } from '../bridge-options.ts'
import { signatureHeaders } from '../delivery/signature.ts'
import { createServiceBridge } from '../service-bridge.ts'
import type { Actor } from '../views.ts'
import { type PartnerServer, partnerServer } from './partner-server.ts'

export const OPERATOR: Actor = { kind: 'platform', id: 'key_operator' }
export const BRAND_USER: Actor = { kind: 'brand', id: 'key_brand' }

/** A Tuesday morning in Shanghai: nobody is asleep. */
export const MORNING_MS = Date.UTC(2026, 5, 2, 2, 0)
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

const PRODUCT: ProductDocument = {
  key: 'ap-300',
  category: 'air-purifier',
  name: { en: 'air purifier', 'zh-CN': '空气净化器' },
  metrics: [
    { key: 'filter_dp_pa', unit: 'Pa', type: 'number', name: { en: 'filter resistance', 'zh-CN': '滤芯阻力' } },
  ],
  components: [
    {
      key: 'hepa-filter',
      kind: 'filter',
      name: { en: 'HEPA filter', 'zh-CN': '滤芯' },
      symptoms: [{ code: 'weak-airflow', name: { en: 'little air comes out', 'zh-CN': '出风变小' } }],
    },
    {
      key: 'fan',
      kind: 'motor',
      name: { en: 'fan', 'zh-CN': '风机' },
      symptoms: [{ code: 'noise', name: { en: 'it is loud', 'zh-CN': '噪音变大' } }],
    },
  ],
  warranty: { whole: 'P365D', startsAt: 'installation' },
}

export const RULE: RuleDocument = {
  key: 'hepa-clogged',
  name: { en: 'HEPA filter clogged', 'zh-CN': '滤芯堵塞' },
  scope: { product: 'ap-300' },
  component: 'hepa-filter',
  severity: 'warning',
  when: { metric: 'filter_dp_pa', op: '>', value: 250, clear: 230 },
  for: '10m',
  dispatch: 'offer',
  service: {
    job: 'replace-hepa',
    parts: [{ sku: 'HEPA-300', quantity: 1, needChance: 0.97 }],
    skills: ['air-purifier'],
    duration: 'PT30M',
    selfService: { guide: 'hepa-swap', minutes: 5 },
  },
}

export const AGREEMENT: AgreementDocument = {
  partnerKey: 'fixit',
  accountNo: 'A-1',
  coverage: ['31'],
  skills: ['air-purifier'],
  prices: [
    { kind: 'inspection', amountMinor: 3_000 },
    { kind: 'part', sku: 'HEPA-300', amountMinor: 9_900 },
  ],
  sla: { accept: 'PT4H' },
}

export interface WorldOptions {
  startMs?: number
  rule?: Partial<RuleDocument>
  agreement?: Partial<AgreementDocument>
  installedAtMs?: number | null
  consents?: ConsentPurpose[]
  /** Standing consent for the partner to know the address. */
  standingShare?: boolean
  bridge?: Partial<BridgeOptions>
  /** One that is there already, and empty; else one of its own. */
  database?: TestDatabase
}

export interface World {
  brandId: string
  homeId: string
  deviceId: string
  clock: ManualClock
  bridge: ServiceBridge
  partner: PartnerServer
  /** The brand's own endpoint. */
  brandServer: PartnerServer
  secret: string
  /** For another process over the same database. */
  appUrl: string
  secretKey: Buffer
  db: TestDatabase['db']
  /** One statement of the database's owner: a constraint that makes a write fail at a chosen place. */
  owner(statement: string): Promise<void>
  /** A second bridge over the same database, as after a crash. */
  another(options?: Partial<BridgeOptions>): ServiceBridge
  fire(options?: Partial<Episode> & { silent?: boolean; evidence?: readonly Evidence[] }): Promise<Episode>
  resolve(
    episode: Episode,
    reason?: 'cleared' | 'serviced' | 'rule_removed' | 'rule_changed' | 'device_removed',
  ): Promise<void>
  escalate(episode: Episode, to: Episode['severity']): Promise<void>
  endVerification(
    caseId: string,
    end: 'verified' | 'not_fixed' | 'not_observed' | 'unverified',
    attempt?: number,
  ): Promise<void>
  effects(effects: readonly AlertEffect[]): Promise<void>
  /** Another home with an owner, agreed to be contacted. */
  home(options?: { region?: string; quietFrom?: string; quietTo?: string }): Promise<string>
  /** Another appliance; of the first home unless said otherwise. */
  device(options?: {
    homeId?: string
    productKey?: string
    firmware?: string
    region?: string
    installedAtMs?: number | null
  }): Promise<string>
  /** Another rule beside the first. */
  rule(document: Partial<RuleDocument> & { key: string }): Promise<void>
  /** Moves hub time and lets everything due happen. */
  pass(byMs: number): Promise<void>
  offerToken(): Promise<string>
  /** Accepts the latest offer with its first slot. */
  acceptOffer(): Promise<void>
  onlyCase(): Promise<Awaited<ReturnType<ServiceBridge['cases']['get']>>>
  onlyOrder(): Promise<Awaited<ReturnType<ServiceBridge['orders']['get']>>>
  say(
    orderId: string,
    event: Partial<PartnerEvent> & { status: PartnerEvent['status'] },
    webhookId?: string,
  ): Promise<string>
  complete(orderId: string, verdict?: 'confirmed' | 'other_cause' | 'no_fault_found', parts?: boolean): Promise<string>
  consent(purpose: ConsentPurpose, granted?: boolean, recipient?: string): Promise<void>
  changes(): Promise<string[]>
  /** Before the test is over, in tests that make many; its database is left to whoever gave it. */
  close(): Promise<void>
}

/** A brand with one purifier in one home, one partner with a real endpoint, and the bridge on a clock that stands. */
export async function makeWorld(options: WorldOptions = {}): Promise<World> {
  const { db, appUrl, ownerUrl } = options.database ?? (await testDatabase())
  const brandId = await testBrand(db)
  const clock = new ManualClock(options.startMs ?? MORNING_MS)
  const secretKey = randomBytes(32)
  const box = new SecretBox(secretKey)
  const [partner, brandServer] = [await partnerServer(), await partnerServer()]
  const homeId = newId('home')
  const deviceId = newId('dev')
  const personId = newId('per')
  const rule = { ...RULE, ...options.rule } as RuleDocument

  const make = (more: Partial<BridgeOptions> = {}): ServiceBridge =>
    createServiceBridge({
      db,
      box,
      clock,
      random: seededRandom(7),
      logger: silentLogger,
      publicUrl: 'https://hub.example',
      allowLoopback: true,
      ...options.bridge,
      ...more,
    })
  const bridge = make()

  await db.asBrand(brandId, async (tx) => {
    const now = { created_at_ms: 0, updated_at_ms: 0 }
    await tx
      .insertInto('products')
      .values({ brand_id: brandId, product_key: 'ap-300', current_version: 1, ...now })
      .execute()
    await tx
      .insertInto('product_versions')
      .values({
        brand_id: brandId,
        product_key: 'ap-300',
        version: 1,
        document: JSON.stringify(PRODUCT),
        sha256: '0'.repeat(64),
        created_at_ms: 0,
        created_by: 'test',
      })
      .execute()
    await tx
      .insertInto('rules')
      .values({ brand_id: brandId, rule_key: rule.key, status: 'active', current_version: 1, ...now })
      .execute()
    await tx
      .insertInto('rule_versions')
      .values({
        brand_id: brandId,
        rule_key: rule.key,
        version: 1,
        document: JSON.stringify(rule),
        canonical_sha256: '0'.repeat(64),
        author: 'test',
        created_at_ms: 0,
      })
      .execute()
    await tx
      .insertInto('homes')
      .values({
        brand_id: brandId,
        home_id: homeId,
        time_zone: 'Asia/Shanghai',
        quiet_from: '21:00',
        quiet_to: '08:30',
        region: '310115005',
        address_sealed: box.seal(
          JSON.stringify({
            province: '上海市',
            city: '上海市',
            district: '浦东新区',
            street: '世纪大道',
            room: '1201',
          }),
          sealedAs.homeAddress(homeId),
        ),
        ...now,
      })
      .execute()
    await tx
      .insertInto('people')
      .values({
        brand_id: brandId,
        person_id: personId,
        home_id: homeId,
        role: 'owner',
        name_sealed: box.seal('SENTINEL-NAME', sealedAs.personName(personId)),
        contact_sealed: box.seal(
          JSON.stringify({ number: 'SENTINEL-13800000000', kind: 'privacy' }),
          sealedAs.personContact(personId),
        ),
        channel: 'wechat',
        locale: 'zh-CN',
        decides: true,
        pays: true,
        created_at_ms: 0,
      })
      .execute()
    await tx
      .insertInto('devices')
      .values({
        brand_id: brandId,
        device_id: deviceId,
        serial: 'SN-1',
        product_key: 'ap-300',
        home_id: homeId,
        region: '310115005',
        installed_at_ms: options.installedAtMs === undefined ? clock.nowMs() - 2 * 365 * DAY : options.installedAtMs,
        owner_since_ms: 0,
        last_seen_at_ms: clock.nowMs() - 41_000,
        ...now,
      })
      .execute()
  })
  const { secret } = await bridge.partners.create({ key: 'fixit', name: 'Fixit', url: partner.url, by: OPERATOR })
  await bridge.agreements.create(brandId, { ...AGREEMENT, ...options.agreement }, { by: BRAND_USER })
  await bridge.endpoints.create(brandId, { url: brandServer.url, by: BRAND_USER })

  let seq = 0
  let words = 0

  const world: World = {
    brandId,
    homeId,
    deviceId,
    clock,
    bridge,
    partner,
    brandServer,
    secret,
    appUrl,
    secretKey,
    db,
    another: make,
    async owner(statement) {
      const client = new pg.Client(ownerUrl)
      await client.connect()
      try {
        await client.query(statement)
      } finally {
        await client.end()
      }
    },

    effects: (effects) => db.asHub((tx) => bridge.onEffects(tx, effects)),

    async fire({ silent = false, evidence: seen, ...given } = {}) {
      const episode: Episode = {
        episodeId: given.episodeId ?? derivedId('al', brandId, String(++seq)),
        brandId,
        ruleKey: rule.key,
        ruleVersion: 1,
        deviceId,
        component: 'hepa-filter',
        activation: 'chg_1',
        mode: 'active',
        startedAtMs: clock.nowMs() - 10 * MINUTE,
        severity: 'warning',
        safety: (rule.safety as SafetyKind | null | undefined) ?? null,
        subject: 'condition',
        ...given,
      }
      const evidence: readonly Evidence[] = seen ?? [
        {
          metric: 'filter_dp_pa',
          value: 262.1,
          op: '>',
          limit: 250,
          unit: 'Pa',
          sinceMs: clock.nowMs() - 3 * DAY,
          series: [
            [clock.nowMs() - 3 * DAY, 188],
            [clock.nowMs(), 262.1],
          ],
        },
      ]
      // As the rules runner does, in the transaction of the effect.
      await db.asHub(async (tx) => {
        await tx
          .insertInto('alerts')
          .values({
            brand_id: brandId,
            episode_id: episode.episodeId,
            rule_key: episode.ruleKey,
            rule_version: episode.ruleVersion,
            device_id: episode.deviceId,
            component: episode.component,
            activation: episode.activation,
            mode: episode.mode,
            severity: episode.severity,
            safety: episode.safety,
            state: 'firing',
            started_at_ms: episode.startedAtMs,
            opened_at_ms: clock.nowMs(),
            opened_seq: seq + 1,
            opened_ordinal: 0,
            silent,
            evidence: JSON.stringify(evidence),
            updated_at_ms: clock.nowMs(),
          })
          .onConflict((conflict) => conflict.doNothing())
          .execute()
        await bridge.onEffects(tx, [
          { kind: 'alert.firing', seq: ++seq, ordinal: 0, atMs: clock.nowMs(), episode, silent, evidence },
        ])
      })
      return episode
    },

    async home({ region = '310115005', quietFrom = '21:00', quietTo = '08:30' } = {}) {
      const id = newId('home')
      await db.asBrand(brandId, async (tx) => {
        await tx
          .insertInto('homes')
          .values({
            brand_id: brandId,
            home_id: id,
            time_zone: 'Asia/Shanghai',
            quiet_from: quietFrom,
            quiet_to: quietTo,
            region,
            created_at_ms: 0,
            updated_at_ms: 0,
          })
          .execute()
        for (const purpose of ['monitoring', 'contact'] as const) {
          await tx
            .insertInto('consents')
            .values({
              brand_id: brandId,
              consent_id: newId('cons'),
              home_id: id,
              purpose,
              granted: true,
              at_ms: clock.nowMs(),
              given_by: 'owner',
              method: 'app',
              text_version: '1',
              text_sha256: '0'.repeat(64),
              created_at_ms: clock.nowMs(),
            })
            .execute()
        }
      })
      return id
    },

    async device(given = {}) {
      const id = newId('dev')
      await db.asBrand(brandId, (tx) =>
        tx
          .insertInto('devices')
          .values({
            brand_id: brandId,
            device_id: id,
            serial: `SN-${id.slice(4, 20)}`,
            product_key: given.productKey ?? 'ap-300',
            home_id: given.homeId ?? homeId,
            region: given.region ?? '310115005',
            installed_at_ms: given.installedAtMs === undefined ? clock.nowMs() - 2 * 365 * DAY : given.installedAtMs,
            attributes: JSON.stringify(given.firmware === undefined ? {} : { firmware: given.firmware }),
            owner_since_ms: 0,
            last_seen_at_ms: clock.nowMs() - 41_000,
            created_at_ms: 0,
            updated_at_ms: 0,
          })
          .execute(),
      )
      return id
    },

    async rule(document) {
      const added = { ...RULE, ...document } as RuleDocument
      await db.asBrand(brandId, async (tx) => {
        await tx
          .insertInto('rules')
          .values({
            brand_id: brandId,
            rule_key: added.key,
            status: 'active',
            current_version: 1,
            created_at_ms: 0,
            updated_at_ms: 0,
          })
          .execute()
        await tx
          .insertInto('rule_versions')
          .values({
            brand_id: brandId,
            rule_key: added.key,
            version: 1,
            document: JSON.stringify(added),
            canonical_sha256: '0'.repeat(64),
            author: 'test',
            created_at_ms: 0,
          })
          .execute()
      })
    },

    resolve: (episode, reason = 'cleared') =>
      db.asHub(async (tx) => {
        await tx
          .updateTable('alerts')
          .set({ state: 'resolved', resolved_at_ms: clock.nowMs(), reason })
          .where('episode_id', '=', episode.episodeId)
          .execute()
        await bridge.onEffects(tx, [
          { kind: 'alert.resolved', seq: ++seq, ordinal: 0, atMs: clock.nowMs(), episode, reason, peak: 270 },
        ])
      }),

    escalate: (episode, to) =>
      world.effects([
        {
          kind: 'alert.escalated',
          seq: ++seq,
          ordinal: 0,
          atMs: clock.nowMs(),
          episode: { ...episode, severity: to },
          from: episode.severity,
          evidence: [],
          silent: false,
        },
      ]),

    endVerification: (caseId, end, attempt = 1) =>
      world.effects([
        {
          kind: 'verification.ended',
          seq: ++seq,
          ordinal: 0,
          atMs: clock.nowMs(),
          brandId,
          caseId,
          deviceId,
          component: 'hepa-filter',
          attempt,
          end,
          readings: 30,
          evidence: [],
        },
      ]),

    async pass(byMs) {
      const untilMs = clock.nowMs() + byMs
      for (;;) {
        await bridge.idle()
        const dueMs = await bridge.nextDueMs()
        if (dueMs === null || dueMs > untilMs) break
        clock.advanceTo(Math.max(dueMs, clock.nowMs()))
      }
      clock.advanceTo(untilMs)
      await bridge.idle()
    },

    async offerToken() {
      const { items } = await bridge.offers.list(brandId, {})
      return items[0]!.link.split('/').at(-1)!
    },

    async acceptOffer() {
      const token = await world.offerToken()
      const view = await bridge.offers.view(token)
      await bridge.offers.accept(token, { slot: view.slots[0]!, shareWith: [view.partners[0]!.key] })
      await bridge.idle()
    },

    async onlyCase() {
      const { items } = await bridge.cases.list(brandId, {})
      if (items.length !== 1) throw new Error(`${items.length} cases where one was expected`)
      return bridge.cases.get(brandId, items[0]!.id)
    },

    async onlyOrder() {
      const { items } = await bridge.orders.list(brandId, {})
      if (items.length !== 1) throw new Error(`${items.length} orders where one was expected`)
      return bridge.orders.get(brandId, items[0]!.id)
    },

    async say(orderId, event, webhookId = `partner-${++words}`) {
      const rawBody = Buffer.from(JSON.stringify({ visit: 1, at: instant(clock.nowMs()), ...event }))
      const headers = signatureHeaders({ id: webhookId, atMs: realClock.nowMs(), body: rawBody, secrets: [secret] })
      const { disposition } = await bridge.partnerEvents.receive({ orderId, rawBody, headers })
      await bridge.idle()
      return disposition
    },

    async complete(orderId, verdict = 'confirmed', parts = true) {
      const order = await bridge.orders.get(brandId, orderId)
      return world.say(orderId, {
        status: 'completed',
        outcome: {
          items: order.packet.items.map((item) => ({
            item: item.id,
            verdict,
            ...(parts && verdict !== 'no_fault_found'
              ? { partsUsed: [{ sku: 'HEPA-300', quantity: 1, origin: 'genuine' as const }] }
              : {}),
            report: { found: 'clogged', done: ['replaced'], advice: '' },
          })),
        },
      })
    },

    async consent(purpose, granted = true, recipient = 'fixit') {
      await db.asBrand(brandId, async (tx) => {
        if (!granted) {
          await tx
            .updateTable('consents')
            .set({ withdrawn_at_ms: clock.nowMs() })
            .where('brand_id', '=', brandId)
            .where('home_id', '=', homeId)
            .where('purpose', '=', purpose)
            .where('granted', '=', true)
            .execute()
        }
        await tx
          .insertInto('consents')
          .values({
            brand_id: brandId,
            consent_id: newId('cons'),
            home_id: homeId,
            purpose,
            granted,
            at_ms: clock.nowMs(),
            given_by: 'owner',
            method: 'app',
            text_version: '1',
            text_sha256: '0'.repeat(64),
            recipient_key: purpose === 'share' ? recipient : null,
            created_at_ms: clock.nowMs(),
          })
          .execute()
        await bridge.homes.consentChanged(tx, brandId, homeId, { by: { kind: 'homeowner', id: null } })
      })
    },

    async close() {
      await partner.close()
      await brandServer.close()
    },

    changes: async () => {
      const rows = await db.asHub((tx) =>
        tx.selectFrom('control_changes').select('change').orderBy('ordinal').execute(),
      )
      return rows.map((row) => row.change.type)
    },
  }
  for (const purpose of options.consents ?? ['monitoring', 'contact']) await world.consent(purpose as ConsentPurpose)
  if (options.standingShare) await world.consent('share')
  return world
}
