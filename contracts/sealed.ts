/**
 * What a sealed value is bound to, said once for those who seal and those who open. A
 * ciphertext copied to another row or column does not open.
 */
export const sealedAs = {
  homeAddress: (homeId: string): string => `homes/${homeId}/address`,
  siteRef: (homeId: string): string => `homes/${homeId}/site_ref`,
  externalRef: (homeId: string): string => `homes/${homeId}/external_ref`,
  personName: (personId: string): string => `people/${personId}/name`,
  /** A JSON `SiteContact` without its name and locale, which stand in their own columns. */
  personContact: (personId: string): string => `people/${personId}/contact`,
  /** What a partner or technician wrote or said of people, in its own words. */
  orderWords: (workOrderId: string): string => `work_orders/${workOrderId}/words`,
  /** What a person said of a fault, an offer, a visit. */
  faultReportRef: (reportId: string): string => `fault_reports/${reportId}/external_ref`,
  faultReportText: (reportId: string): string => `fault_reports/${reportId}/text`,
  offerWords: (offerId: string): string => `offers/${offerId}/words`,
  /** What a brand wrote when it called a need off, dismissed an alert or asked for peace. */
  caseEventWords: (caseId: string, ordinal: number): string => `case_events/${caseId}/${ordinal}/words`,
  dismissWords: (episodeId: string): string => `alerts/${episodeId}/dismissed_words`,
  silenceReason: (silenceId: string): string => `silences/${silenceId}/reason`,
  ratingText: (workOrderId: string): string => `ratings/${workOrderId}/text`,
} as const
