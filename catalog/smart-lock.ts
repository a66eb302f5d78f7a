import type { CatalogEntry } from './entry.ts'

/**
 * Smart door lock on four alkaline AA cells. Cold lowers the voltage without using the
 * cells up, so a cold lock gets a lower limit; the horizon is early, because a flat lock is
 * a locked-out family. Who came and went is never reported.
 */
export const smartLock: CatalogEntry = {
  category: 'smart-lock',
  product: {
    key: 'sl-100',
    category: 'smart-lock',
    name: { en: 'Smart lock SL-100', 'zh-CN': '智能门锁 SL-100' },
    model: 'SL-100',
    metrics: [
      {
        key: 'battery_mv',
        unit: 'mV',
        type: 'number',
        min: 0,
        max: 7_000,
        name: { en: 'Battery voltage', 'zh-CN': '电池电压' },
      },
      {
        key: 'temperature_c',
        unit: '°C',
        type: 'number',
        min: -40,
        max: 85,
        name: { en: 'Lock temperature', 'zh-CN': '门锁温度' },
      },
      {
        key: 'motor_ms',
        unit: 'ms',
        type: 'number',
        min: 0,
        max: 10_000,
        name: { en: 'Time of the last throw', 'zh-CN': '最近一次锁舌动作时间' },
      },
      { key: 'throws', unit: '1', type: 'number', min: 0, name: { en: 'Throws in all', 'zh-CN': '累计开关次数' } },
      {
        key: 'stalls',
        unit: '1',
        type: 'number',
        min: 0,
        name: { en: 'Stalled throws in all', 'zh-CN': '累计堵转次数' },
      },
    ],
    components: [
      {
        key: 'cells',
        kind: 'primary-cells',
        name: { en: 'Batteries', 'zh-CN': '电池' },
        symptoms: [
          { code: 'low-battery', name: { en: 'It says that its batteries are low', 'zh-CN': '提示电量低' } },
          { code: 'no-power', name: { en: 'It does not react at all', 'zh-CN': '没有反应' } },
        ],
        part: 'AA-LR6-4',
        ratedLife: { days: 270 },
        wear: { metric: 'battery_mv', fresh: 6_000, worn: 3_700 },
        recovery: {
          when: { metric: 'battery_mv', op: '>', value: 5_600, agg: 'min', window: '6h' },
          for: '1h',
          within: '3d',
          minReadings: 24,
        },
      },
      {
        key: 'lock-motor',
        kind: 'motor',
        name: { en: 'Lock motor and bolt', 'zh-CN': '锁体电机与锁舌' },
        symptoms: [
          { code: 'bolt-stuck', name: { en: 'The bolt sticks', 'zh-CN': '锁舌卡住' } },
          { code: 'noise', name: { en: 'It is loud', 'zh-CN': '噪音变大' } },
        ],
        part: 'SL-MOTOR',
        ratedLife: { metric: 'throws', value: 60_000 },
        wear: {
          metric: 'motor_ms',
          fresh: 900,
          worn: 3_400,
          while: [{ metric: 'battery_mv', op: '>=', value: 5_200 }],
        },
        recovery: {
          when: { metric: 'motor_ms', op: '<', value: 1_300, agg: 'mean', window: '24h' },
          for: '1h',
          within: '4d',
          minReadings: 24,
        },
      },
    ],
    warranty: { whole: 'P730D', components: { cells: 'P30D' }, startsAt: 'installation' },
    reporting: { mode: 'periodic', every: '30m', batchEvery: '1h', clock: 'device' },
  },
  rules: [
    {
      key: 'lock-cells-low',
      name: { en: 'Lock batteries running low', 'zh-CN': '门锁电池即将耗尽' },
      scope: { product: 'sl-100' },
      component: 'cells',
      severity: 'warning',
      when: {
        any: [
          {
            all: [
              {
                metric: 'battery_mv',
                op: '<',
                value: { param: 'warm_limit_mv', default: 4_520 },
                clear: 4_750,
                agg: 'mean',
                window: '24h',
                atLeast: 24,
              },
              { metric: 'temperature_c', op: '>=', value: 10, agg: 'mean', window: '24h', atLeast: 24 },
            ],
          },
          {
            metric: 'battery_mv',
            op: '<',
            value: { param: 'cold_limit_mv', default: 4_430 },
            clear: 4_700,
            agg: 'mean',
            window: '24h',
            atLeast: 24,
          },
        ],
      },
      for: '2h',
      keep: '12h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'cells-low',
        text: {
          en: 'The lock batteries are nearly used up; in a few weeks the lock could stop opening',
          'zh-CN': '门锁电池即将用尽，几周后门锁可能无法开启',
        },
      },
      service: {
        job: 'replace-cells',
        parts: [{ sku: 'AA-LR6-4', quantity: 1, needChance: 1 }],
        skills: ['smart-lock'],
        duration: 'PT15M',
        selfService: { guide: 'lock-cells', minutes: 3 },
      },
    },
    {
      key: 'lock-lockout-risk',
      name: { en: 'Lock about to lose power', 'zh-CN': '门锁即将断电' },
      scope: { product: 'sl-100' },
      component: 'cells',
      severity: 'critical',
      when: { metric: 'battery_mv', op: '<', value: 4_250, clear: 4_600, agg: 'mean', window: '6h', atLeast: 6 },
      for: '1h',
      keep: '12h',
      latch: 'until-serviced',
      dispatch: 'notify',
      safety: 'lockout',
      cause: {
        code: 'lockout-risk',
        text: {
          en: 'The lock may not open the next time; change the batteries now and keep the key at hand',
          'zh-CN': '门锁下次可能无法开启，请立即更换电池，并随身携带机械钥匙',
        },
      },
    },
    {
      key: 'lock-motor-slow',
      name: { en: 'Lock bolt moves slowly', 'zh-CN': '锁舌动作变慢' },
      scope: { product: 'sl-100' },
      component: 'lock-motor',
      severity: 'warning',
      when: {
        // A slow bolt on good batteries is friction; on weak ones it is the batteries. Half-used ones get a longer limit.
        any: [
          {
            all: [
              { metric: 'motor_ms', op: '>', value: 3_000, clear: 2_400, agg: 'mean', window: '24h', atLeast: 24 },
              { metric: 'battery_mv', op: '>', value: 5_600, agg: 'mean', window: '24h', atLeast: 24 },
            ],
          },
          {
            all: [
              { metric: 'motor_ms', op: '>', value: 3_550, clear: 3_000, agg: 'mean', window: '24h', atLeast: 24 },
              { metric: 'battery_mv', op: '>', value: 5_200, agg: 'mean', window: '24h', atLeast: 24 },
            ],
          },
        ],
      },
      for: '24h',
      keep: '24h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'bolt-friction',
        text: {
          en: 'The bolt takes much longer to move than it should; the door has sagged or the drive is worn',
          'zh-CN': '锁舌动作明显变慢，门体下垂错位或传动机构磨损',
        },
      },
      service: {
        job: 'align-lock',
        parts: [{ sku: 'SL-MOTOR', quantity: 1, needChance: 0.6 }],
        skills: ['smart-lock'],
        duration: 'PT45M',
      },
    },
  ],
  jobs: [
    {
      code: 'replace-cells',
      title: { en: 'Replace the lock batteries', 'zh-CN': '更换门锁电池' },
      kind: 'replace_part',
      duration: 'PT15M',
      parts: [{ sku: 'AA-LR6-4', quantity: 1, needChance: 1 }],
      tools: [{ en: 'Small cross-head screwdriver', 'zh-CN': '小十字螺丝刀' }],
      steps: [
        { en: 'Keep the door open until the end.', 'zh-CN': '全程保持门处于打开状态。' },
        {
          en: 'Open the inner battery cover and take out all four cells.',
          'zh-CN': '打开内侧电池盖，取出全部四节电池。',
        },
        { en: 'Check the contacts for leakage and clean them dry.', 'zh-CN': '检查触点有无漏液，干擦清洁。' },
        {
          en: 'Insert four new alkaline cells of one pack; mind the polarity.',
          'zh-CN': '装入同一包装的四节新碱性电池，注意正负极。',
        },
        {
          en: 'Throw the bolt three times with the door open, then three times closed.',
          'zh-CN': '开门状态试锁三次，再关门试锁三次。',
        },
      ],
      safety: [{ en: 'Never mix old and new cells or different kinds.', 'zh-CN': '严禁新旧或不同型号电池混用。' }],
      selfService: {
        guide: 'lock-cells',
        minutes: 3,
        steps: [
          { en: 'Leave the door open while you do this.', 'zh-CN': '操作时请保持房门打开。' },
          { en: 'Slide the battery cover on the inside upwards.', 'zh-CN': '向上推开门内侧的电池盖。' },
          {
            en: 'Take out all four batteries and put in four new alkaline AA of one pack.',
            'zh-CN': '取出四节旧电池，换上同一包装的四节 5 号碱性电池。',
          },
          {
            en: 'Close the cover and try the lock three times before you shut the door.',
            'zh-CN': '盖好后先试锁三次，再关门。',
          },
        ],
      },
    },
    {
      code: 'align-lock',
      title: { en: 'Align the door and service the lock motor', 'zh-CN': '校正门体并检修锁体电机' },
      kind: 'repair',
      duration: 'PT45M',
      parts: [{ sku: 'SL-MOTOR', quantity: 1, needChance: 0.6 }],
      tools: [
        { en: 'Screwdriver set, hex keys, file', 'zh-CN': '螺丝刀组、内六角、锉刀' },
        { en: 'Dry PTFE lubricant', 'zh-CN': '干性 PTFE 润滑剂' },
      ],
      steps: [
        {
          en: 'Throw the bolt with the door open and closed; compare the times.',
          'zh-CN': '分别在开门和关门状态试锁，比较动作时间。',
        },
        {
          en: 'Slow only when closed: raise the hinges or move the strike plate.',
          'zh-CN': '仅关门时变慢：调整合页或锁扣板位置。',
        },
        { en: 'Slow when open too: replace the motor module.', 'zh-CN': '开门时同样变慢：更换电机模块。' },
        { en: 'Lubricate the bolt dry; no oil.', 'zh-CN': '锁舌使用干性润滑，禁止加油。' },
        { en: 'Ten throws closed, each below one second.', 'zh-CN': '关门连续试锁十次，每次应小于一秒。' },
      ],
      safety: [
        {
          en: 'Hand the mechanical key to the resident before closing the door.',
          'zh-CN': '关门前先将机械钥匙交给住户。',
        },
      ],
    },
  ],
  parts: [
    {
      sku: 'AA-LR6-4',
      name: { en: 'Four alkaline AA cells', 'zh-CN': '5 号碱性电池（四节装）' },
      priceMinor: 1_900,
      leadDays: 1,
    },
    {
      sku: 'SL-MOTOR',
      name: { en: 'Motor module for SL-100', 'zh-CN': 'SL-100 锁体电机模块' },
      priceMinor: 12_900,
      leadDays: 3,
    },
  ],
}
