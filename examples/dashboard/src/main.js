// SPDX-License-Identifier: Apache-2.0

/** @import { Entry } from './library.js' */

import 'img-comparison-slider';
import { createOffcut } from 'offcut/client';
import { indexedDBStore } from 'offcut/stores/indexeddb';
import { connectBackdrops } from './backdrops.js';
import { byId } from './dom.js';
import { connectIntake } from './intake.js';
import { Library } from './library.js';
import { createLinks } from './links.js';
import { List } from './list.js';
import { announce, notify } from './notices.js';
import { installOffline } from './offline.js';
import { showSamples } from './samples.js';
import { Tools } from './tools.js';
import { Viewer } from './viewer.js';
import { describeFailure } from './words.js';

const client = createOffcut({
  store: indexedDBStore(),
  publicURL: new URL('images', document.baseURI).href, // the service worker answers there
});
const library = new Library(client, createLinks());
const viewer = new Viewer(library);
const tools = new Tools(library, createOffcut());
const list = new List(library, select);

/** @type {Entry | undefined} */
let selected;

/** @param {Entry | undefined} entry */
function select(entry) {
  selected = entry;
  render();
  if (entry) list.reveal(entry);
}

function render() {
  if (!selected || !library.entries.includes(selected)) selected = library.entries[0];
  document.body.dataset.view = selected ? 'photos' : 'empty';
  list.render(selected);
  renderSelected();
}

function renderSelected() {
  tools.render(selected);
  if (selected) void viewer.show(selected);
}

/** @param {File[]} files */
function take(files) {
  select(library.add(files)[0]);
  announce(files.length === 1 ? 'One photo added' : `${files.length} photos added`);
}

/** @param {Entry} entry */
function tellEnd({ name, state, error }) {
  if (state === 'done') announce(`${name}: the cut-out is done`);
  if (state === 'failed') announce(`${name}: ${describeFailure(error).title}`);
}

/** @param {Entry} entry */
async function remove(entry) {
  const at = library.entries.indexOf(entry);
  select(library.entries[at + 1] ?? library.entries[at - 1]);
  try {
    await library.remove(entry);
  } catch (error) {
    tellFailure(error);
  }
  if (selected) list.focus(selected);
  else byId('choose').focus();
}

/** @param {Entry} entry */
function askToRemove(entry) {
  /** @type {HTMLDialogElement} */
  const dialog = byId('confirm');
  byId('confirm-title').textContent = `Delete “${entry.name}”?`;
  dialog.returnValue = '';
  dialog.onclose = () => {
    if (dialog.returnValue === 'delete') void remove(entry);
  };
  dialog.showModal();
}

/** @param {unknown} error */
function tellFailure(error) {
  const { title, text } = describeFailure(error);
  notify(`${title}. ${text}`);
}

/** @param {(entry: Entry) => void} act */
function withSelected(act) {
  return () => {
    if (selected) act(selected);
  };
}

library.addEventListener('list', render);
library.addEventListener('change', (event) => {
  const { detail: entry } = /** @type {CustomEvent<Entry>} */ (event);
  list.update(entry, selected);
  if (entry === selected) renderSelected();
  tellEnd(entry);
});
byId('views').onchange = ({ target }) => {
  const { value } = /** @type {HTMLInputElement} */ (target);
  viewer.view = tools.view = /** @type {import('./viewer.js').View} */ (value);
  renderSelected();
};
connectBackdrops((backdrop) => {
  tools.backdrop = backdrop;
  viewer.setBackdrop(backdrop);
  tools.render(selected);
});
byId('retry').onclick = withSelected((entry) => library.retry(entry));
byId('cancel').onclick = withSelected((entry) => library.cancel(entry));
byId('dismiss').onclick = withSelected((entry) => void remove(entry));
byId('delete').onclick = withSelected(askToRemove);
connectIntake(take);
showSamples(take);

try {
  await library.refresh();
  void library.sweep().catch(() => {}); // it is tried again with the next visit
} catch (error) {
  tellFailure(error);
}
document.body.dataset.ready = '';
await installOffline();
