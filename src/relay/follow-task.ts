import type { JsonObject } from '../domain/json.ts';
import { EndpointFailure, Refusal } from '../errors.ts';
import { JsonLines } from '../protocols/ollama/json-lines.ts';
import { readStep } from '../protocols/ollama/progress.ts';
import type { AnswerSink, UpstreamAnswer } from '../upstream/client.ts';

/**
 * Reads the progress of a task to its end. Resolves where the endpoint says that it succeeded; rejects with `Refusal` for
 * what it says went wrong, with `EndpointFailure` where it says neither.
 */
export function followTask(answer: UpstreamAnswer, onProgress: (line: JsonObject) => void): Promise<void> {
  return new Promise((resolve, reject) => answer.read(new Follower(onProgress, resolve, reject)));
}

class Follower implements AnswerSink {
  readonly #lines = new JsonLines();
  readonly #onProgress: (line: JsonObject) => void;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  #end: 'success' | Refusal | undefined;

  constructor(onProgress: (line: JsonObject) => void, resolve: () => void, reject: (error: unknown) => void) {
    this.#onProgress = onProgress;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  data(bytes: Buffer): void {
    for (const line of this.#lines.push(bytes)) this.#take(line);
  }

  end(): void {
    for (const line of this.#lines.end()) this.#take(line);
    this.#conclude(new EndpointFailure('broken', 'ended the task early'));
  }

  fail(error: Error): void {
    this.#conclude(error);
  }

  /** What follows the end says nothing. */
  #take(line: JsonObject): void {
    if (this.#end !== undefined) return;
    const step = readStep(line);
    if (step.kind === 'progress') this.#onProgress(step.line);
    else this.#end = step.kind === 'success' ? 'success' : new Refusal(500, step.message);
  }

  #conclude(otherwise: Error): void {
    if (this.#end === 'success') this.#resolve();
    else this.#reject(this.#end ?? otherwise);
  }
}
