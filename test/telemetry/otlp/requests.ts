import type { Endpoint } from '../../../src/domain/endpoint.ts';
import { type Decision, RequestRecord } from '../../../src/domain/request-record.ts';
import { createOtlp, type Otlp } from '../../../src/telemetry/otlp/otlp.ts';
import { readOtlpSettings } from '../../../src/telemetry/otlp/settings.ts';

export function endpoint(name: string, more: Partial<Endpoint> = {}): Endpoint {
  const url = `http://${name}:11434`;
  return { url, base: url, name, kind: 'ollama', cloud: false, ...more };
}

export const gpuA = endpoint('gpu-a');
export const gpuB = endpoint('gpu-b', { kind: 'llama-server', base: 'https://gpu-b' });

/** A request with a clock that a test sets. */
export class Asked extends RequestRecord {
  readonly #clock: { ms: number };

  constructor(traceparent?: string, path = '/api/chat', method = 'POST') {
    const clock = { ms: 0 };
    const client = { address: '10.0.0.7', agent: 'ollama-js/0.6.4', key: undefined };
    super({ id: 'req_1', method, path, client, traceparent }, 1_800_000_000_000, () => clock.ms);
    this.#clock = clock;
    this.route = path;
    this.model = 'llama3.2';
    this.streaming = true;
  }

  at(ms: number): this {
    this.#clock.ms = ms;
    return this;
  }

  /** Sent to an endpoint at a time; what the endpoint is told of the trace. */
  sentTo(otlp: Otlp, to: Endpoint, ms: number, model = 'llama3.2:latest'): string | undefined {
    this.at(ms).decision = this.decided(to, model);
    return otlp.traceparentFor(this);
  }

  decided(to: Endpoint, model: string): Decision {
    return { endpoint: to, model, reason: 'free_slot', loaded: true, considered: [], atMs: this.elapsedMs };
  }

  /** Answered well after a second: the first piece after 250 ms, 5 tokens of prompt and 4 of text. */
  answered(): this {
    this.firstPieceMs = 250;
    this.addTokens({ promptTokens: 5, completionTokens: 4, promptEstimated: false, completionEstimated: false });
    this.at(1000).end('ok', 200);
    return this;
  }
}

/** A whole request to one endpoint that went well. */
export function askWell(otlp: Otlp, record = new Asked(), to: Endpoint = gpuA): Asked {
  otlp.begin(record);
  record.sentTo(otlp, to, 100);
  otlp.end(record.answered());
  return record;
}

/** An export to a receiver, by the environment's variables; what it says of trouble goes to `told`. */
export function exportTo(url: string, environment: Record<string, string> = {}, told: string[] = []): Otlp {
  const { settings } = readOtlpSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...environment });
  if (settings === undefined) throw new Error('nothing is exported');
  return createOtlp(settings, { version: '1.2.3', onTrouble: (text) => void told.push(text) });
}
