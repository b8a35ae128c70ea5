/** A vector as OpenAI sends it for `encoding_format: base64`: 32-bit floats, little-endian. */
export function base64Vector(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((x, i) => {
    bytes.writeFloatLE(x, 4 * i);
  });
  return bytes.toString('base64');
}
