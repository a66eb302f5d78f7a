import type { JobView } from '#contracts'
import { call, tokenOf } from './call.ts'
import { el } from './dom.ts'
import { openDrafts } from './drafts.ts'
import { actions, formOf } from './job-actions.ts'
import { address } from './job-address.ts'
import { agreed, itemCard, reported } from './job-items.ts'
import { quoteCard } from './job-quote.ts'
import { code } from './job-state.ts'
import { safetyRules, summary } from './job-summary.ts'
import { createOutbox } from './outbox.ts'
import { runScreen } from './session.ts'

/** A quote is decided, a visit called off: what a technician waits for changes by the minute at most. */
const REFRESH_MS = 30_000

const path = `/job/v1/${encodeURIComponent(tokenOf(location.pathname))}`
const drafts = openDrafts(() => localStorage, location.pathname)
/** Hub time of the last answer, carried on by a clock nobody can set. */
let known = { atMs: Date.now(), since: performance.now() }
const nowAt = (): string => new Date(known.atMs + performance.now() - known.since).toISOString()
let shown: JobView | null = null

const screen = runScreen<JobView>({
  root: document.getElementById('page')!,
  load: () => call<JobView>(path),
  localeOf: (view) => view.locale,
  drafts,
  newsOf: (view, say) => (view.status === null ? say('statusNone') : code(say, view.status)),
  render(view, page) {
    if (view !== shown) known = { atMs: Date.parse(view.now), since: performance.now() }
    shown = view
    document.title = `${view.items[0]!.job.title[page.locale]} · ${view.workOrder.number}`
    return [
      el(
        'header',
        { class: 'top' },
        el('span', {}, `${view.brand.name[page.locale]} · ${view.workOrder.number}`),
        page.switcher(),
      ),
      quoteCard(view, page),
      summary(view, page),
      safetyRules(view, page),
      actions(view, page, outbox),
      address(view, page, `${path}/site`),
      agreed(view, page),
      ...view.items.map((item) => itemCard(item, view, page)),
      reported(view, page),
    ]
  },
})

const outbox = createOutbox<JobView>({
  storage: () => localStorage,
  key: `beforehand.outbox.${location.pathname}`,
  post: (event) => call<JobView>(`${path}/events`, event),
  nowAt,
  onChange: () => screen.redraw(),
  onSent(event, answer) {
    drafts.clear(formOf(event.status))
    screen.learn(answer.value)
  },
  onRefused(event, answer) {
    // What was filled in is still there to be mended and sent again.
    if (answer.trouble === 'refused') drafts.open('status', event.status)
    void screen.refused(answer)
  },
})

void screen.reload().then(() => outbox.flush())
const refresh = (): void => {
  if (document.visibilityState !== 'visible') return
  if (outbox.waiting().length > 0) void outbox.flush()
  else if (shown !== null && shown.allowed.length > 0 && !document.querySelector('[data-open]')) void screen.reload()
}
setInterval(refresh, REFRESH_MS)
document.addEventListener('visibilitychange', refresh)
window.addEventListener('online', () => void outbox.flush())
