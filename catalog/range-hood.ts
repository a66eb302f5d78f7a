import type { CatalogEntry } from './entry.ts'

/** Range hood: what it still moves at full speed says how much grease is in the mesh. */
export const rangeHood: CatalogEntry = {
  category: 'range-hood',
  product: {
    key: 'rh-90',
    category: 'range-hood',
    name: { en: 'Range hood RH-90', 'zh-CN': '吸油烟机 RH-90' },
    model: 'RH-90',
    metrics: [
      { key: 'running', unit: '', type: 'boolean', name: { en: 'Running', 'zh-CN': '运行中' } },
      {
        key: 'exhaust_m3h',
        unit: 'm³/h',
        type: 'number',
        min: 0,
        max: 3_000,
        name: { en: 'Exhaust at full speed', 'zh-CN': '最大档排风量' },
      },
      { key: 'run_hours', unit: 'h', type: 'number', min: 0, name: { en: 'Hours run', 'zh-CN': '累计运行' } },
    ],
    components: [
      {
        key: 'grease-filter',
        kind: 'filter',
        name: { en: 'Grease filter', 'zh-CN': '油网' },
        symptoms: [
          { code: 'weak-suction', name: { en: 'It draws little smoke', 'zh-CN': '吸力变小' } },
          { code: 'grease-drips', name: { en: 'Grease drips from it', 'zh-CN': '滴油' } },
        ],
        ratedLife: { metric: 'run_hours', value: 230 },
        wear: { metric: 'exhaust_m3h', fresh: 900, worn: 495 },
        recovery: {
          when: { metric: 'exhaust_m3h', op: '>', value: 780, agg: 'mean', window: '3d', atLeast: 4 },
          for: '1h',
          within: '7d',
          minReadings: 8,
        },
      },
    ],
    warranty: { whole: 'P1095D', startsAt: 'installation' },
    reporting: { mode: 'periodic', every: '30m', batchEvery: '1h', clock: 'device' },
  },
  rules: [
    {
      key: 'hood-greasy',
      name: { en: 'Range hood full of grease', 'zh-CN': '油烟机积油' },
      scope: { product: 'rh-90' },
      component: 'grease-filter',
      severity: 'info',
      when: {
        metric: 'exhaust_m3h',
        op: '<',
        value: { param: 'exhaust_limit', default: 588 },
        clear: 640,
        agg: 'mean',
        window: '7d',
        atLeast: 16,
      },
      for: '1h',
      keep: '24h',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'grease',
        text: {
          en: 'Grease fills the mesh and the fan housing: smoke stays in the kitchen, and grease can catch fire',
          'zh-CN': '油网和风道积油，排烟变差，油垢还可能起火',
        },
      },
      service: {
        job: 'clean-range-hood',
        skills: ['range-hood'],
        duration: 'PT90M',
        selfService: { guide: 'hood-mesh-soak', minutes: 20 },
      },
    },
  ],
  jobs: [
    {
      code: 'clean-range-hood',
      title: { en: 'Take apart and clean the hood', 'zh-CN': '拆洗油烟机' },
      kind: 'clean',
      duration: 'PT90M',
      parts: [],
      tools: [{ en: 'Steam cleaner, degreaser, floor and hob cover', 'zh-CN': '蒸汽清洗机、除油剂、台面与地面护罩' }],
      steps: [
        { en: 'Unplug; cover hob and floor.', 'zh-CN': '断电，遮盖灶台和地面。' },
        { en: 'Take out mesh, cup and fan wheel; soak hot.', 'zh-CN': '拆下油网、油杯、叶轮热浸。' },
        { en: 'Steam the housing; check the flap to the shaft.', 'zh-CN': '蒸汽清洗风道，检查止回阀。' },
        { en: 'Refit, balance; above 850 m³/h.', 'zh-CN': '装复并检查平衡，风量应高于 850 m³/h。' },
      ],
      safety: [
        { en: 'The wheel runs on after switching off: unplug first.', 'zh-CN': '断电后叶轮仍会转动，先拔插头。' },
      ],
      selfService: {
        guide: 'hood-mesh-soak',
        minutes: 20,
        steps: [
          { en: 'Unplug, take out mesh and cup.', 'zh-CN': '断电，取下油网和油杯。' },
          { en: 'Soak in hot water with soda for ten minutes, brush.', 'zh-CN': '热水加小苏打浸泡十分钟后刷洗。' },
          { en: 'Rinse, dry well, put back.', 'zh-CN': '冲净晾干后装回。' },
        ],
      },
    },
  ],
  parts: [],
}
