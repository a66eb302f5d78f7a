import type { SafetyKind, Text } from '#contracts'

/**
 * What a home is told at once when its appliance reports a danger. Fixed words, at most 60
 * Chinese characters: first what to do, then what happened. Never composed at run time.
 */
export const SAFETY_TEXTS: Readonly<Record<SafetyKind, Text>> = {
  gas: {
    'zh-CN': '请立即关闭燃气阀门，开窗通风，勿开关电器，到室外拨打119。设备检测到燃气泄漏。',
    en: 'Close the gas valve, open the windows, touch no switch, go outside and call 119. Your appliance reports a gas leak.',
  },
  carbon_monoxide: {
    'zh-CN': '请立即开窗，带所有人离开房间，不适请拨打120。设备检测到一氧化碳超标。',
    en: 'Open the windows and take everyone outside now; call 120 if anyone feels unwell. Carbon monoxide was detected.',
  },
  water_leak: {
    'zh-CN': '请关闭进水总阀，并切断附近电源。设备检测到漏水。',
    en: 'Close the main water valve and switch off power nearby. Your appliance reports a water leak.',
  },
  overheat: {
    'zh-CN': '请立即断电停用，移开周围易燃物，有明火拨打119。设备温度异常升高。',
    en: 'Switch it off at the socket and clear anything that can burn; call 119 if you see fire. It is overheating.',
  },
  electric: {
    'zh-CN': '请勿触碰设备，立即拉下对应的空气开关。设备检测到漏电风险。',
    en: 'Do not touch the appliance; switch off its breaker now. It reports a risk of electric shock.',
  },
  lockout: {
    'zh-CN': '门锁电量即将耗尽，请随身携带机械钥匙，并立即更换电池。',
    en: 'Your lock is about to run out of power. Carry the mechanical key and change the batteries now.',
  },
}
