// SPDX-License-Identifier: Apache-2.0
// The suite in whatever runs this file: Node, Deno or Bun. Prints the report.
//
//     node tests/hosts/run-suite.js PHOTO
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import * as core from 'offcut';
import { createOffcut } from 'offcut/client';
import { runCore, runImages } from './suite.js';

const photo = new Uint8Array(await readFile(process.argv[2]));
const offcut = createOffcut({ publicURL: 'https://images.example.com' });
const report = { core: await runCore(core, photo), client: await runImages(offcut.images, photo) };
offcut.dispose();
core.dispose();
console.log(JSON.stringify(report));
