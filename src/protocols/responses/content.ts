import type { Part } from '../../domain/ask.ts';
import type { RouterError } from '../../errors.ts';
import type { Fields } from '../json/fields.ts';
import { imageIn, isBase64 } from '../media.ts';
import { invalid, unsupported } from '../refuse.ts';

/** The parts of an item's `content` or `output`: a text, or a list. `at` is where the item stands, as `input[3]`. */
export function readContent(item: Fields, key: 'content' | 'output', at: string): Part[] {
  const type = item.type(key);
  if (type === 'string') return textPart(item.string(key));
  if (type !== 'array') throw invalid(at, `${at}: ${key} must be a string or array`);
  return item.objects(key, 'ResponsesContent').flatMap((part) => readPart(part, at));
}

function readPart(part: Fields, at: string): Part[] {
  const type = part.string('type');
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return textPart(part.string('text'));
    case 'refusal':
      return textPart(part.string('refusal'));
    case 'input_image':
      return [image(part, at)];
    case 'input_audio':
      return [audio(part, at)];
    case 'input_file':
      throw unsupported(at, `${at}: file inputs are not supported by this backend`);
    default:
      throw invalid(at, `${at}: unknown content type: ${JSON.stringify(type ?? '')}`);
  }
}

function textPart(text = ''): Part[] {
  return text === '' ? [] : [{ type: 'text', text }];
}

function image(part: Fields, at: string): Part {
  if (part.type('file_id') !== undefined) throw unsupported(at, `${at}: file_id is not supported by this backend`);
  const url = part.string('image_url') ?? '';
  const detail = part.string('detail');
  if (/^https?:\/\//i.test(url)) return { type: 'image-url', url, detail };
  const found = imageIn(url);
  if (found === undefined) throw wrongMedia(at);
  return { type: 'media', ...found, detail };
}

function audio(part: Fields, at: string): Part {
  const sound = part.object('input_audio', 'InputAudio');
  const base64 = sound?.string('data') ?? '';
  if (!isBase64(base64)) throw wrongMedia(at);
  const format = sound?.string('format');
  return { type: 'media', base64, mediaType: format === undefined ? undefined : `audio/${format}` };
}

function wrongMedia(at: string): RouterError {
  return invalid(at, `${at}: invalid image or audio input: a data URL with base64 or an http(s) URL is expected`);
}
