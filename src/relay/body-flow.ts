import type { AnswerSink } from '../upstream/client.ts';

/** A client's body that is passed on as it comes. */
export interface BodyFlow {
  /** In bytes, where the client said so beforehand. */
  readonly size: number | undefined;
  /** Delivers the body, from its first byte on; the bytes stay as they are. To be called once. */
  read(sink: AnswerSink): void;
  /** Stops and continues reading from the client; a pause is not counted as its idleness. */
  pause(): void;
  resume(): void;
}
