import { aborting } from './client-suite/aborting.ts';
import { backpressure } from './client-suite/backpressure.ts';
import { crowd } from './client-suite/crowd.ts';
import { failures } from './client-suite/failures.ts';
import { framing } from './client-suite/framing.ts';
import { malformed } from './client-suite/malformed.ts';
import { requests } from './client-suite/requests.ts';
import { reuse } from './client-suite/reuse.ts';
import type { Subject } from './client-suite/stage.ts';

/** What every `UpstreamClient` must do: it is run before real sockets whose other end is scripted byte by byte. */
export function clientSuite(subject: Subject): void {
  framing(subject);
  malformed(subject);
  requests(subject);
  reuse(subject);
  failures(subject);
  aborting(subject);
  backpressure(subject);
  crowd(subject);
}
