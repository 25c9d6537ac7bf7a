// SPDX-License-Identifier: Apache-2.0

/**
 * The element with this id. The page's own markup has it, so that none is a fault.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (element);
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Partial<HTMLElementTagNameMap[T]>} [properties]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/**
 * The value of the chosen one of a group of radio buttons.
 *
 * @param {HTMLElement} group
 */
export function chosen(group) {
  const input = /** @type {HTMLInputElement | null} */ (group.querySelector('input:checked'));
  return input?.value ?? '';
}

/** Hands a file to the user. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const href = URL.createObjectURL(blob);
  make('a', { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000); // the browser reads it in its own time
}
