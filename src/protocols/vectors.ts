import type { JsonValue } from '../domain/json.ts';
import { EndpointFailure } from '../errors.ts';

/** Bytes of a number in a vector that is sent as base64: 32-bit floats, little-endian. */
const FLOAT_BYTES = 4;

/** A vector as an endpoint sent it, numbers or base64. Throws `EndpointFailure` where it is none or not finite. */
export function readVector(value: JsonValue | undefined): readonly number[] {
  const vector = typeof value === 'string' ? unpack(value) : value;
  if (!isVector(vector)) throw new EndpointFailure('invalid', 'sent an embedding that is no vector of finite numbers');
  return vector;
}

/** As many vectors as texts were asked for. Throws `EndpointFailure`. */
export function checkCount(found: number, wanted: number): void {
  if (found !== wanted) throw new EndpointFailure('invalid', `sent ${found} embeddings for ${wanted} texts`);
}

/** The first `dimensions` numbers, divided by their length (L2), as Ollama and OpenAI do; a shorter vector as it is. */
export function shorten(vector: readonly number[], dimensions: number | undefined): readonly number[] {
  if (dimensions === undefined || vector.length <= dimensions) return vector;
  const kept = vector.slice(0, dimensions);
  let squares = 0;
  for (const x of kept) squares += x * x;
  return squares === 0 ? kept : kept.map((x) => x / Math.sqrt(squares));
}

/** JSON of a vector of finite numbers. */
export function vectorText(vector: readonly number[]): string {
  // For numbers this takes half the time of JSON.stringify.
  return `[${vector.join(',')}]`;
}

/** The vector's 32-bit floats, little-endian, as base64. Throws `EndpointFailure` for a number that is too large for one. */
export function packVector(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * FLOAT_BYTES);
  const floats = viewOf(bytes);
  vector.forEach((x, place) => {
    if (!Number.isFinite(Math.fround(x))) throw new EndpointFailure('invalid', 'sent an embedding that is not finite');
    floats.setFloat32(place * FLOAT_BYTES, x, true);
  });
  return bytes.toString('base64');
}

function unpack(base64: string): number[] | undefined {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length % FLOAT_BYTES !== 0) return undefined;
  const floats = viewOf(bytes);
  return Array.from({ length: bytes.length / FLOAT_BYTES }, (_, place) => floats.getFloat32(place * FLOAT_BYTES, true));
}

/** A view needs no alignment, which a small buffer out of Node's pool does not have. */
function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function isVector(value: JsonValue | undefined): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((x) => Number.isFinite(x));
}
