/** A server under test, with one model of at most 512 tokens of context that can complete and nothing else. */
export interface Target extends AsyncDisposable {
  readonly url: string;
  /** The model's name, without a tag. */
  readonly model: string;
  readonly key?: string;
}

/** Starts, or finds, a server with one slot per model. */
export type Connect = () => Promise<Target>;
