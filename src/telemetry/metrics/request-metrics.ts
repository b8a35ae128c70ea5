import type { RequestRecord } from '../../domain/request-record.ts';
import { LOAD_SECONDS, REQUEST_SECONDS, TOKEN_SECONDS, WAIT_SECONDS } from './buckets.ts';
import { failuresOf } from './failures.ts';
import { Loads } from './loads.ts';
import type { Registry } from './registry.ts';
import { type ModelLabel, type Place, placeOf } from './request-place.ts';

/** Counts one thing of a request that is over. */
type Count = (record: RequestRecord, place: Place) => void;

/** Registers what is counted of requests; gives what counts one that is over. */
export function requestMetrics(registry: Registry, modelLabel: ModelLabel): (record: RequestRecord) => void {
  const counts = [requests, speeds, tokens, decisions, loads, failures].map((register) => register(registry));
  return (record) => {
    const place = placeOf(record, modelLabel);
    for (const count of counts) count(record, place);
  };
}

function requests(registry: Registry): Count {
  const total = registry.counter(
    'nomyo_router_requests_total',
    'Requests that are over, by how they ended and the status of the answer.',
    ['api', 'model', 'endpoint', 'client', 'outcome', 'code'],
    ['endpoint', 'outcome'],
  );
  const duration = registry.histogram(
    'nomyo_router_request_duration_seconds',
    'Time from the request to the end of its answer.',
    ['api', 'model', 'endpoint'],
    REQUEST_SECONDS,
  );
  return ({ outcome, status, totalMs }, { api, model, endpoint, client }) => {
    total.add([api, model, endpoint, client, outcome ?? 'router_error', String(status)]);
    if (totalMs !== undefined) duration.observe([api, model, endpoint], totalMs / 1000);
  };
}

function speeds(registry: Registry): Count {
  const labels = ['model', 'endpoint'] as const;
  const first = registry.histogram(
    'nomyo_router_time_to_first_token_seconds',
    'Time from the request to the first piece of a streamed answer.',
    labels,
    WAIT_SECONDS,
  );
  const perToken = registry.histogram(
    'nomyo_router_time_per_output_token_seconds',
    'Average time between two tokens of a streamed answer that came to its end.',
    labels,
    TOKEN_SECONDS,
  );
  return ({ outcome, firstPieceMs, timePerOutputTokenMs }, { model, endpoint }) => {
    if (firstPieceMs === undefined) return;
    first.observe([model, endpoint], firstPieceMs / 1000);
    if (outcome === 'ok' && timePerOutputTokenMs !== undefined) {
      perToken.observe([model, endpoint], timePerOutputTokenMs / 1000);
    }
  };
}

function tokens(registry: Registry): Count {
  const labels = ['direction', 'model', 'endpoint', 'client'] as const;
  const total = registry.counter('nomyo_router_tokens_total', 'Tokens into and out of models.', labels, ['direction']);
  const estimated = registry.counter(
    'nomyo_router_tokens_estimated_total',
    'The part of nomyo_router_tokens_total that no endpoint counted and the router estimates.',
    labels,
    ['direction'],
  );
  return ({ tokens }, { model, endpoint, client }) => {
    if (tokens === undefined) return;
    const { promptTokens, completionTokens, promptEstimated, completionEstimated } = tokens;
    total.add(['input', model, endpoint, client], promptTokens);
    total.add(['output', model, endpoint, client], completionTokens);
    if (promptEstimated) estimated.add(['input', model, endpoint, client], promptTokens);
    if (completionEstimated) estimated.add(['output', model, endpoint, client], completionTokens);
  };
}

function decisions(registry: Registry): Count {
  const wait = registry.histogram(
    'nomyo_router_queue_wait_seconds',
    'Time from the request to its place on an endpoint; the last place, if there were several.',
    ['model'],
    WAIT_SECONDS,
  );
  const total = registry.counter(
    'nomyo_router_route_decisions_total',
    'Requests that got a place on an endpoint, by why there.',
    ['reason'],
  );
  return ({ decision }, { model }) => {
    if (decision === undefined) return;
    wait.observe([model], decision.atMs / 1000);
    total.add([decision.reason]);
  };
}

function loads(registry: Registry): Count {
  const total = registry.counter(
    'nomyo_router_model_loads_total',
    'Models loaded for a request; requests that waited for the same load count once.',
    ['endpoint', 'model', 'reason'],
    ['endpoint', 'reason'],
  );
  const duration = registry.histogram(
    'nomyo_router_model_load_duration_seconds',
    'Time a model took to load, where the endpoint says so.',
    ['endpoint', 'model'],
    LOAD_SECONDS,
  );
  const seen = new Loads();
  return (record, { endpoint, model }) => {
    if (record.decision?.loaded !== false || !seen.isNew(record, endpoint, model)) return;
    total.add([endpoint, model, 'cold']);
    if (record.loadMs !== undefined) duration.observe([endpoint, model], record.loadMs / 1000);
  };
}

function failures(registry: Registry): Count {
  const retries = registry.counter(
    'nomyo_router_retries_total',
    'Requests that another endpoint was asked for, by the one that failed them and how.',
    ['from', 'reason'],
  );
  const errors = registry.counter(
    'nomyo_router_upstream_errors_total',
    'Requests that an endpoint failed or refused, whether another one made up for it or not.',
    ['endpoint', 'kind'],
  );
  return (record) => {
    for (const { endpoint, kind, retried, isItsFault } of failuresOf(record)) {
      if (retried) retries.add([endpoint, kind]);
      if (isItsFault) errors.add([endpoint, kind]);
    }
  };
}
