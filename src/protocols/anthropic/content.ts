import type { Part } from '../../domain/ask.ts';
import type { Fields } from '../json/fields.ts';
import { isBase64, isImageType } from '../media.ts';
import { invalid, unsupported } from '../refuse.ts';
import { account } from './field-table.ts';

const TEXT = { read: ['type', 'text'], inert: ['cache_control', 'citations'] };
const IMAGE = { read: ['type', 'source'], inert: ['cache_control'] };
const DOCUMENT = { read: ['type', 'source', 'title', 'context', 'citations'], inert: ['cache_control'] };

/** The blocks of a content, which may be one text instead. */
export function blocksOf(fields: Fields, key: string): readonly Fields[] | string {
  return fields.type(key) === 'string' ? (fields.string(key) ?? '') : fields.objects(key, 'ContentBlock');
}

/** Blocks of text, of images and of documents; `where` names what holds them. Throws `unsupported` for any other. */
export function partsOf(content: readonly Fields[] | string, where: string, dropped: Set<string>): Part[] {
  if (typeof content === 'string') return textPart(content);
  return content.flatMap((block) => blockParts(block, where, dropped));
}

/** The same for one block. */
export function blockParts(block: Fields, where: string, dropped: Set<string>): Part[] {
  const type = block.string('type') ?? '';
  switch (type) {
    case 'text':
      account(block, TEXT, `${where}.`, dropped);
      return textPart(block.string('text') ?? '');
    case 'image':
      account(block, IMAGE, `${where}.`, dropped);
      return [imagePart(source(block, where), where)];
    case 'document':
      account(block, DOCUMENT, `${where}.`, dropped);
      return documentParts(block, where, dropped);
    default:
      throw unsupported(where, `${where}: content block '${type}' is not supported by this backend`);
  }
}

function textPart(text: string): Part[] {
  return text === '' ? [] : [{ type: 'text', text }];
}

function source(block: Fields, where: string): Fields {
  const found = block.object('source', 'Source');
  if (found === undefined) throw invalid(where, `${where}: ${block.string('type')}.source is required`);
  return found;
}

function imagePart(image: Fields, where: string): Part {
  const type = image.string('type');
  if (type === 'url') return { type: 'image-url', url: image.string('url') ?? '' };
  if (type !== 'base64') throw unsupported(where, `${where}: image source '${type}' is not supported by this backend`);
  const base64 = image.string('data') ?? '';
  const mediaType = image.string('media_type');
  if (!isBase64(base64)) throw invalid(where, `${where}: image.source.data is not base64`);
  if (mediaType !== undefined && !isImageType(mediaType))
    throw invalid(where, `${where}: image.source.media_type '${mediaType}' is no image`);
  return { type: 'media', base64, mediaType };
}

/** What the client says of a document stands before it. */
function documentParts(block: Fields, where: string, dropped: Set<string>): Part[] {
  if (block.object('citations', 'Citations')?.boolean('enabled') === true) throw unsupported(`${where}.citations`);
  const about = [block.string('title'), block.string('context')].flatMap((text) => textPart(text ?? ''));
  return [...about, ...documentContent(source(block, where), where, dropped)];
}

/** A document holds texts and images, and no other document. */
function plainParts(content: readonly Fields[] | string, where: string, dropped: Set<string>): Part[] {
  if (typeof content !== 'string' && content.some((block) => block.string('type') === 'document'))
    throw unsupported(where, `${where}: a document in a document is not supported by this backend`);
  return partsOf(content, where, dropped);
}

function documentContent(document: Fields, where: string, dropped: Set<string>): Part[] {
  const type = document.string('type');
  if (type === 'text') return textPart(document.string('data') ?? '');
  if (type === 'content') return plainParts(blocksOf(document, 'content'), where, dropped);
  throw unsupported(where, `${where}: document source '${type}' is not supported by this backend`);
}
