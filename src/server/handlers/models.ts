import type { Listing } from '../../domain/model.ts';
import { RouterError } from '../../errors.ts';
import { psEntries, psRows, showAnswer, tagsEntries } from '../../protocols/ollama/lists.ts';
import { show } from '../../protocols/ollama/operations.ts';
import { modelItem, modelItems } from '../../protocols/openai/lists.ts';
import { askOne } from '../../relay/ask-one.ts';
import { catalogReady } from '../../relay/catalog-ready.ts';
import type { Line } from '../../relay/line.ts';
import { differingDigests, digestOf } from '../../routing/digests.ts';
import { type BodyBudget, readBody } from '../body.ts';
import type { Handler } from '../route.ts';
import { inWordsOf } from './unknown-model.ts';

/** `GET /api/tags`: the models of all endpoints. */
export function tags(line: Line): Handler {
  return async ({ reply }) => reply.json(200, { models: tagsEntries(await listings(line)) });
}

/** `GET /api/ps`: the models that are loaded somewhere. */
export function ps(line: Line): Handler {
  return async ({ reply }) => reply.json(200, { models: psEntries(await listings(line)) });
}

/** `GET /api/ps_details`: what each endpoint has loaded, and where the same tag has another digest elsewhere. */
export function psDetails(line: Line): Handler {
  const { catalog } = line.router;
  const differs = ({ model }: Listing) =>
    digestOf(model) !== undefined && differingDigests(catalog, model.id).length > 0;
  return async ({ reply }) => reply.json(200, { models: psRows(await listings(line), differs) });
}

/** `GET /v1/models`. */
export function modelList(line: Line): Handler {
  return async ({ reply }) => reply.json(200, { object: 'list', data: modelItems(await listings(line)) });
}

/** `GET /v1/models/{id}`: ids hold slashes, plain or percent-encoded. */
export function modelById(line: Line): Handler {
  return async ({ reply, rest }) => {
    const id = percentDecoded(rest.replace(/\/+$/, ''));
    await catalogReady(line.router.catalog, id);
    const [listing] = line.router.candidatesFor(id);
    if (listing !== undefined) reply.json(200, modelItem(listing, id));
  };
}

/** `POST /api/show`: an Ollama server's own words, or what is known of a model that no Ollama server has. */
export function showModel(line: Line, budget: BodyBudget): Handler {
  return async ({ request, reply, query, record }) => {
    using hold = budget.open();
    const call = show.decode(await readBody(request, hold));
    try {
      const listing = await askOne(line, { call, headers: request.rawHeaders, query, record }, reply);
      if (listing !== undefined) reply.json(200, showAnswer(listing));
    } catch (error) {
      throw inWordsOf(call, error);
    }
  };
}

async function listings(line: Line): Promise<Listing[]> {
  await catalogReady(line.router.catalog);
  return line.router.catalog.listings();
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RouterError('invalid_parameter', `the model id "${text}" is not percent-encoded properly`);
  }
}
