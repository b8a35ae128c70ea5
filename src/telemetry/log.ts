import type { Endpoint } from '../domain/endpoint.ts';
import type { RequestRecord } from '../domain/request-record.ts';
import type { EndpointFailure } from '../errors.ts';
import type { EndpointState } from '../routing/catalog.ts';
import { asJson, inLine } from './log/escape.ts';
import { faultText } from './log/fault-text.ts';
import { type Redactor, redactor } from './log/redact.ts';
import { requestFields, requestLine } from './log/request-line.ts';
import { timeStamp } from './log/time-stamp.ts';

/** How much is told: each level has those before it. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

/** For people, or one JSON object a line. */
export type LogFormat = 'pretty' | 'json';

/** What the router tells its operator while it runs. Never prompts, answers or keys. Nothing here throws. */
export interface Log {
  /** A request is over. */
  request(record: RequestRecord): void;
  /** An endpoint became healthy or unreachable. */
  endpointChanged(state: EndpointState): void;
  /** An endpoint failed to answer a request, or broke off in the middle of it. */
  answerFailed(endpoint: Endpoint, failure: EndpointFailure): void;
  /** A tag has another digest on one endpoint than on another. */
  digestsDiffer(name: string, digests: readonly (readonly [endpoint: string, digest: string])[]): void;
  /** The statistics database works or does not; `detail` is why not, or what was done about its file. */
  storeChanged(state: StoreState): void;
  /** Something failed that neither a client nor an endpoint explains. */
  fault(error: unknown): void;
  /** What is told once in a while and has no word of its own. */
  told(level: LogLevel, text: string): void;
}

/** What is known of the statistics database. */
interface StoreState {
  readonly status: 'opening' | 'ok' | 'error';
  readonly detail?: string | undefined;
}

/** What a log is made of. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Takes a line without its end; must not throw. */
  readonly write: (line: string) => void;
  /** Keys that must not appear, should anybody repeat them. */
  readonly secrets?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const RANK: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };
const SAYING_LIMIT = 300;
const NAME_LIMIT = 120;
const ASKS_NOTHING = new Set(['GET', 'HEAD', 'OPTIONS']);

/** One line per event that the level lets through, with its time. */
export function createLog({ level, format, write, secrets = [], now = Date.now }: LogOptions): Log {
  const redact = redactor(secrets);
  const stamp = timeStamp(now);
  const most = RANK[level];
  const pretty = format === 'pretty';

  function say(of: LogLevel, text: string, endpoint?: Endpoint): void {
    if (RANK[of] > most) return;
    if (pretty) {
      write(`${stamp()}${MARK[of]} ${inLine(text)}`);
      return;
    }
    const where = endpoint === undefined ? '' : `,"endpoint":${asJson(endpoint.name)}`;
    write(`{"ts":"${stamp()}","level":"${of}","msg":${asJson(text)}${where}}`);
  }

  return {
    request(record) {
      const of = levelOf(record);
      if (RANK[of] > most) return;
      if (pretty) write(`${stamp()}${MARK[of]} ${requestLine(record, redact)}`);
      else write(`{"ts":"${stamp()}","level":"${of}","msg":"request",${requestFields(record, redact)}}`);
    },
    endpointChanged({ endpoint, health, findings, detail = 'no reason known' }) {
      const isHealthy = health === 'healthy';
      const what = isHealthy
        ? `healthy, ${findings?.models.length ?? 0} models`
        : `unreachable: ${said(detail, redact)}`;
      say(isHealthy ? 'info' : 'warn', `endpoint ${endpoint.name} ${what}`, endpoint);
    },
    answerFailed(endpoint, { message }) {
      say('warn', `endpoint ${endpoint.name} failed a request: ${said(message, redact)}`, endpoint);
    },
    digestsDiffer(name, digests) {
      const where = digests.map(
        ([endpoint, digest]) => `${redact.name(digest, NAME_LIMIT).slice(0, 12)} on ${endpoint}`,
      );
      say('warn', `model ${redact.name(name, NAME_LIMIT)} differs: ${where.join(', ')}`);
    },
    storeChanged({ status, detail }) {
      const why = detail === undefined ? '' : `: ${said(detail, redact)}`;
      const of = { opening: 'debug', ok: detail === undefined ? 'info' : 'warn', error: 'error' } as const;
      say(of[status], `statistics database ${STORE_WORDS[status]}${why}`);
    },
    fault: (error) => say('error', `internal error: ${faultText(error, redact)}`),
    told: (of, text) => say(of, said(text, redact)),
  };
}

/** The log of people that leaves nothing out but what nobody asked for, through `write`. */
export function lineLog(write: (line: string) => void): Log {
  return createLog({ level: 'info', format: 'pretty', write });
}

/** What is as it should be has no mark. */
const MARK: Readonly<Record<LogLevel, string>> = { error: ' error', warn: ' warn', info: '', debug: '' };

const STORE_WORDS: Readonly<Record<StoreState['status'], string>> = {
  opening: 'is being opened',
  ok: 'works',
  error: 'does not work',
};

function said(text: string, redact: Redactor): string {
  return redact.saying(text, SAYING_LIMIT);
}

/** What merely looks at the router goes on all the time; it is told where it fails. */
function levelOf({ outcome, status, method, model }: RequestRecord): LogLevel {
  if (outcome === 'router_error') return 'error';
  if (outcome === 'upstream_error' || outcome === 'rejected') return 'warn';
  const isLook = model === undefined && ASKS_NOTHING.has(method) && status < 400;
  return isLook ? 'debug' : 'info';
}
