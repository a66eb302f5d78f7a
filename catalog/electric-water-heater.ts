import type { CatalogEntry } from './entry.ts'

/** Storage water heater with a monitored magnesium anode. */
export const electricWaterHeater: CatalogEntry = {
  category: 'electric-water-heater',
  product: {
    key: 'eh-60',
    category: 'electric-water-heater',
    name: { en: 'Water heater EH-60', 'zh-CN': '储水式电热水器 EH-60' },
    model: 'EH-60',
    metrics: [
      {
        key: 'anode_ma',
        unit: 'mA',
        type: 'number',
        min: 0,
        max: 50,
        name: { en: 'Anode current', 'zh-CN': '镁棒保护电流' },
      },
      {
        key: 'element_over_k',
        unit: 'K',
        type: 'number',
        min: 0,
        max: 200,
        name: { en: 'Element above water', 'zh-CN': '加热管高于水温' },
      },
      { key: 'water_c', unit: '°C', type: 'number', min: 0, max: 100, name: { en: 'Water', 'zh-CN': '水温' } },
    ],
    components: [
      {
        key: 'anode',
        kind: 'anode',
        name: { en: 'Magnesium anode', 'zh-CN': '镁棒' },
        symptoms: [
          { code: 'water-discoloured', name: { en: 'The water is brown or smells', 'zh-CN': '出水发黄或有异味' } },
        ],
        part: 'EH-ANODE',
        ratedLife: { days: 800 },
        wear: { metric: 'anode_ma', fresh: 6, worn: 0.6 },
        recovery: {
          when: { metric: 'anode_ma', op: '>', value: 4.5, agg: 'mean', window: '1d' },
          for: '1h',
          within: '4d',
          minReadings: 24,
        },
      },
      {
        key: 'element',
        kind: 'heating-element',
        name: { en: 'Heating element', 'zh-CN': '加热管' },
        symptoms: [
          { code: 'heats-slowly', name: { en: 'It takes long to heat', 'zh-CN': '加热变慢' } },
          { code: 'no-hot-water', name: { en: 'There is no hot water', 'zh-CN': '没有热水' } },
        ],
        part: 'EH-ELEMENT',
        ratedLife: { days: 950 },
        wear: { metric: 'element_over_k', fresh: 18, worn: 50 },
        recovery: {
          when: { metric: 'element_over_k', op: '<', value: 25, agg: 'mean', window: '1d' },
          for: '1h',
          within: '4d',
          minReadings: 24,
        },
      },
    ],
    warranty: { whole: 'P2190D', components: { anode: 'P365D' }, startsAt: 'installation' },
    reporting: { mode: 'periodic', every: '30m', batchEvery: '1h', clock: 'device' },
  },
  rules: [
    {
      key: 'anode-used',
      name: { en: 'Magnesium anode used up', 'zh-CN': '镁棒将耗尽' },
      scope: { product: 'eh-60' },
      component: 'anode',
      severity: 'warning',
      when: {
        metric: 'anode_ma',
        op: '<',
        value: { param: 'anode_limit', default: 2.1 },
        clear: 2.4,
        agg: 'mean',
        window: '7d',
        atLeast: 160,
      },
      for: '1h',
      keep: '24h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'used-up',
        text: {
          en: 'The anode that protects the tank is nearly gone; without it the tank rusts through',
          'zh-CN': '保护内胆的镁棒即将耗尽，之后内胆会锈穿',
        },
      },
      service: {
        job: 'replace-anode',
        parts: [{ sku: 'EH-ANODE', quantity: 1, needChance: 0.98 }],
        skills: ['electric-water-heater'],
        duration: 'PT60M',
      },
    },
    {
      key: 'element-scaled',
      name: { en: 'Heating element scaled', 'zh-CN': '加热管结垢' },
      scope: { product: 'eh-60' },
      component: 'element',
      severity: 'warning',
      when: {
        metric: 'element_over_k',
        op: '>',
        value: { param: 'element_limit', default: 43.5 },
        clear: 40,
        agg: 'mean',
        window: '5d',
        atLeast: 120,
      },
      for: '1h',
      keep: '24h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'scale',
        text: {
          en: 'Scale keeps the heat in the element: more electricity, and it may burn out',
          'zh-CN': '加热管结垢散热不良，费电且可能烧坏',
        },
      },
      service: {
        job: 'descale-tank',
        parts: [
          { sku: 'EH-ELEMENT', quantity: 1, needChance: 0.2 },
          { sku: 'EH-ANODE', quantity: 1, needChance: 0.4 },
        ],
        skills: ['electric-water-heater'],
        duration: 'PT90M',
      },
    },
  ],
  jobs: [
    {
      code: 'replace-anode',
      title: { en: 'Replace the magnesium anode', 'zh-CN': '更换镁棒' },
      kind: 'replace_part',
      duration: 'PT60M',
      parts: [{ sku: 'EH-ANODE', quantity: 1, needChance: 0.98 }],
      tools: [{ en: 'Socket wrench, hose, sealing tape', 'zh-CN': '套筒扳手、排水管、生料带' }],
      steps: [
        { en: 'Switch off at the breaker, close the cold water, drain.', 'zh-CN': '断开电源，关闭冷水阀，排空水箱。' },
        { en: 'Unscrew the rod; measure what is left.', 'zh-CN': '旋出镁棒，测量残余直径。' },
        { en: 'Fit the new one with tape, fill, look for drops.', 'zh-CN': '缠生料带装新镁棒，注水查漏。' },
        { en: 'Anode current above 5 mA.', 'zh-CN': '保护电流应高于 5 mA。' },
      ],
      safety: [
        { en: 'Never switch on before the tank is full.', 'zh-CN': '水箱注满前严禁通电。' },
        { en: 'The water may be hot.', 'zh-CN': '余水可能烫伤。' },
      ],
    },
    {
      code: 'descale-tank',
      title: { en: 'Descale tank and element', 'zh-CN': '内胆与加热管除垢' },
      kind: 'clean',
      duration: 'PT90M',
      parts: [
        { sku: 'EH-ELEMENT', quantity: 1, needChance: 0.2 },
        { sku: 'EH-ANODE', quantity: 1, needChance: 0.4 },
      ],
      tools: [{ en: 'Flange gasket, descaler, insulation tester', 'zh-CN': '法兰垫、除垢剂、绝缘电阻表' }],
      steps: [
        { en: 'Off, drain, open the flange.', 'zh-CN': '断电排空，拆法兰。' },
        { en: 'Scrape and descale; insulation above 2 MΩ, else replace.', 'zh-CN': '清除水垢，绝缘低于 2 MΩ 则更换。' },
        { en: 'New gasket, fill, vent, switch on.', 'zh-CN': '换新法兰垫，注水排气后通电。' },
        { en: 'Element below 25 K above the water.', 'zh-CN': '加热管高于水温应低于 25 K。' },
      ],
      safety: [{ en: 'Check that it is dead before touching.', 'zh-CN': '验明无电后方可操作。' }],
    },
  ],
  parts: [
    { sku: 'EH-ANODE', name: { en: 'Magnesium anode', 'zh-CN': '镁棒' }, priceMinor: 6_900, leadDays: 3 },
    {
      sku: 'EH-ELEMENT',
      name: { en: 'Heating element 2 kW', 'zh-CN': '2 kW 加热管' },
      priceMinor: 12_900,
      leadDays: 4,
    },
  ],
}
