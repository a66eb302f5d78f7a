export {
  createDuplicateFilter,
  DuplicateFilter,
  type DuplicateVerdict,
  type FilteredReading,
  type SavedDuplicateFilter,
} from './duplicate-filter.ts'
