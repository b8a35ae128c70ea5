import { randomFillSync } from 'node:crypto';

/** Makes names that nobody else has. */
export interface Ids {
  /** For a trace: 32 hexadecimal digits. */
  trace(): string;
  /** For a span: 16 hexadecimal digits. */
  span(): string;
}

const TRACE_BYTES = 16;
const SPAN_BYTES = 8;

/** Names from the system's random source, asked for many at once: one question costs more than the rest of a span. */
export function randomIds(): Ids {
  const bytes = Buffer.alloc(4096);
  let at = bytes.length;
  const next = (length: number): string => {
    if (at + length > bytes.length) {
      randomFillSync(bytes);
      at = 0;
    }
    at += length;
    return bytes.toString('hex', at - length, at);
  };
  return { trace: () => next(TRACE_BYTES), span: () => next(SPAN_BYTES) };
}
