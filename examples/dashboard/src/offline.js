// SPDX-License-Identifier: Apache-2.0
import { byId } from './dom.js';

/** Keeps the page and the network at hand without a connection, and says so once they are. */
export async function installOffline() {
  if (!('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register('service-worker.js');
    await navigator.serviceWorker.ready;
  } catch {
    return; // private windows of some browsers have none; the page works without
  }
  const chip = byId('offline');
  const show = () => {
    chip.textContent = navigator.onLine ? 'Works offline' : 'Offline';
    chip.hidden = false;
  };
  for (const type of ['online', 'offline']) addEventListener(type, show);
  show();
}
