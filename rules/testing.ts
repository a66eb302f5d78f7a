export * as arbitrary from './testing/arbitraries.ts'
export { aDevice, aProduct, aRule } from './testing/story.ts'
