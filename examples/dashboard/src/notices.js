// SPDX-License-Identifier: Apache-2.0
import { byId, make } from './dom.js';

const SHOWN_MS = 8000;

/**
 * Tells something in passing, seen and read out.
 *
 * @param {string} text
 */
export function notify(text) {
  const notice = make('p', { className: 'notice', textContent: text });
  byId('notices').append(notice);
  setTimeout(() => notice.remove(), SHOWN_MS);
}

/**
 * Tells those who listen what others see.
 *
 * @param {string} text
 */
export function announce(text) {
  byId('live').textContent = text;
}
