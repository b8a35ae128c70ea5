import type { Exchange } from '../exchange.ts';
import { OllamaFailure } from './failure.ts';
import { GoDecodeError } from './go-decode.ts';
import { goJson } from './go-json.ts';
import { jsonType, type Sink } from './sink.ts';
import { v1Error } from './v1-sink.ts';

/** A request in another protocol, made Ollama's own: where its answer goes and what gives it. */
interface Prepared {
  readonly sink: Pick<Sink, 'json'>;
  readonly work: () => Promise<void>;
}

/** Runs a converted request. What the conversion refuses has a charset; what the handler behind it refuses has none. */
export async function middleware(
  exchange: Exchange,
  prepare: () => Prepared | Promise<Prepared>,
  error: (status: number, message: string) => object = v1Error,
): Promise<void> {
  const prepared = await preparedOrRefused(exchange, prepare, error);
  if (prepared === undefined) return;
  try {
    await prepared.work();
  } catch (failure) {
    if (!(failure instanceof OllamaFailure)) throw failure;
    await prepared.sink.json(failure.status, { error: failure.message });
  }
}

async function preparedOrRefused<T>(
  exchange: Exchange,
  prepare: () => T | Promise<T>,
  error: (status: number, message: string) => object,
): Promise<T | undefined> {
  try {
    return await prepare();
  } catch (failure) {
    if (!(failure instanceof GoDecodeError || failure instanceof OllamaFailure)) throw failure;
    const status = failure instanceof OllamaFailure ? failure.status : 400;
    await exchange.send(status, jsonType, goJson(error(status, failure.message)));
    return undefined;
  }
}
