// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import { OffcutError, removeBackground } from 'offcut';
import { nameOfFile } from '../../js/image.js';
import { readSpec } from '../../js/model.js';
import { readOptions } from '../../js/options.js';
import { failure } from './helpers.js';

/**
 * @param {() => unknown} callee
 * @param {string} message
 */
function refuses(callee, message) {
  assert.throws(callee, (error) => {
    assert.ok(error instanceof OffcutError);
    assert.equal(error.code, 'ERR_ARGUMENT');
    assert.equal(error.message, message);
    return true;
  });
}

test('options have defaults, and undefined counts as left out', () => {
  const defaults = readOptions();
  assert.deepEqual(readOptions({ mask: undefined, name: undefined }), defaults);
  assert.equal(defaults.refine, true);
  assert.equal(defaults.secondLook, true);
  assert.equal(defaults.pixelsMax, 120e6);
  assert.equal(defaults.bytesMax, 256 * 2 ** 20);
});

test('the function names its own options too', async () => {
  const workers = /** @type {any} */ ({ workers: true });
  const { code, message } = await failure(removeBackground(new Uint8Array(), workers));
  assert.equal(code, 'ERR_ARGUMENT');
  assert.match(
    message,
    /Expected one of name, .*, model, worker for option but received "workers"/,
  );
  for (const options of /** @type {any[]} */ ([null, []])) {
    assert.equal((await failure(removeBackground(new Uint8Array(), options))).code, 'ERR_ARGUMENT');
  }
});

test('a wrong option is named, with what was expected and what came', () => {
  const cases = /** @type {const} */ ([
    [null, 'Expected an object for options but received null'],
    ['x', 'Expected an object for options but received "x"'],
    [{ name: '' }, 'Expected a string of 1 to 30 characters for name but received ""'],
    [{ name: 7 }, 'Expected a string of 1 to 30 characters for name but received 7 of type number'],
    [{ mask: 1 }, 'Expected a boolean for mask but received 1 of type number'],
    [{ refine: 'no' }, 'Expected a boolean for refine but received "no"'],
    [{ secondLook: 1 }, 'Expected a boolean for secondLook but received 1 of type number'],
    [{ eightBit: null }, 'Expected a boolean for eightBit but received null'],
    [{ allowTruncated: {} }, 'Expected a boolean for allowTruncated but received an object'],
    [{ output: 'matte' }, `Expected 'cutout' or 'mask' for output but received "matte"`],
    [{ onEmpty: 'fail' }, `Expected 'transparent' or 'error' for onEmpty but received "fail"`],
    [{ speed: 'slow' }, `Expected 'fast', 'balanced' or 'small' for speed but received "slow"`],
    [
      { speed: 1 },
      "Expected 'fast', 'balanced' or 'small' for speed but received 1 of type number",
    ],
    [
      { pixelsMax: 1.5 },
      'Expected a positive integer for pixelsMax but received 1.5 of type number',
    ],
    [{ bytesMax: -1 }, 'Expected a positive integer for bytesMax but received -1 of type number'],
    [{ signal: null }, 'Expected an AbortSignal for signal but received null'],
    [{ signal: [] }, 'Expected an AbortSignal for signal but received an array'],
    [
      { signal: new AbortController() },
      'Expected an AbortSignal for signal but received an instance of AbortController',
    ],
    [{ onProgress: true }, 'Expected a function for onProgress but received true of type boolean'],
  ]);
  for (const [options, message] of cases) refuses(() => readOptions(options), message);
  assert.throws(
    () => readOptions({ masks: true }),
    /Expected one of name, mask, .* for option but received "masks"/,
  );
});

test('names are counted in characters, not in code units', () => {
  assert.equal(readOptions({ name: '🐈'.repeat(30) }).name?.length, 60);
  assert.throws(() => readOptions({ name: '🐈'.repeat(31) }), /Expected a string of 1 to 30/);
});

test('the name of a file becomes the name of the image', () => {
  assert.equal(nameOfFile('photos/cat.of.mine.jpg'), 'cat.of.mine');
  assert.equal(nameOfFile('C:\\photos\\cat.JPG'), 'cat');
  assert.equal(nameOfFile('.hidden'), '.hidden');
  assert.equal(nameOfFile('no-ending'), 'no-ending');
  assert.equal(nameOfFile(`${'é'.repeat(40)}.png`), 'é'.repeat(30));
  assert.equal(nameOfFile('   .jpg'), undefined);
  assert.equal(nameOfFile(''), undefined);
  assert.equal(nameOfFile(undefined), undefined);
});

test('a model description has defaults, and what is wrong is named', () => {
  const { input, output } = readSpec({});
  assert.deepEqual(input.std, [1, 1, 1]);
  assert.deepEqual(output, { index: 0, channel: 0, activation: 0 });
  assert.equal(readSpec({ output: { activation: 'softmax' } }).output.activation, 2);
  const cases = /** @type {const} */ ([
    [[], 'Expected an object for the model description but received an array'],
    [{ input: 1 }, 'Expected an object for input but received 1 of type number'],
    [
      { input: { width: 5000 } },
      'Expected an integer from 0 to 4096 for input.width but received 5000 of type number',
    ],
    [
      { input: { mean: [1, 2] } },
      'Expected three finite numbers for input.mean but received an array',
    ],
    [
      { input: { std: [1, 0, 1] } },
      'Expected three numbers above 0 for input.std but received an array',
    ],
    [{ input: { bgr: 'yes' } }, 'Expected a boolean for input.bgr but received "yes"'],
    [
      { output: { channel: -1 } },
      'Expected an integer from 0 to 65535 for output.channel but received -1 of type number',
    ],
    [
      { output: { activation: 'relu' } },
      `Expected 'none', 'sigmoid' or 'softmax' for output.activation but received "relu"`,
    ],
  ]);
  for (const [spec, message] of cases) refuses(() => readSpec(spec), message);
});
