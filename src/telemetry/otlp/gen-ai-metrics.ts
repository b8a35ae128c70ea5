import type { RequestRecord } from '../../domain/request-record.ts';
import { type Attempt, errorTypeOf, firstChunkMs } from './attempts.ts';
import type { Attributes } from './attributes.ts';
import { OTHER, operationOf, providerOf } from './gen-ai.ts';
import { Histogram, type Instrument } from './histogram.ts';

/** Buckets as the conventions want them. */
const DURATION = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST_TOKEN = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const PER_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];

const seconds = (name: string, description: string, bounds: readonly number[]): Instrument => {
  return { name, unit: 's', description, bounds };
};

const INSTRUMENTS = {
  operationDuration: seconds('gen_ai.client.operation.duration', 'A request to an endpoint.', DURATION),
  firstChunk: seconds('gen_ai.client.operation.time_to_first_chunk', 'To the first piece of a stream.', DURATION),
  perChunk: seconds('gen_ai.client.operation.time_per_output_chunk', 'Per token of a stream, its mean.', DURATION),
  tokenUsage: { name: 'gen_ai.client.token.usage', unit: '{token}', description: 'Tokens used.', bounds: TOKENS },
  requestDuration: seconds('gen_ai.server.request.duration', 'A request of a client.', DURATION),
  firstToken: seconds('gen_ai.server.time_to_first_token', 'To the first piece that a client got.', FIRST_TOKEN),
  perToken: seconds('gen_ai.server.time_per_output_token', 'Per token after the first.', PER_TOKEN),
};

/** Combinations of attributes per metric: far more than a fleet has models, and a bound for memory and exports. */
const MOST_SERIES = 1000;

/** The metrics of the GenAI conventions: `client` toward endpoints, `server` toward clients. */
export class GenAiMetrics {
  readonly #operationDuration = histogram(INSTRUMENTS.operationDuration);
  readonly #firstChunk = histogram(INSTRUMENTS.firstChunk);
  readonly #perChunk = histogram(INSTRUMENTS.perChunk);
  readonly #tokenUsage = histogram(INSTRUMENTS.tokenUsage);
  readonly #requestDuration = histogram(INSTRUMENTS.requestDuration);
  readonly #firstToken = histogram(INSTRUMENTS.firstToken);
  readonly #perToken = histogram(INSTRUMENTS.perToken);
  readonly all: readonly Histogram[] = [
    this.#operationDuration,
    this.#firstChunk,
    this.#perChunk,
    this.#tokenUsage,
    this.#requestDuration,
    this.#firstToken,
    this.#perToken,
  ];

  /** Counts a request that is over and asked a model. */
  count(record: RequestRecord, attempts: readonly Attempt[]): void {
    const operation = operationOf(record.route);
    this.#countServer(record, operation);
    for (const attempt of attempts) {
      const attributes = clientAttributes(operation, attempt);
      const took = (attempt.endMs - attempt.startMs) / 1000;
      this.#operationDuration.observe(took, { ...attributes, 'error.type': attempt.errorType });
      if (attempt.answered) this.#countAnswer(record, attempt, attributes);
    }
  }

  #countAnswer(record: RequestRecord, attempt: Attempt, attributes: Attributes): void {
    const { tokens, streaming } = record;
    observeMs(this.#firstChunk, firstChunkMs(record, attempt), attributes);
    if (streaming) observeMs(this.#perChunk, record.timePerOutputTokenMs, attributes);
    if (tokens === undefined) return;
    // The conventions want no usage reported that nobody counted.
    if (!tokens.promptEstimated)
      this.#tokenUsage.observe(tokens.promptTokens, { ...attributes, 'gen_ai.token.type': 'input' });
    this.#tokenUsage.observe(tokens.completionTokens, { ...attributes, 'gen_ai.token.type': 'output' });
  }

  #countServer(record: RequestRecord, operation: string): void {
    const attributes = serverAttributes(operation, record);
    observeMs(this.#requestDuration, record.totalMs, { ...attributes, 'error.type': errorTypeOf(record) });
    if (record.outcome !== 'ok' || !record.streaming) return;
    observeMs(this.#firstToken, record.firstPieceMs, attributes);
    observeMs(this.#perToken, record.timePerOutputTokenMs, attributes);
  }
}

function histogram(instrument: Instrument): Histogram {
  return new Histogram(instrument, MOST_SERIES, folded);
}

function observeMs(histogram: Histogram, ms: number | undefined, attributes: Attributes): void {
  if (ms !== undefined) histogram.observe(ms / 1000, attributes);
}

function clientAttributes(operation: string, { decision }: Attempt): Attributes {
  const { name, address, port } = providerOf(decision.endpoint);
  return {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': name,
    'gen_ai.request.model': decision.model,
    'server.address': address,
    'server.port': port,
  };
}

/** A model is named as an endpoint lists it: names that only clients know would be without number. */
function serverAttributes(operation: string, { decision }: RequestRecord): Attributes {
  return {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': decision === undefined ? OTHER : providerOf(decision.endpoint).name,
    'gen_ai.request.model': decision?.model ?? OTHER,
  };
}

/** What has few values stays; the rest is other. */
function folded(attributes: Attributes): Attributes {
  return {
    'gen_ai.operation.name': attributes['gen_ai.operation.name'],
    'gen_ai.provider.name': attributes['gen_ai.provider.name'],
    'gen_ai.request.model': OTHER,
    'gen_ai.token.type': attributes['gen_ai.token.type'],
    'error.type': attributes['error.type'] === undefined ? undefined : OTHER,
  };
}
