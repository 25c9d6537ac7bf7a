// SPDX-License-Identifier: Apache-2.0

/** @import { Image } from 'offcut' */
/** @import { Offcut } from 'offcut/client' */
/** @import { Entry, Library } from './library.js' */
/** @import { Backdrop } from './pictures.js' */
/** @import { View } from './viewer.js' */

import { byId, make, save } from './dom.js';
import { notify } from './notices.js';
import { flatten, matteOf } from './pictures.js';
import { describeFailure, formatBytes } from './words.js';

const WEBP_QUALITY = 90;

/** What can be done with a cut-out. */
export class Tools {
  #library;
  #converter;
  /** @type {Entry | undefined} */
  #entry;

  /** What is downloaded is what is seen. @type {View} */
  view = 'compare';
  /** @type {Backdrop} */
  backdrop;

  /**
   * @param {Library} library
   * @param {Offcut} converter keeps nothing
   */
  constructor(library, converter) {
    this.#library = library;
    this.#converter = converter;
    connect('download-png', () => this.#download('png'));
    connect('download-webp', () => this.#download('webp'));
    connect('publish', () => this.#publish());
    connect('copy', () => this.#copy());
  }

  /** @param {Entry | undefined} entry */
  render(entry) {
    this.#entry = entry;
    const cutout = entry?.state === 'done' ? entry.cutout : undefined;
    byId('tools').classList.toggle('none', !cutout);
    if (!cutout) return;
    byId('facts').replaceChildren(...factsOf(cutout));
    byId('publish').textContent = cutout.url ? 'Unpublish' : 'Publish';
    byId('publish-hint').hidden = !cutout.url;
    byId('download-hint').textContent = this.#describeDownload(cutout);
  }

  /** @param {Image} cutout */
  #describeDownload({ size }) {
    if (this.view === 'mask') return 'The mask, as a grey picture';
    if (!this.backdrop) return `Transparent, ${formatBytes(size)} as PNG`;
    return 'colour' in this.backdrop ? 'With this colour behind it' : 'With this picture behind it';
  }

  /** @param {'png' | 'webp'} format */
  async #download(format) {
    const entry = this.#current;
    const cutout = await this.#library.cutoutOf(entry);
    const png = await this.#asSeen(cutout);
    save(format === 'png' ? png : await this.#toWebp(png), `${entry.name}.${format}`);
  }

  /** @param {Blob} cutout */
  async #asSeen(cutout) {
    if (this.view === 'mask') return matteOf(cutout);
    return this.backdrop ? flatten(cutout, this.backdrop) : cutout;
  }

  /** Not every browser's canvas writes WebP; Offcut does. @param {Blob} png */
  async #toWebp(png) {
    const { images } = this.#converter;
    const image = await images.upload({ image: png, name: 'cut-out' });
    const webp = await images.convert(image.id, { format: 'webp', quality: WEBP_QUALITY });
    const blob = await (await images.download(webp.id)).blob();
    await Promise.all([image, webp].map(({ id }) => images.delete(id)));
    this.#converter.dispose(); // its memory is worth more than the time to begin anew
    return blob;
  }

  async #publish() {
    const entry = this.#current;
    await this.#library.setPublished(entry, !entry.cutout?.url);
  }

  async #copy() {
    await navigator.clipboard.writeText(JSON.stringify(this.#current.cutout, null, 2));
    notify('Copied');
  }

  get #current() {
    if (!this.#entry) throw new Error('nothing is chosen');
    return this.#entry;
  }
}

/**
 * A button that is busy until its work is done, and says so if that fails.
 *
 * @param {string} id
 * @param {() => Promise<void>} work
 */
function connect(id, work) {
  const button = byId(id);
  button.onclick = async () => {
    if (button.ariaBusy === 'true') return;
    button.ariaBusy = 'true';
    try {
      await work();
    } catch (error) {
      const { title, text } = describeFailure(error);
      notify(`${title}. ${text}`);
    } finally {
      button.ariaBusy = null;
    }
  };
}

/** @param {Image} image */
function factsOf(image) {
  return Object.entries(image).flatMap(([field, value]) => [
    make('dt', {}, field),
    make('dd', {}, field === 'url' && value ? linkTo(String(value)) : String(value)),
  ]);
}

/** @param {string} href */
function linkTo(href) {
  return make('a', { href, target: '_blank' }, href);
}
