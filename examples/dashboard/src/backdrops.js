// SPDX-License-Identifier: Apache-2.0

/** @import { Backdrop } from './pictures.js' */

import { byId } from './dom.js';

/**
 * The choice of what lies behind: a few colours, any colour, a picture.
 *
 * @param {(backdrop: Backdrop) => void} choose
 */
export function connectBackdrops(choose) {
  const radios = [...byId('backdrops').querySelectorAll('input')].filter(
    ({ type }) => type === 'radio',
  );
  /** @type {HTMLInputElement} */
  const colour = byId('colour');
  const picture = byId('picture');
  /** @type {HTMLInputElement} */
  const file = byId('picture-file');

  /** @param {HTMLElement} control @param {Backdrop} backdrop */
  const take = (control, backdrop) => {
    for (const radio of radios) radio.checked = radio === control;
    for (const other of [colour, picture]) other.classList.toggle('on', other === control);
    choose(backdrop);
  };
  for (const radio of radios) {
    const swatch = /** @type {HTMLElement} */ (radio.nextElementSibling);
    swatch.style.backgroundColor = radio.value;
    radio.onchange = () => take(radio, radio.value ? { colour: radio.value } : undefined);
  }
  colour.oninput = () => take(colour, { colour: colour.value });
  picture.onclick = () => file.click();
  file.onchange = () => {
    const blob = file.files?.[0];
    if (blob) take(picture, { picture: blob });
    file.value = '';
  };
}
