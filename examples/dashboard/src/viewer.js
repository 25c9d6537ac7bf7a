// SPDX-License-Identifier: Apache-2.0

/** @import { Entry, Library } from './library.js' */
/** @import { Backdrop } from './pictures.js' */

import { byId } from './dom.js';
import { isEmpty } from './pictures.js';
import { describeFailure, describeStep } from './words.js';

/** @typedef {'compare' | 'cutout' | 'mask'} View */

/** What keys do to the slider besides the arrows, which it knows. @type {Record<string, number>} */
const KEYS = { Home: -100, End: 100, PageUp: 10, PageDown: -10 };

/** The large picture and what is said about it. */
export class Viewer {
  #library;
  #stage = byId('stage');
  #frame = byId('frame');
  #slider = /** @type {HTMLElement & { value: number }} */ (byId('slider'));
  /** @type {Record<'photo' | 'cutout', string>} object URLs */
  #urls = { photo: '', cutout: '' };
  /** @type {{ entry?: Entry, cutout?: Entry['cutout'] }} */
  #shown = {};
  #isLoading = false;
  #isEmpty = false;
  #backdropURL = '';

  /** @type {View} */
  view = 'compare';

  /** @param {Library} library */
  constructor(library) {
    this.#library = library;
    this.#slider.addEventListener('slide', () => this.#describeSlider());
    this.#slider.addEventListener('keydown', ({ key }) => {
      if (KEYS[key] === undefined) return;
      this.#slider.value = Math.min(100, Math.max(0, this.#slider.value + KEYS[key]));
      this.#describeSlider();
    });
    this.#describeSlider();
  }

  /**
   * Shows an entry, or what is new about it.
   *
   * @param {Entry} entry
   */
  async show(entry) {
    const { cutout } = entry;
    const isOther = entry !== this.#shown.entry;
    if (!isOther && cutout?.id === this.#shown.cutout?.id) {
      if (!this.#isLoading) this.#render(entry);
      return;
    }
    const shown = (this.#shown = { entry, cutout });
    this.#isLoading = true;
    if (isOther) {
      this.#stage.dataset.loading = ''; // else what is seen stays until then
      this.#render(entry);
    }
    await this.#load(entry, shown);
    if (shown !== this.#shown) return; // something else is to be shown by now
    this.#isLoading = false;
    delete this.#stage.dataset.loading;
    this.#render(entry);
  }

  /** @param {Backdrop} backdrop */
  setBackdrop(backdrop) {
    URL.revokeObjectURL(this.#backdropURL);
    this.#backdropURL =
      backdrop && 'picture' in backdrop ? URL.createObjectURL(backdrop.picture) : '';
    for (const element of document.querySelectorAll('.backdrop')) {
      const { style, classList } = /** @type {HTMLElement} */ (element);
      classList.toggle('checker', !backdrop);
      style.backgroundColor = backdrop && 'colour' in backdrop ? backdrop.colour : '';
      style.backgroundImage = this.#backdropURL && `url("${this.#backdropURL}")`;
    }
  }

  /**
   * @param {Entry} entry
   * @param {object} shown
   */
  async #load(entry, shown) {
    const photo = await this.#library.photoOf(entry).catch(() => undefined);
    const cutout = entry.cutout && (await this.#library.cutoutOf(entry).catch(() => undefined));
    const urls = { photo: urlOf(photo), cutout: urlOf(cutout) };
    const size = await sizeOf(urls.photo);
    const empty = cutout !== undefined && (await isEmpty(cutout).catch(() => false));
    if (shown !== this.#shown) return revoke(urls);
    revoke(this.#urls);
    this.#urls = urls;
    this.#isEmpty = empty;
    this.#frame.hidden = !size;
    this.#frame.style.setProperty('--width', String(size?.width ?? 1));
    this.#frame.style.setProperty('--height', String(size?.height ?? 1));
    for (const image of this.#frame.querySelectorAll('img')) {
      const url = urls[/** @type {'photo' | 'cutout'} */ (image.dataset.picture)];
      if (url) image.src = url;
      else image.removeAttribute('src');
    }
  }

  /** @param {Entry} entry */
  #render(entry) {
    const { name, state } = entry;
    const isDone = state === 'done';
    this.#stage.dataset.state = state;
    byId('stage-title').textContent = name;
    this.#slider.hidden = !isDone || this.view !== 'compare';
    byId('cutout').hidden = !isDone || this.view !== 'cutout';
    byId('mask').hidden = !isDone || this.view !== 'mask';
    byId('photo').hidden = isDone;
    for (const image of this.#frame.querySelectorAll('img')) image.alt = altOf(image, name);
    this.#renderBusy(entry);
    this.#renderFailure(entry);
    const note = byId('note');
    note.hidden = !isDone || !this.#isEmpty;
    note.textContent = 'No subject was found in this photo, so nothing is left of it.';
  }

  /** @param {Entry} entry */
  #renderBusy(entry) {
    const isBusy = entry.state === 'waiting' || entry.state === 'working';
    byId('busy').hidden = !isBusy;
    if (!isBusy) return;
    byId('busy-title').textContent = describeStep(entry);
    /** @type {HTMLProgressElement} */ (byId('busy-progress')).value = entry.fraction;
  }

  /** @param {Entry} entry */
  #renderFailure({ state, error }) {
    byId('failed').hidden = state !== 'failed';
    if (state !== 'failed') return;
    const { title, text, code, again } = describeFailure(error);
    byId('failed-title').textContent = title;
    byId('failed-text').textContent = text;
    byId('failed-code').textContent = code;
    byId('failed-code').hidden = !code;
    byId('retry').hidden = !again;
  }

  #describeSlider() {
    const value = Math.round(this.#slider.value ?? 50);
    this.#slider.ariaValueNow = String(value);
    this.#slider.ariaValueText = `${value} % of the photo`;
  }
}

/**
 * @param {HTMLImageElement} image
 * @param {string} name
 */
function altOf(image, name) {
  if (image.dataset.picture === 'photo') return `Photo “${name}”`;
  return image.closest('.mask') ? `Mask of “${name}”` : `Cut-out of “${name}”`;
}

/** @param {Blob | undefined} blob */
function urlOf(blob) {
  return blob ? URL.createObjectURL(blob) : '';
}

/** @param {Record<string, string>} urls */
function revoke(urls) {
  for (const url of Object.values(urls)) URL.revokeObjectURL(url);
}

/**
 * The size of a picture, upright; none if the browser cannot show it.
 *
 * @param {string} url
 */
async function sizeOf(url) {
  if (!url) return undefined;
  const image = new Image();
  image.src = url;
  const isShown = await image.decode().then(
    () => true,
    () => false,
  );
  return isShown ? { width: image.naturalWidth, height: image.naturalHeight } : undefined;
}
