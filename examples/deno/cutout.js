// SPDX-License-Identifier: Apache-2.0
// A photo's subject as a PNG, in Deno.
//
//     deno run --allow-read --allow-write cutout.js photo.jpg cutout.png

/* global Deno */
import { removeBackground } from 'offcut';

const [photo, cutout] = Deno.args;
const { png, image, variant, timings } = await removeBackground(await Deno.readFile(photo));
await Deno.writeFile(cutout, png);
const { width, height } = image;
console.log(`${cutout}: ${width} x ${height} in ${Math.round(timings.total)} ms, ${variant}`);
