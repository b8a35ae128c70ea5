import type { FaultPlan, FaultRule, FaultTarget } from './simulation.ts';

/** What a fault is matched against. */
export interface FaultSubject {
  readonly path: string;
  readonly method: string;
  readonly model: string | undefined;
}

/** The rules of one endpoint, and which of them still have to act. */
export class Faults implements FaultPlan {
  #rules: { readonly rule: FaultRule; skip: number; times: number }[] = [];

  add(rule: FaultRule): void {
    this.#rules.push({ rule, skip: rule.skip ?? 0, times: rule.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The rule for this request, counted as used; `{}` where none meets it. */
  take(subject: FaultSubject): FaultRule {
    return this.#use((rule) => rule.refuseConnections === undefined && meets(rule.on ?? {}, subject)) ?? {};
  }

  /** Whether a new connection must be reset. */
  refusesConnection(): boolean {
    return this.#use((rule) => rule.refuseConnections === true) !== undefined;
  }

  #use(meetsRule: (rule: FaultRule) => boolean): FaultRule | undefined {
    for (const entry of this.#rules) {
      if (entry.times <= 0 || !meetsRule(entry.rule)) continue;
      if (entry.skip > 0) {
        entry.skip--;
        continue;
      }
      entry.times--;
      return entry.rule;
    }
    return undefined;
  }
}

function meets(target: FaultTarget, subject: FaultSubject): boolean {
  return (
    meetsPath(target.path, subject.path) &&
    (target.method === undefined || target.method === subject.method) &&
    (target.model === undefined || target.model === subject.model)
  );
}

function meetsPath(wanted: string | RegExp | undefined, path: string): boolean {
  if (wanted === undefined) return true;
  return typeof wanted === 'string' ? wanted === path : wanted.test(path);
}
