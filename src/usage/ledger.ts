import type { TokenUsage } from '../domain/answer.ts';
import type { Listing } from '../domain/model.ts';

/** Counts the tokens spent, by endpoint URL and model as the endpoint lists it. In memory, since the start. */
export class Ledger {
  readonly #totals = new Map<string, Map<string, number>>();

  /** Counts one answered request; nothing where its tokens are unknown. */
  record({ endpoint, model }: Listing, usage: TokenUsage | undefined): void {
    if (usage === undefined) return;
    const models = this.#totals.get(endpoint.url) ?? new Map<string, number>();
    models.set(model.id, (models.get(model.id) ?? 0) + usage.promptTokens + usage.completionTokens);
    this.#totals.set(endpoint.url, models);
  }

  /** Endpoint URL to model to prompt and completion tokens together. */
  totals(): Record<string, Record<string, number>> {
    return Object.fromEntries([...this.#totals].map(([url, models]) => [url, Object.fromEntries(models)]));
  }
}
