import type { EndpointKind } from '../domain/endpoint.ts';
import { Changes } from './changes.ts';
import type { Exchange } from './exchange.ts';
import { Faults } from './faults.ts';
import { Host } from './host.ts';
import { HttpServer } from './http-server.ts';
import { loadInBackground } from './llama-server/router.ts';
import { answerAsLlamaServer } from './llama-server/routes.ts';
import { Machine, type MachineOptions } from './machine.ts';
import { completeModel } from './model.ts';
import { isKnownUpload } from './ollama/blobs.ts';
import { displayName } from './ollama/name.ts';
import { answerAsOllama } from './ollama/routes.ts';
import { openAiDialect } from './openai/openai-dialect.ts';
import { answerAsOpenAi } from './openai/routes.ts';
import { vllmDialect } from './openai/vllm-dialect.ts';
import type { ModelDescription, SimulatedEndpoint, SimulatedEndpointOptions, TokenTotals } from './simulation.ts';
import { Gone } from './wait.ts';

const answers: Readonly<Record<EndpointKind, (host: Host, exchange: Exchange) => Promise<void>>> = {
  ollama: answerAsOllama,
  'llama-server': answerAsLlamaServer,
  vllm: (host, exchange) => answerAsOpenAi(host, exchange, vllmDialect),
  openai: (host, exchange) => answerAsOpenAi(host, exchange, openAiDialect),
};

/** Starts a simulated server: a real HTTP server on a loopback port that behaves as its kind does. */
export async function startSimulatedEndpoint(options: SimulatedEndpointOptions): Promise<SimulatedEndpoint> {
  const endpoint = new RunningEndpoint(options);
  await endpoint.start();
  // A llama-server with one model answers 503 to everything until the model is loaded: nobody waits for that.
  if (isSingleLlama(options)) endpoint.loadFirst();
  else for (const name of loadedAtStart(options)) await endpoint.load(name);
  for (const name of options.sleeping ?? []) {
    await endpoint.load(name);
    endpoint.sleep(name);
  }
  return endpoint;
}

function loadedAtStart(options: SimulatedEndpointOptions): readonly string[] {
  if (options.loaded !== undefined) return options.loaded;
  const names = (options.models ?? []).map((model) => (typeof model === 'string' ? model : model.name));
  return isAlwaysLoaded(options) ? names : [];
}

/** Servers whose models are in memory for ever. */
function isAlwaysLoaded(options: SimulatedEndpointOptions): boolean {
  return options.kind === 'openai' || options.kind === 'vllm';
}

function isSingleLlama(options: SimulatedEndpointOptions): boolean {
  return options.kind === 'llama-server' && options.mode !== 'router';
}

function machineOptions(options: SimulatedEndpointOptions): MachineOptions {
  const isOllama = options.kind === 'ollama';
  const isLlama = options.kind === 'llama-server';
  return {
    slots: options.slots ?? (isOllama ? 1 : isLlama ? 4 : 64),
    loadMs: options.loadMs ?? 0,
    unloadMs: options.unloadMs ?? 0,
    vramBytes: options.vramBytes ?? Number.POSITIVE_INFINITY,
    maxLoaded: options.maxLoaded ?? (isOllama ? 3 : isLlama ? 4 : Number.POSITIVE_INFINITY),
    queueLimit: isOllama ? (options.queueLimit ?? 512) : Number.POSITIVE_INFINITY,
    keepAliveMs: isOllama ? 300_000 : Number.POSITIVE_INFINITY,
    loadsOneAtATime: isOllama,
    keyOf: isOllama ? (name) => (displayName(name) ?? name).toLowerCase() : (name) => name,
  };
}

class RunningEndpoint implements SimulatedEndpoint {
  readonly kind: EndpointKind;
  readonly faults = new Faults();
  readonly #changes = new Changes();
  readonly #machine: Machine;
  readonly #host: Host;
  readonly #server: HttpServer;
  readonly #hostName: string;

  constructor(options: SimulatedEndpointOptions) {
    this.kind = options.kind;
    this.#hostName = options.host ?? '127.0.0.1';
    this.#machine = new Machine(machineOptions(options), this.#changes);
    this.#host = new Host(options, this.#machine, this.#changes);
    for (const model of options.models ?? []) this.addModel(model);
    this.#server = new HttpServer({
      handle: (exchange) => answers[options.kind](this.#host, exchange),
      isAnsweredEarly: (recording) => options.kind === 'ollama' && isKnownUpload(this.#host, recording),
      recordLimit: options.recordLimit ?? 10_000,
      faults: this.faults,
      changes: this.#changes,
      host: this.#hostName,
      port: options.port ?? 0,
    });
  }

  get url(): string {
    return `http://${this.#hostName}:${this.port}`;
  }

  get port(): number {
    return this.#server.port;
  }

  get requests(): SimulatedEndpoint['requests'] {
    return this.#server.requests;
  }

  loadedModels(): readonly string[] {
    const awake = this.#machine.loaded.filter((loaded) => loaded.state === 'ready' && !loaded.isAsleep);
    return awake.map((loaded) => loaded.model.name);
  }

  inFlight(model?: string): number {
    return this.#machine.inFlight(model);
  }

  peakInFlight(model: string): number {
    return this.#machine.peakInFlight(model);
  }

  waiting(): number {
    return this.#machine.waiting;
  }

  totals(model: string): TokenTotals {
    return this.#host.totals(model);
  }

  forgetRequests(): void {
    this.#server.requests.length = 0;
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  addModel(description: ModelDescription): void {
    this.#machine.addModel(completeModel(description, this.kind));
  }

  removeModel(name: string): void {
    this.#machine.removeModel(this.#model(name));
  }

  async load(name: string): Promise<void> {
    using _use = await this.#machine.use(this.#model(name), {}, this.#machine.signal);
  }

  /** The one model of a llama-server, loaded while it already listens. */
  loadFirst(): void {
    const [model] = this.#machine.models;
    if (model !== undefined) loadInBackground(this.#host, model);
  }

  unload(name: string): void {
    this.#machine.unload(this.#model(name));
  }

  sleep(name: string): void {
    const loaded = this.#machine.findLoaded(this.#model(name));
    if (loaded !== undefined) loaded.isAsleep = true;
    this.#changes.changed();
  }

  finishLoading(name: string): void {
    this.#machine.findLoaded(this.#model(name))?.finishLoading();
  }

  async waitFor(predicate: (requests: SimulatedEndpoint['requests']) => boolean, timeoutMs = 5000): Promise<void> {
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      await this.#changes.until(() => predicate(this.requests), timeout);
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
      throw new Error(`not within ${timeoutMs} ms: ${predicate}; requests: ${this.#summary()}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#machine.close();
    await this.stop();
  }

  #model(name: string) {
    const model = this.#machine.find(name);
    if (model === undefined) throw new Error(`simulated ${this.kind} has no model ${name}`);
    return model;
  }

  #summary(): string {
    const lines = this.requests.map(({ method, target, status, clientLeft }) => {
      return `${method} ${target} ${status ?? 'unanswered'}${clientLeft ? ', client left' : ''}`;
    });
    return lines.join('; ') || 'none';
  }
}
