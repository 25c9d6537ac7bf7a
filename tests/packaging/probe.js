// SPDX-License-Identifier: Apache-2.0
// Imports a module and reports, as JSON, what it did beside: files, requests, compilations, workers, and what keeps the
// process alive.
//
//     node tests/packaging/probe.js FILE
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { pathToFileURL } from 'node:url';
import threads from 'node:worker_threads';

/** @type {string[]} */
const calls = [];

/** @param {any} object @param {string[]} names */
function watch(object, names) {
  for (const name of names) {
    const original = object[name];
    object[name] = new Proxy(original, {
      apply(target, self, args) {
        // The loader of CommonJS reads its modules this way.
        const what = String(args[0]).slice(0, 200);
        if (!/\.(js|cjs|mjs|json)$/.test(what)) calls.push(`${name}(${what})`);
        return Reflect.apply(target, self, args);
      },
      construct(target, args) {
        calls.push(`new ${name}`);
        return Reflect.construct(target, args);
      },
    });
  }
}

watch(fs, ['readFile', 'readFileSync', 'open', 'openSync', 'createReadStream', 'readdirSync']);
watch(fs, ['writeFile', 'writeFileSync', 'mkdir', 'mkdirSync']);
watch(fs.promises, ['readFile', 'open', 'readdir', 'writeFile', 'mkdir', 'stat']);
watch(http, ['request', 'get', 'createServer']);
watch(https, ['request', 'get']);
watch(net, ['connect', 'createConnection']);
watch(threads, ['Worker']);
watch(globalThis, ['fetch']);
watch(WebAssembly, ['compile', 'compileStreaming', 'instantiate', 'instantiateStreaming']);
watch(WebAssembly, ['validate', 'Module', 'Instance', 'Memory']);
syncBuiltinESMExports();

const before = process.getActiveResourcesInfo();
await import(pathToFileURL(process.argv[2]).href);
const left = process.getActiveResourcesInfo();
for (const kind of before) if (left.includes(kind)) left.splice(left.indexOf(kind), 1);
process.stdout.write(JSON.stringify({ calls, left }));
