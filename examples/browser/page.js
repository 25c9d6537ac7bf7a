// SPDX-License-Identifier: Apache-2.0
// A photo's subject, in a page without a bundler. The work is done in a worker of Offcut's own.

/* global document */
import { removeBackground } from 'offcut';

const input = document.querySelector('input');
const status = document.querySelector('[role=status]');
const picture = document.querySelector('img');

input.addEventListener('change', async () => {
  try {
    const { png, variant, timings } = await removeBackground(input.files[0], {
      onProgress: (stage, fraction) => {
        status.textContent = `${stage} ${Math.round(100 * fraction)} %`;
      },
    });
    URL.revokeObjectURL(picture.src); // of the one before
    picture.src = URL.createObjectURL(new Blob([png], { type: 'image/png' }));
    status.textContent = `done in ${Math.round(timings.total)} ms, ${variant}`;
  } catch (error) {
    status.textContent = error.message;
  }
});
status.textContent = 'ready';
