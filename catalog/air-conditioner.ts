import type { CatalogEntry } from './entry.ts'

/** Split air conditioner. Idle months say nothing, so every rule asks for enough readings of a running unit. */
export const airConditioner: CatalogEntry = {
  category: 'air-conditioner',
  product: {
    key: 'ac-35',
    category: 'air-conditioner',
    name: { en: 'Air conditioner AC-35', 'zh-CN': '壁挂空调 AC-35' },
    model: 'AC-35',
    metrics: [
      { key: 'running', unit: '', type: 'boolean', name: { en: 'Running', 'zh-CN': '运行中' } },
      {
        key: 'fan_load_pct',
        unit: '%',
        type: 'number',
        min: 0,
        max: 100,
        name: { en: 'Indoor fan load', 'zh-CN': '室内风机负荷' },
      },
      {
        key: 'superheat_k',
        unit: 'K',
        type: 'number',
        min: -10,
        max: 60,
        name: { en: 'Superheat', 'zh-CN': '过热度' },
      },
      { key: 'run_hours', unit: 'h', type: 'number', min: 0, name: { en: 'Hours run', 'zh-CN': '累计运行' } },
    ],
    components: [
      {
        key: 'dust-filter',
        kind: 'filter',
        name: { en: 'Dust filter', 'zh-CN': '防尘滤网' },
        symptoms: [{ code: 'weak-airflow', name: { en: 'Little air comes out', 'zh-CN': '出风变小' } }],
        ratedLife: { metric: 'run_hours', value: 900 },
        wear: { metric: 'fan_load_pct', fresh: 55, worn: 98 },
        recovery: {
          when: { metric: 'fan_load_pct', op: '<', value: 65, agg: 'mean', window: '2d', atLeast: 8 },
          for: '1h',
          within: '7d',
          minReadings: 16,
        },
      },
      {
        key: 'refrigerant',
        kind: 'charge',
        name: { en: 'Refrigerant charge', 'zh-CN': '制冷剂' },
        symptoms: [
          { code: 'not-cooling', name: { en: 'It does not cool or heat as it did', 'zh-CN': '不制冷或制热变差' } },
        ],
        part: 'AC-R32',
        wear: { metric: 'superheat_k', fresh: 5, worn: 19 },
        recovery: {
          when: { metric: 'superheat_k', op: '<', value: 8, agg: 'mean', window: '2d', atLeast: 8 },
          for: '1h',
          within: '7d',
          minReadings: 16,
        },
      },
      // Nothing measures it; the home is asked whether it is clean.
      {
        key: 'coil',
        kind: 'hygiene',
        name: { en: 'Indoor coil', 'zh-CN': '室内换热器' },
        symptoms: [{ code: 'musty-smell', name: { en: 'The air smells musty', 'zh-CN': '吹出的风有霉味' } }],
        ratedLife: { metric: 'run_hours', value: 800 },
      },
    ],
    warranty: { whole: 'P2190D', startsAt: 'purchase' },
    reporting: { mode: 'periodic', every: '30m', batchEvery: '1h', clock: 'device' },
  },
  rules: [
    {
      key: 'ac-filter-dusty',
      name: { en: 'Air conditioner filter dusty', 'zh-CN': '空调滤网积尘' },
      scope: { product: 'ac-35' },
      component: 'dust-filter',
      severity: 'info',
      when: {
        metric: 'fan_load_pct',
        op: '>',
        value: { param: 'fan_load_limit', default: 87 },
        clear: 82,
        agg: 'mean',
        window: '3d',
        atLeast: 24,
      },
      for: '1h',
      keep: '24h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'dusty',
        text: {
          en: 'The filter is full of dust: the fan works hard and the air smells',
          'zh-CN': '滤网积尘，风机吃力，出风有异味',
        },
      },
      service: {
        job: 'clean-ac-filter',
        skills: ['air-conditioner'],
        duration: 'PT40M',
        selfService: { guide: 'ac-filter-wash', minutes: 10 },
      },
    },
    {
      key: 'refrigerant-low',
      name: { en: 'Refrigerant low', 'zh-CN': '制冷剂不足' },
      scope: { product: 'ac-35' },
      component: 'refrigerant',
      severity: 'warning',
      when: {
        metric: 'superheat_k',
        op: '>',
        value: { param: 'superheat_limit', default: 14.5 },
        clear: 12,
        agg: 'mean',
        window: '5d',
        atLeast: 40,
      },
      for: '1h',
      keep: '24h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'leak',
        text: {
          en: 'Refrigerant is leaking slowly; on the hottest days it would no longer cool',
          'zh-CN': '制冷剂缓慢泄漏，到最热时会不制冷',
        },
      },
      service: {
        job: 'seal-and-charge',
        parts: [{ sku: 'AC-R32', quantity: 1, needChance: 0.95 }],
        skills: ['air-conditioner'],
        duration: 'PT90M',
      },
    },
    {
      key: 'coil-clean-due',
      name: { en: 'Air conditioner wants a clean before summer', 'zh-CN': '入夏前空调该清洗了' },
      scope: { product: 'ac-35' },
      component: 'coil',
      severity: 'info',
      // Before the heat, by the home's own calendar, and only where it has run enough to be dirty.
      when: {
        all: [
          { season: { from: '--04-15', to: '--06-15' } },
          {
            usage: {
              metric: 'run_hours',
              op: '>=',
              value: { param: 'coil_hours', default: 400 },
              sinceService: true,
              perDayMax: 24,
            },
          },
        ],
      },
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'dirty-coil',
        text: {
          en: 'Dust and mould sit on the coil after a season of running; before the heat is the time to clean it',
          'zh-CN': '运行一季后换热器积尘发霉，入夏前清洗最合适',
        },
      },
      service: { job: 'clean-ac-filter', skills: ['air-conditioner'], duration: 'PT40M' },
    },
  ],
  jobs: [
    {
      code: 'clean-ac-filter',
      title: { en: 'Clean filter and coil', 'zh-CN': '清洗滤网和换热器' },
      kind: 'clean',
      duration: 'PT40M',
      parts: [],
      tools: [{ en: 'Coil cleaner, cover sheet, soft brush', 'zh-CN': '清洗剂、接水罩、软毛刷' }],
      steps: [
        { en: 'Switch off at the plug, hang the cover sheet.', 'zh-CN': '断电，挂好接水罩。' },
        { en: 'Wash the filters, spray and rinse the coil.', 'zh-CN': '清洗滤网，喷洗换热器并冲净。' },
        { en: 'Check that condensate drains; dry and reassemble.', 'zh-CN': '检查冷凝水排出，擦干装复。' },
        { en: 'Run at full fan: load below 60 %.', 'zh-CN': '最大风速运行，负荷应低于 60%。' },
      ],
      safety: [{ en: 'Unplug; the coil fins are sharp.', 'zh-CN': '断电操作；翅片锋利，注意划伤。' }],
      selfService: {
        guide: 'ac-filter-wash',
        minutes: 10,
        steps: [
          { en: 'Switch off and unplug.', 'zh-CN': '关机并拔下插头。' },
          { en: 'Lift the front, pull both filters out.', 'zh-CN': '掀开面板，抽出两片滤网。' },
          { en: 'Rinse under the tap, let them dry, put them back.', 'zh-CN': '清水冲洗，晾干后装回。' },
        ],
      },
    },
    {
      code: 'seal-and-charge',
      title: { en: 'Find the leak, seal it, charge', 'zh-CN': '检漏、补漏并加注制冷剂' },
      kind: 'repair',
      duration: 'PT90M',
      parts: [{ sku: 'AC-R32', quantity: 1, needChance: 0.95 }],
      certifications: ['refrigerant-handling'],
      tools: [{ en: 'Leak detector, flaring tool, vacuum pump, scales', 'zh-CN': '检漏仪、扩口器、真空泵、电子秤' }],
      steps: [
        { en: 'Look for oil at the flare nuts, then with the detector.', 'zh-CN': '先看接头油迹，再用检漏仪确认。' },
        { en: 'Recover the rest, make the flare anew.', 'zh-CN': '回收余量制冷剂，重新扩口。' },
        { en: 'Hold vacuum for thirty minutes; charge by weight.', 'zh-CN': '抽真空保压三十分钟，按铭牌称重加注。' },
        { en: 'Superheat 4 to 7 K after fifteen minutes.', 'zh-CN': '运行十五分钟后过热度 4–7 K。' },
      ],
      safety: [
        { en: 'R32 burns: no flame, windows open.', 'zh-CN': 'R32 可燃：严禁明火，开窗通风。' },
        { en: 'Work at height only with a harness.', 'zh-CN': '高空作业须系安全带。' },
      ],
    },
  ],
  parts: [{ sku: 'AC-R32', name: { en: 'R32 charge', 'zh-CN': 'R32 制冷剂' }, priceMinor: 26_000, leadDays: 1 }],
}
