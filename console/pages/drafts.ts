/**
 * What somebody has begun to fill in, kept on this phone until the hub has it: a weak line, a
 * call or a full memory may reload the page at any moment. Never leaves the phone.
 */
export interface Drafts {
  /** Fills the form's named fields with what was left in them, and keeps what is typed from now on. */
  bind(form: string, root: HTMLElement): void
  read(form: string, field: string): string | undefined
  write(form: string, field: string, value: string): void
  /** The hub has it, or it is wanted no more. */
  clear(form: string): void
  /** Which panel of a group stands open; `null` for none. */
  opened(group: string): string | null
  open(group: string, panel: string | null): void
}

const PREFIX = 'beforehand.draft.'
/** A visit takes hours, a booking minutes: what is older nobody comes back to. */
const KEPT_MS = 7 * 86_400_000

interface Kept {
  atMs: number
  open: Record<string, string>
  forms: Record<string, Record<string, string>>
}

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement

/** `page` tells one link's drafts from another's. */
export function openDrafts(storage: () => Storage, page: string, nowMs = Date.now()): Drafts {
  const key = PREFIX + page
  const kept = load(storage, key) ?? { atMs: nowMs, open: {}, forms: {} }
  forgetOld(storage, nowMs)

  const save = (): void => {
    const empty = Object.keys(kept.open).length === 0 && Object.keys(kept.forms).length === 0
    attempt(() =>
      empty ? storage().removeItem(key) : storage().setItem(key, JSON.stringify({ ...kept, atMs: nowMs })),
    )
  }
  const write = (form: string, field: string, value: string): void => {
    kept.forms[form] = { ...kept.forms[form], [field]: value }
    save()
  }

  return {
    bind(form, root) {
      const fields = (): Field[] => [...root.querySelectorAll<Field>('input[name], select[name], textarea[name]')]
      for (const field of fields()) restore(field, kept.forms[form]?.[nameOf(field)])
      root.addEventListener('input', ({ target }) => {
        const field = target as Field
        if (!field.name) return
        write(form, nameOf(field), textOf(field))
        // Choosing one radio unchooses the others without an event of their own.
        if (field.type === 'radio')
          for (const other of fields())
            if (other.type === 'radio' && other.name === field.name) write(form, nameOf(other), textOf(other))
      })
    },
    read: (form, field) => kept.forms[form]?.[field],
    write,
    clear(form) {
      delete kept.forms[form]
      save()
    },
    opened: (group) => kept.open[group] ?? null,
    open(group, panel) {
      if (panel === null) delete kept.open[group]
      else kept.open[group] = panel
      save()
    },
  }
}

const ticks = (field: Field): field is HTMLInputElement => field.type === 'radio' || field.type === 'checkbox'
const nameOf = (field: Field): string => (ticks(field) ? `${field.name}=${field.value}` : field.name)
const textOf = (field: Field): string => (ticks(field) ? (field.checked ? '1' : '') : field.value)

function restore(field: Field, value: string | undefined): void {
  if (value === undefined) return
  if (ticks(field)) field.checked = value === '1'
  else field.value = value
  // What depends on the choice is shown or hidden as if it had just been made.
  if (!ticks(field) || field.checked) field.dispatchEvent(new Event('change'))
}

function load(storage: () => Storage, key: string): Kept | null {
  return attempt(() => JSON.parse(storage().getItem(key) ?? 'null') as Kept | null)
}

function forgetOld(storage: () => Storage, nowMs: number): void {
  attempt(() => {
    const all = storage()
    const keys = Array.from({ length: all.length }, (_, i) => all.key(i) ?? '').filter((it) => it.startsWith(PREFIX))
    for (const key of keys) if (nowMs - ((load(storage, key)?.atMs ?? 0) as number) > KEPT_MS) all.removeItem(key)
  })
}

/** Private windows may refuse storage; the page then simply forgets. */
function attempt<T>(what: () => T): T | null {
  try {
    return what()
  } catch {
    return null
  }
}
