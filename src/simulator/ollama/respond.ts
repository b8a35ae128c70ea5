import type { Call } from '../call.ts';
import type { Exchange } from '../exchange.ts';
import { GenerationFailure, SilentEnd } from '../generation.ts';
import type { Host } from '../host.ts';
import type { LoadedModel } from '../loaded-model.ts';
import { goJson, preciseNow, utcTime } from './go-json.ts';
import { metrics, type Part, partsOf } from './parts.ts';
import { scheduleFailure } from './schedule.ts';
import type { Sink } from './sink.ts';
import { since } from './version.ts';

/** Everything an answer of chat or generate is made from. */
export interface Run {
  readonly host: Host;
  readonly loaded: LoadedModel;
  readonly call: Call;
  readonly exchange: Exchange;
  readonly sink: Sink;
  /** The model as the client wrote it. */
  readonly modelName: string;
  readonly stream: boolean;
  readonly topLogprobs: number | undefined;
  /** Where text, thinking and tool calls stand in an object. */
  readonly shape: (part: Part) => object;
  /** Beside the metrics in the final object. */
  readonly finalFields?: (text: string) => object;
  readonly startedAt: number;
  readonly loadedAt: number;
}

/** Answers with a stream of objects, or with one object that holds everything. */
export async function respond(run: Run): Promise<void> {
  const parts = partsOf(run.host.answer(run.loaded, run.call, run.exchange), {
    topLogprobs: run.topLogprobs,
    toolCallsLast: since(run.host.options.version, '0.30.0'),
  });
  try {
    await (run.stream ? streamed(run, parts) : whole(run, parts));
  } catch (error) {
    const failure = scheduleFailure(error);
    if (!(failure instanceof GenerationFailure)) throw failure;
    if (run.stream) await run.sink.failed(500, failure.message);
    else await run.sink.json(500, { error: failure.message });
  }
}

async function streamed(run: Run, parts: AsyncIterable<Part>): Promise<void> {
  let text = '';
  try {
    for await (const part of parts) {
      text += part.text;
      await run.sink.streamed(object(run, part, text));
    }
  } catch (error) {
    if (!(error instanceof SilentEnd)) throw error;
  }
  await run.sink.end();
}

async function whole(run: Run, parts: AsyncIterable<Part>): Promise<void> {
  let all: Part = { text: '' };
  try {
    for await (const part of parts) all = joined(all, part);
  } catch (error) {
    if (!(error instanceof SilentEnd)) throw error;
  }
  await run.sink.json(200, object(run, all, all.text));
}

function joined(left: Part, right: Part): Part {
  const thinking = (left.thinking ?? '') + (right.thinking ?? '');
  const toolCalls = [...(left.toolCalls ?? []), ...(right.toolCalls ?? [])];
  const logprobs = [...(left.logprobs ?? []), ...(right.logprobs ?? [])];
  return {
    text: left.text + right.text,
    ...(thinking === '' ? {} : { thinking }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    ...(logprobs.length === 0 ? {} : { logprobs }),
    ...(right.finish === undefined ? {} : { finish: right.finish }),
  };
}

function object(run: Run, part: Part, textSoFar: string): object {
  const { finish } = part;
  return {
    model: run.modelName,
    created_at: utcTime(preciseNow()),
    ...run.shape(part),
    done: finish !== undefined,
    ...(finish === undefined ? {} : { done_reason: finish.reason, ...run.finalFields?.(textSoFar) }),
    ...(finish === undefined ? {} : metrics(finish.usage, run.startedAt, run.loadedAt)),
    logprobs: part.logprobs,
  };
}

/** The object that a load or an unload is answered with, streaming or not. */
export function doneObject(modelName: string, fields: object, reason: 'load' | 'unload'): object {
  return { model: modelName, created_at: utcTime(preciseNow()), ...fields, done: true, done_reason: reason };
}

/** The object that shows a rendered prompt instead of running it. */
export function debugObject(modelName: string, fields: object, prompt: string, images: number): object {
  const info = { rendered_template: prompt, ...(images > 0 ? { image_count: images } : {}) };
  return { model: modelName, created_at: utcTime(preciseNow()), ...fields, done: false, _debug_info: info };
}

/** Text of a message's tool calls, as the model reads them. */
export function toolCallText(calls: readonly object[] | undefined): string {
  return calls === undefined || calls.length === 0 ? '' : goJson(calls);
}
