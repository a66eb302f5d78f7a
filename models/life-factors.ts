import type { Text } from '#contracts'
import type { LifeDay, RemainingDays, ServiceLife } from './service-life.ts'
import { wearOf } from './service-life.ts'
import type { WearPath } from './wear-path.ts'

/** What the numbers of a part are called. */
export interface LifeWords {
  metric: Text
  unit: string
  /** Of its use; `null` where the calendar counts it. */
  counterUnit: string | null
  path: WearPath
  /** Its use is all there is to see of it. */
  levelIsUse: boolean
}

/** A part that got here with a tenth more or less use than usual wears otherwise than others. */
const NOTABLE = 0.1

/**
 * The factors behind a forecast of remaining life, in sentences a technician can check at the appliance: where the part
 * stands, how it is used, how it compares with others at this point, and how much the fleet behind it has seen.
 * Most telling first.
 */
export function lifeFactors(life: ServiceLife, at: LifeDay, said: RemainingDays, words: LifeWords): Text[] {
  return [
    ...(words.levelIsUse ? [] : [standing(at, words)]),
    ...(Number.isNaN(at.use) ? [] : [used(at, words)]),
    ...compared(said),
    ...(said.outOfDistribution
      ? [
          {
            en: 'Its course is unlike any the fleet has shown, so the range given is wider',
            'zh-CN': '其变化过程与同类部件明显不同，因此给出的范围更宽',
          },
        ]
      : []),
    fleet(life),
  ]
}

function standing({ level }: LifeDay, { metric, unit, path }: LifeWords): Text {
  const share = Math.round(100 * wearOf(level, path))
  const [now, fresh, worn] = [level, path.start, path.limit].map((value) => quantity(value, unit))
  return {
    en: `${metric.en} is ${now}: ${share} % of the way from new (${fresh}) to worn out (${worn})`,
    'zh-CN': `${metric['zh-CN']}为${now}，从全新（${fresh}）到应更换（${worn}）已走过${share}%`,
  }
}

function used({ use, pace }: LifeDay, { counterUnit }: LifeWords): Text {
  if (counterUnit === null) {
    const days = Math.round(use)
    return { en: `In use for ${days} days`, 'zh-CN': `已使用${days}天` }
  }
  const [total, daily] = [quantity(use, counterUnit), quantity(pace, counterUnit)]
  return {
    en: `${total} of use since it was put in, lately ${daily} a day`,
    'zh-CN': `装上以来累计使用${total}，近期每天${daily}`,
  }
}

function compared({ at }: RemainingDays): Text[] {
  const ratio = at.usualElapsed > 0 ? at.elapsed / at.usualElapsed : 1
  const percent = Math.round(100 * Math.abs(1 - ratio))
  if (Math.abs(1 - ratio) < NOTABLE) return []
  const faster = ratio < 1
  return [
    {
      en: `It came this far with ${percent} % ${faster ? 'less' : 'more'} use than such parts as a rule, so it wears ${faster ? 'faster' : 'more slowly'}`,
      'zh-CN': `达到当前程度所用的使用量比同类部件通常${faster ? '少' : '多'}${percent}%，说明损耗${faster ? '更快' : '更慢'}`,
    },
  ]
}

function fleet({ lives, typicalDays, heldOut }: ServiceLife): Text {
  const [days, off] = [Math.round(typicalDays), Math.max(1, Math.round(heldOut.maeDays))]
  return {
    en: `${lives} such parts seen to their end, lasting ${days} days as a rule; forecasts for parts kept aside were off by ${off} days on average`,
    'zh-CN': `依据${lives}个同类部件的完整使用过程，通常可用${days}天；对留出检验的部件，预测平均偏差${off}天`,
  }
}

/** Three digits tell a technician enough. */
function quantity(value: number, unit: string): string {
  const number = Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
  return unit === '' || unit === '1' ? number : `${number} ${unit}`
}
