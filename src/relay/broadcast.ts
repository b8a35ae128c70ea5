import type { Endpoint } from '../domain/endpoint.ts';
import type { Management } from '../protocols/ollama/management.ts';
import { errorLine, MergedProgress, SUCCESS_LINE } from '../protocols/ollama/progress.ts';
import type { Exchange, UpstreamAnswer } from '../upstream/client.ts';
import { followTask } from './follow-task.ts';
import { streamHeaders, upstreamHeaders } from './headers.ts';
import type { Line } from './line.ts';
import { Outcome } from './outcome.ts';
import { refresh } from './refresh.ts';
import { refuse } from './refusal.ts';
import type { Reply } from './reply.ts';

/** A task for many endpoints, with what of the client's HTTP request goes on to them. */
export interface Task {
  readonly task: Management;
  /** Names and values in turn, as they came. */
  readonly headers: readonly string[];
}

/**
 * Has all targets do one task at once (pull, create; push with one target) and merges their progress. What fails on one
 * is cancelled on none; it is told last, when the others are done. Throws where the client has been sent nothing and
 * every target failed, or where it asked for no progress; `ClientGone` where it left.
 */
export async function broadcast(line: Line, job: Task, targets: readonly Endpoint[], reply: Reply): Promise<void> {
  using exchanges = new DisposableStack();
  const run = new Broadcast(line, job, targets, reply, exchanges);
  const running = targets.map((endpoint, index) => run.on(endpoint, index));
  reply.onGone(() => exchanges.dispose());
  await Promise.all(running);
  await refresh(line, run.outcome.succeeded);
  run.finish();
}

class Broadcast {
  readonly outcome: Outcome;
  readonly #line: Line;
  readonly #job: Task;
  readonly #reply: Reply;
  readonly #exchanges: DisposableStack;
  readonly #progress: MergedProgress;
  readonly #answers: UpstreamAnswer[] = [];
  #left: number;
  #held = '';
  #isBlocked = false;

  constructor(line: Line, job: Task, targets: readonly Endpoint[], reply: Reply, exchanges: DisposableStack) {
    this.outcome = new Outcome(line);
    this.#line = line;
    this.#job = job;
    this.#reply = reply;
    this.#exchanges = exchanges;
    this.#progress = new MergedProgress(targets.map(({ name }) => name));
    this.#left = targets.length;
  }

  /** The task on one target, from its request to its end. */
  async on(endpoint: Endpoint, index: number): Promise<void> {
    try {
      const answer = await this.#open(endpoint).answer;
      if (answer.status >= 300) await refuse(answer, endpoint, 'ollama', true);
      this.#answers.push(answer);
      await followTask(answer, (progress) => this.#tell(this.#progress.progress(index, progress)));
      this.outcome.succeeded.push(endpoint);
      this.#left--;
      this.#tell(this.#progress.succeeded(index));
    } catch (error) {
      this.outcome.failed(endpoint, error);
      this.#left--;
      const lines = this.#progress.failed(index, error instanceof Error ? error.message : String(error));
      if (!this.#isInVain) this.#tell(lines);
    }
  }

  finish(): void {
    const { streaming } = this.#job.task;
    if (this.#isInVain || (!streaming && this.outcome.hasFailures)) throw this.outcome.error;
    const end = this.outcome.hasFailures ? errorLine(this.outcome.words) : SUCCESS_LINE;
    const last = Buffer.from(this.#held + end);
    this.#held = '';
    if (!this.#reply.started && streaming) this.#start();
    if (!this.#reply.started) this.#reply.start(200, ['Content-Type', 'application/json'], last.length);
    this.#reply.end(last);
  }

  /** All failed and the client knows nothing yet: it is told with a status. */
  get #isInVain(): boolean {
    return this.#left === 0 && this.outcome.succeeded.length === 0 && !this.#reply.started;
  }

  #open(endpoint: Endpoint): Exchange {
    const { connect, firstByte } = this.#line.timeouts;
    const { task, headers } = this.#job;
    const exchange = this.#line.upstream.open({
      base: endpoint.base,
      method: 'POST',
      path: task.path,
      headers: upstreamHeaders(headers, endpoint),
      body: task.body,
      // Checking or converting a large model is silent for longer than an answer ever is.
      timeouts: { connect, firstByte, idle: firstByte },
    });
    return this.#exchanges.use(exchange);
  }

  /** Where the client reads too slowly, the targets wait, and what they have said by then does. */
  #tell(lines: string): void {
    if (lines === '' || !this.#job.task.streaming) return;
    if (!this.#reply.started) this.#start();
    this.#held += lines;
    if (this.#isBlocked) this.#pause();
    else this.#write();
  }

  #write(): void {
    const lines = Buffer.from(this.#held);
    this.#held = '';
    if (this.#reply.write(lines)) return;
    this.#isBlocked = true;
    this.#pause();
    this.#reply.onceDrained(() => {
      this.#isBlocked = false;
      if (this.#held !== '') this.#write();
      if (!this.#isBlocked) for (const answer of this.#answers) answer.resume();
    });
  }

  #pause(): void {
    for (const answer of this.#answers) answer.pause();
  }

  #start(): void {
    this.#reply.start(200, streamHeaders(['Content-Type', 'application/x-ndjson']));
  }
}
