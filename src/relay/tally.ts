import type { TokenUsage } from '../domain/answer.ts';
import type { CountedTokens } from '../domain/request-record.ts';
import type { AnswerPipe, Call } from '../protocols/call.ts';
import { BYTES_PER_TOKEN, estimatedTokens } from '../protocols/conversation.ts';
import type { Placement } from '../routing/router.ts';
import type { Lane } from './lane.ts';
import type { Incoming, Line } from './line.ts';

/** What an endpoint's answer costs: counted once, by leaving the block that holds it, however the answer ended. */
export class Tally implements Disposable {
  readonly #line: Line;
  readonly #placement: Placement;
  readonly #incoming: Incoming;
  #lane: Lane | undefined;
  #pipe: AnswerPipe | undefined;
  #isFinished = false;

  constructor(line: Line, placement: Placement, incoming: Incoming) {
    this.#line = line;
    this.#placement = placement;
    this.#incoming = incoming;
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

  /** The answer has come in full. */
  finished(): void {
    this.#isFinished = true;
  }

  [Symbol.dispose](): void {
    const [lane, pipe] = [this.#lane, this.#pipe];
    if (lane === undefined || pipe === undefined) return;
    const { call, record } = this.#incoming;
    if (pipe.timings !== undefined) record.timings = pipe.timings;
    const counted = countedIn(pipe, lane, this.#isFinished && spendsTokens(call));
    if (counted === undefined) return;
    this.#line.ledger.record(this.#placement, counted);
    record.addTokens(counted);
  }
}

/**
 * As the endpoint counted them. Of an answer without its counts what came of it, and a guess at its prompt: that was read
 * where the answer is finished, or where any of it has come.
 */
function countedIn(pipe: AnswerPipe, lane: Lane, isSpent: boolean): CountedTokens | undefined {
  const { pieces } = pipe;
  const usage = pipe.usage && isCount(pipe.usage) ? pipe.usage : undefined;
  if (usage === undefined && pieces === 0 && pipe.promptTokens === undefined && !isSpent) return undefined;
  // No prompt is empty: a zero says that nobody counted.
  const promptTokens = usage?.promptTokens || pipe.promptTokens || undefined;
  return {
    promptTokens: promptTokens ?? estimatedPrompt(lane),
    completionTokens: usage?.completionTokens ?? pieces,
    promptEstimated: promptTokens === undefined,
    completionEstimated: usage === undefined,
  };
}

/** Some servers send zeros, or nonsense, in place of counts. */
function isCount({ promptTokens, completionTokens }: TokenUsage): boolean {
  return [promptTokens, completionTokens].every(isNumberOfTokens) && promptTokens + completionTokens > 0;
}

function isNumberOfTokens(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= MOST_TOKENS;
}

/** No answer takes more. */
const MOST_TOKENS = 1e9;

/** Not where nothing is asked of the model, nor where the body is sound: its size says nothing of tokens. */
function spendsTokens({ intent, operation, contentType }: Call): boolean {
  return intent === 'answer' && operation.spendsNothing !== true && contentType === undefined;
}

function estimatedPrompt({ body, conversation }: Lane): number {
  return conversation === undefined ? Math.ceil(body.length / BYTES_PER_TOKEN) : estimatedTokens(body, conversation);
}
