import type { CatalogEntry } from './entry.ts'

/** Frost-free refrigerator: the length of a defrost tells of the seal, the way back to cold of the compressor. */
export const refrigerator: CatalogEntry = {
  category: 'refrigerator',
  product: {
    key: 'rf-400',
    category: 'refrigerator',
    name: { en: 'Refrigerator RF-400', 'zh-CN': '风冷冰箱 RF-400' },
    model: 'RF-400',
    metrics: [
      {
        key: 'defrost_min',
        unit: 'min',
        type: 'number',
        min: 0,
        max: 120,
        name: { en: 'Length of the last defrost', 'zh-CN': '最近一次化霜时长' },
      },
      {
        key: 'pulldown_min',
        unit: 'min',
        type: 'number',
        min: 0,
        max: 600,
        name: { en: 'Time back to cold', 'zh-CN': '恢复降温时长' },
      },
      {
        key: 'freezer_c',
        unit: '°C',
        type: 'number',
        min: -40,
        max: 40,
        name: { en: 'Freezer', 'zh-CN': '冷冻室温度' },
      },
    ],
    components: [
      {
        key: 'door-seal',
        kind: 'seal',
        name: { en: 'Door seal', 'zh-CN': '门封条' },
        symptoms: [
          { code: 'door-does-not-close', name: { en: 'The door does not close tightly', 'zh-CN': '门关不严' } },
          { code: 'frost', name: { en: 'It is full of frost', 'zh-CN': '结霜' } },
        ],
        part: 'RF-SEAL',
        ratedLife: { days: 2_190 },
        wear: { metric: 'defrost_min', fresh: 14, worn: 36 },
        recovery: {
          when: { metric: 'defrost_min', op: '<', value: 20, agg: 'mean', window: '2d' },
          for: '1h',
          within: '6d',
          minReadings: 48,
        },
      },
      {
        key: 'compressor',
        kind: 'compressor',
        name: { en: 'Compressor', 'zh-CN': '压缩机' },
        symptoms: [
          { code: 'not-cold', name: { en: 'It does not get cold', 'zh-CN': '不制冷' } },
          { code: 'runs-on', name: { en: 'It never stops running', 'zh-CN': '一直不停机' } },
        ],
        part: 'RF-COMP',
        ratedLife: { days: 3_650 },
        wear: { metric: 'pulldown_min', fresh: 38, worn: 69 },
        recovery: {
          when: { metric: 'pulldown_min', op: '<', value: 44, agg: 'mean', window: '2d' },
          for: '1h',
          within: '6d',
          minReadings: 48,
        },
      },
    ],
    warranty: { whole: 'P1095D', components: { compressor: 'P3650D' }, startsAt: 'purchase' },
    reporting: { mode: 'periodic', every: '30m', batchEvery: '1h', clock: 'device' },
  },
  rules: [
    {
      key: 'door-seal-leaks',
      name: { en: 'Door seal leaks', 'zh-CN': '门封不严' },
      scope: { product: 'rf-400' },
      component: 'door-seal',
      severity: 'info',
      when: {
        metric: 'defrost_min',
        op: '>',
        value: { param: 'defrost_limit', default: 31 },
        clear: 28,
        agg: 'mean',
        window: '7d',
        atLeast: 160,
      },
      for: '1h',
      keep: '24h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'seal-leaks',
        text: {
          en: 'Damp air comes in past the door seal and freezes: more frost, more electricity',
          'zh-CN': '门封不严，湿气进入结霜，耗电增加',
        },
      },
      service: {
        job: 'replace-door-seal',
        parts: [{ sku: 'RF-SEAL', quantity: 1, needChance: 0.85 }],
        skills: ['refrigerator'],
        duration: 'PT45M',
        selfService: { guide: 'seal-clean', minutes: 15 },
      },
    },
    {
      key: 'compressor-weak',
      name: { en: 'Compressor loses strength', 'zh-CN': '压缩机制冷力下降' },
      scope: { product: 'rf-400' },
      component: 'compressor',
      severity: 'warning',
      when: {
        metric: 'pulldown_min',
        op: '>',
        value: { param: 'pulldown_limit', default: 55 },
        clear: 51,
        agg: 'mean',
        window: '7d',
        atLeast: 160,
      },
      for: '1h',
      keep: '24h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'compressor-worn',
        text: {
          en: 'The compressor takes ever longer to get cold again; in a hot summer food would spoil',
          'zh-CN': '压缩机降温越来越慢，酷暑时食物可能变质',
        },
      },
      service: {
        job: 'check-compressor',
        parts: [{ sku: 'RF-COMP', quantity: 1, needChance: 0.7 }],
        skills: ['refrigerator'],
        duration: 'PT2H',
      },
    },
  ],
  jobs: [
    {
      code: 'replace-door-seal',
      title: { en: 'Clean or replace the door seal', 'zh-CN': '清洁或更换门封条' },
      kind: 'replace_part',
      duration: 'PT45M',
      parts: [{ sku: 'RF-SEAL', quantity: 1, needChance: 0.85 }],
      tools: [{ en: 'Hair dryer, paper strips, mild cleaner', 'zh-CN': '吹风机、纸条、中性清洁剂' }],
      steps: [
        { en: 'Paper test along the seal: where it slips, it leaks.', 'zh-CN': '用纸条沿门封测试，抽得出处即漏气。' },
        { en: 'Clean; warm and shape it; replace it when it stays loose.', 'zh-CN': '清洁，热风整形；仍松则更换。' },
        { en: 'Check door level and hinges.', 'zh-CN': '检查门体水平与铰链。' },
        { en: 'Paper test again all around.', 'zh-CN': '再次全周纸条测试。' },
      ],
      safety: [{ en: 'Keep the dryer a hand’s breadth away.', 'zh-CN': '吹风机保持一掌距离。' }],
      selfService: {
        guide: 'seal-clean',
        minutes: 15,
        steps: [
          {
            en: 'Wipe seal and door edge with warm water and a little soap.',
            'zh-CN': '用温水加少许洗洁精擦净门封和门边。',
          },
          { en: 'Dry it; a thin film of talcum keeps it from sticking.', 'zh-CN': '擦干，薄涂爽身粉防粘。' },
          { en: 'See that nothing inside keeps the door from closing.', 'zh-CN': '确认没有物品顶住门。' },
        ],
      },
    },
    {
      code: 'check-compressor',
      title: { en: 'Check the compressor, replace if weak', 'zh-CN': '检测压缩机，必要时更换' },
      kind: 'repair',
      duration: 'PT2H',
      parts: [{ sku: 'RF-COMP', quantity: 1, needChance: 0.7 }],
      certifications: ['refrigerant-handling'],
      tools: [
        { en: 'Clamp meter, manifold gauges, brazing kit, vacuum pump', 'zh-CN': '钳形表、压力表组、焊具、真空泵' },
      ],
      steps: [
        { en: 'Clean the condenser; look at fan and start relay first.', 'zh-CN': '先清洁冷凝器，检查风机与启动器。' },
        { en: 'Measure current and pressures: valves or charge?', 'zh-CN': '测电流与压力，区分阀片与制冷剂问题。' },
        { en: 'Replace the compressor, dryer and charge by weight.', 'zh-CN': '更换压缩机与干燥过滤器，称重加注。' },
        { en: 'Back to −18 °C in under 45 minutes.', 'zh-CN': '45 分钟内降至 −18 °C。' },
      ],
      safety: [
        {
          en: 'R600a burns: recover, air the room, no flame until empty.',
          'zh-CN': 'R600a 可燃：先回收通风，排空前严禁明火。',
        },
      ],
    },
  ],
  parts: [
    { sku: 'RF-SEAL', name: { en: 'Door seal RF-400', 'zh-CN': 'RF-400 门封条' }, priceMinor: 12_900, leadDays: 5 },
    { sku: 'RF-COMP', name: { en: 'Compressor RF-400', 'zh-CN': 'RF-400 压缩机' }, priceMinor: 68_000, leadDays: 6 },
  ],
}
