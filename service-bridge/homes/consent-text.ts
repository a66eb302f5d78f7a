import type { Text } from '#contracts'
import { canonicalJson, sha256Hex } from '#platform'

/** Kinds of data a partner learns once it has accepted an order; said before consent is asked. */
export const SHARED_DATA_KINDS = ['address', 'contact', 'diagnosis', 'device'] as const

/** Raised with every change of the words, so that a consent says what was read. */
const VERSION = '2026-01'

const TEXT: Text = {
  'zh-CN':
    '同意将本次服务所需的地址、联系方式、设备信息与诊断结果提供给您选择的服务商，仅用于本次上门服务。服务商接单后方可查看地址，每次查看均有记录。您可在上门前随时取消。',
  en: 'I agree that the address, contact, appliance data and diagnosis needed for this visit are given to the service partner I choose, for this visit only. It sees the address only after taking the job, and every look is recorded. I can cancel at any time before the visit.',
}

/** The text agreed to by accepting an offer, with the proof of which words they were. */
export const CONSENT_TEXT = { version: VERSION, text: TEXT, sha256: sha256Hex(canonicalJson(TEXT)) } as const
