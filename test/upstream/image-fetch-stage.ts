import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { RouterError } from '../../src/errors.ts';
import type { FetchedImage } from '../../src/upstream/image-fetch/image.ts';
import { ImageFetcher } from '../../src/upstream/image-fetch/image-fetcher.ts';
import { type Script, ScriptedServer } from '../support/scripted-server.ts';

const folder = new URL('../fixtures/tls/', import.meta.url);
const credentials = {
  cert: readFileSync(new URL('cert.pem', folder), 'utf8'),
  key: readFileSync(new URL('key.pem', folder), 'utf8'),
};

tls.setDefaultCACertificates([credentials.cert]);

/** The name in the server's certificate. The stage's resolver gives it a public address. */
export const HOST = 'localhost';
export const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
export const FETCHED: FetchedImage = { mediaType: 'image/png', base64: PNG.toString('base64') };

interface Setting {
  readonly hosts?: readonly string[];
  /** The answers of the resolver, by name; one list for each question, the last for all that follow. */
  readonly names?: Readonly<Record<string, readonly (readonly string[])[]>>;
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
}

/** A fetcher whose connections to public addresses end at a scripted server. Leaving its scope, nothing may be left. */
export class ImageStage implements AsyncDisposable {
  readonly fetcher: ImageFetcher;
  readonly server: ScriptedServer;
  /** The names that were looked up, and where connections went. */
  readonly asked: string[] = [];
  readonly dialled: string[] = [];
  /** Told of each connection before it is opened. */
  onDial: () => void = () => {};
  readonly #client = new AbortController();
  readonly #timers = timers();

  constructor(server: ScriptedServer, { hosts = [HOST], names = {}, ...limits }: Setting) {
    const known: Setting['names'] & {} = { [HOST]: [['8.8.8.8']], ...names };
    this.server = server;
    this.fetcher = new ImageFetcher({
      hosts,
      resolve: async (host) => {
        const answers = known[host] ?? assert.fail(`${host} is looked up`);
        const earlier = this.asked.filter((name) => name === host).length;
        this.asked.push(host);
        return answers[Math.min(earlier, answers.length - 1)] ?? [];
      },
      connect: (address, port) => {
        this.dialled.push(`${address} ${port}`);
        this.onDial();
        return net.connect({ host: '127.0.0.1', port: server.port });
      },
      ...limits,
    });
  }

  fetch(url = `https://${HOST}/a.png`): Promise<FetchedImage> {
    return this.fetcher.fetch(url, this.#client.signal);
  }

  /** Why the fetch was refused, in the words for the client. */
  async refusal(url?: string): Promise<string> {
    const error: unknown = await this.fetch(url).then(
      () => assert.fail('it was fetched'),
      (thrown) => thrown,
    );
    assert.ok(error instanceof RouterError, String(error));
    assert.equal(error.code, 'invalid_parameter');
    const [prefix, what = ''] = error.message.split('cannot fetch the image: ');
    assert.equal(prefix, '');
    return what;
  }

  /** The client leaves. */
  leave(): void {
    this.#client.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    assert.deepEqual(getEventListeners(this.#client.signal, 'abort'), [], 'no listener is left');
    assert.equal(timers(), this.#timers, 'no timer is left');
    await this.server.deserted();
    await this.server[Symbol.asyncDispose]();
  }
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
}

export async function imageStage(script: Script, setting: Setting = {}): Promise<ImageStage> {
  return new ImageStage(await ScriptedServer.start(script, credentials), setting);
}

/** A whole answer, or what there was of it. */
export function answer(status: number, headers: readonly string[], body: Buffer | string = ''): Buffer {
  const head = `HTTP/1.1 ${[`${status} Words`, ...headers].join('\r\n')}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]);
}

export function image(body: Buffer | string = PNG, type = 'image/png', ...headers: readonly string[]): Buffer {
  return answer(200, [`Content-Type: ${type}`, `Content-Length: ${body.length}`, ...headers], body);
}

/** Answers each connection's request with the next of these answers, the last repeating. */
export function answers(...all: readonly Buffer[]): Script {
  let count = 0;
  return async (peer) => {
    const bytes = all[Math.min(count++, all.length - 1)] ?? assert.fail('no answers');
    await peer.head();
    await peer.write(bytes);
  };
}
