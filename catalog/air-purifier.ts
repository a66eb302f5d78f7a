import type { CatalogEntry } from './entry.ts'

/** Fan speed from which the pressure drop of two days may be compared: the purifier's high mode. */
const HIGH_MODE_RPM = 1_100

/**
 * Household air purifier with a pleated HEPA filter. The pressure drop rises with dust and
 * with air flow alike, so the rule looks only while the fan runs high; the purifier runs
 * high once a day by itself to make that moment certain.
 */
export const airPurifier: CatalogEntry = {
  category: 'air-purifier',
  product: {
    key: 'ap-300',
    category: 'air-purifier',
    name: { en: 'Air purifier AP-300', 'zh-CN': '空气净化器 AP-300' },
    model: 'AP-300',
    metrics: [
      {
        key: 'filter_dp_pa',
        unit: 'Pa',
        type: 'number',
        min: 0,
        max: 2_000,
        name: { en: 'Filter pressure drop', 'zh-CN': '滤网压差' },
      },
      {
        key: 'fan_rpm',
        unit: 'rpm',
        type: 'number',
        min: 0,
        max: 3_000,
        name: { en: 'Fan speed', 'zh-CN': '风机转速' },
      },
      {
        key: 'airflow_m3h',
        unit: 'm³/h',
        type: 'number',
        min: 0,
        max: 1_000,
        name: { en: 'Air flow', 'zh-CN': '出风量' },
      },
      {
        key: 'pm25_ugm3',
        unit: 'µg/m³',
        type: 'number',
        min: 0,
        max: 5_000,
        name: { en: 'Room PM2.5', 'zh-CN': '室内 PM2.5' },
      },
      { key: 'fan_hours', unit: 'h', type: 'number', min: 0, name: { en: 'Fan hours', 'zh-CN': '风机累计运行' } },
      { key: 'filter_hours', unit: 'h', type: 'number', min: 0, name: { en: 'Filter hours', 'zh-CN': '滤网累计使用' } },
    ],
    components: [
      {
        key: 'hepa-filter',
        kind: 'filter',
        name: { en: 'HEPA filter', 'zh-CN': 'HEPA 滤网' },
        symptoms: [
          { code: 'weak-airflow', name: { en: 'Little air comes out', 'zh-CN': '出风变小' } },
          { code: 'musty-smell', name: { en: 'The air smells', 'zh-CN': '出风有异味' } },
        ],
        part: 'HEPA-300',
        ratedLife: { metric: 'filter_hours', value: 4_000 },
        wear: {
          metric: 'filter_dp_pa',
          fresh: 50,
          worn: 272,
          while: [{ metric: 'fan_rpm', op: '>=', value: HIGH_MODE_RPM }],
        },
        recovery: {
          // Ran high and still saw little resistance, over a whole day: a fresh filter, whatever the modes were.
          when: {
            all: [
              { metric: 'fan_rpm', op: '>=', value: HIGH_MODE_RPM, agg: 'max', window: '24h' },
              { metric: 'filter_dp_pa', op: '<', value: 150, agg: 'max', window: '24h' },
            ],
          },
          for: '1h',
          within: '3d',
          minReadings: 48,
        },
      },
    ],
    warranty: { whole: 'P365D', components: { 'hepa-filter': 'P30D' }, startsAt: 'purchase' },
    reporting: { mode: 'periodic', every: '10m', batchEvery: '1h', clock: 'device' },
  },
  rules: [
    {
      key: 'hepa-clogged',
      name: { en: 'HEPA filter clogged', 'zh-CN': '滤网堵塞' },
      scope: { product: 'ap-300' },
      component: 'hepa-filter',
      severity: 'warning',
      when: {
        all: [
          { metric: 'filter_dp_pa', op: '>', value: { param: 'dp_limit', default: 250 }, clear: 230 },
          { metric: 'fan_rpm', op: '>=', value: HIGH_MODE_RPM },
        ],
      },
      for: '20m',
      keep: '1h',
      noData: 'hold',
      latch: 'until-serviced',
      dispatch: 'offer',
      cause: {
        code: 'clogged',
        text: {
          en: 'The HEPA filter is full of dust, so the fan pulls hard and less clean air comes out',
          'zh-CN': 'HEPA 滤网积尘已满，风机吃力、出风变小',
        },
      },
      service: {
        job: 'replace-hepa',
        parts: [{ sku: 'HEPA-300', quantity: 1, needChance: 0.97 }],
        skills: ['air-purifier'],
        duration: 'PT30M',
        selfService: { guide: 'hepa-swap', minutes: 5 },
      },
    },
  ],
  jobs: [
    {
      code: 'replace-hepa',
      title: { en: 'Replace the HEPA filter', 'zh-CN': '更换 HEPA 滤网' },
      kind: 'replace_part',
      duration: 'PT30M',
      parts: [{ sku: 'HEPA-300', quantity: 1, needChance: 0.97 }],
      tools: [
        { en: 'Soft brush and vacuum cleaner', 'zh-CN': '软毛刷、吸尘器' },
        { en: 'Disposable gloves and bag for the old filter', 'zh-CN': '一次性手套、旧滤网密封袋' },
      ],
      steps: [
        { en: 'Switch off and unplug; open the rear cover.', 'zh-CN': '关机并拔下电源，打开后盖。' },
        {
          en: 'Take out the old filter without shaking it and seal it in the bag.',
          'zh-CN': '平稳取出旧滤网，勿拍打，放入密封袋。',
        },
        { en: 'Vacuum the air inlet and the dust sensor window.', 'zh-CN': '清洁进风口和灰尘传感器窗口。' },
        {
          en: 'Unwrap the new filter, arrow towards the fan, close the cover.',
          'zh-CN': '拆开新滤网包装，箭头朝向风机，装好后盖。',
        },
        {
          en: 'Run at high speed for five minutes; the pressure drop should read below 80 Pa.',
          'zh-CN': '高速运行五分钟，压差应低于 80 Pa。',
        },
        { en: 'Reset the filter timer on the panel.', 'zh-CN': '在面板上复位滤网计时。' },
      ],
      safety: [{ en: 'Mains appliance: unplug before opening.', 'zh-CN': '带电设备：开盖前务必断电。' }],
      selfService: {
        guide: 'hepa-swap',
        minutes: 5,
        steps: [
          { en: 'Switch off and unplug the purifier.', 'zh-CN': '关机并拔下电源插头。' },
          { en: 'Press the latch and lift off the rear cover.', 'zh-CN': '按住卡扣，取下后盖。' },
          { en: 'Pull out the old filter and put it straight into a bag.', 'zh-CN': '抽出旧滤网，直接装入垃圾袋。' },
          {
            en: 'Remove the wrapping of the new filter and push it in, arrow towards the fan.',
            'zh-CN': '拆掉新滤网包装，箭头朝内推入到位。',
          },
          {
            en: 'Close the cover, plug in, hold the filter key for three seconds.',
            'zh-CN': '盖好后盖、插电，长按滤网键三秒复位。',
          },
        ],
      },
    },
  ],
  parts: [
    {
      sku: 'HEPA-300',
      name: { en: 'HEPA filter for AP-300', 'zh-CN': 'AP-300 原装 HEPA 滤网' },
      priceMinor: 19_900,
      leadDays: 2,
    },
  ],
}
