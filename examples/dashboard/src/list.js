// SPDX-License-Identifier: Apache-2.0

/** @import { Entry, Library } from './library.js' */

import { byId } from './dom.js';
import { drawThumb } from './pictures.js';
import { describeState } from './words.js';

/**
 * The list of photos. Its items are kept for as long as their entries are, so that focus stays
 * where it is.
 */
export class List {
  #list = byId('list');
  /** @type {HTMLTemplateElement} */
  #template = byId('item');
  #library;
  #select;
  /** @type {Map<Entry, Item>} */
  #items = new Map();
  /** Thumbs are drawn when they come into view. */
  #watcher = new IntersectionObserver((seen) => this.#drawSeen(seen), { rootMargin: '200px' });

  /**
   * @param {Library} library
   * @param {(entry: Entry) => void} select
   */
  constructor(library, select) {
    this.#library = library;
    this.#select = select;
  }

  /** @param {Entry | undefined} selected */
  render(selected) {
    const { entries } = this.#library;
    const before = this.#items;
    this.#items = new Map(entries.map((entry) => [entry, before.get(entry) ?? this.#make(entry)]));
    const elements = [...this.#items.values()].map(({ element }) => element);
    if (elements.some((element, i) => this.#list.children[i] !== element))
      place(this.#list, elements);
    for (const [entry, { element }] of before) if (!this.#items.has(entry)) element.remove();
    for (const entry of entries) this.update(entry, selected);
  }

  /**
   * @param {Entry} entry
   * @param {Entry | undefined} selected
   */
  update(entry, selected) {
    const item = this.#items.get(entry);
    if (!item) return;
    item.button.dataset.state = entry.state;
    item.button.ariaCurrent = entry === selected ? 'true' : null;
    item.name.textContent = entry.name;
    item.state.textContent = describeState(entry);
    item.bar.style.scale = `${entry.fraction} 1`;
    if (item.isSeen && item.drawn !== versionOf(entry)) void this.#draw(entry, item);
  }

  /** @param {Entry | undefined} entry */
  focus(entry) {
    if (entry) this.#items.get(entry)?.button.focus();
  }

  /** @param {Entry} entry */
  reveal(entry) {
    this.#items.get(entry)?.element.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  /** @param {Entry} entry */
  #make(entry) {
    const item = new Item(this.#template);
    item.button.onclick = () => this.#select(entry);
    this.#watcher.observe(item.element);
    return item;
  }

  /** @param {IntersectionObserverEntry[]} seen */
  #drawSeen(seen) {
    const targets = new Set(seen.flatMap((it) => (it.isIntersecting ? [it.target] : [])));
    for (const [entry, item] of this.#items) {
      if (!targets.has(item.element)) continue;
      item.isSeen = true;
      this.#watcher.unobserve(item.element);
      void this.#draw(entry, item);
    }
  }

  /**
   * @param {Entry} entry
   * @param {Item} item
   */
  async #draw(entry, item) {
    item.drawn = versionOf(entry);
    try {
      const blob = await (entry.cutout
        ? this.#library.cutoutOf(entry)
        : this.#library.photoOf(entry));
      await drawThumb(item.thumb, blob);
    } catch {
      item.thumb.classList.add('none'); // not a picture, or gone: the list says so in words
    }
  }
}

/** The elements of one entry. */
class Item {
  isSeen = false;
  /** What the thumb shows, see `versionOf`. */
  drawn = '';

  /** @param {HTMLTemplateElement} template */
  constructor(template) {
    const copy = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
    const find = (/** @type {string} */ selector) =>
      /** @type {HTMLElement} */ (copy.querySelector(selector));
    this.element = find('li');
    this.button = find('button');
    this.thumb = /** @type {HTMLCanvasElement} */ (find('canvas'));
    this.name = find('.item-name');
    this.state = find('.item-state');
    this.bar = find('.item-bar');
  }
}

/** @param {Entry} entry */
function versionOf({ cutout }) {
  return cutout ? cutout.id : 'photo';
}

/**
 * Puts elements in order without taking out those that are in place.
 *
 * @param {HTMLElement} parent
 * @param {HTMLElement[]} elements
 */
function place(parent, elements) {
  elements.forEach((element, i) => {
    if (parent.children[i] !== element) parent.insertBefore(element, parent.children[i] ?? null);
  });
}
