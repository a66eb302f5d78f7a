export * as arbitrary from './testing/arbitraries.ts'
export { aDevice, aProduct } from './testing/story.ts'
