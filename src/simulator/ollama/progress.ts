import type { Exchange } from '../exchange.ts';
import { GenerationFailure, SilentEnd, sufferTokenFaults } from '../generation.ts';
import { OllamaFailure } from './failure.ts';
import { goJson } from './go-json.ts';
import { NativeSink, plainJsonType } from './sink.ts';

/** Work that reports: an object per step, as pull, push and create write them. */
export type Steps = AsyncGenerator<object>;

/** Writes every step as it happens, or only the last one. Faults that are counted in tokens count steps here. */
export async function report(exchange: Exchange, stream: boolean, steps: Steps): Promise<void> {
  const sink = new NativeSink(exchange);
  let last: object = {};
  let count = 0;
  try {
    for await (const step of steps) {
      await sufferTokenFaults(exchange, count++);
      last = step;
      if (stream) await sink.streamed(step);
    }
  } catch (error) {
    if (error instanceof SilentEnd) return stream ? sink.end() : answerOnce(exchange, 200, last);
    const failure = asFailure(error);
    if (stream) return sink.failed(failure.status, failure.message);
    return answerOnce(exchange, failure.status, { error: failure.message });
  }
  return stream ? sink.end() : answerOnce(exchange, 200, last);
}

function answerOnce(exchange: Exchange, status: number, body: object): Promise<void> {
  return exchange.send(status, plainJsonType, goJson(body));
}

function asFailure(error: unknown): OllamaFailure {
  if (error instanceof OllamaFailure) return error;
  if (error instanceof GenerationFailure) return new OllamaFailure(500, error.message);
  throw error;
}
