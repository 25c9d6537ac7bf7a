// SPDX-License-Identifier: Apache-2.0

/** @import { Inputs, Outcome } from '../batch.js' */
/** @import { ConvertOptions, Converted, PictureInfo, PictureLimits } from '../codec.js' */
/** @import { Image } from '../image.js' */
/** @import { RemoveBackgroundOptions } from '../options.js' */
/** @import { ImageRecord, ImageStore, Stage } from '../stores/images.js' */
/** @import { FetchImage } from './fetch-image.js' */

import { inOrder } from '../batch.js';
import { checkConversion } from '../codec.js';
import { OffcutError, invalid } from '../errors.js';
import { createImage } from '../image.js';
import { rules } from '../options.js';
import { readSource, refuseOver, toSource } from '../source.js';
import { unlessAborted } from '../task.js';

/**
 * What does the work. An engine of this package, together with a codec, is one.
 *
 * @typedef {object} Workshop
 * @property {(bytes: Uint8Array, options: RemoveBackgroundOptions) => Promise<{ png: Uint8Array,
 *   image: { width: number, height: number } }>} removeBackground
 * @property {() => Promise<number>} concurrency how many pictures at a time keep it busy
 * @property {(bytes: Uint8Array, limits: PictureLimits) => Promise<PictureInfo>} inspect
 * @property {(bytes: Uint8Array, options: ConvertOptions & PictureLimits) => Promise<Converted>}
 *   convert
 */

/**
 * What all the clients of a store share.
 *
 * @typedef {object} Context
 * @property {ImageStore} store
 * @property {Workshop} workshop
 * @property {FetchImage} fetchImage
 * @property {Required<PictureLimits>} limits of what comes in
 * @property {() => number} now
 */

/**
 * @typedef {object} Place
 * @property {Stage} stage
 * @property {string} baseURL what the addresses of lists begin with
 * @property {string | undefined} publicURL what the addresses of published images begin with
 * @property {(count: number, operation: Operation) => void} onUsage
 */

/**
 * @typedef {'upload' | 'createFromURL' | 'removeBackground' | 'convert' | 'publish' | 'unpublish'}
 *   Operation
 */

/**
 * A picture's bytes, or something that gives them.
 *
 * @typedef {Exclude<import('../source.js').Input, string | URL>} Uploadable
 */

/**
 * @typedef {object} CallOptions
 * @property {AbortSignal} [signal] rejects at once and stops the work; what the store was told
 *   already may still happen
 */

/**
 * @typedef {object} List
 * @property {Image[]} data newest first
 * @property {{ previous: string | null, next: string | null }} links
 */

/** How many operations a call counts as; all others count as one. */
const USAGE_OF_REMOVE_BACKGROUND = 2;

const TAKE_DEFAULT = 10;
const TAKE_MAX = 100;

/**
 * The calls of the img-processing.com API, by the names of its official client, on images in a
 * store.
 */
export class Images {
  #context;
  #place;

  /**
   * @param {Context} context
   * @param {Place} place
   */
  constructor(context, place) {
    this.#context = context;
    this.#place = place;
  }

  /**
   * Makes an image of a JPEG, PNG or WebP file.
   *
   * @param {{ image: Uploadable, name: string }} body `name`: 1 to 30 characters
   * @param {CallOptions} [options]
   * @returns {Promise<Image>}
   */
  async upload(body, { signal } = {}) {
    const { image, name } = expectObject(body, 'body');
    requireName(name);
    const source = toSource(image, 'image');
    const bytes = await readOwn(source, { bytesMax: this.#context.limits.bytesMax, signal });
    return this.#create(bytes, name, 'upload');
  }

  /**
   * Makes an image of a JPEG, PNG or WebP file elsewhere, see the options `origins`.
   *
   * @param {{ url: string | URL, name: string }} body
   * @param {CallOptions} [options]
   * @returns {Promise<Image>}
   */
  async createFromURL(body, { signal } = {}) {
    const { url, name } = expectObject(body, 'body');
    requireName(name);
    const { fetchImage, limits } = this.#context;
    const bytes = await fetchImage(url, { bytesMax: limits.bytesMax, signal });
    return this.#create(bytes, name, 'createFromURL');
  }

  /**
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<Image>}
   */
  async retrieve(id, { signal } = {}) {
    return unlessAborted(signal, async () => this.#toImage(await this.#find(id)));
  }

  /**
   * The images, newest first, a page at a time.
   *
   * @param {{ take?: number, from?: string } | string} [query] `take` 1 to 100, default 10; `from`
   *   the image that the page begins with. Or one of the links of another page
   * @param {CallOptions} [options]
   * @returns {Promise<List>}
   */
  async list(query, { signal } = {}) {
    const { take = TAKE_DEFAULT, from } =
      typeof query === 'string' ? queryOf(query) : expectObject(query ?? {}, 'query');
    if (!Number.isInteger(take) || take < 1 || take > TAKE_MAX) {
      throw invalid(`an integer from 1 to ${TAKE_MAX}`, 'take', take);
    }
    return unlessAborted(signal, () => this.#list(take, from));
  }

  /**
   * @param {number} take
   * @param {string | undefined} from
   * @returns {Promise<List>}
   */
  async #list(take, from) {
    const page = await this.#context.store.page(this.#place.stage, { take, from });
    if (!page) throw notFound(from);
    const link = (/** @type {string | null} */ id) =>
      id && `${this.#place.baseURL}/v1/images?take=${take}&from=${id}`;
    return {
      data: await Promise.all(page.records.map((record) => this.#toImage(record))),
      links: { previous: link(page.previous), next: link(page.next) },
    };
  }

  /**
   * The image's file.
   *
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<Response>} with the type and length set
   */
  async download(id, { signal } = {}) {
    return unlessAborted(signal, async () => {
      const record = await this.#find(id);
      const bytes = await this.#read(record);
      return new Response(bytes, {
        headers: {
          'content-type': `image/${record.format}`,
          'content-length': String(bytes.length),
        },
      });
    });
  }

  /**
   * Removes the image, also from where it is published.
   *
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<void>}
   */
  async delete(id, { signal } = {}) {
    return unlessAborted(signal, async () => this.#context.store.remove(await this.#find(id)));
  }

  /**
   * Gives the image a public address, see the options `baseURL` and `publicURL`.
   *
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<Image>}
   */
  async publish(id, { signal } = {}) {
    if (this.#place.publicURL === undefined) {
      throw new OffcutError('ERR_STATE', 'publish needs the option baseURL or publicURL');
    }
    return unlessAborted(signal, () => this.#setPublished(id, true, 'publish'));
  }

  /**
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<Image>}
   */
  async unpublish(id, { signal } = {}) {
    return unlessAborted(signal, () => this.#setPublished(id, false, 'unpublish'));
  }

  /**
   * Makes a new image of this one, as JPEG, PNG or WebP.
   *
   * @param {string} id
   * @param {{ format: Image['format'] | 'jpg', quality?: number, name?: string }} body `quality` 1
   *   to 100
   * @param {CallOptions} [options]
   * @returns {Promise<Image>}
   */
  async convert(id, body, { signal } = {}) {
    const { format: wanted, quality, name } = expectObject(body, 'body');
    const format = wanted === 'jpg' ? 'jpeg' : wanted;
    checkConversion({ format, quality });
    if (name !== undefined) requireName(name);
    const { workshop, limits } = this.#context;
    const options = { format, quality, signal, pixelsMax: limits.pixelsMax };
    return unlessAborted(signal, async () => {
      const source = await this.#find(id);
      const { bytes, width, height } = await workshop.convert(await this.#read(source), options);
      const facts = { name: name ?? source.name, width, height, format, size: bytes.length };
      return this.#add(facts, bytes, 'convert');
    });
  }

  /**
   * Makes a new image of this one's subject: a PNG with a transparent background. The source stays
   * as it is.
   *
   * @param {string} id
   * @param {{ name?: string } | null} [body] `name`, default: the source's
   * @param {CallOptions & Pick<RemoveBackgroundOptions, 'onProgress'>} [options]
   * @returns {Promise<Image>}
   */
  async removeBackground(id, body, { signal, onProgress } = {}) {
    const { name } = expectObject(body ?? {}, 'body');
    if (name !== undefined) requireName(name);
    const { workshop, limits } = this.#context;
    const options = { signal, onProgress, pixelsMax: limits.pixelsMax };
    return unlessAborted(signal, async () => {
      const source = await this.#find(id);
      const { png, image } = await workshop.removeBackground(await this.#read(source), options);
      const { width, height } = image;
      const facts = { name: name ?? source.name, width, height, size: png.length };
      return this.#add({ ...facts, format: 'png' }, png, 'removeBackground');
    });
  }

  /**
   * `removeBackground` for many images: yields what became of them in the order of their ids. One
   * that fails is yielded with its `error` and does not stop the others.
   *
   * @param {Inputs<string>} ids
   * @param {CallOptions & { concurrency?: number }} [options]
   * @returns {AsyncGenerator<Outcome<string, Image>, void, undefined>} throws only where the signal
   *   is aborted and where `ids` does
   */
  async *removeBackgrounds(ids, { signal, concurrency } = {}) {
    const limits = {
      signal,
      concurrency: concurrency ?? (await this.#context.workshop.concurrency()),
    };
    yield* inOrder(ids, limits, (id, _index, stop) =>
      this.removeBackground(id, null, { signal: stop }),
    );
  }

  /**
   * @param {Uint8Array} bytes
   * @param {string} name
   * @param {Operation} operation
   */
  async #create(bytes, name, operation) {
    const { workshop, limits } = this.#context;
    const { format, width, height } = await workshop.inspect(bytes, limits);
    return this.#add({ name, width, height, format, size: bytes.length }, bytes, operation);
  }

  /**
   * @param {Parameters<typeof createImage>[0]} facts
   * @param {Uint8Array} bytes
   * @param {Operation} operation
   */
  async #add(facts, bytes, operation) {
    const { id } = createImage(facts);
    const created_at = new Date(this.#context.now()).toISOString();
    const record = { id, ...facts, created_at, stage: this.#place.stage };
    await this.#context.store.add(record, bytes);
    this.#count(operation);
    return toImage(record, null);
  }

  /**
   * @param {string} id
   * @param {boolean} published
   * @param {Operation} operation
   */
  async #setPublished(id, published, operation) {
    const record = await this.#find(id);
    await this.#context.store.setPublished(record.id, published);
    this.#count(operation);
    return this.#toImage(record);
  }

  /** @param {Operation} operation */
  #count(operation) {
    this.#place.onUsage(
      operation === 'removeBackground' ? USAGE_OF_REMOVE_BACKGROUND : 1,
      operation,
    );
  }

  /** @param {string} id */
  async #find(id) {
    const record = await this.#context.store.find(id, this.#place.stage);
    if (!record) throw notFound(id);
    return record;
  }

  /** @param {ImageRecord} record */
  async #read(record) {
    const bytes = await this.#context.store.read(record);
    if (!bytes) throw notFound(record.id); // removed just now
    return bytes;
  }

  /** @param {ImageRecord} record */
  async #toImage(record) {
    const { publicURL } = this.#place;
    const isPublic = publicURL !== undefined && (await this.#context.store.isPublished(record.id));
    return toImage(record, isPublic ? `${publicURL}/${record.id}` : null);
  }
}

/**
 * The eight fields in their order.
 *
 * @param {ImageRecord} record
 * @param {string | null} url
 * @returns {Image}
 */
function toImage({ id, name, width, height, format, size, created_at }, url) {
  return { id, name, url, width, height, format, size, created_at };
}

/** @param {unknown} id */
function notFound(id) {
  return new OffcutError('ERR_NOT_FOUND', `Image with id ${id} not found.`);
}

/**
 * @template T
 * @param {T} value
 * @param {string} name
 * @returns {T}
 */
function expectObject(value, name) {
  if (typeof value !== 'object' || value === null) throw invalid('an object', name, value);
  return value;
}

/** @param {unknown} name */
function requireName(name) {
  if (!rules.name.test(name)) throw invalid(rules.name.expected, 'name', name);
}

/** @param {string} link of a page of the list */
function queryOf(link) {
  const query = new URLSearchParams(link.slice(link.indexOf('?') + 1));
  return { take: Number(query.get('take') ?? TAKE_DEFAULT), from: query.get('from') ?? undefined };
}

/**
 * Bytes of our own: what the caller does with its own later must not change the image.
 *
 * @param {import('../source.js').Source} source
 * @param {{ bytesMax: number, signal?: AbortSignal }} limits
 */
async function readOwn(source, limits) {
  const bytes = await readSource(source, limits);
  refuseOver(bytes.length, limits.bytesMax);
  return source.transfer ? bytes : bytes.slice();
}
