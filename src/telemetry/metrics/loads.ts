import type { RequestRecord } from '../../domain/request-record.ts';

/** Lists of models change: no more of them are remembered per endpoint. */
const MAX_MODELS = 2_000;

/** Tells loads of models apart: requests that came before a load was over waited for the same one. */
export class Loads {
  /** By endpoint and model as they are counted: when the last load was over, in milliseconds since the epoch. */
  readonly #until = new Map<string, Map<string, number>>();

  /** Whether this request, which found its model not in memory, was answered after a load that is not counted yet. */
  isNew(record: RequestRecord, endpoint: string, model: string): boolean {
    const waitedMs = answeredAfter(record);
    if (waitedMs === undefined) return false;
    const models = this.#until.get(endpoint) ?? new Map<string, number>();
    this.#until.set(endpoint, models);
    const before = models.get(model) ?? 0;
    if (models.size >= MAX_MODELS) models.clear();
    models.set(model, Math.max(before, record.receivedAt + waitedMs));
    return record.receivedAt >= before;
  }
}

/** Milliseconds after which the model answered; undefined where it is not known to have done so. */
function answeredAfter({ firstPieceMs, loadMs, outcome, totalMs }: RequestRecord): number | undefined {
  if (firstPieceMs !== undefined) return firstPieceMs;
  return loadMs !== undefined || outcome === 'ok' ? totalMs : undefined;
}
