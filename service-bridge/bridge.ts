import type {
  AcceptBody,
  AgreementDocument,
  AlertEffect,
  CaseState,
  DeclineBody,
  Diagnosis,
  FaultReport,
  FaultReportBody,
  FleetHold,
  FleetHoldState,
  JobEventBody,
  JobView,
  OfferState,
  OfferView,
  QuoteDecisionBody,
  RateBody,
  ReportProblemBody,
  RescheduleBody,
  SelfServiceBody,
  SiteAddress,
  SnoozeBody,
  SolvedBody,
  StopBody,
  VisitBody,
} from '#contracts'
import type { HubError } from '#platform'
import type { Tx } from '#store'
import type { FiledReport } from './reports/fault-report.ts'
import type {
  Actor,
  AgreementView,
  CaseEventView,
  CaseView,
  DeliveryAttemptView,
  DeliveryView,
  EndpointView,
  ErasureView,
  GateScope,
  GateView,
  NoticeView,
  OfferStopView,
  OfferSummary,
  OfferWords,
  OwnNotice,
  Page,
  PageRequest,
  PartnerRatings,
  PartnerView,
  PartView,
  ReceiptInput,
  SiteResolverView,
  WebhookHeaders,
  WorkOrderDetail,
  WorkOrderView,
} from './views.ts'

/**
 * Who asks, and the transaction in which it becomes true when the caller has one: of hub scope for partners and
 * agreements, which look at the operator's tables. A caller that brings one has checked addresses with `checkAddress`,
 * since nobody asks DNS while a transaction waits.
 */
export interface Asked {
  by: Actor
  within?: Tx
}

/**
 * The face of the bridge: everything between an episode and a proven repair. Every method
 * that takes a `brandId` sees that brand only; a thing of another brand is `NOT_FOUND`.
 * Errors are `HubError`s whose codes are named at each method.
 */
export interface ServiceBridge {
  /** Why a webhook may not go there (ADDRESS_FORBIDDEN), or `null`. */
  checkAddress(url: string): Promise<HubError | null>

  /** Starts timers and deliveries. */
  start(): void
  /** Stops taking up work and waits for attempts in flight; nothing is lost. */
  stop(): Promise<void>
  /** Something may be due: called after commits made elsewhere. */
  nudge(): void
  /** Resolves when nothing is due at the present hub time and no delivery attempt is in flight. */
  idle(): Promise<void>
  /** When the next timer or delivery attempt is due, in hub time; `null` when none waits. */
  nextDueMs(): Promise<number | null>

  /** Inside the rules runner's transaction; applying an effect twice does nothing. */
  onEffects(tx: Tx, effects: readonly AlertEffect[]): Promise<void>

  cases: {
    list(
      brandId: string,
      filter: PageRequest & {
        state?: CaseState
        live?: boolean
        deviceId?: string
        homeId?: string
        needsReview?: boolean
      },
    ): Promise<Page<CaseView>>
    /** NOT_FOUND */
    get(brandId: string, caseId: string): Promise<CaseView & { events: CaseEventView[]; episodeIds: string[] }>
    /** C21. NOT_FOUND, STATE_FORBIDS after arrival. */
    cancel(brandId: string, caseId: string, options: { by: Actor; reason: string }): Promise<CaseView>
    /**
     * A case that ended `not_observed` is open again, as a rework (C18); one without a partner (`accepted`, `rerouting`)
     * asks them now, also those that gave it back (C9, C10). Clears `needsReview`. NOT_FOUND, STATE_FORBIDS for any other.
     */
    retry(brandId: string, caseId: string, options: { by: Actor; reason?: string }): Promise<CaseView>
    /** Somebody has seen it: clears `needsReview`. */
    acknowledge(brandId: string, caseId: string, options: { by: Actor }): Promise<CaseView>
  }

  /** C2. Faults that people noticed. The same reference twice is one report. */
  faultReports: {
    /**
     * In the caller's transaction. VALIDATION_FAILED for an appliance or time that cannot be, CONFLICT for a reference
     * used for another appliance. `changeId` is the record of the log that says it.
     */
    file(tx: Tx, brandId: string, body: FaultReportBody, options: { by: Actor }): Promise<FiledReport>
    /** In hub scope. Of an appliance the partner has had an order for, while the home lets it know. NOT_FOUND otherwise. */
    fileAsPartner(tx: Tx, partnerKey: string, body: FaultReportBody, options: { by: Actor }): Promise<FiledReport>
    list(
      brandId: string,
      filter: PageRequest & { deviceId?: string; homeId?: string; caseId?: string; missed?: boolean },
    ): Promise<Page<FaultReport>>
    /** With the reporter's own words; reading them is audited. NOT_FOUND. */
    get(
      brandId: string,
      reportId: string,
      options: { by: Actor },
    ): Promise<FaultReport & { text: string | null; diagnosis: Diagnosis | null }>
  }

  /** C3. NOT_FOUND; STATE_FORBIDS for a hold that was decided otherwise. */
  fleetHolds: {
    list(brandId: string, filter: PageRequest & { state?: FleetHoldState }): Promise<Page<FleetHold>>
    get(brandId: string, holdId: string): Promise<FleetHold>
    /** All its cases settle again, in their order; the answer counts those that still wait. */
    release(brandId: string, holdId: string, options: { by: Actor; reason: string }): Promise<FleetHold>
    /** All its cases are cancelled. */
    drop(brandId: string, holdId: string, options: { by: Actor; reason: string }): Promise<FleetHold>
  }

  /** Calls with a token come from the homeowner's link. NOT_FOUND for a token that never was; OFFER_EXPIRED. */
  offers: {
    list(
      brandId: string,
      filter: PageRequest & { state?: OfferState; homeId?: string; caseId?: string },
    ): Promise<Page<OfferSummary>>
    get(brandId: string, offerId: string): Promise<OfferSummary & { view: OfferView }>
    view(token: string): Promise<OfferView>
    /** Twice gives the same order. VALIDATION_FAILED for a slot or partner that was not offered. */
    accept(token: string, body: AcceptBody & { method?: 'page' | 'app' | 'signature' }): Promise<OfferView>
    snooze(token: string, body: SnoozeBody): Promise<OfferView>
    /** All needs that one can do oneself, or those named; the others stay offered. */
    selfService(token: string, body?: SelfServiceBody): Promise<OfferView>
    /** Somebody should come after all for what the home meant to do itself. */
    visit(token: string, body?: VisitBody): Promise<OfferView>
    /** No more offers of this kind for this home; what it is asked of that kind now is taken as a no. */
    stop(token: string, body?: StopBody): Promise<OfferView>
    /** Takes `stop` back. STATE_FORBIDS when nothing was stopped. */
    resume(token: string): Promise<OfferView>
    /** Stars for a finished visit, changeable for a week. */
    rate(token: string, body: RateBody): Promise<OfferView>
    /** A complaint during a visit or after it; with the log record to wait for when it is a fault. */
    reportProblem(token: string, body: ReportProblemBody): Promise<{ view: OfferView; changeId: string | null }>
    /** What the home wrote beside its answers; audited. NOT_FOUND. */
    words(brandId: string, offerId: string, options: { by: Actor }): Promise<OfferWords>
    decline(token: string, body: DeclineBody): Promise<OfferView>
    /** Another slot; until arrival. The partner is told. */
    reschedule(token: string, body: RescheduleBody): Promise<OfferView>
    /** C21, until arrival. */
    cancel(token: string): Promise<OfferView>
    /**
     * C12: the home's decision on a quote; the same one twice is one. NOT_FOUND for a version that never was,
     * OFFER_EXPIRED after its end, STATE_FORBIDS once it was decided otherwise or a newer one took its place.
     */
    quote(token: string, version: number, body: QuoteDecisionBody): Promise<OfferView>
    /**
     * The home's answer to "is it solved?" after a repair nobody could observe; no reopens the case
     * (C20 → C18). STATE_FORBIDS when nobody asks, or the repair was more than a fortnight ago.
     */
    solved(token: string, body: SolvedBody): Promise<OfferView>
  }

  orders: {
    list(
      brandId: string,
      filter: PageRequest & { state?: WorkOrderView['state']; caseId?: string; partnerKey?: string },
    ): Promise<Page<WorkOrderView>>
    get(brandId: string, orderId: string): Promise<WorkOrderDetail>
    cancel(brandId: string, orderId: string, options: { by: Actor; reason: string }): Promise<WorkOrderView>
    /**
     * What a partner without webhooks polls: its own orders only, over all brands, in the order of
     * their last change where `changedSince` is given. An order a gate holds is not shown before the gate is opened.
     */
    listForPartner(
      partnerId: string,
      filter: PageRequest & { state?: WorkOrderView['state']; changedSince?: string },
    ): Promise<Page<WorkOrderView>>
    getForPartner(partnerId: string, orderId: string): Promise<WorkOrderDetail>
    /**
     * The address, audited each time. NOT_FOUND for another partner's order, STATE_FORBIDS
     * before it was accepted, CONSENT_WITHDRAWN, GONE from 7 days after the end, SITE_UNAVAILABLE
     * when the brand keeps the address and does not give it.
     */
    site(options: { orderId: string; partnerId: string; by: Actor }): Promise<SiteAddress>
  }

  /** Calls with a token come from the technician's link. */
  jobs: {
    view(token: string, options?: { locale?: 'zh-CN' | 'en' }): Promise<JobView>
    /** The same `id` twice counts once. */
    event(token: string, body: JobEventBody): Promise<JobView>
    site(token: string): Promise<SiteAddress>
  }

  partnerEvents: {
    /**
     * Verifies over the raw bytes before parsing. SIGNATURE_INVALID, NOT_FOUND (unknown or
     * another partner's order), PAYLOAD_TOO_LARGE, VALIDATION_FAILED (body, unknown status).
     */
    receive(request: {
      orderId: string
      rawBody: Uint8Array
      headers: WebhookHeaders
    }): Promise<{ disposition: string }>
  }

  deliveries: {
    /** `brandId` null is the operator's view over everything. */
    list(
      brandId: string | null,
      filter: PageRequest & { state?: DeliveryView['state']; endpointId?: string; subject?: string },
    ): Promise<Page<DeliveryView>>
    get(
      brandId: string | null,
      deliveryId: string,
    ): Promise<DeliveryView & { tries: DeliveryAttemptView[]; body: unknown }>
    /** One (`id`) or a range; each goes out again under the `webhook-id` it always had. */
    redrive(
      brandId: string | null,
      which: { id: string } | { endpointId?: string; from?: string; to?: string },
      options: { by: Actor },
    ): Promise<{ redriven: number }>
  }

  partners: {
    /** The secret (`whsec_…`) is shown only here. CONFLICT, ADDRESS_FORBIDDEN. `url` null: it polls. */
    create(
      input: {
        key: string
        name: string
        url: string | null
      } & Asked,
    ): Promise<{ partner: PartnerView; secret: string }>
    list(filter: PageRequest): Promise<Page<PartnerView>>
    get(key: string): Promise<PartnerView>
    update(
      key: string,
      change: { name?: string; url?: string | null; state?: PartnerView['state']; by: Actor },
    ): Promise<PartnerView>
    /** The old secret stays valid beside the new one for `overlapMs` (default 24 h). */
    rotateSecret(key: string, options: { overlapMs?: number } & Asked): Promise<{ secret: string }>
    /** Sends a signed `beforehand.partner.test` now and says how it went. */
    test(
      key: string,
      options: { by: Actor },
    ): Promise<{ ok: boolean; status: number | null; detail: string; webhookId: string }>
  }

  agreements: {
    /** NOT_FOUND when the partner is unknown. */
    create(brandId: string, agreement: AgreementDocument, options: Asked): Promise<AgreementView>
    list(brandId: string, filter: PageRequest & { partnerKey?: string }): Promise<Page<AgreementView>>
    get(brandId: string, agreementId: string): Promise<AgreementView>
    /** What homes thought of its visits, over the last half year. NOT_FOUND. */
    ratings(brandId: string, agreementId: string): Promise<PartnerRatings>
    update(
      brandId: string,
      agreementId: string,
      change: { agreement?: AgreementDocument; active?: boolean; by: Actor },
    ): Promise<AgreementView>
  }

  parts: {
    put(brandId: string, part: PartView): Promise<PartView>
    list(brandId: string, filter: PageRequest): Promise<Page<PartView>>
    get(brandId: string, sku: string): Promise<PartView>
    remove(brandId: string, sku: string): Promise<void>
  }

  /** Where a brand receives its own events. */
  endpoints: {
    create(
      brandId: string,
      input: { url: string; types?: string[] } & Asked,
    ): Promise<{ endpoint: EndpointView; secret: string }>
    list(brandId: string, filter: PageRequest): Promise<Page<EndpointView>>
    get(brandId: string, endpointId: string): Promise<EndpointView>
    update(
      brandId: string,
      endpointId: string,
      change: { url?: string; types?: string[]; state?: EndpointView['state']; by: Actor },
    ): Promise<EndpointView>
    rotateSecret(
      brandId: string,
      endpointId: string,
      options: { overlapMs?: number } & Asked,
    ): Promise<{ secret: string }>
  }

  /** Where a brand that keeps the addresses itself is asked for one. NOT_FOUND while it has not said. */
  siteResolver: {
    get(brandId: string): Promise<SiteResolverView>
    /** The secret is shown when it is made, and `null` after a mere change of address. */
    put(
      tx: Tx,
      brandId: string,
      input: { url: string; by: Actor },
    ): Promise<{ resolver: SiteResolverView; secret: string | null }>
    rotateSecret(tx: Tx, brandId: string, options: { overlapMs?: number; by: Actor }): Promise<{ secret: string }>
    remove(tx: Tx, brandId: string, options: { by: Actor }): Promise<void>
    /** Asks for one place now; says how it went and shows nothing of the address. */
    test(brandId: string, options: { siteRef: string; by: Actor }): Promise<{ ok: boolean; detail: string }>
  }

  notices: {
    list(
      brandId: string,
      filter: PageRequest & { homeId?: string; status?: NoticeView['status'] },
    ): Promise<Page<NoticeView>>
    /** NOT_FOUND; STATE_FORBIDS for one that nobody was asked to send. */
    receipt(brandId: string, noticeId: string, receipt: ReceiptInput): Promise<NoticeView>
    /**
     * A message of the brand's own words, in the caller's transaction: with the consent for its purpose, outside quiet
     * hours and within the home's cap, else STATE_FORBIDS. NOT_FOUND, VALIDATION_FAILED for a text that is too long.
     */
    request(tx: Tx, brandId: string, notice: OwnNotice): Promise<NoticeView>
  }

  /** What others have to tell the bridge, inside the transaction in which it becomes true. */
  homes: {
    /** Kinds of offers the home asked to stop. */
    stops(brandId: string, homeId: string): Promise<OfferStopView[]>
    /** The home told the brand that it may be asked again. NOT_FOUND. */
    liftStop(brandId: string, homeId: string, stopId: string, options: { by: Actor }): Promise<void>

    /**
     * Call after consents of a home were written. A withdrawn share consent calls its orders
     * off until arrival and closes the address at once; a withdrawn contact consent takes back
     * what was asked; a granted one wakes what waited for it.
     */
    consentChanged(tx: Tx, brandId: string, homeId: string, options: { by: Actor }): Promise<void>
    /**
     * Forgets a home in the caller's transaction: consents end, what is under way is called off,
     * everything of it is swept; swept again by itself until nothing moves, within 24 h of hub time.
     */
    erase(tx: Tx, brandId: string, homeId: string, options: { by: Actor }): Promise<ErasureView>
    /** How far an erasure is, and what it took away. NOT_FOUND when nobody asked for one. */
    erasure(brandId: string, homeId: string): Promise<ErasureView>
    /** Everything the service loop keeps about a home, readable: for an export. */
    traces(tx: Tx, brandId: string, homeId: string): Promise<Record<string, unknown>>
  }

  devices: {
    /**
     * Call when a device is removed or given to another home: its needs end, orders are called off until arrival
     * and their addresses closed at once; a visit under way is put before a person.
     */
    gone(tx: Tx, brandId: string, deviceId: string, options: { by: Actor }): Promise<void>
  }

  /** Kill switch: while a gate is closed nothing of its kind leaves the hub; it waits and goes on when opened. */
  gates: {
    list(brandId: string): Promise<GateView[]>
    close(brandId: string, gate: { scope: GateScope; subject: string; reason: string; by: Actor }): Promise<GateView>
    open(brandId: string, gate: { scope: GateScope; subject: string; by: Actor }): Promise<void>
  }
}
