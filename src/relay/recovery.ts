import type { Listing } from '../domain/model.ts';
import { Refusal } from '../errors.ts';
import type { Call } from '../protocols/call.ts';
import {
  estimatedTokens,
  type Lessened,
  withoutImages,
  withoutOldestTurns,
  withoutThinking,
  withoutTools,
} from '../protocols/conversation.ts';
import { type Inability, inabilityIn } from '../protocols/refusals.ts';
import type { Gaps } from '../routing/gaps.ts';
import { type Lane, laneTo } from './lane.ts';

/** What the operator lets the router change in a request that an endpoint has refused. */
export interface RecoverySettings {
  /** Leave the oldest turns out of a conversation that is too long; Ollama's own routes say themselves whether to. */
  readonly context: boolean;
  /** Do that before the endpoint refuses, where its context is known. */
  readonly contextAhead: boolean;
  readonly tools: boolean;
  readonly images: boolean;
}

/** Other forms that one request may be given after refusals. */
const MOST_CHANGES = 2;
/** How full the context may be with the prompt: the answer needs room too. */
const FILL = 0.85;
/** How much is left out where the endpoint does not say by how much the prompt is too long. */
const BLIND_SHARE = 0.5;

/** An endpoint's refusal becomes the request to try instead, at most twice; what was changed is told to the client. */
export class Recovery {
  /** What was changed for the endpoint that is asked now, in words for the client. */
  changes: readonly string[] = [];
  #count = 0;
  readonly #call: Call;
  readonly #settings: RecoverySettings;

  constructor(call: Call, settings: RecoverySettings) {
    this.#call = call;
    this.#settings = settings;
  }

  /** For one more endpoint: the lane with a conversation that fits, where that is known before the endpoint is asked and the operator wants it. */
  ahead({ model }: Listing, lane: Lane): Lane {
    this.changes = [];
    const { conversation } = lane;
    const contextTokens = model.contextLength;
    if (!this.#settings.contextAhead || !this.#mayTrim || conversation === undefined || contextTokens === undefined)
      return lane;
    const promptTokens = estimatedTokens(lane.body, conversation);
    if (promptTokens <= contextTokens * FILL) return lane;
    return this.#trimmed(lane, { of: 'context', promptTokens, contextTokens }) ?? lane;
  }

  /** What to send instead after this error. Throws the error where there is nothing. */
  another(listing: Listing, call: Call, lane: Lane, error: unknown, gaps: Gaps, now: () => number): Lane {
    const inability = error instanceof Refusal ? inabilityIn(error.status, error.message) : undefined;
    if (inability?.of === 'route' && lane.native && canTranslate(call, listing)) {
      gaps.add(listing.endpoint, lane.path);
      return laneTo(listing, call, gaps, now);
    }
    const lessened = inability && this.#count < MOST_CHANGES ? this.#lessened(lane, inability) : undefined;
    if (lessened !== undefined) return lessened;
    throw inability?.of === 'context' && lane.overflow !== undefined ? new Refusal(400, lane.overflow) : error;
  }

  #lessened(lane: Lane, inability: Inability): Lane | undefined {
    const { conversation, body } = lane;
    if (conversation === undefined) return undefined;
    switch (inability.of) {
      case 'context':
        return this.#mayTrim ? this.#trimmed(lane, inability) : undefined;
      case 'tools':
        return this.#settings.tools ? this.#with(lane, withoutTools(body), () => 'tools left out') : undefined;
      case 'images':
        return this.#settings.images
          ? this.#with(lane, withoutImages(body, conversation), (count) => `images left out (${count})`)
          : undefined;
      case 'thinking':
        // Ollama refuses what Anthropic's and OpenAI's servers pass over.
        return lane.native ? undefined : this.#with(lane, withoutThinking(body), () => 'thinking left out');
      case 'route':
      case 'request':
      case 'model':
        return undefined;
    }
  }

  /** The oldest turns first; where none is left to go, the tools. */
  #trimmed(lane: Lane, overflow: Extract<Inability, { of: 'context' }>): Lane | undefined {
    const { conversation, body } = lane;
    if (conversation === undefined) return undefined;
    const shorter = withoutOldestTurns(body, conversation, shareOver(overflow));
    const told = (count: number) => `oldest messages left out (${count})`;
    return this.#with(lane, shorter, told) ?? this.#with(lane, withoutTools(body), () => 'tools left out');
  }

  #with(lane: Lane, lessened: Lessened | undefined, told: (count: number) => string): Lane | undefined {
    if (lessened === undefined) return undefined;
    this.#count++;
    this.changes = [...this.changes, told(lessened.count)];
    return { ...lane, body: lessened.body };
  }

  /** The client's own word counts, where its protocol has one. */
  get #mayTrim(): boolean {
    return this.#call.operation.truncates?.(this.#call) ?? this.#settings.context;
  }
}

function canTranslate({ operation }: Call, { endpoint }: Listing): boolean {
  return operation.translation?.targets.includes(endpoint.kind) === true;
}

/** How much of the prompt has to go, 0 to 1. */
function shareOver({ promptTokens, contextTokens }: Extract<Inability, { of: 'context' }>): number {
  if (promptTokens === undefined || contextTokens === undefined || promptTokens <= 0) return BLIND_SHARE;
  const share = 1 - (contextTokens * FILL) / promptTokens;
  return Math.min(1, Math.max(0.05, share));
}
