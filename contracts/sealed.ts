/**
 * What a sealed value is bound to, said once for those who seal and those who open. A
 * ciphertext copied to another row or column does not open.
 */
export const sealedAs = {
  homeAddress: (homeId: string): string => `homes/${homeId}/address`,
  personName: (personId: string): string => `people/${personId}/name`,
  /** A JSON `SiteContact` without its name and locale, which stand in their own columns. */
  personContact: (personId: string): string => `people/${personId}/contact`,
} as const
