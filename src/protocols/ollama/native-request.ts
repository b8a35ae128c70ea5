import type { Ask, AskPart, Format, RawJson, Sampling, Think } from '../../domain/ask.ts';
import type { EncodedAsk } from '../codec.ts';
import { arrayText, objectText, text } from '../json/write.ts';
import { encodeMessages } from './native-messages.ts';
import { optionName } from './options.ts';

type Members = Record<string, RawJson | undefined>;

/** Writes an ask for Ollama's own API. Throws `unsupported`, and `invalid_parameter` for arguments of a call that are none. */
export function encodeNative(ask: Ask, model: string): EncodedAsk {
  const { kind, messages, prompt, suffix } = ask;
  const common = { model: text(model), stream: text(ask.streaming), ...encodeCommon(ask) };
  if (kind !== 'chat') {
    const texts = { prompt: text(prompt), suffix: kind === 'infill' ? text(suffix) : undefined };
    return { path: '/api/generate', body: objectText({ ...common, ...texts }), dropped: [] };
  }
  const tools = ask.toolChoice === 'none' ? undefined : ask.tools;
  const body = objectText({ ...common, messages: encodeMessages(messages), tools });
  return { path: '/api/chat', body, dropped: droppedParts(ask), conversation: 'ollama' };
}

function encodeCommon({ format, think, sampling, topLogprobs }: Ask): Members {
  return {
    format: format && encodeFormat(format),
    think: encodeThink(think),
    options: encodeOptions(sampling),
    ...(topLogprobs !== undefined && { logprobs: 'true', top_logprobs: text(topLogprobs) }),
  };
}

function encodeFormat(format: Format): RawJson {
  return format.kind === 'json' ? text('json') : format.schema;
}

/** Ollama knows fewer levels. */
function encodeThink(think: Think | undefined): RawJson | undefined {
  if (think === 'minimal') return text('low');
  return text(think === 'xhigh' ? 'max' : think);
}

function encodeOptions(sampling: Sampling): RawJson | undefined {
  const { stop, ...numbers } = sampling;
  const options: Members = {};
  for (const part of Object.keys(numbers) as (keyof typeof numbers)[]) options[optionOf(part)] = numbers[part];
  if (stop !== undefined) options['stop'] = arrayText(stop.map((one) => text(one)));
  const given = objectText(options);
  return given === '{}' ? undefined : given;
}

function optionOf(part: keyof Sampling): string {
  return optionName(part).replace(/^options\./, '');
}

/** Ollama can neither be held to a tool nor to one at a time. */
function droppedParts({ tools, toolChoice, parallelTools }: Ask): AskPart[] {
  if (tools === undefined || toolChoice === 'none') return [];
  const dropped: AskPart[] = [];
  if (toolChoice !== undefined && toolChoice !== 'auto') dropped.push('toolChoice');
  if (parallelTools === false) dropped.push('parallelTools');
  return dropped;
}
