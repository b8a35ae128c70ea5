import net from 'node:net';
import tls from 'node:tls';

/** What a server does with one connection. It may be left in the middle: once the peer is gone, waiting for it throws. */
export type Script = (peer: Peer) => void | Promise<void>;

/** Certificate and private key in PEM. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** A request as it came over the wire. */
export interface WireRequest {
  /** With its blank line; one character a byte. */
  readonly head: string;
  readonly body: Buffer;
}

/** The other side left while the script still wanted something of it. */
class PeerLeft extends Error {}

const HEAD_END = '\r\n\r\n';

/** One connection as the server has it: reads requests, and writes bytes as they are. */
export class Peer {
  readonly socket: net.Socket;
  /** The TCP connection: below TLS another than `socket`. */
  readonly #raw: net.Socket;
  /** Resolves when the connection is closed, by whomever. */
  readonly closed: Promise<void>;
  #chunks: Buffer[] = [];
  #length = 0;
  #isClosed = false;
  #wake: () => void = () => {};

  constructor(socket: net.Socket, raw: net.Socket) {
    this.socket = socket;
    this.#raw = raw;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      this.#chunks.push(bytes);
      this.#length += bytes.length;
      this.#wake();
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  /** The next request, with the body that its content-length announces. */
  async request(): Promise<WireRequest> {
    const head = await this.head();
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    while (this.#length < length) await this.#more();
    return { head, body: this.#take(length) };
  }

  /** The next request's head, its body left where it is. */
  async head(): Promise<string> {
    for (;;) {
      const end = this.#joined().indexOf(HEAD_END);
      if (end !== -1) return this.#take(end + HEAD_END.length).toString('latin1');
      await this.#more();
    }
  }

  /** Whatever of a body has come since, at least one byte. */
  async some(): Promise<Buffer> {
    while (this.#length === 0) await this.#more();
    return this.#take(this.#length);
  }

  /** Writes text (one byte a character) or bytes, and lets the other side read them before anything else happens. */
  async write(piece: string | Buffer): Promise<void> {
    if (piece.length === 0) return;
    const taken = new Promise<unknown>((resolve) => this.socket.write(piece, 'latin1', resolve));
    await Promise.race([taken, this.closed]);
    if (this.#isClosed) throw new PeerLeft();
    await turn();
  }

  /** Says that nothing more will come. */
  end(): void {
    this.socket.end();
  }

  /** Breaks the connection: the other side sees a reset. */
  reset(): void {
    this.#raw.resetAndDestroy();
  }

  #take(length: number): Buffer {
    const all = this.#joined();
    this.#chunks = [all.subarray(length)];
    this.#length -= length;
    return all.subarray(0, length);
  }

  #joined(): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  async #more(): Promise<void> {
    if (this.#isClosed) throw new PeerLeft();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** A server on a loopback port that does byte for byte what its script says; leaving its scope ends it. */
export class ScriptedServer implements AsyncDisposable {
  /** Every connection there has been, oldest first. */
  readonly peers: Peer[] = [];
  readonly #server: net.Server;
  readonly #secure: boolean;
  readonly #host: string;
  readonly #faults: unknown[] = [];
  #onPeer: () => void = () => {};

  private constructor(script: Script, host: string, credentials: Credentials | undefined) {
    this.#host = host;
    this.#secure = credentials !== undefined;
    this.#server = net.createServer((raw) => {
      const socket = credentials === undefined ? raw : new tls.TLSSocket(raw, { isServer: true, ...credentials });
      this.#accept(new Peer(socket, raw), script);
    });
  }

  static async start(script: Script, credentials?: Credentials, host = '127.0.0.1'): Promise<ScriptedServer> {
    const server = new ScriptedServer(script, host, credentials);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject);
      server.#server.listen(0, host, resolve);
    });
    return server;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  get url(): string {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `${this.#secure ? 'https' : 'http'}://${host}:${this.port}`;
  }

  /** The connection that came as the `index`th, as soon as it has come. */
  async peer(index: number): Promise<Peer> {
    for (;;) {
      const peer = this.peers[index];
      if (peer !== undefined) return peer;
      await new Promise<void>((resolve) => {
        this.#onPeer = resolve;
      });
    }
  }

  /** Resolves when no connection is open. */
  async deserted(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.closed));
  }

  /** Throws what went wrong in a script. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.peers) peer.socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    if (this.#faults.length > 0) throw this.#faults[0];
  }

  #accept(peer: Peer, script: Script): void {
    this.peers.push(peer);
    this.#onPeer();
    void this.#run(peer, script);
  }

  async #run(peer: Peer, script: Script): Promise<void> {
    try {
      await script(peer);
    } catch (error) {
      if (!(error instanceof PeerLeft)) this.#faults.push(error);
    }
  }
}

/** Lets whatever has arrived be read: one whole turn of the event loop. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}
