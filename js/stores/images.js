// SPDX-License-Identifier: Apache-2.0

/** @import { Image } from '../image.js' */

/**
 * The part of unstorage's `Storage` that is used here, so that any other that has it will do.
 *
 * @typedef {object} Storage
 * @property {(key: string) => Promise<any>} getItem null if there is none
 * @property {(key: string, value: any) => Promise<void>} setItem
 * @property {(key: string) => Promise<any>} getItemRaw null if there is none
 * @property {(key: string, value: any) => Promise<void>} setItemRaw
 * @property {(key: string) => Promise<void>} removeItem
 * @property {(base?: string) => Promise<string[]>} getKeys that begin with `base`
 */

/**
 * Images that belong to one kind of key do not see those of the other.
 *
 * @typedef {'live' | 'test'} Stage
 */

/**
 * What is kept of an image besides its bytes. It is written once and never changed.
 *
 * @typedef {Omit<Image, 'url'> & { stage: Stage }} ImageRecord
 */

/**
 * @typedef {object} Page
 * @property {ImageRecord[]} records newest first
 * @property {string | null} previous the id that the page before begins with
 * @property {string | null} next the id that the page after begins with
 */

/** An image that is being written is no older than this. */
const WRITING_MAX_MS = 60 * 60 * 1000;

/** How many records are asked for at once. */
const READ_AT_ONCE = 16;

/**
 * Keeps images in an unstorage `Storage`, each under keys of its own:
 *
 *     order:STAGE:TIME-ID   its place in the list, and the note that it is being made or removed
 *     files:ID              its bytes
 *     records:ID            the record; an image exists if and only if this does
 *     published:ID          there while it is published
 *
 * Making goes down this list and removing goes `records`, `published`, `files`, `order`, so
 * whatever a crash leaves behind has an entry in `order` and no record, is not shown, and goes with
 * the next sweep. No key is written by two images and none is read, changed and written again, so
 * writers cannot lose each other's work.
 */
export class ImageStore {
  #storage;

  /** @param {Storage} storage */
  constructor(storage) {
    this.#storage = storage;
  }

  /**
   * @param {ImageRecord} record
   * @param {Uint8Array} bytes
   */
  async add(record, bytes) {
    const storage = this.#storage;
    await storage.setItem(orderKey(record), '1');
    await storage.setItemRaw(`files:${record.id}`, bytes);
    await storage.setItem(`records:${record.id}`, record);
  }

  /**
   * @param {string} id
   * @param {Stage} [stage] default: either
   * @returns {Promise<ImageRecord | undefined>}
   */
  async find(id, stage) {
    if (!isId(id)) return undefined; // a key must not be made of just anything
    const record = /** @type {ImageRecord | null} */ (await this.#storage.getItem(`records:${id}`));
    // A file system may take image_A for image_a.
    if (typeof record !== 'object' || record?.id !== id) return undefined;
    return stage === undefined || record.stage === stage ? record : undefined;
  }

  /**
   * @param {ImageRecord} record
   * @returns {Promise<Uint8Array<ArrayBuffer> | undefined>}
   */
  async read({ id, size }) {
    const raw = await this.#storage.getItemRaw(`files:${id}`);
    if (raw === null || raw === undefined) return undefined;
    const bytes = ArrayBuffer.isView(raw)
      ? new Uint8Array(/** @type {ArrayBuffer} */ (raw.buffer), raw.byteOffset, raw.byteLength)
      : new Uint8Array(raw);
    return bytes.length === size ? bytes : undefined;
  }

  /** @param {ImageRecord} record */
  async remove(record) {
    const storage = this.#storage;
    await storage.removeItem(`records:${record.id}`);
    await storage.removeItem(`published:${record.id}`);
    await storage.removeItem(`files:${record.id}`);
    await storage.removeItem(orderKey(record));
  }

  /** @param {string} id */
  async isPublished(id) {
    return (await this.#storage.getItem(`published:${id}`)) !== null;
  }

  /**
   * @param {string} id
   * @param {boolean} published
   */
  async setPublished(id, published) {
    if (published) await this.#storage.setItem(`published:${id}`, '1');
    else await this.#storage.removeItem(`published:${id}`);
  }

  /**
   * A page of the list. It begins with `from`, so images that come meanwhile do not move it.
   *
   * @param {Stage} stage
   * @param {{ take: number, from?: string }} range
   * @returns {Promise<Page | undefined>} `undefined` if there is no image `from`
   */
  async page(stage, { take, from }) {
    const order = await this.#order(stage);
    const start = from === undefined ? 0 : order.findIndex(({ id }) => id === from);
    if (start < 0) return undefined;
    const records = await this.#existing(order.slice(start), take + 1, stage);
    const next = records.length > take ? records[take].id : null;
    const previous = start > 0 ? order[Math.max(0, start - take)].id : null;
    return { records: records.slice(0, take), previous, next };
  }

  /**
   * Removes what crashes left behind.
   *
   * @returns {Promise<number>} of how many images
   */
  async sweep() {
    let count = 0;
    for (const stage of /** @type {const} */ (['live', 'test'])) {
      for (const { id, time } of await this.#order(stage)) {
        if (Date.now() - time < WRITING_MAX_MS || (await this.find(id))) continue;
        await this.remove({ .../** @type {any} */ ({ id, stage }), created_at: isoOf(time) });
        count++;
      }
    }
    return count;
  }

  /**
   * @param {Stage} stage
   * @returns {Promise<{ id: string, time: number }[]>} newest first
   */
  async #order(stage) {
    const base = `order:${stage}:`;
    const keys = await this.#storage.getKeys(base);
    const names = keys.map((key) => key.slice(base.length)).sort();
    return names.reverse().flatMap((name) => {
      const [, time, id] = /^(\d{15})-(image_[a-z0-9]+)$/i.exec(name) ?? [];
      return id ? [{ id, time: Number(time) }] : [];
    });
  }

  /**
   * The first so many that exist: an entry may be of an image that is being made or removed.
   *
   * @param {{ id: string }[]} entries
   * @param {number} count
   * @param {Stage} stage
   */
  async #existing(entries, count, stage) {
    /** @type {ImageRecord[]} */
    const records = [];
    for (let i = 0; i < entries.length && records.length < count;) {
      const some = entries.slice(i, i + Math.min(READ_AT_ONCE, count - records.length));
      const found = await Promise.all(some.map(({ id }) => this.find(id, stage)));
      records.push(...found.filter((record) => record !== undefined));
      i += some.length;
    }
    return records;
  }
}

/** @param {unknown} id */
function isId(id) {
  return typeof id === 'string' && /^image_[a-z0-9]{1,64}$/i.test(id);
}

/** @param {Pick<ImageRecord, 'id' | 'stage' | 'created_at'>} record */
function orderKey({ id, stage, created_at }) {
  return `order:${stage}:${String(Date.parse(created_at)).padStart(15, '0')}-${id}`;
}

/** @param {number} time */
function isoOf(time) {
  return new Date(time).toISOString();
}
