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
  for (const hash of Object.values(core.sha256)) assert.equal(hash, client.sha256);
  return { core, client };
}

/** This process's report, made once. */
async function ownReport() {
  own ??= await runOwn();
  return own;
}

/**
 * The default network computes in integers, so the PNG is the same in every host and by both
 * builds.
 *
 * @param {string} hash of a PNG
 */
export async function expectHash(hash) {
  assert.equal(hash, (await ownReport()).core.sha256.simd128);
}

/** @param {Uint8Array} png */
export async function expectPng(png) {
  await expectHash(await hashOf(png));
}

/** @param {Awaited<ReturnType<typeof runCore>>} report */
export async function expectCore(report) {
  assert.ok('simd128' in report.sha256, 'the baseline was run');
  for (const hash of Object.values(report.sha256)) await expectHash(hash);
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
