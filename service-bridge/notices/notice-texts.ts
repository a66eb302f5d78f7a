import { type Evidence, NOTICE_CHARACTERS_MAX, type ProductDocument, type RuleDocument, type Text } from '#contracts'
import { whyInPlainWords } from './plain-words.ts'

/**
 * Every text the hub asks a brand to send, in one place: at most 60 Chinese characters whatever the names in it, the
 * need first, then what can be done. The texts of dangers are fixed and stand in `safety-texts.ts`.
 */

/** Characters as a reader counts them. */
export function charactersOf(text: string): number {
  return [...text].length
}

/** The Chinese text with its names shortened, the longest first, until it fits; the words around them stay whole. */
function fitted(words: TemplateStringsArray, ...names: string[]): string {
  const fixed = charactersOf(words.join(''))
  const parts = names.map((name) => [...name])
  const length = (): number => fixed + parts.reduce((sum, part) => sum + part.length, 0)
  while (length() > NOTICE_CHARACTERS_MAX) {
    const longest = parts.reduce((a, b) => (b.length > a.length ? b : a))
    // The mark that something was left out takes the place of one character.
    longest.splice(-2, 2, '…')
  }
  return words.reduce((text, word, index) => text + (parts[index - 1]?.join('') ?? '') + word)
}

/** A name of the product or component, in both languages. */
type Name = Text

export function offerText(device: Name, job: Name): Text {
  return {
    'zh-CN': fitted`您的${device['zh-CN']}需要：${job['zh-CN']}。点开查看原因、价格与可约时间。`,
    en: `Your ${device.en} needs a visit: ${job.en}. Open to see why, the price and the times.`,
  }
}

/** One offer for several needs of a home: one visit. */
export function offerOfSeveralText(count: number, device: Name, job: Name): Text {
  return {
    'zh-CN': fitted`您家有${String(count)}项需要，可一次上门解决：${device['zh-CN']}${job['zh-CN']}等。点开查看原因与价格。`,
    en: `${count} things in your home need care, in one visit: ${device.en}, ${job.en} and more. Open to see why and the price.`,
  }
}

export function informText(options: {
  device: Name
  rule: Pick<RuleDocument, 'name' | 'cause'>
  product: ProductDocument | null
  evidence: readonly Evidence[]
  atMs: number
}): Text {
  const why = whyInPlainWords(options)
  if (charactersOf(why['zh-CN']) <= NOTICE_CHARACTERS_MAX) return why
  const found = options.rule.cause?.text ?? options.rule.name
  return { en: why.en, 'zh-CN': fitted`您的${options.device['zh-CN']}：${found['zh-CN']}。请留意。` }
}

/** Several needs at once, some of which are only told. */
export function severalText(count: number, names: readonly Name[]): Text {
  return {
    'zh-CN': fitted`您家有${String(count)}项设备情况需要留意：${names.map((name) => name['zh-CN']).join('、')}。`,
    en: `${count} things in your home need attention: ${names.map((name) => name.en).join(', ')}.`,
  }
}

/** A silent appliance, too few readings, or a part of which no reading tells: in each the home knows better. */
export function solvedQuestionText(device: Name, hasPage: boolean): Text {
  // Without an offer there is no page to answer on.
  return hasPage
    ? {
        'zh-CN': fitted`数据还看不出您的${device['zh-CN']}是否修好，问题解决了吗？点开告诉我们。`,
        en: `The readings do not show whether your ${device.en} is repaired. Is it solved? Open to tell us.`,
      }
    : {
        'zh-CN': fitted`数据还看不出您的${device['zh-CN']}是否修好。若问题未解决，请联系品牌客服。`,
        en: `The readings do not show whether your ${device.en} is repaired. If it is not solved, please tell the brand.`,
      }
}

/** Money in minor units. */
export function overchargedText(agreedMinor: number, takenMinor: number, hasPage: boolean): Text {
  const [agreed, taken] = [agreedMinor, takenMinor].map((minor) => (minor / 100).toFixed(2)) as [string, string]
  return hasPage
    ? {
        'zh-CN': fitted`本次服务约定${agreed}元，服务商上报${taken}元。点开查看，如不符请告诉我们。`,
        en: `The visit was agreed at ${agreed}; the partner reports ${taken}. Open to see more, and tell us if this is not right.`,
      }
    : {
        'zh-CN': fitted`本次服务约定${agreed}元，服务商上报${taken}元。如有疑问请联系品牌客服。`,
        en: `The visit was agreed at ${agreed}; the partner reports ${taken}. Ask the brand if this is not right.`,
      }
}

/** Another price than was agreed. Money in minor units. */
export function quoteText(agreedMinor: number, askedMinor: number): Text {
  const [agreed, asked] = [agreedMinor, askedMinor].map((minor) => (minor / 100).toFixed(2)) as [string, string]
  return {
    'zh-CN': fitted`服务商报价由${agreed}元改为${asked}元。点开查看原因并决定。`,
    en: `The partner asks for ${asked} instead of ${agreed}. Open to see why and decide.`,
  }
}

/** Another time than the home knew; both in its own zone. */
export function visitChangedText(date: { month: number; day: number; clock: string }): Text {
  const [month, day] = [String(date.month), String(date.day)]
  return {
    'zh-CN': fitted`上门时间改为${month}月${day}日${date.clock}。点开查看详情。`,
    en: `The visit is now on ${month}/${day} at ${date.clock}. Open to see more.`,
  }
}

/** Nobody could be served, or nobody came: another time is wanted. */
export function visitMissedText(hasPage: boolean): Text {
  return hasPage
    ? {
        'zh-CN': '本次上门未能完成，需要另约时间。点开选择，或等服务商联系您。',
        en: 'The visit did not come about. Open to choose another time, or wait for the partner to call.',
      }
    : {
        'zh-CN': '本次上门未能完成，服务商会与您另约时间。',
        en: 'The visit did not come about. The partner will agree another time with you.',
      }
}

export function partsAwaitedText(hasPage: boolean): Text {
  return {
    'zh-CN': hasPage ? '维修还需一个配件，到货后再次上门。点开查看进度。' : '维修还需一个配件，到货后再次上门。',
    en: `The repair waits for a part; the visit goes on when it is there.${hasPage ? ' Open to see more.' : ''}`,
  }
}

/** Who comes now, after another had the order. */
export function partnerComesText(partner: string, hasPage: boolean): Text {
  return {
    'zh-CN': hasPage ? fitted`上门服务现由${partner}提供。点开查看进度。` : fitted`上门服务现由${partner}提供。`,
    en: `Your visit is now made by ${partner}.${hasPage ? ' Open to see more.' : ''}`,
  }
}

export function noPartnerText(hasPage: boolean): Text {
  return {
    'zh-CN': hasPage ? '原服务商无法上门，我们正在另找。点开查看进度。' : '原服务商无法上门，我们正在另找。',
    en: `The partner cannot come; we are looking for another.${hasPage ? ' Open to see more.' : ''}`,
  }
}

export function calledOffText(device: Name): Text {
  return {
    'zh-CN': fitted`您的${device['zh-CN']}的上门服务已取消。如有疑问请联系品牌客服。`,
    en: `The visit for your ${device.en} was called off. Ask the brand if you have questions.`,
  }
}

/** `asksStars`: it has a page on which the visit can still be rated. */
export function provenText(device: Name, asksStars: boolean): Text {
  return asksStars
    ? {
        'zh-CN': fitted`数据显示您的${device['zh-CN']}已修好。点开为本次服务评分。`,
        en: `The readings of your ${device.en} show that it is repaired. Open to rate the visit.`,
      }
    : {
        'zh-CN': fitted`数据显示您的${device['zh-CN']}已修好。`,
        en: `The readings of your ${device.en} show that it is repaired.`,
      }
}

/** A text from elsewhere in the hub that may hold names of any length; cut as the last resort. */
export function shortened(text: Text): Text {
  return { en: text.en, 'zh-CN': fitted`${text['zh-CN']}` }
}
