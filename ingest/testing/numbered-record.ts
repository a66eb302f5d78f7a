import type { QuarantinedEntry } from '#contracts'

/** A record that shows whether it is whole: its bytes follow from its number. */
export function numberedRecord(number: number, bytes: number): QuarantinedEntry {
  const payload = new Uint8Array(bytes)
  for (let i = 0; i < bytes; i++) payload[i] = (number * 31 + i) & 0xff
  return {
    kind: 'quarantined',
    brandId: 'brand_a',
    deviceId: 'dev_1',
    code: 'WRONG_TYPE',
    pointer: `/${number}`,
    detail: '',
    payload,
    truncated: false,
    via: 'test',
  }
}
