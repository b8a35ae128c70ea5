/** No media type is longer, in characters with what stands around it in a URL. */
const MAX_HEAD = 200;
/** A text, not a picture: no model sees it, and a program that draws it may run what is in it. */
const SVG = 'image/svg+xml';

/** Base64 and nothing else: an address or the name of a file must reach no endpoint that would open it. */
export function isBase64(data: string): boolean {
  return data !== '' && !/[^A-Za-z0-9+/=\r\n]/.test(data);
}

/** Whether models may be given media of this type as an image. */
export function isImageType(mediaType: string): boolean {
  return /^image\/[a-z0-9.+-]+$/i.test(mediaType) && mediaType.toLowerCase() !== SVG;
}

/** The image in a `data:` URL, its type where it has one; undefined where there is none in it. */
export function imageIn(url: string): { readonly base64: string; readonly mediaType: string | undefined } | undefined {
  const comma = url.indexOf(',');
  const head = comma > MAX_HEAD ? '' : url.slice(0, Math.max(0, comma)).toLowerCase();
  const [, type = '-'] = /^data:([^;,]*)(?:;[^;,]+)*$/.exec(head) ?? [];
  const base64 = url.slice(comma + 1);
  if (!head.endsWith(';base64') || !(type === '' || isImageType(type)) || !isBase64(base64)) return undefined;
  return { base64, mediaType: type || undefined };
}
