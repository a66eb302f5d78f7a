import type { CatalogEntry } from './entry.ts'

/** Dishwasher: pressure at the arms and the heater's speed are both of the last wash. */
export const dishwasher: CatalogEntry = {
  category: 'dishwasher',
  product: {
    key: 'dw-13',
    category: 'dishwasher',
    name: { en: 'Dishwasher DW-13', 'zh-CN': '洗碗机 DW-13' },
    model: 'DW-13',
    metrics: [
      {
        key: 'spray_kpa',
        unit: 'kPa',
        type: 'number',
        min: 0,
        max: 200,
        name: { en: 'Pressure at the spray arms', 'zh-CN': '喷臂水压' },
      },
      {
        key: 'heat_s_per_k',
        unit: 's/K',
        type: 'number',
        min: 0,
        max: 200,
        name: { en: 'Heating time per kelvin', 'zh-CN': '每升温一度用时' },
      },
      { key: 'cycles', unit: '1', type: 'number', min: 0, name: { en: 'Washes in all', 'zh-CN': '累计洗涤次数' } },
    ],
    components: [
      {
        key: 'spray-arm',
        kind: 'nozzle',
        name: { en: 'Spray arms', 'zh-CN': '喷臂' },
        symptoms: [{ code: 'dishes-dirty', name: { en: 'Dishes stay dirty', 'zh-CN': '碗碟洗不干净' } }],
        ratedLife: { metric: 'cycles', value: 480 },
        recovery: {
          when: { metric: 'spray_kpa', op: '<', value: 38, agg: 'mean', window: '2d' },
          for: '1h',
          within: '6d',
          minReadings: 48,
        },
      },
      {
        key: 'heater',
        kind: 'heating-element',
        name: { en: 'Heater', 'zh-CN': '加热器' },
        symptoms: [
          { code: 'water-cold', name: { en: 'The water stays cold', 'zh-CN': '水不热' } },
          { code: 'dishes-wet', name: { en: 'Dishes stay wet', 'zh-CN': '碗碟烘不干' } },
        ],
        ratedLife: { metric: 'cycles', value: 700 },
        recovery: {
          when: { metric: 'heat_s_per_k', op: '<', value: 25, agg: 'mean', window: '2d' },
          for: '1h',
          within: '6d',
          minReadings: 48,
        },
      },
    ],
    warranty: { whole: 'P1095D', startsAt: 'purchase' },
    reporting: { mode: 'periodic', every: '30m', batchEvery: '1h', clock: 'device' },
  },
  rules: [
    {
      key: 'spray-arm-clogged',
      name: { en: 'Spray arms clogged', 'zh-CN': '喷臂堵塞' },
      scope: { product: 'dw-13' },
      component: 'spray-arm',
      severity: 'info',
      when: {
        metric: 'spray_kpa',
        op: '>',
        value: { param: 'spray_limit', default: 54 },
        clear: 49,
        agg: 'mean',
        window: '7d',
        atLeast: 160,
      },
      for: '1h',
      keep: '24h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'clogged',
        text: {
          en: 'Nozzles of the spray arms are closed by food and scale; plates no longer come out clean',
          'zh-CN': '喷臂喷孔被残渣和水垢堵住，碗碟洗不净',
        },
      },
      service: {
        job: 'clean-spray-arms',
        skills: ['dishwasher'],
        duration: 'PT40M',
        selfService: { guide: 'spray-arm-rinse', minutes: 15 },
      },
    },
    {
      key: 'heater-scaled',
      name: { en: 'Heater scaled', 'zh-CN': '加热器结垢' },
      scope: { product: 'dw-13' },
      component: 'heater',
      severity: 'warning',
      when: {
        metric: 'heat_s_per_k',
        op: '>',
        value: { param: 'heat_limit', default: 32.2 },
        clear: 30.5,
        agg: 'mean',
        window: '7d',
        atLeast: 160,
      },
      for: '1h',
      keep: '24h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'scale',
        text: {
          en: 'Scale on the heater: washing takes longer, and the element may burn out',
          'zh-CN': '加热器结垢，洗涤变慢，元件可能烧坏',
        },
      },
      service: {
        job: 'descale-dishwasher',
        skills: ['dishwasher'],
        duration: 'PT60M',
        selfService: { guide: 'dishwasher-descale', minutes: 10 },
      },
    },
  ],
  jobs: [
    {
      code: 'clean-spray-arms',
      title: { en: 'Clean spray arms and sump', 'zh-CN': '清洁喷臂与水槽' },
      kind: 'clean',
      duration: 'PT40M',
      parts: [],
      tools: [{ en: 'Thin wire, brush, citric acid', 'zh-CN': '细钢丝、毛刷、柠檬酸' }],
      steps: [
        { en: 'Take out both arms, open each nozzle with wire.', 'zh-CN': '取下上下喷臂，用细钢丝疏通喷孔。' },
        { en: 'Clean filter and sump; check the pump turns freely.', 'zh-CN': '清洁滤网与水槽，检查水泵转动。' },
        {
          en: 'Refit, arms turn by hand; trial wash below 35 kPa.',
          'zh-CN': '装复，手拨喷臂灵活；试洗水压低于 35 kPa。',
        },
      ],
      safety: [{ en: 'Glass splinters in the sump: gloves.', 'zh-CN': '水槽可能有碎玻璃，请戴手套。' }],
      selfService: {
        guide: 'spray-arm-rinse',
        minutes: 15,
        steps: [
          { en: 'Pull out the lower basket and lift the arm off.', 'zh-CN': '拉出下碗篮，向上取下喷臂。' },
          { en: 'Rinse it and poke the holes free with a toothpick.', 'zh-CN': '冲洗喷臂，用牙签疏通小孔。' },
          { en: 'Do the same with the upper arm; clean the filter.', 'zh-CN': '上喷臂同样处理，并清洁滤网。' },
        ],
      },
    },
    {
      code: 'descale-dishwasher',
      title: { en: 'Descale heater and tub', 'zh-CN': '加热器除垢' },
      kind: 'clean',
      duration: 'PT60M',
      parts: [],
      tools: [{ en: 'Descaler, hardness strips', 'zh-CN': '除垢剂、硬度试纸' }],
      steps: [
        { en: 'Test the water, set the softener, check its salt.', 'zh-CN': '测水质硬度，调整软水档位，检查软水盐。' },
        { en: 'Run hot with descaler, empty.', 'zh-CN': '加除垢剂空载高温运行。' },
        { en: 'Second run: below 24 s per kelvin.', 'zh-CN': '第二次运行，每度升温少于 24 秒。' },
      ],
      safety: [{ en: 'Do not mix descaler with bleach.', 'zh-CN': '除垢剂不可与漂白剂混用。' }],
      selfService: {
        guide: 'dishwasher-descale',
        minutes: 10,
        steps: [
          { en: 'Pour dishwasher descaler into the empty machine.', 'zh-CN': '空机倒入洗碗机专用除垢剂。' },
          { en: 'Run the hottest programme.', 'zh-CN': '选择最高温程序运行一次。' },
          { en: 'Fill up the softener salt.', 'zh-CN': '补充软水盐。' },
        ],
      },
    },
  ],
  parts: [],
}
