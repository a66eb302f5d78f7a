import type { Protocol } from './protocol.ts'
import { batteryNodes } from './protocols/battery-nodes.ts'
import { bearing } from './protocols/bearing.ts'
import { biasedFilter } from './protocols/biased-filter.ts'
import { gasFilter } from './protocols/gas-filter.ts'
import { liquidFilter } from './protocols/liquid-filter.ts'
import { calceCells, nasaCells } from './protocols/lithium-cell.ts'
import { primaryBattery } from './protocols/primary-battery.ts'
import { pump } from './protocols/pump.ts'
import { streams } from './protocols/streams.ts'
import { triggers } from './protocols/triggers.ts'
import { turbofan } from './protocols/turbofan.ts'

/** One file each in `protocols/`; a new one is added here and nowhere else. */
export const PROTOCOLS: readonly Protocol[] = [
  gasFilter,
  biasedFilter,
  liquidFilter,
  primaryBattery,
  nasaCells,
  calceCells,
  turbofan,
  batteryNodes,
  streams,
  pump,
  bearing,
  triggers,
]
