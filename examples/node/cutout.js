// SPDX-License-Identifier: Apache-2.0
// A photo's subject as a PNG, in Node.
//
//     node cutout.js photo.jpg cutout.png
import { writeFile } from 'node:fs/promises';
import { removeBackground } from 'offcut';

const [photo, cutout] = process.argv.slice(2);
const { png, image, variant, timings } = await removeBackground(photo);
await writeFile(cutout, png);
const { width, height } = image;
console.log(`${cutout}: ${width} x ${height} in ${Math.round(timings.total)} ms, ${variant}`);
