import { EndpointFailure } from '../errors.ts';
import type { UpstreamAnswer } from './client.ts';

/** An answer's whole body. Rejects with `EndpointFailure` where it breaks off or is longer than `maxBytes`. */
export function readAll(answer: UpstreamAnswer, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    answer.read({
      data(bytes) {
        length += bytes.length;
        if (length > maxBytes) reject(new EndpointFailure('invalid', 'sent an answer that is too long'));
        else parts.push(Buffer.from(bytes));
      },
      end: () => resolve(Buffer.concat(parts)),
      fail: reject,
    });
  });
}

/** An answer's body as far as `maxBytes`; what comes behind is not read. Rejects with `EndpointFailure` where it breaks off. */
export function readSome(answer: UpstreamAnswer, maxBytes: number): Promise<{ body: Buffer; isWhole: boolean }> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const done = (isWhole: boolean) => resolve({ body: Buffer.concat(parts).subarray(0, maxBytes), isWhole });
    answer.read({
      data(bytes) {
        if (length > maxBytes) return;
        length += bytes.length;
        parts.push(Buffer.from(bytes));
        if (length <= maxBytes) return;
        answer.pause();
        done(false);
      },
      end: () => done(length <= maxBytes),
      fail: reject,
    });
  });
}
