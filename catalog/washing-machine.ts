import type { CatalogEntry } from './entry.ts'

/**
 * Front-loading washing machine. Vibration of a spin is load imbalance and bearing together;
 * only the bearing is there in every spin, so the rule looks at the calmest of several days.
 */
export const washingMachine: CatalogEntry = {
  category: 'washing-machine',
  product: {
    key: 'wm-8',
    category: 'washing-machine',
    name: { en: 'Washing machine WM-8', 'zh-CN': '滚筒洗衣机 WM-8' },
    model: 'WM-8',
    metrics: [
      {
        key: 'vibration_mms',
        unit: 'mm/s',
        type: 'number',
        min: 0,
        max: 200,
        name: { en: 'Vibration in the last spin', 'zh-CN': '最近一次脱水振动' },
      },
      {
        key: 'spin_rpm',
        unit: 'rpm',
        type: 'number',
        min: 0,
        max: 2_000,
        name: { en: 'Speed of the last spin', 'zh-CN': '最近一次脱水转速' },
      },
      {
        key: 'drain_s',
        unit: 's',
        type: 'number',
        min: 0,
        max: 900,
        name: { en: 'Time to drain', 'zh-CN': '排水时间' },
      },
      { key: 'cycles', unit: '1', type: 'number', min: 0, name: { en: 'Washes in all', 'zh-CN': '累计洗涤次数' } },
    ],
    components: [
      {
        key: 'drum-bearing',
        kind: 'bearing',
        name: { en: 'Drum bearing', 'zh-CN': '滚筒轴承' },
        symptoms: [
          { code: 'noise', name: { en: 'It is loud when it spins', 'zh-CN': '脱水噪音大' } },
          { code: 'shakes', name: { en: 'It shakes', 'zh-CN': '抖动厉害' } },
        ],
        part: 'WM-BEARING',
        ratedLife: { metric: 'cycles', value: 2_500 },
        wear: {
          metric: 'vibration_mms',
          fresh: 3.6,
          worn: 20,
          growth: 'geometric',
          while: [{ metric: 'spin_rpm', op: '>=', value: 1_000 }],
        },
        recovery: {
          when: { metric: 'vibration_mms', op: '<', value: 6, agg: 'min', window: '3d' },
          for: '1h',
          within: '6d',
          minReadings: 48,
        },
      },
      {
        key: 'drain-filter',
        kind: 'lint-filter',
        name: { en: 'Drain pump filter', 'zh-CN': '排水泵过滤网' },
        symptoms: [
          { code: 'does-not-drain', name: { en: 'It does not drain', 'zh-CN': '不排水' } },
          { code: 'water-left', name: { en: 'Water is left in the drum', 'zh-CN': '筒内积水' } },
        ],
        ratedLife: { metric: 'cycles', value: 250 },
        wear: { metric: 'drain_s', fresh: 48, worn: 150 },
        recovery: {
          when: { metric: 'drain_s', op: '<', value: 75, agg: 'min', window: '3d' },
          for: '1h',
          within: '6d',
          minReadings: 48,
        },
      },
      // Nothing measures it; the home is asked whether it is clean.
      {
        key: 'drum',
        kind: 'hygiene',
        name: { en: 'Drum and gasket', 'zh-CN': '内筒与门封' },
        symptoms: [{ code: 'musty-smell', name: { en: 'The washing smells', 'zh-CN': '洗后有异味' } }],
        ratedLife: { metric: 'cycles', value: 180 },
      },
    ],
    warranty: { whole: 'P1095D', startsAt: 'purchase' },
    reporting: { mode: 'periodic', every: '30m', batchEvery: '1h', clock: 'device' },
  },
  rules: [
    {
      key: 'bearing-worn',
      name: { en: 'Drum bearing worn', 'zh-CN': '滚筒轴承磨损' },
      scope: { product: 'wm-8' },
      component: 'drum-bearing',
      severity: 'warning',
      when: {
        all: [
          {
            metric: 'vibration_mms',
            op: '>',
            value: { param: 'vibration_limit', default: 9 },
            clear: 8,
            agg: 'min',
            window: '10d',
            atLeast: 240,
          },
          { metric: 'spin_rpm', op: '>=', value: 1_000, agg: 'min', window: '10d', atLeast: 240 },
        ],
      },
      for: '1h',
      keep: '24h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'bearing-worn',
        text: {
          en: 'The drum bearing is wearing out; every spin shakes, even a well balanced one',
          'zh-CN': '滚筒轴承磨损，即使衣物均匀，每次脱水都明显振动',
        },
      },
      service: {
        job: 'replace-bearing',
        parts: [{ sku: 'WM-BEARING', quantity: 1, needChance: 0.9 }],
        skills: ['washing-machine'],
        duration: 'PT2H',
      },
    },
    {
      key: 'drain-slow',
      name: { en: 'Washing machine drains slowly', 'zh-CN': '洗衣机排水变慢' },
      scope: { product: 'wm-8' },
      component: 'drain-filter',
      severity: 'info',
      when: { metric: 'drain_s', op: '>', value: 120, clear: 95, agg: 'mean', window: '3d', atLeast: 72 },
      for: '1h',
      keep: '24h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'lint',
        text: {
          en: 'Lint is blocking the drain filter; soon water will stay in the drum',
          'zh-CN': '线屑堵住排水过滤网，之后可能排不净水',
        },
      },
      service: {
        job: 'clean-drain',
        skills: ['washing-machine'],
        duration: 'PT20M',
        selfService: { guide: 'drain-filter', minutes: 10 },
      },
    },
    {
      key: 'drum-wash-due',
      name: { en: 'Drum wants cleaning', 'zh-CN': '内筒该清洗了' },
      scope: { product: 'wm-8' },
      component: 'drum',
      severity: 'info',
      when: {
        usage: {
          metric: 'cycles',
          op: '>=',
          value: { param: 'drum_washes', default: 150 },
          sinceService: true,
          perDayMax: 12,
        },
      },
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'residue',
        text: {
          en: 'After 150 washes detergent and lint sit behind the drum',
          'zh-CN': '洗涤 150 次后，内筒夹层积有皂垢和线屑',
        },
      },
      service: {
        job: 'clean-drum',
        skills: ['washing-machine'],
        duration: 'PT60M',
        selfService: { guide: 'drum-wash', minutes: 5 },
      },
    },
  ],
  jobs: [
    {
      code: 'replace-bearing',
      title: { en: 'Replace the drum bearing and seal', 'zh-CN': '更换滚筒轴承与油封' },
      kind: 'replace_part',
      duration: 'PT2H',
      parts: [{ sku: 'WM-BEARING', quantity: 1, needChance: 0.9 }],
      tools: [
        { en: 'Bearing puller and drift', 'zh-CN': '轴承拉拔器、冲子' },
        { en: 'Torque wrench, screwdriver set, floor protection', 'zh-CN': '扭力扳手、螺丝刀组、地面保护垫' },
      ],
      steps: [
        {
          en: 'Turn the drum by hand: listen for grinding and feel for play.',
          'zh-CN': '手动转动滚筒，听异响并检查间隙。',
        },
        {
          en: 'Unplug, close the tap, drain, remove rear panel and belt.',
          'zh-CN': '断电、关水、排空，拆下后板和皮带。',
        },
        {
          en: 'Pull both bearings and the seal; check the shaft for wear.',
          'zh-CN': '拉出两只轴承和油封，检查轴颈磨损。',
        },
        {
          en: 'Press in the new set, grease the seal lip, reassemble to torque.',
          'zh-CN': '压入新轴承，油封唇口涂脂，按扭矩装复。',
        },
        { en: 'Spin empty at 1200 rpm: below 4 mm/s.', 'zh-CN': '空载 1200 转脱水，振动应低于 4 mm/s。' },
      ],
      safety: [
        { en: 'Unplug and close the tap before opening.', 'zh-CN': '拆机前断电并关闭水龙头。' },
        { en: 'The drum is heavy: two people or a lift strap.', 'zh-CN': '滚筒较重：两人操作或使用吊带。' },
      ],
    },
    {
      code: 'clean-drain',
      title: { en: 'Clean the drain pump filter', 'zh-CN': '清洁排水泵过滤网' },
      kind: 'clean',
      duration: 'PT20M',
      parts: [],
      tools: [{ en: 'Shallow tray and towel', 'zh-CN': '浅盘、毛巾' }],
      steps: [
        {
          en: 'Open the flap at the bottom right and drain the rest through the hose.',
          'zh-CN': '打开右下角小门，用排水软管放净余水。',
        },
        {
          en: 'Unscrew the filter, remove lint and coins, check the impeller turns.',
          'zh-CN': '旋出过滤网，清除线屑和硬币，检查叶轮转动。',
        },
        { en: 'Screw in tightly and drain once: under a minute.', 'zh-CN': '旋紧后排水一次，应少于一分钟。' },
      ],
      safety: [{ en: 'The water may be hot: let it cool.', 'zh-CN': '余水可能较烫，请先冷却。' }],
      selfService: {
        guide: 'drain-filter',
        minutes: 10,
        steps: [
          { en: 'Switch off and let hot water cool.', 'zh-CN': '关机，等热水冷却。' },
          {
            en: 'Open the small flap, put a tray under it and drain the hose.',
            'zh-CN': '打开小门，放好浅盘，用软管放水。',
          },
          { en: 'Unscrew the filter, rinse it, look for coins.', 'zh-CN': '旋出过滤网冲洗，检查有无硬币。' },
          { en: 'Screw it in tightly and run a rinse.', 'zh-CN': '旋紧后运行一次漂洗。' },
        ],
      },
    },
    {
      code: 'clean-drum',
      title: { en: 'Take out and clean the drum', 'zh-CN': '拆洗内筒' },
      kind: 'clean',
      duration: 'PT60M',
      parts: [],
      tools: [{ en: 'Drum puller, steam cleaner, floor cover', 'zh-CN': '拉拔器、蒸汽清洗机、地面护垫' }],
      steps: [
        { en: 'Unplug, close the tap, take the drum out.', 'zh-CN': '断电关水，拆出内筒。' },
        {
          en: 'Steam drum, tub and gasket; look at the gasket for tears.',
          'zh-CN': '蒸汽清洗内外筒与门封，检查门封破损。',
        },
        { en: 'Reassemble; rinse hot once.', 'zh-CN': '装复后高温漂洗一次。' },
      ],
      safety: [{ en: 'Unplug before opening.', 'zh-CN': '拆机前断电。' }],
      selfService: {
        guide: 'drum-wash',
        minutes: 5,
        steps: [
          { en: 'Put a drum cleaner into the empty drum.', 'zh-CN': '空筒放入内筒清洁剂。' },
          { en: 'Run the drum programme at 90 °C.', 'zh-CN': '选择 90°C 筒自洁程序。' },
          { en: 'Wipe the gasket dry and leave the door ajar.', 'zh-CN': '擦干门封，门留缝通风。' },
        ],
      },
    },
  ],
  parts: [
    {
      sku: 'WM-BEARING',
      name: { en: 'Bearing set for WM-8', 'zh-CN': 'WM-8 轴承油封套件' },
      priceMinor: 15_900,
      leadDays: 4,
    },
  ],
}
