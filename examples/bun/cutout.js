// SPDX-License-Identifier: Apache-2.0
// A photo's subject as a PNG, in Bun.
//
//     bun cutout.js photo.jpg cutout.png

/* global Bun */
import { removeBackground } from 'offcut';

const [photo, cutout] = Bun.argv.slice(2);
const { png, image, variant, timings } = await removeBackground(Bun.file(photo));
await Bun.write(cutout, png);
const { width, height } = image;
console.log(`${cutout}: ${width} x ${height} in ${Math.round(timings.total)} ms, ${variant}`);
