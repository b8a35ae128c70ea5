import type { Part } from '../../domain/ask.ts';
import type { RouterError } from '../../errors.ts';
import type { Fields } from '../json/fields.ts';
import { invalid } from './ask-fields.ts';

/** No media type is longer, in characters with what stands around it. */
const MAX_HEAD = 200;
/** A text, not a picture: no model sees it, and a program that draws it may run what is in it. */
const SVG = 'image/svg+xml';

/** An image: the data of a data URL, or an address that is to be fetched. Some clients write the URL without its object. */
export function imagePart(fields: Fields): Part {
  const isPlain = fields.type('image_url') === 'string';
  const given = isPlain ? undefined : fields.object('image_url', 'ImageURL');
  const url = (isPlain ? fields.string('image_url') : given?.string('url')) ?? '';
  const detail = given?.string('detail');
  if (/^https?:\/\//i.test(url)) return { type: 'image-url', url, detail };
  return { type: 'media', ...imageData(url), detail };
}

/** Sound; Ollama takes it where it takes images. */
export function audioPart(fields: Fields): Part {
  const given = fields.object('input_audio', 'InputAudio');
  const base64 = given?.string('data') ?? '';
  const format = given?.string('format');
  if (!isBase64(base64)) throw invalid('messages', 'invalid audio input');
  return { type: 'media', base64, mediaType: format === undefined ? undefined : `audio/${format}` };
}

/** Whatever is no data URL, such as the name of a file, must reach no endpoint that would open it. */
function imageData(url: string): Pick<Extract<Part, { type: 'media' }>, 'base64' | 'mediaType'> {
  const comma = url.indexOf(',');
  const head = comma > MAX_HEAD ? '' : url.slice(0, Math.max(0, comma)).toLowerCase();
  const [, type = '-'] = /^data:([^;,]*)(?:;[^;,]+)*$/.exec(head) ?? [];
  const base64 = url.slice(comma + 1);
  const isImage = (type === '' || type.startsWith('image/')) && type !== SVG && head.endsWith(';base64');
  if (!isImage || !isBase64(base64)) throw invalidImage();
  return { base64, mediaType: type || undefined };
}

function isBase64(data: string): boolean {
  return data !== '' && !/[^A-Za-z0-9+/=\r\n]/.test(data);
}

function invalidImage(): RouterError {
  return invalid('messages', 'invalid image input');
}
