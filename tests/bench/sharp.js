// SPDX-License-Identifier: Apache-2.0
// Decoding and encoding alone, 12 megapixels, against sharp: native libjpeg-turbo and libspng/zlib-ng on one thread.
import sharp from 'sharp';
import { createCodec } from 'offcut';
import { createBinding } from './core.js';
import { createRunner } from './photo.js';
import { jpeg } from './pictures.js';
import { comparison, median, round, takeTurns } from './turns.js';

const [WIDTH, HEIGHT] = [4000, 3000];
const ROWS = 16;

sharp.concurrency(1);

/**
 * @param {Uint8Array} photo
 * @returns {Promise<() => void>} decodes all rows, RGBA
 */
async function decoder(photo) {
  const binding = await createBinding('simd128');
  const { ctx } = binding;
  const c = /** @type {typeof binding.c & Record<string, (...values: number[]) => number>} */ (
    binding.c
  );
  const data = binding.copyIn(photo);
  const rows = c.malloc(WIDTH * ROWS * 4);
  const sides = c.malloc(8);
  return () => {
    const open = (/** @type {number} */ out) =>
      c.offcut_decoder_open(ctx, data, photo.length, 0, out);
    const job = binding.statusOut(open);
    binding.check(c.offcut_decoder_start(job, 1, sides, sides + 4));
    for (let row = 0; row < HEIGHT; row += ROWS)
      binding.check(c.offcut_decoder_read(job, rows, Math.min(ROWS, HEIGHT - row)));
    c.offcut_decoder_close(job);
  };
}

/** @param {Uint8Array} photo */
async function compareDecoding(photo) {
  const ours = await decoder(photo);
  const peer = () => sharp(photo).ensureAlpha().raw().toBuffer();
  const times = await takeTurns({ ours, peer });
  return comparison('sharp', times.ours, 'sharp', times.peer, { what: 'JPEG to RGBA' });
}

/** @param {Uint8Array} photo */
async function compareConversion(photo) {
  const codec = createCodec();
  let outputBytes = 0;
  let peerOutputBytes = 0;
  const ours = async () => {
    outputBytes = (await codec.convert(photo, { format: 'png' })).bytes.length;
  };
  const peer = async () => {
    peerOutputBytes = (await sharp(photo).png({ compressionLevel: 1 }).toBuffer()).length;
  };
  const times = await takeTurns({ ours, peer });
  const facts = { what: 'JPEG to PNG', outputBytes, peerOutputBytes };
  return comparison('sharp', times.ours, 'sharp', times.peer, facts);
}

/**
 * Ours is the whole second pass: decoding again, alpha and freed colours, and the PNG. Theirs is
 * the PNG alone, of the cut-out in memory.
 *
 * @param {Uint8Array} photo
 */
async function compareEncoding(photo) {
  const { engine, runs, run } = await createRunner();
  const { png } = await run(photo);
  const raw = await sharp(png).raw().toBuffer();
  let peerOutputBytes = 0;
  const peer = async () => {
    const picture = sharp(raw, { raw: { width: WIDTH, height: HEIGHT, channels: 4 } });
    peerOutputBytes = (await picture.png({ compressionLevel: 1 }).toBuffer()).length;
  };
  const times = await takeTurns({ ours: () => run(photo), peer });
  engine.dispose();
  const oursMs = round(median(runs.map(({ encode }) => encode)));
  const facts = { what: 'cut-out to PNG', outputBytes: png.length, peerOutputBytes };
  return comparison('sharp', oursMs, 'sharp', times.peer, facts);
}

/** @type {import('./run.js').Benches} */
export const benches = {
  sharp: async () => {
    const photo = await jpeg(WIDTH, HEIGHT);
    return [
      await compareDecoding(photo),
      await compareConversion(photo),
      await compareEncoding(photo),
    ];
  },
};
