/** The library carries no types; these are the parts in use. */
declare module 'ml-regression' {
  /** Ordinary least squares by singular values; with an intercept, its weight is the last. */
  export class MultivariateLinearRegression {
    constructor(
      inputs: readonly (readonly number[])[],
      outputs: readonly (readonly number[])[],
      options?: { intercept?: boolean; statistics?: boolean },
    )
    readonly weights: number[][]
    predict(inputs: readonly number[]): number[]
  }

  interface OneInput {
    predict(input: number): number
  }
  export const SimpleLinearRegression: new (inputs: readonly number[], outputs: readonly number[]) => OneInput
  export const ExponentialRegression: new (inputs: readonly number[], outputs: readonly number[]) => OneInput
  export const PowerRegression: new (inputs: readonly number[], outputs: readonly number[]) => OneInput
}
