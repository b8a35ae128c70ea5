import type { Part } from '../../domain/ask.ts';
import type { RouterError } from '../../errors.ts';
import type { Fields } from '../json/fields.ts';
import { imageIn, isBase64 } from '../media.ts';
import { invalid } from '../refuse.ts';

/** An image: the data of a data URL, or an address that is to be fetched. Some clients write the URL without its object. */
export function imagePart(fields: Fields): Part {
  const isPlain = fields.type('image_url') === 'string';
  const given = isPlain ? undefined : fields.object('image_url', 'ImageURL');
  const url = (isPlain ? fields.string('image_url') : given?.string('url')) ?? '';
  const detail = given?.string('detail');
  if (/^https?:\/\//i.test(url)) return { type: 'image-url', url, detail };
  // Whatever is no data URL, such as the name of a file, must reach no endpoint that would open it.
  const image = imageIn(url);
  if (image === undefined) throw invalidImage();
  return { type: 'media', ...image, detail };
}

/** Sound; Ollama takes it where it takes images. */
export function audioPart(fields: Fields): Part {
  const given = fields.object('input_audio', 'InputAudio');
  const base64 = given?.string('data') ?? '';
  const format = given?.string('format');
  if (!isBase64(base64)) throw invalid('messages', 'invalid audio input');
  return { type: 'media', base64, mediaType: format === undefined ? undefined : `audio/${format}` };
}

function invalidImage(): RouterError {
  return invalid('messages', 'invalid image input');
}
