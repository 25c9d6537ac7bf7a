// SPDX-License-Identifier: Apache-2.0

/** @import { Context as HonoContext, MiddlewareHandler } from 'hono' */
/** @import { ClientHost, ClientOptions, StoreOptions } from '../client/client.js' */
/** @import { EngineOptions } from '../entry.js' */
/** @import { Rule } from '../rules.js' */
/** @import { Stage } from '../stores/images.js' */
/** @import { ApiKey, KeyOwner } from './keys.js' */

import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { cors } from 'hono/cors';
import { requestId } from 'hono/request-id';
import { backendRules, createBackend } from '../client/client.js';
import { Images } from '../client/images.js';
import { OffcutError, invalid } from '../errors.js';
import { anything, callback, checkOptions, count, flag, text, texts } from '../rules.js';
import { createKeyRing } from './keys.js';
import { Problem, toProblem } from './problems.js';
import { createRateLimiter } from './rate-limit.js';
import * as routes from './routes.js';

/**
 * @typedef {object} ServerSettings
 * @property {readonly ApiKey[] | false} apiKeys who may use it; `false`: everyone who can reach it,
 *   for a service worker or a server that only this machine reaches
 * @property {string} [baseURL] the address by which clients reach it; default: that of the request
 * @property {string} [publicURL] what the addresses of published images begin with, for a CDN in
 *   front of `baseURL/images`
 * @property {boolean | string[]} [cors] lets pages of these origins, or with `true` all, use it
 * @property {{ live: number, test: number } | false} [rateLimit] requests a minute for each key;
 *   default 100 and 10
 * @property {number} [requestsMax] how many pictures may be worked on or wait for it; others are
 *   answered with 503; default 32
 * @property {ClientOptions['onUsage']} [onUsage] called for every operation of a live key
 * @property {(entry: LogEntry) => void} [log] called when a request was answered
 */

/** @typedef {ServerSettings & StoreOptions & EngineOptions} ServerOptions */

/**
 * @typedef {object} LogEntry
 * @property {string} method
 * @property {string} path
 * @property {number} status
 * @property {number} milliseconds
 * @property {string} requestId
 * @property {KeyOwner} [key]
 * @property {unknown} [error] why the answer is not what was asked for
 */

/** @typedef {{ Variables: { requestId: string, owner: KeyOwner, images: Images } }} Env */

/** @type {Record<keyof ServerOptions, Rule>} */
const serverRules = {
  apiKeys: anything, // checked where a key does not get into the message
  baseURL: text,
  publicURL: text,
  cors: {
    expected: 'a boolean or a list of origins',
    test: (value) => flag.test(value) || texts.test(value),
  },
  rateLimit: {
    expected: 'false or { live, test }, positive integers,',
    test: (value) => value === false || (count.test(value?.live) && count.test(value?.test)),
  },
  requestsMax: count,
  onUsage: callback,
  log: callback,
  ...backendRules,
};

const RATE_LIMIT = { live: 100, test: 10 };
const REQUESTS_MAX = 32;
const JSON_BYTES_MAX = 64 * 1024;

/** What a form adds to the file in it. */
const FORM_BYTES = 64 * 1024;

/** How much of a body that is too large is still taken. */
const DISCARD_BYTES = 64 * 1024 * 1024;
const DISCARD_MS = 10_000;

const USAGE_HEADER = 'X-Image-Processing-Usage';

/** Who has no key where none is needed. @type {KeyOwner} */
const EVERYONE = { stage: 'live', id: '' };

/**
 * The `createServer` of a host.
 *
 * @param {ClientHost} host
 */
export function createServerEntry(host) {
  /**
   * The img-processing.com API as a function from a `Request` to a `Response`: hand `fetch` to
   * whatever serves. It does the work itself; nothing is loaded before it is needed.
   *
   * @param {ServerOptions} options
   */
  return function createServer(options) {
    checkOptions(options, serverRules);
    const { apiKeys, baseURL, publicURL, cors: origins, ...more } = options;
    const { rateLimit = RATE_LIMIT, requestsMax = REQUESTS_MAX, onUsage, log, ...rest } = more;
    if (apiKeys !== false && !Array.isArray(apiKeys)) {
      throw invalid('a list of keys or false', 'apiKeys', typeof apiKeys);
    }
    const { context, sweep, workshop } = createBackend(host, rest);
    /** @type {OpenAPIHono<Env>} */
    const app = new OpenAPIHono({
      defaultHook: (result) => {
        if (!result.success) throw invalidRequest(result.error.issues);
      },
    });
    app.onError((error, c) => answerProblem(c, toProblem(error)));
    app.notFound((c) =>
      answerProblem(c, new Problem(404, `Route ${c.req.method} ${c.req.path} not found.`)),
    );

    app.use(requestId());
    if (log) app.use(logged(log));
    if (origins) app.use(corsFor(origins));
    addDocument(app, { version: '1.0.0', baseURL });
    addPublicImages(app, context.store);
    app.use('/v1/*', authorised(apiKeys));
    if (rateLimit) app.use('/v1/*', limited(rateLimit));
    const maxSize = context.limits.bytesMax;
    app.post('/v1/images/upload', limitedBody(maxSize + FORM_BYTES));
    app.post('/v1/*', async (c, next) =>
      c.req.path.endsWith('/upload') ? next() : limitedBody(JSON_BYTES_MAX)(c, next),
    );
    app.post('/v1/*', queued(requestsMax));
    app.use('/v1/*', async (c, next) => {
      const base = (baseURL ?? new URL(c.req.url).origin).replace(/\/+$/, '');
      const { stage } = c.var.owner;
      c.set(
        'images',
        new Images(context, {
          stage,
          baseURL: base,
          publicURL: (publicURL ?? `${base}/images`).replace(/\/+$/, ''),
          onUsage: (count, operation) => {
            if (stage !== 'live') return; // test images are not counted
            c.header(USAGE_HEADER, String(count));
            onUsage?.(count, operation);
          },
        }),
      );
      await next();
    });
    addImages(app, maxSize);
    return {
      /**
       * Answers a request. It may also stand where a client wants `fetch`: given an address, it
       * rejects where the signal was aborted, as `fetch` does.
       *
       * @param {Request | string | URL} request
       * @param {unknown} [init] a `RequestInit` if `request` is an address, else ignored: hosts hand
       *   other things over
       * @returns {Promise<Response>}
       */
      fetch: async (request, init) => {
        if (typeof request !== 'string' && !(request instanceof URL)) {
          return app.fetch(knowingItsBody(request));
        }
        const own = new Request(request, /** @type {RequestInit | undefined} */ (init));
        const response = await app.fetch(own);
        own.signal.throwIfAborted();
        return response;
      },
      /**
       * Removes what crashes left in the store; worth a call now and then.
       *
       * @returns {Promise<number>} of how many images
       */
      sweep,
      /** Gives the memory of the engine back, unless it was given. */
      dispose: workshop.dispose,
      /** As `dispose()`, when the work under way is done. */
      close: workshop.close,
    };
  };
}

/** @typedef {ReturnType<ReturnType<typeof createServerEntry>>} Server */

/**
 * The calls on images. What they answer and refuse is said in `routes.js`.
 *
 * @param {OpenAPIHono<Env>} app
 * @param {number} bytesMax of an upload
 */
function addImages(app, bytesMax) {
  app.openapi(routes.uploadRoute, async (c) => {
    const { image, name } = c.req.valid('form');
    if (image.size > bytesMax) throw tooLarge(bytesMax);
    return c.json(await c.var.images.upload({ image, name }), 201);
  });
  app.openapi(routes.createFromURLRoute, async (c) => {
    const body = c.req.valid('json');
    const { signal } = c.req.raw;
    const image = await c.var.images.createFromURL(body, { signal }).catch((error) => {
      // Here it is the picture that could not be loaded, not a part of ours.
      if (error instanceof OffcutError && error.code === 'ERR_LOAD') {
        throw new Problem(422, [`url: ${error.message}`], { cause: error });
      }
      throw error;
    });
    return c.json(image, 201);
  });
  app.openapi(routes.listRoute, async (c) => {
    return c.json(await c.var.images.list(c.req.valid('query')), 200);
  });
  app.openapi(routes.retrieveRoute, async (c) => {
    return c.json(await c.var.images.retrieve(c.req.valid('param').id), 200);
  });
  app.openapi(routes.deleteRoute, async (c) => {
    await c.var.images.delete(c.req.valid('param').id);
    return c.body(null, 204);
  });
  app.openapi(routes.downloadRoute, async (c) => {
    const { headers, body } = await c.var.images.download(c.req.valid('param').id);
    c.header('cache-control', 'private, no-store');
    c.header('x-content-type-options', 'nosniff');
    for (const [name, value] of headers) c.header(name, value);
    return c.newResponse(body);
  });
  app.openapi(routes.publishRoute, async (c) => {
    return c.json(await c.var.images.publish(c.req.valid('param').id), 201);
  });
  app.openapi(routes.unpublishRoute, async (c) => {
    return c.json(await c.var.images.unpublish(c.req.valid('param').id), 201);
  });
  app.openapi(routes.convertRoute, async (c) => {
    const { signal } = c.req.raw;
    const { id } = c.req.valid('param');
    return c.json(await c.var.images.convert(id, c.req.valid('json'), { signal }), 201);
  });
  app.openapi(routes.removeBackgroundRoute, async (c) => {
    const { signal } = c.req.raw;
    const { id } = c.req.valid('param');
    return c.json(await c.var.images.removeBackground(id, c.req.valid('json'), { signal }), 201);
  });
}

/**
 * Published images, for everyone. An image's bytes never change, so its id is its tag.
 *
 * @param {OpenAPIHono<Env>} app
 * @param {import('../stores/images.js').ImageStore} store
 */
function addPublicImages(app, store) {
  app.openapi(routes.publicRoute, async (c) => {
    const { id } = c.req.valid('param');
    const record = await store.find(id);
    const bytes = record && (await store.isPublished(id)) && (await store.read(record));
    if (!record || !bytes) throw new Problem(404, `Image with id ${id} not found.`);
    const tag = `"${id}"`;
    c.header('etag', tag);
    c.header('cache-control', 'public, max-age=60'); // so that it is gone soon after unpublish
    c.header('access-control-allow-origin', '*');
    if (c.req.header('if-none-match') === tag) return c.newResponse(null, 304);
    return c.body(bytes, 200, {
      'content-type': `image/${record.format}`,
      'content-length': String(bytes.length),
      'x-content-type-options': 'nosniff',
    });
  });
}

/**
 * @param {OpenAPIHono<Env>} app
 * @param {{ version: string, baseURL: string | undefined }} facts
 */
function addDocument(app, { version, baseURL }) {
  app.openAPIRegistry.registerComponent('securitySchemes', 'ApiKeyAuth', {
    type: 'apiKey',
    in: 'header',
    name: 'x-api-key',
  });
  app.doc31('/openapi.json', (c) => ({
    openapi: '3.1.0',
    info: {
      title: 'Offcut',
      version,
      description: 'Background removal by the calls of the img-processing.com API.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: baseURL ?? new URL(c.req.url).origin }],
    security: [{ ApiKeyAuth: [] }],
  }));
}

/**
 * @param {readonly ApiKey[] | false} apiKeys
 * @returns {MiddlewareHandler<Env>}
 */
function authorised(apiKeys) {
  const find = apiKeys === false ? () => EVERYONE : createKeyRing(apiKeys);
  return async (c, next) => {
    const owner = find(c.req.header('x-api-key'));
    if (!owner) throw new Problem(401, 'You are not authorized to access this resource.');
    c.set('owner', owner);
    await next();
  };
}

/**
 * @param {Record<Stage, number>} most
 * @returns {MiddlewareHandler<Env>}
 */
function limited(most) {
  const waitFor = createRateLimiter();
  return async (c, next) => {
    const { id, stage } = c.var.owner;
    const retryAfter = waitFor(id, most[stage]);
    if (retryAfter > 0) {
      const message = `More than ${most[stage]} requests in a minute.`;
      throw new Problem(429, message, { retryAfter });
    }
    await next();
  };
}

/**
 * @param {number} most
 * @returns {MiddlewareHandler<Env>}
 */
function queued(most) {
  let count = 0;
  return async (_c, next) => {
    if (count >= most) {
      throw new Problem(503, 'There is too much to do at the moment.', { retryAfter: 1 });
    }
    count++;
    try {
      await next();
    } finally {
      count--;
    }
  };
}

/**
 * Firefox has no `Request.body`, but the check of types asks it whether there is one. What `fetch`
 * sends without a type is no form and no JSON, so it counts as nothing.
 *
 * @param {Request} request
 */
function knowingItsBody(request) {
  if (request.body === undefined && !request.headers.has('content-type')) {
    Object.defineProperty(request, 'body', { value: null });
  }
  return request;
}

/** @param {number} maxSize */
function limitedBody(maxSize) {
  return bodyLimit({
    maxSize,
    onError: async (c) => {
      await discard(c.req.raw.body);
      throw tooLarge(maxSize);
    },
  });
}

/**
 * Reads what is announced as too large, within bounds: many clients look at the answer only when
 * they have sent everything, and take a closed connection for a failure.
 *
 * @param {ReadableStream<Uint8Array> | null} body
 */
async function discard(body) {
  if (!body || body.locked) return;
  const reader = body.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  const timer = setTimeout(stop, DISCARD_MS);
  let size = 0;
  try {
    while (size < DISCARD_BYTES) {
      const { done, value } = await reader.read();
      if (done) return;
      size += value.length;
    }
  } catch {
    // The sender has gone.
  } finally {
    clearTimeout(timer);
    stop();
  }
}

/** @param {number} bytes */
function tooLarge(bytes) {
  return new Problem(413, `Expected at most ${bytes} bytes.`);
}

/** @param {boolean | string[]} origins */
function corsFor(origins) {
  return cors({
    origin: Array.isArray(origins) ? origins : '*',
    exposeHeaders: [USAGE_HEADER, 'X-Request-Id', 'Retry-After'],
    maxAge: 600,
  });
}

/**
 * @param {(entry: LogEntry) => void} log
 * @returns {MiddlewareHandler<Env>}
 */
function logged(log) {
  return async (c, next) => {
    const start = performance.now();
    await next();
    const { method, path } = c.req;
    const problem = c.error && toProblem(c.error);
    log({
      method,
      path,
      status: c.res.status,
      milliseconds: performance.now() - start,
      requestId: c.var.requestId,
      key: c.get('owner'),
      ...(problem && { error: problem.cause ?? problem }),
    });
  };
}

/**
 * @param {HonoContext} c
 * @param {Problem} problem
 * @returns {Response}
 */
function answerProblem(c, { status, body, retryAfter }) {
  c.header('content-type', 'application/problem+json');
  if (retryAfter !== undefined) c.header('retry-after', String(retryAfter));
  if (status === 401) c.header('www-authenticate', 'ApiKey realm="offcut"');
  return c.newResponse(JSON.stringify(body), /** @type {any} */ (status));
}

/** @param {readonly { path: PropertyKey[], message: string }[]} issues */
function invalidRequest(issues) {
  const errors = issues.map(({ path, message }) =>
    path.length > 0 ? `${path.map(String).join('.')}: ${message}` : message,
  );
  return new Problem(422, errors);
}
