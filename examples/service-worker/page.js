// SPDX-License-Identifier: Apache-2.0
// The page talks to the API as if it were on the network; the service worker answers, offline too.

/* global document */
const input = document.querySelector('input');
const status = document.querySelector('[role=status]');
const picture = document.querySelector('img');

input.addEventListener('change', async () => {
  try {
    status.textContent = 'working';
    const form = new FormData();
    form.set('image', input.files[0]);
    form.set('name', 'photo');
    const photo = await post('/v1/images/upload', form);
    const cutout = await post(`/v1/images/${photo.id}/remove-background`);
    const file = await fetch(`/v1/images/${cutout.id}/download`);
    URL.revokeObjectURL(picture.src); // of the one before
    picture.src = URL.createObjectURL(await file.blob());
    status.textContent = `done: ${cutout.id}`;
  } catch (error) {
    status.textContent = error.message;
  }
});

async function post(path, body) {
  const response = await fetch(path, { method: 'POST', body });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.title);
  return answer;
}

const controlled = new Promise((resolve) => {
  if (navigator.serviceWorker.controller) resolve();
  else navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true });
});
await navigator.serviceWorker.register('service-worker.js');
await controlled;
status.textContent = 'ready';
