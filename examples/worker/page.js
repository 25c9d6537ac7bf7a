// SPDX-License-Identifier: Apache-2.0
// The page's half: photos go to the worker, cut-outs come back.

/* global document, Worker */
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
const input = document.querySelector('input');
const status = document.querySelector('[role=status]');
const picture = document.querySelector('img');

input.addEventListener('change', () => {
  status.textContent = 'working';
  worker.postMessage(input.files[0]);
});

worker.addEventListener('message', ({ data: { png, variant, error } }) => {
  status.textContent = error ?? `done, ${variant}`;
  URL.revokeObjectURL(picture.src); // of the one before
  if (png) picture.src = URL.createObjectURL(new Blob([png], { type: 'image/png' }));
});
status.textContent = 'ready';
