// SPDX-License-Identifier: Apache-2.0
// The ways photos come in: chosen, dropped, pasted.
import { byId } from './dom.js';

/** @param {(files: File[]) => void} take */
export function connectIntake(take) {
  const takeAll = (/** @type {FileList | null | undefined} */ files) => {
    if (files?.length) take([...files]);
  };
  connectButtons(takeAll);
  connectDrop(takeAll);
  document.addEventListener('paste', (event) => takeAll(event.clipboardData?.files));
}

/** @param {(files: FileList | null) => void} take */
function connectButtons(take) {
  /** @type {HTMLInputElement} */
  const input = byId('files');
  for (const id of ['add', 'choose']) byId(id).onclick = () => input.click();
  input.onchange = () => {
    take(input.files);
    input.value = ''; // so that the same file can be chosen again
  };
}

/** The whole page takes what is dropped. @param {(files: FileList | undefined) => void} take */
function connectDrop(take) {
  const { classList } = byId('drop');
  /** What the pointer entered last: leaving that is leaving the page. @type {EventTarget | null} */
  let inside = null;
  document.addEventListener('dragenter', (event) => {
    inside = event.target;
    classList.toggle('on', hasFiles(event));
  });
  document.addEventListener('dragleave', (event) => {
    if (event.target === inside) classList.remove('on');
  });
  document.addEventListener('dragover', (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  document.addEventListener('drop', (event) => {
    classList.remove('on');
    if (!hasFiles(event)) return;
    event.preventDefault();
    take(event.dataTransfer?.files);
  });
}

/** @param {DragEvent} event */
function hasFiles({ dataTransfer }) {
  return dataTransfer?.types.includes('Files') ?? false;
}
