import { asObject, type JsonObject } from '../../domain/json.ts';
import { EndpointFailure } from '../../errors.ts';

const LINE_FEED = 0x0a;
/** Lines of progress have hundreds of bytes. */
const MAX_LINE_BYTES = 1024 * 1024;
const NOTHING = Buffer.alloc(0);

/** Reads a stream of JSON objects, one a line, from the pieces in which it arrives. Throws `EndpointFailure`. */
export class JsonLines {
  #held: Buffer = NOTHING;

  /** The objects of the lines that are whole now. The bytes may be overwritten after the call. */
  push(bytes: Buffer): JsonObject[] {
    const input = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const end = input.lastIndexOf(LINE_FEED) + 1;
    this.#held = Buffer.from(input.subarray(end));
    if (this.#held.length > MAX_LINE_BYTES) throw new EndpointFailure('invalid', 'sent a line that is too long');
    return objects(input.toString('utf8', 0, end));
  }

  /** The object of a last line without its line feed. */
  end(): JsonObject[] {
    const rest = this.#held.toString('utf8');
    this.#held = NOTHING;
    return objects(rest);
  }
}

function objects(text: string): JsonObject[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parse);
}

function parse(line: string): JsonObject {
  try {
    const object = asObject(JSON.parse(line));
    if (object !== undefined) return object;
  } catch {}
  throw new EndpointFailure('invalid', 'sent a line that is no JSON object');
}
