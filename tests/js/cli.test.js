// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { after, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { disc, discJpeg, network, pathOf, pixels } from './helpers.js';

const command = pathOf('js/cli.js');

/** @type {string} */
let folder;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'offcut cli '));
  await mkdir(at('photos'));
  await writeFile(at('photos/a.jpg'), await discJpeg());
  await writeFile(at('photos/b.png'), await disc({ width: 120, height: 100 }).png().toBuffer());
  await writeFile(at('photos/c.webp'), await disc({ width: 90, height: 100 }).webp().toBuffer());
  await writeFile(at('photos/notes.txt'), 'no photo');
  await writeFile(at('network.onnx'), network);
  await writeFile(at('network.onnx.json'), '{}'); // described: nothing is assumed, so no warning
});

after(() => rm(folder, { recursive: true }));

/** @param {string} name */
function at(name) {
  return path.join(folder, name);
}

/**
 * Runs the command in the folder with the network of the tests.
 *
 * @param {string[]} args
 * @param {{ input?: Uint8Array, own?: boolean }} [options] `own`: with the package's network
 * @returns {Promise<{ code: number | null, stdout: Buffer, stderr: string }>}
 */
function offcut(args, { input, own = false } = {}) {
  return new Promise((resolve) => {
    const model = own ? [] : ['--model', 'network.onnx'];
    const child = spawn(process.execPath, [command, ...args, ...model], { cwd: folder });
    /** @type {Buffer[]} */
    const out = [];
    let stderr = '';
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('close', (code) => resolve({ code, stdout: Buffer.concat(out), stderr }));
    child.stdin.on('error', () => {}); // it may end before it has read all
    child.stdin.end(input);
  });
}

/** @param {string} file */
async function isCutout(file) {
  const { at: pixel, width, height, channels } = await pixels(await readFile(at(file)));
  assert.equal(channels, 4, file);
  assert.equal(pixel(Math.round(width * 0.35), Math.round(height * 0.4))[3], 255, file);
  assert.deepEqual(pixel(width - 1, height - 1), [0, 0, 0, 0], file);
}

test('one photo to a file, quietly', async () => {
  const { code, stdout, stderr } = await offcut(['photos/a.jpg', '-o', 'one.png']);
  assert.deepEqual([code, String(stdout), stderr], [0, '', '']);
  await isCutout('one.png');
});

test('the network of the package is the default', async () => {
  const { code, stderr } = await offcut(['photos/a.jpg', '-o', 'own.png'], { own: true });
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal((await pixels(await readFile(at('own.png')))).channels, 4);
});

test('several photos, globs and folders to a folder that is made', async () => {
  const { code, stderr } = await offcut(['photos/a.jpg', 'photos/*.{jpg,png}', '-o', 'made/deep/']);
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(await readdir(at('made/deep')), ['a.png', 'b.png']); // a.jpg once
  const whole = await offcut(['photos', '-o', 'whole']);
  assert.deepEqual([whole.code, whole.stderr], [0, '']);
  assert.deepEqual(await readdir(at('whole')), ['a.png', 'b.png', 'c.png']);
  for (const name of ['a', 'b', 'c']) await isCutout(`whole/${name}.png`);
});

test('equal names do not overwrite each other', async () => {
  await mkdir(at('twice'));
  await copyFile(at('photos/a.jpg'), at('twice/b.jpg'));
  const { code } = await offcut(['photos/b.png', 'twice/b.jpg', '-o', 'equal']);
  assert.equal(code, 0);
  const names = (await readdir(at('equal'))).sort();
  assert.equal(names.length, 2);
  assert.ok(names.includes('b.png'), names.join());
});

test('without -o the result goes beside the photo', async () => {
  await mkdir(at('beside'));
  await copyFile(at('photos/a.jpg'), at('beside/a.jpg'));
  assert.equal((await offcut(['beside/a.jpg'])).code, 0);
  assert.equal((await offcut(['beside/a.jpg', '--mask'])).code, 0);
  assert.deepEqual((await readdir(at('beside'))).sort(), ['a-cutout.png', 'a-mask.png', 'a.jpg']);
});

test('a photo is never overwritten', async () => {
  await mkdir(at('keep'));
  await copyFile(at('photos/b.png'), at('keep/b.png'));
  await symlink('b.png', at('keep/link.png'));
  const original = await readFile(at('keep/b.png'));
  for (const output of ['keep/b.png', './keep/../keep/b.png', 'keep/link.png']) {
    const { code, stderr } = await offcut(['keep/b.png', '-o', output]);
    assert.equal(code, 2);
    assert.match(stderr, /never overwritten/);
  }
  assert.equal((await offcut(['keep/b.png', '-o', 'keep'])).code, 0);
  assert.deepEqual(await readFile(at('keep/b.png')), original);
  await isCutout('keep/b-cutout.png');
});

test('stdin to stdout, and to a file', async () => {
  const photo = await readFile(at('photos/a.jpg'));
  const { code, stdout, stderr } = await offcut(['-'], { input: photo });
  assert.deepEqual([code, stderr], [0, '']);
  await writeFile(at('piped.png'), stdout);
  await isCutout('piped.png');
  assert.equal((await offcut(['-', '-o', 'from-stdin.png'], { input: photo })).code, 0);
  assert.deepEqual(await readFile(at('from-stdin.png')), stdout);
  assert.deepEqual((await offcut(['photos/a.jpg', '-o', '-'])).stdout, stdout);
});

test('--mask writes the matte alone, and the other switches arrive', async () => {
  assert.equal((await offcut(['photos/a.jpg', '-o', 'mask.png', '--mask'])).code, 0);
  const mask = await readFile(at('mask.png'));
  assert.equal(mask[25], 0); // colour type grey
  await offcut(['photos/a.jpg', '-o', 'plain.png', '--mask', '--no-refine']);
  assert.notDeepEqual(await readFile(at('plain.png')), mask);
  await offcut(['photos/a.jpg', '-o', 'packed.png', '--speed', 'small']);
  assert.ok((await stat(at('packed.png'))).size < (await stat(at('one.png'))).size);
  await writeFile(at('deep.png'), await disc().toColourspace('rgb16').png().toBuffer());
  await offcut(['deep.png', '-o', 'wide.png']);
  await offcut(['deep.png', '-o', 'narrow.png', '--8-bit']);
  assert.equal((await readFile(at('wide.png')))[24], 16);
  assert.equal((await readFile(at('narrow.png')))[24], 8);
});

test('--profile says on stderr where the time goes', async () => {
  const { code, stderr } = await offcut(['photos/a.jpg', '-o', 'profiled.png', '--profile', '-q']);
  assert.equal(code, 0);
  assert.match(stderr, /^( +\d+\.\d{3} ms .{15} \S.*\n)+$/);
  assert.match(stderr, /in all\n$/);
  assert.ok(existsSync(at('profiled.png')));
});

test('--json prints the image of each result, one a line', async () => {
  const { code, stdout } = await offcut(['photos', '-o', 'json', '--json']);
  assert.equal(code, 0);
  const images = String(stdout)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    images.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
  for (const image of images) {
    assert.deepEqual(Object.keys(image), [
      'id',
      'name',
      'url',
      'width',
      'height',
      'format',
      'size',
      'created_at',
    ]);
    assert.equal(image.size, (await stat(at(`json/${image.name}.png`))).size);
  }
  const named = await offcut(['photos/a.jpg', '-o', 'named.png', '--json', '--name', 'Zoë']);
  assert.equal(JSON.parse(String(named.stdout)).name, 'Zoë');
});

test('-j works on several photos at once, with the same results in the same order', async () => {
  const inputs = ['photos/c.webp', 'photos/b.png', 'photos/notes.txt', 'photos/a.jpg'];
  const one = await offcut([...inputs, '-o', 'serial', '--json', '-j', '1']);
  const three = await offcut([...inputs, '-o', 'parallel', '--json', '-j', '3']);
  for (const { code, stdout, stderr } of [one, three]) {
    assert.equal(code, 1);
    assert.match(stderr, /^photos\/notes\.txt: .+ \(ERR_FORMAT\)\n$/);
    const lines = String(stdout).trim().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).name),
      ['c', 'b', 'a'],
    );
  }
  for (const name of ['a.png', 'b.png', 'c.png']) {
    assert.deepEqual(await readFile(at(`parallel/${name}`)), await readFile(at(`serial/${name}`)));
  }
});

test('one bad file among many is reported and does not stop the rest', async () => {
  const whole = await readFile(at('photos/a.jpg'));
  await writeFile(at('cut.jpg'), whole.subarray(0, whole.length * 0.7));
  const { code, stdout, stderr } = await offcut([
    'photos/notes.txt',
    'photos/a.jpg',
    'missing.jpg',
    'cut.jpg',
    'none/*.jpg',
    'photos/b.png',
    '-o',
    'some',
    '--json',
  ]);
  assert.equal(code, 1);
  assert.deepEqual(await readdir(at('some')), ['a.png', 'b.png']);
  assert.equal(String(stdout).trim().split('\n').length, 2);
  const lines = stderr.trim().split('\n').sort();
  assert.equal(lines.length, 4, stderr);
  assert.match(lines[0], /^cut\.jpg: .+ \(ERR_TRUNCATED\)$/);
  assert.match(lines[1], /^missing\.jpg: no such file \(ERR_LOAD\)$/);
  assert.match(lines[2], /^none\/\*\.jpg: no photo found$/);
  assert.match(lines[3], /^photos\/notes\.txt: .+ \(ERR_FORMAT\)$/);
  assert.equal((await offcut(['cut.jpg', '-o', 'uncut.png', '--allow-truncated'])).code, 0);
});

test('an empty result is refused on request, and nothing is written', async () => {
  // Whatever the network says of it, a transparent picture has nothing to keep.
  await writeFile(at('clear.png'), await disc().ensureAlpha(0).png().toBuffer());
  const { code, stderr } = await offcut(['clear.png', '-o', 'empty.png', '--refuse-empty']);
  assert.equal(code, 1);
  assert.match(stderr, /^clear\.png: .+ \(ERR_EMPTY\)\n$/);
  assert.equal(existsSync(at('empty.png')), false);
  assert.equal((await offcut(['clear.png', '-o', 'empty.png'])).code, 0);
});

test('wrong usage ends with 2, says why, and does nothing', async () => {
  for (const [args, message] of /** @type {[string[], RegExp][]} */ ([
    [[], /missing required argument 'IN'/],
    [['photos/a.jpg', '--colour'], /unknown option '--colour'/],
    [['photos/a.jpg', '--speed', '9'], /Allowed choices are fast, balanced, small/],
    [['photos/a.jpg', '-j', '0'], /Expected 1 to 99/],
    [
      ['photos/a.jpg', '--name', 'x'.repeat(31)],
      /Expected a string of 1 to 30 characters for name/,
    ],
    [['photos/a.jpg', 'photos/b.png', '-o', 'one.png'], /give a folder/],
    [['photos/a.jpg', 'photos/b.png', '-o', '-'], /stdout takes one photo/],
    [['photos/a.jpg', '-o', 'out.jpg'], /the result is a PNG/],
    [['photos/a.jpg', '-o', '-', '--json'], /both want stdout/],
  ])) {
    const { code, stdout, stderr } = await offcut(args);
    assert.equal(code, 2, args.join(' '));
    assert.equal(String(stdout), '');
    assert.match(stderr, message);
  }
  assert.equal(existsSync(at('out.jpg')), false);
});

test('a network that cannot be used ends with 3', async () => {
  for (const model of ['photos/notes.txt', 'no-such.onnx']) {
    const { code, stderr } = await offcut(['photos/a.jpg', '-o', 'x.png', '--model', model], {
      own: true,
    });
    assert.equal(code, 3);
    assert.match(stderr, /^offcut: /);
  }
});

test('an unknown network is used, with a word about what is assumed', async () => {
  await writeFile(at('stranger.onnx'), network);
  const { code, stderr } = await offcut(
    ['photos/a.jpg', '-o', 's.png', '--model', 'stranger.onnx'],
    { own: true },
  );
  assert.equal(code, 0);
  assert.match(stderr, /^stranger\.onnx: unknown network.*stranger\.onnx\.json/);
});

test('help and version', async () => {
  const help = await offcut(['--help']);
  assert.equal(help.code, 0);
  assert.match(String(help.stdout), /Usage: offcut \[options\] IN\.\.\.[^]*Exit codes/);
  const { version } = JSON.parse(await readFile(pathOf('package.json'), 'utf8'));
  assert.equal(String((await offcut(['--version'])).stdout), `${version}\n`);
});

test('results are written whole: a link, a mode and no temporary file stay', async () => {
  await mkdir(at('whole-files'));
  await writeFile(at('whole-files/old.png'), 'old');
  await chmod(at('whole-files/old.png'), 0o600);
  await symlink('old.png', at('whole-files/link.png'));
  assert.equal((await offcut(['photos/a.jpg', '-o', 'whole-files/link.png'])).code, 0);
  assert.ok((await lstat(at('whole-files/link.png'))).isSymbolicLink());
  assert.equal((await stat(at('whole-files/old.png'))).mode & 0o777, 0o600);
  await isCutout('whole-files/old.png');
  assert.deepEqual((await readdir(at('whole-files'))).sort(), ['link.png', 'old.png']);
  const { code } = await offcut(['photos/a.jpg', '-o', '/dev/null']);
  assert.equal(code, 0);
  assert.ok((await stat('/dev/null')).isCharacterDevice());
});

test('Ctrl-C ends it with 130 and leaves nothing half done', async () => {
  await writeFile(at('large.jpg'), await discJpeg({ width: 6000, height: 4500 }));
  const args = [command, 'photos/a.jpg', 'large.jpg', '-o', 'stopped', '--model', 'network.onnx'];
  const child = spawn(process.execPath, args, { cwd: folder });
  const closed = new Promise((resolve) => child.on('close', resolve));
  while (!existsSync(at('stopped/a.png'))) await sleep(5); // now it is at the large one
  child.kill('SIGINT');
  assert.equal(await closed, 130);
  assert.deepEqual(await readdir(at('stopped')), ['a.png']);
});
