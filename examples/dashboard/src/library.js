// SPDX-License-Identifier: Apache-2.0

/** @import { Image } from 'offcut' */
/** @import { Offcut } from 'offcut/client' */
/** @import { Links } from './links.js' */

/**
 * A photo on its way to a cut-out, and what became of it.
 *
 * @typedef {object} Entry
 * @property {string} name
 * @property {'waiting' | 'working' | 'done' | 'failed'} state
 * @property {Blob} [file] the photo as it came in; gone once the store has it
 * @property {Image} [source] the photo, once it is stored
 * @property {Image} [cutout]
 * @property {Step} [step] what is being done
 * @property {number} fraction of the work, 0 to 1
 * @property {unknown} [error] why it failed; none if the page was closed in between
 * @property {AbortController} [abort] while it waits or is worked on
 */

/** @typedef {keyof typeof SHARES} Step */

/** The steps in their order, and how long they take, roughly, as shares of the whole. */
const SHARES = { store: 0.05, decode: 0.1, infer: 0.5, refine: 0.1, encode: 0.25 };
const STEPS = /** @type {Step[]} */ (Object.keys(SHARES));

/** The most characters a name may have. */
const NAME_MAX = 30;

/**
 * The photos and their cut-outs: what is in the store, and what is under way. One photo is worked
 * on at a time, so that the first is ready as soon as can be.
 *
 * Events: `change` (`detail`: the entry), `list` (entries came or went).
 */
export class Library extends EventTarget {
  #client;
  #links;
  #working = false;
  #channel = new BroadcastChannel('offcut-dashboard');
  /** @type {Promise<unknown>} the end of a queue; never rejects */
  #tail = Promise.resolve();

  /** @type {Entry[]} newest first */
  entries = [];

  /**
   * @param {Offcut} client
   * @param {Links} links
   */
  constructor(client, links) {
    super();
    this.#client = client;
    this.#links = links;
    this.#channel.onmessage = () => void this.refresh().catch(() => {});
  }

  /** Makes the entries agree with the store, which other tabs use too. */
  refresh() {
    return this.#inTurn(() => this.#refresh());
  }

  /**
   * @param {readonly File[]} files
   * @returns {Entry[]}
   */
  add(files) {
    const added = files.map((file) => fresh({ name: nameOf(file.name), file }));
    this.entries = [...added.toReversed(), ...this.entries];
    this.#emit('list');
    void this.#work();
    return added;
  }

  /** @param {Entry} entry */
  retry(entry) {
    Object.assign(entry, fresh(entry));
    this.#emit('change', entry);
    void this.#work();
  }

  /**
   * Stops the work. The photo stays, to be tried again.
   *
   * @param {Entry} entry
   */
  cancel(entry) {
    entry.abort?.abort();
    if (entry.state === 'waiting') this.#fail(entry, entry.abort?.signal.reason);
  }

  /** @param {Entry} entry */
  async remove(entry) {
    entry.abort?.abort();
    await this.#remove(entry);
  }

  /**
   * @param {Entry} entry
   * @param {boolean} published
   */
  async setPublished(entry, published) {
    const { images } = this.#client;
    const id = entry.cutout?.id ?? '';
    entry.cutout = await (published ? images.publish(id) : images.unpublish(id));
    this.#tellOthers();
    this.#emit('change', entry);
  }

  /**
   * The file of the photo, stored or not.
   *
   * @param {Entry} entry
   * @returns {Promise<Blob>}
   */
  async photoOf({ file, source }) {
    return file ?? this.#read(source);
  }

  /**
   * @param {Entry} entry
   * @returns {Promise<Blob>}
   */
  async cutoutOf({ cutout }) {
    return this.#read(cutout);
  }

  /** @param {Image | undefined} image */
  async #read(image) {
    return (await this.#client.images.download(image?.id ?? '')).blob();
  }

  async #work() {
    if (this.#working) return;
    this.#working = true;
    for (;;) {
      const entry = this.entries.findLast(({ state }) => state === 'waiting');
      if (!entry) break;
      await this.#cutOut(entry);
      // It was removed meanwhile, and has more by now. What cannot be deleted stays for `sweep`.
      if (!this.entries.includes(entry)) await this.#remove(entry).catch(() => {});
    }
    this.#working = false;
  }

  /** @param {Entry} entry */
  async #cutOut(entry) {
    try {
      this.#progress(entry, 'store', 0);
      const source = entry.source ?? (await this.#inTurn(() => this.#store(entry)));
      const cutout = await whileHeld(source.id, () => this.#removeBackground(entry, source.id));
      await this.#links.set(source.id, cutout.id);
      Object.assign(entry, { state: 'done', cutout, abort: undefined });
      this.#emit('change', entry);
    } catch (error) {
      this.#fail(entry, error);
    }
    if (this.entries.includes(entry)) this.#tellOthers();
  }

  /** @param {Entry} entry */
  async #store(entry) {
    const image = /** @type {Blob} */ (entry.file);
    const source = await this.#client.images.upload({ image, name: entry.name });
    Object.assign(entry, { source, file: undefined });
    return source;
  }

  /**
   * @param {Entry} entry
   * @param {string} id
   */
  #removeBackground(entry, id) {
    return this.#client.images.removeBackground(id, null, {
      signal: entry.abort?.signal,
      onProgress: (stage, fraction) => this.#progress(entry, stage, fraction),
    });
  }

  /**
   * The photo goes first: what is left if the page is closed then is not shown, and goes later.
   *
   * @param {Entry} entry
   */
  async #remove(entry) {
    const { source, cutout } = entry;
    if (source) await this.#delete(source.id);
    this.entries = this.entries.filter((other) => other !== entry);
    this.#emit('list');
    if (cutout) await this.#delete(cutout.id);
    if (source) await this.#links.delete(source.id);
    this.#tellOthers();
  }

  /** @param {string} id */
  async #delete(id) {
    await this.#client.images.delete(id).catch((error) => {
      if (error?.code !== 'ERR_NOT_FOUND') throw error; // another tab was faster
    });
  }

  /** Removes cut-outs of photos that are gone. */
  async sweep() {
    await this.#client.sweep();
    for (const [photo, cutout] of await this.#links.all()) {
      const isThere = await this.#client.images.retrieve(photo).then(
        () => true,
        (error) => error?.code !== 'ERR_NOT_FOUND',
      );
      if (isThere) continue;
      await this.#delete(cutout);
      await this.#links.delete(photo);
    }
  }

  async #refresh() {
    // In this order: what another tab finishes meanwhile is in its links and in the list.
    const held = await heldIds();
    const images = await this.#all();
    const links = await this.#links.all();
    const stored = new Map(images.map((image) => [image.id, image]));
    const cutoutOf = (/** @type {Image} */ { id }) => stored.get(links.get(id) ?? '');
    const ours = this.entries.filter(({ source }) => !source || stored.has(source.id));
    for (const entry of ours) {
      const cutout = entry.source && cutoutOf(entry.source);
      if (cutout && !entry.abort) Object.assign(entry, { cutout, state: 'done' });
    }
    const known = new Set([
      ...held,
      ...links.values(),
      ...ours.map(({ source }) => source?.id ?? ''),
    ]);
    const others = images.filter(({ id }) => !known.has(id));
    const found = others.map((source) => restored(source, cutoutOf(source)));
    this.entries = [...ours, ...found].sort(byTime);
    this.#emit('list');
  }

  async #all() {
    const { images } = this.#client;
    const { data, links } = await images.list({ take: 100 });
    for (let next = links.next; next;) {
      const page = await images.list(next);
      data.push(...page.data);
      next = page.links.next;
    }
    return data;
  }

  /**
   * A photo is stored and then has its id: nobody may look at both in between.
   *
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  #inTurn(task) {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => {});
    return result;
  }

  /**
   * @param {Entry} entry
   * @param {Step} step
   * @param {number} fraction
   */
  #progress(entry, step, fraction) {
    const before = STEPS.slice(0, STEPS.indexOf(step));
    const done = before.reduce((sum, name) => sum + SHARES[name], 0);
    Object.assign(entry, { state: 'working', step, fraction: done + fraction * SHARES[step] });
    this.#emit('change', entry);
  }

  /**
   * @param {Entry} entry
   * @param {unknown} error
   */
  #fail(entry, error) {
    Object.assign(entry, { state: 'failed', error, abort: undefined });
    this.#emit('change', entry);
  }

  #tellOthers() {
    this.#channel.postMessage('changed');
  }

  /**
   * @param {'change' | 'list'} type
   * @param {Entry} [detail]
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/**
 * @param {Pick<Entry, 'name' | 'file' | 'source'>} entry
 * @returns {Entry}
 */
function fresh({ name, file, source }) {
  const abort = new AbortController();
  return { name, file, source, state: 'waiting', fraction: 0, error: undefined, abort };
}

/**
 * @param {Image} source
 * @param {Image | undefined} cutout without one, the page was closed before it was made
 * @returns {Entry}
 */
function restored(source, cutout) {
  return { name: source.name, source, cutout, state: cutout ? 'done' : 'failed', fraction: 0 };
}

/**
 * Newest first; what is not stored yet is the newest, and stays in its order.
 *
 * @param {Entry} one
 * @param {Entry} other
 */
function byTime({ source: one }, { source: other }) {
  const [time, otherTime] = [one?.created_at ?? '~', other?.created_at ?? '~'];
  return Number(time < otherTime) - Number(time > otherTime);
}

/**
 * Tells other tabs, by a lock, that a photo is worked on.
 *
 * @template T
 * @param {string} id
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function whileHeld(id, work) {
  return navigator.locks.request(id, work);
}

/** @returns {Promise<string[]>} ids of photos that a tab works on */
async function heldIds() {
  const { held = [] } = await navigator.locks.query();
  return held.map(({ name = '' }) => name);
}

/** @param {string} fileName */
function nameOf(fileName) {
  const stem = fileName.replace(/(?<=.)\.[^.]*$/u, '').trim();
  return [...stem].slice(0, NAME_MAX).join('').trim() || 'photo';
}
