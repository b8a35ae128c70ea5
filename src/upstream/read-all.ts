import { EndpointFailure } from '../errors.ts';
import type { UpstreamAnswer } from './client.ts';

/** An answer's whole body. Rejects with `EndpointFailure` where it breaks off or is longer than `maxBytes`. */
export async function readAll(answer: UpstreamAnswer, maxBytes: number): Promise<Buffer> {
  const { body, isWhole } = await readSome(answer, maxBytes);
  if (!isWhole) throw new EndpointFailure('invalid', 'sent an answer that is too long');
  return body;
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
