// SPDX-License-Identifier: Apache-2.0
// What the hosts have to report: what this Node did itself with the same photo.
import assert from 'node:assert/strict';
import { createEngine, removeBackground } from 'offcut';
import { createOffcut } from 'offcut/client';
import { bytesOf, pathOf } from '../js/helpers.js';
import { hashOf, runCore, runImages } from './suite.js';

export const photoPath = pathOf('examples/photos/fox.jpg');
export const photo = bytesOf('examples/photos/fox.jpg');

/** @type {Awaited<ReturnType<typeof runOwn>> | undefined} */
let own;

async function runOwn() {
  const offcut = createOffcut({ publicURL: 'https://images.example.com' });
  const core = await runCore({ removeBackground, createEngine }, photo);
  const client = await runImages(offcut.images, photo);
  // This process stands for a host as well: its report must make sense before others are compared.
  assert.equal(core.hasSubject, true);
  assert.deepEqual(core.badBytes, { code: 'ERR_FORMAT', name: 'OffcutError' });
  assert.deepEqual(core.cutOff, { code: 'ERR_TRUNCATED', name: 'OffcutError' });
  assert.deepEqual(core.aborted, { code: 'ERR_CANCELLED', name: 'AbortError', soon: true });
  assert.deepEqual(client.list, ['cut-out', 'fox']);
  assert.deepEqual(client.converted, ['cut-out', 'webp', 1600, 1200]);
  assert.deepEqual(client.deleted, { code: 'ERR_NOT_FOUND', name: 'OffcutError' });
  assert.ok(Object.values(core.sha256).includes(client.sha256));
  return { core, client };
}

/** This process's report, made once. */
async function ownReport() {
  own ??= await runOwn();
  return own;
}

/** Networks of floats have two results, see `expectHash`. */
const isInteger = Buffer.from(bytesOf('models/default.onnx')).includes('QuantizeLinear');

/**
 * The baseline's PNG is the same in every host. Relaxed SIMD may round once or twice, so a network
 * of floats has two results there; one of integers has one.
 *
 * @param {string} hash of a PNG
 * @param {string} [variant] of the core that made it
 */
export async function expectHash(hash, variant = 'relaxed') {
  const { simd128, relaxed } = (await ownReport()).core.sha256;
  if (isInteger) assert.equal(relaxed ?? simd128, simd128);
  const expected = variant === 'simd128' ? [simd128] : [simd128, relaxed];
  assert.ok(expected.includes(hash), `the PNG of ${variant} is ${hash}, not ${expected}`);
}

/** @param {Uint8Array} png @param {string} [variant] */
export async function expectPng(png, variant) {
  await expectHash(await hashOf(png), variant);
}

/** @param {Awaited<ReturnType<typeof runCore>>} report */
export async function expectCore(report) {
  assert.ok('simd128' in report.sha256, 'the baseline was run');
  for (const [variant, hash] of Object.entries(report.sha256)) await expectHash(hash, variant);
  assert.deepEqual({ ...report, sha256: {} }, { ...(await ownReport()).core, sha256: {} });
}

/**
 * @param {Awaited<ReturnType<typeof runImages>>} report
 * @param {{ http?: boolean }} [options] whether the calls went over HTTP, where errors are statuses
 */
export async function expectImages(report, { http = false } = {}) {
  const { client } = await ownReport();
  const errors = http && {
    deleted: { code: 404, name: 'Error' },
    badBytes: { code: 422, name: 'Error' },
  };
  await expectHash(report.sha256);
  assert.deepEqual(report, { ...client, ...errors, sha256: report.sha256 });
}
