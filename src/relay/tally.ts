import type { CountedTokens, RequestRecord } from '../domain/request-record.ts';
import type { AnswerPipe } from '../protocols/call.ts';
import { BYTES_PER_TOKEN, estimatedTokens } from '../protocols/conversation.ts';
import type { Placement } from '../routing/router.ts';
import type { Lane } from './lane.ts';
import type { Line } from './line.ts';

/** What an endpoint's answer costs: counted once, by leaving the block that holds it, however the answer ended. */
export class Tally implements Disposable {
  readonly #line: Line;
  readonly #placement: Placement;
  readonly #record: RequestRecord;
  #lane: Lane | undefined;
  #pipe: AnswerPipe | undefined;

  constructor(line: Line, placement: Placement, record: RequestRecord) {
    this.#line = line;
    this.#placement = placement;
    this.#record = record;
  }

  /** The endpoint answers, and its answer comes through this pipe. */
  answered(lane: Lane, pipe: AnswerPipe): AnswerPipe {
    this.#lane = lane;
    this.#pipe = pipe;
    return pipe;
  }

  /** Why the answer that has ended is no complete one, where it said so itself. */
  get trouble(): string | undefined {
    return this.#pipe?.trouble;
  }

  [Symbol.dispose](): void {
    const [lane, pipe] = [this.#lane, this.#pipe];
    if (lane === undefined || pipe === undefined) return;
    if (pipe.timings !== undefined) this.#record.timings = pipe.timings;
    const counted = countedIn(pipe, lane);
    if (counted === undefined) return;
    this.#line.ledger.record(this.#placement, counted);
    this.#record.addTokens(counted);
  }
}

/** As the endpoint counted them; of an answer without its counts what came of it, and a guess at its prompt, which was read by then. */
function countedIn({ usage, pieces, promptTokens }: AnswerPipe, lane: Lane): CountedTokens | undefined {
  if (usage !== undefined) return { ...usage, promptEstimated: false, completionEstimated: false };
  if (pieces === 0 && promptTokens === undefined) return undefined;
  return {
    promptTokens: promptTokens ?? estimatedPrompt(lane),
    completionTokens: pieces,
    promptEstimated: promptTokens === undefined,
    completionEstimated: true,
  };
}

function estimatedPrompt({ body, conversation }: Lane): number {
  return conversation === undefined ? Math.ceil(body.length / BYTES_PER_TOKEN) : estimatedTokens(body, conversation);
}
