import type { EndpointKind } from '../domain/endpoint.ts';
import type { EndpointState } from '../routing/catalog.ts';

export interface BannerFacts {
  readonly version: string;
  readonly configFile: string | undefined;
  readonly address: string;
  readonly keyRequired: boolean;
  readonly onlyThisMachine: boolean;
  readonly warnings: readonly string[];
  readonly states: readonly EndpointState[];
}

/** What the operator sees at the start: what was found at each endpoint, and what to do where nothing was. */
export function banner(facts: BannerFacts): string {
  const width = Math.max(...facts.states.map(({ endpoint }) => endpoint.name.length));
  const lines = [
    `nomyo-router ${facts.version} · node ${process.versions.node} · ${facts.configFile ?? 'no configuration file'}`,
    ...facts.states.map((state) => endpointLine(state, width)),
    ...facts.warnings.map((warning) => `! ${warning}`),
    `Ollama API   ${facts.address}      OLLAMA_HOST=${facts.address} ollama ls`,
    `OpenAI API   ${facts.address}/v1   base_url="${facts.address}/v1"`,
    ...access(facts),
  ];
  return lines.map((line) => `  ${line}\n`).join('');
}

function endpointLine(state: EndpointState, width: number): string {
  const { endpoint, health } = state;
  const where = `${endpoint.name.padEnd(width)}  ${endpoint.url}`;
  return health === 'healthy' ? `● ${where}  ${found(state)}` : `✕ ${where}  ${missing(state)}`;
}

function found({ endpoint, findings }: EndpointState): string {
  const models = findings?.models ?? [];
  const loaded = models.filter((model) => model.loaded).length;
  const version = findings?.version === 'latest' || findings === undefined ? '' : ` ${findings.version}`;
  if (models.length === 0) return `${endpoint.kind}${version}  no models yet – ${whereModelsComeFrom(endpoint.kind)}`;
  const count = `${models.length} ${models.length === 1 ? 'model' : 'models'}`;
  return `${endpoint.kind}${version}  ${count}, ${loaded} loaded`;
}

function whereModelsComeFrom(kind: EndpointKind): string {
  if (kind === 'ollama') return 'pull one there: ollama pull llama3.2';
  return kind === 'llama-server' ? 'start it with -m MODEL or --models-dir' : 'check its key and its list of models';
}

function missing({ endpoint, detail, health }: EndpointState): string {
  return health === 'unknown' ? 'has not answered yet' : `${detail} – ${remedy(endpoint.kind, detail ?? '')}`;
}

function remedy(kind: EndpointKind, detail: string): string {
  if (/refused/.test(detail)) {
    return kind === 'ollama'
      ? 'is Ollama running there, with OLLAMA_HOST=0.0.0.0 if it is another machine?'
      : 'is the server running there?';
  }
  if (/answered 40[13]/.test(detail)) return 'check its key under api_keys';
  if (/name/.test(detail)) return 'check the host name';
  return 'it is asked again every second';
}

function access({ keyRequired, onlyThisMachine }: BannerFacts): string[] {
  if (keyRequired) return ['key required  send "Authorization: Bearer <key>"'];
  if (onlyThisMachine) return ['open to this machine only; --host 0.0.0.0 opens it to the network'];
  return ['! no key: anyone who can reach this port may use the models (set nomyo-router-api-key)'];
}
