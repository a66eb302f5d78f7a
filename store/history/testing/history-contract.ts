import { describe } from 'vitest'
import { describeForgetting } from './forgetting-contract.ts'
import type { MakePlace } from './history-place.ts'
import { describeReading } from './reading-contract.ts'
import { describeScanning } from './scanning-contract.ts'
import { describeWriting } from './writing-contract.ts'

/** What any telemetry history has to do, whichever store is behind it. */
export function describeHistoryContract(name: string, makePlace: MakePlace): void {
  describe(`${name} keeps the contract of a telemetry history`, () => {
    describeWriting(makePlace)
    describeReading(makePlace)
    describeScanning(makePlace)
    describeForgetting(makePlace)
  })
}
