import type { Ask, AskPart, RawJson, Sampling, Think } from '../../domain/ask.ts';
import type { EndpointKind } from '../../domain/endpoint.ts';
import { arrayText, objectText, text } from '../json/write.ts';

type Kind = Exclude<EndpointKind, 'ollama'>;
type Members = Record<string, RawJson | undefined>;

/** The most stop texts that OpenAI takes. */
const MAX_STOPS = 4;

/** How each kind of endpoint calls the sampling parameters; what it has no name for is left out. */
const COMMON: Readonly<Partial<Record<keyof Sampling, string>>> = {
  temperature: 'temperature',
  topP: 'top_p',
  presencePenalty: 'presence_penalty',
  frequencyPenalty: 'frequency_penalty',
};
const NAMES: Readonly<Record<Kind, Readonly<Partial<Record<keyof Sampling, string>>>>> = {
  openai: COMMON,
  vllm: { ...COMMON, topK: 'top_k', minP: 'min_p', repeatPenalty: 'repetition_penalty' },
  'llama-server': {
    ...COMMON,
    topK: 'top_k',
    minP: 'min_p',
    typicalP: 'typical_p',
    repeatPenalty: 'repeat_penalty',
    keep: 'n_keep',
    mirostat: 'mirostat',
    mirostatTau: 'mirostat_tau',
    mirostatEta: 'mirostat_eta',
  },
};

/** The members of a request that say how to draw tokens. Nothing is added that the client left unset. */
export function encodeSampling(sampling: Sampling, kind: Kind): Members {
  const members: Members = {};
  for (const [key, name] of Object.entries(NAMES[kind])) {
    const value = sampling[key as Exclude<keyof Sampling, 'stop'>];
    if (value !== undefined) members[name] = value;
  }
  // -1 is Ollama's "any seed" and "whole context", and llama-server refuses it for the latter.
  if (atLeast(sampling.seed, 0)) members['seed'] = sampling.seed;
  if (kind === 'llama-server' && atLeast(sampling.repeatLastN, 0)) members['repeat_last_n'] = sampling.repeatLastN;
  if (atLeast(sampling.maxTokens, kind === 'llama-server' ? 0 : 1)) members['max_tokens'] = sampling.maxTokens;
  if (sampling.stop !== undefined) {
    const stops = kind === 'openai' ? sampling.stop.slice(0, MAX_STOPS) : sampling.stop;
    members['stop'] = arrayText(stops.map((stop) => text(stop)));
  }
  return members;
}

/** The members that switch reasoning on and off. */
export function encodeThink(think: Think | undefined, kind: Kind): Members {
  if (think === undefined) return {};
  if (kind === 'openai')
    return typeof think === 'string' ? { reasoning_effort: text(think === 'max' ? 'high' : think) } : {};
  if (typeof think === 'string') {
    const effort = text(think);
    return {
      chat_template_kwargs: objectText({ enable_thinking: 'true', reasoning_effort: effort }),
      reasoning_effort: effort,
    };
  }
  const off = kind === 'llama-server' && !think ? text('none') : undefined;
  return { chat_template_kwargs: objectText({ enable_thinking: text(think) }), reasoning_effort: off };
}

/** What this kind of endpoint is not told of how to draw tokens, though the client said it. */
export function droppedSampling({ sampling }: Ask, kind: Kind): AskPart[] {
  const encoded = encodeSampling(sampling, kind);
  const dropped = (Object.keys(sampling) as (keyof Sampling)[]).filter((key) => {
    if (sampling[key] === undefined || NAMES[kind][key] !== undefined) return false;
    if (key === 'stop') return kind === 'openai' && (sampling.stop?.length ?? 0) > MAX_STOPS;
    // Less than nothing means "any" and "no limit": to leave it out says the same.
    if (key === 'seed') return false;
    if (key === 'maxTokens') return encoded['max_tokens'] === undefined && Number(sampling.maxTokens) === 0;
    return !(key === 'repeatLastN' && encoded['repeat_last_n'] !== undefined);
  });
  return dropped;
}

function atLeast(value: RawJson | undefined, least: number): boolean {
  return value !== undefined && Number(value) >= least;
}
