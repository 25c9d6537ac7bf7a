// SPDX-License-Identifier: Apache-2.0
import { byId, make } from './dom.js';
import { notify } from './notices.js';

const samples = [
  {
    name: 'fox',
    title: 'A fox in the grass',
    thumb: new URL('../samples/fox.webp', import.meta.url),
    photo: new URL('../../photos/fox.jpg', import.meta.url),
  },
  {
    name: 'doll',
    title: 'A doll with windblown hair',
    thumb: new URL('../samples/doll.webp', import.meta.url),
    photo: new URL('../../photos/doll.jpg', import.meta.url),
  },
  {
    name: 'sunflower',
    title: 'A sunflower in a field',
    thumb: new URL('../samples/sunflower.webp', import.meta.url),
    photo: new URL('../../photos/sunflower.jpg', import.meta.url),
  },
  {
    name: 'plant',
    title: 'A plant with thin stems',
    thumb: new URL('../samples/plant.webp', import.meta.url),
    photo: new URL('../../photos/plant.jpg', import.meta.url),
  },
  {
    name: 'bicycle',
    title: 'A bicycle on a lawn',
    thumb: new URL('../samples/bicycle.webp', import.meta.url),
    photo: new URL('../../photos/bicycle.jpg', import.meta.url),
  },
  {
    name: 'car',
    title: 'A toy car on a desk',
    thumb: new URL('../samples/car.webp', import.meta.url),
    photo: new URL('../../photos/car.jpg', import.meta.url),
  },
  {
    name: 'fruit',
    title: 'Fruit',
    thumb: new URL('../samples/fruit.webp', import.meta.url),
    photo: new URL('../../photos/fruit.jpg', import.meta.url),
  },
  {
    name: 'teapot',
    title: 'A teapot, 12 megapixels',
    thumb: new URL('../samples/teapot.webp', import.meta.url),
    photo: new URL('../../photos/teapot.jpg', import.meta.url),
  },
];

/** @param {(files: File[]) => void} take */
export function showSamples(take) {
  const items = samples.map(({ name, title, thumb, photo }) => {
    const image = make('img', { src: thumb.href, alt: title, width: 96, height: 72 });
    const button = make('button', { type: 'button', className: 'sample', title }, image);
    button.onclick = async () => {
      const response = await fetch(photo).catch(() => undefined);
      if (!response?.ok) return notify('The sample could not be fetched. Are you offline?');
      take([new File([await response.blob()], `${name}.jpg`, { type: 'image/jpeg' })]);
    };
    return make('li', {}, button);
  });
  byId('samples').append(...items);
}
