/**
 * 64 hexadecimal digits that name a text: FNV-1a over four seeds and both halves. An identity for lists, where clients
 * insist on a digest and the endpoint has none; no proof of content and no secret.
 */
export function textDigest(text: string): string {
  let digest = '';
  for (let seed = 0; seed < 8; seed++) {
    let hash = 0x811c9dc5 ^ seed;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    digest += (hash >>> 0).toString(16).padStart(8, '0');
  }
  return digest;
}
