import type { Json } from '../contract/ask.ts';

/** A named record of a stream: its name, `''` where it has none, and its data, parsed unless it is `[DONE]`. */
export interface StreamEvent {
  readonly event: string;
  readonly data: Json;
}

/** The records of a stream in order. */
export function eventsIn(text: string): StreamEvent[] {
  const records = text.split('\n\n').filter((record) => record !== '');
  return records.map((record) => {
    const fields = Object.fromEntries(record.split('\n').map((line) => line.split(/: (.*)/s, 2)));
    const data: unknown = fields['data'] === '[DONE]' ? '[DONE]' : JSON.parse(fields['data'] ?? '');
    return { event: fields['event'] ?? '', data };
  });
}

/** The names of a stream's records, each run of the same name once. */
export function namesIn(events: readonly StreamEvent[]): string[] {
  return events.map(({ event }) => event).filter((name, i, all) => name !== all[i - 1]);
}
