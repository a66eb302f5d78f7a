import type { Locale } from './format.ts'

const LOCALE_KEY = 'beforehand.locale'

export function browserLocale(): Locale {
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}

export function storedLocale(): Locale | null {
  try {
    const stored = localStorage.getItem(LOCALE_KEY)
    return stored === 'en' || stored === 'zh-CN' ? stored : null
  } catch {
    return null
  }
}

export function storeLocale(locale: Locale): void {
  try {
    localStorage.setItem(LOCALE_KEY, locale)
  } catch {
    // Private windows may refuse; the choice then lasts as long as the page.
  }
}
