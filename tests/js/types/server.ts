// SPDX-License-Identifier: Apache-2.0
// Compiled, not run: the client, the stores and the server.
import { createEngine } from 'offcut';
import { type Image, type Offcut, OffcutError, createOffcut } from 'offcut/client';
import { type LogEntry, type Server, createServer } from 'offcut/server';
import { fileStore } from 'offcut/stores/files';
import { indexedDBStore } from 'offcut/stores/indexeddb';
import { memoryStore } from 'offcut/stores/memory';
import { r2Store } from 'offcut/stores/r2';
import { s3Store } from 'offcut/stores/s3';

const offcut: Offcut = createOffcut({
  store: fileStore('images'),
  stage: 'test',
  limits: { bytesMax: 1e6 },
  fetch: { origins: ['https://*.example.com'] },
  variant: 'relaxed',
  onUsage: (count, operation) => [count.toFixed(), operation === 'removeBackground'],
});
const { id }: Image = await offcut.images.upload({ image: new Uint8Array(), name: 'a' });
const { signal } = new AbortController();
const cutout = await offcut.images.removeBackground(id, { name: 'b' }, { signal });
const format: 'png' | 'jpeg' | 'webp' = cutout.format;
await offcut.images.convert(id, { format: 'jpg', quality: 80 });
const { data, links } = await offcut.images.list({ take: 3, from: id });
if (links.next) await offcut.images.list(links.next);
const response: Response = await offcut.images.download(data[0].id);
await response.arrayBuffer();
await offcut.sweep();
for await (const { input, result } of offcut.images.removeBackgrounds([id], { concurrency: 2 })) {
  const url: string | null | undefined = result?.url;
  url?.startsWith(input);
}
await using scoped = createOffcut({ worker: { size: 2 } });
const isWorker: boolean | undefined = scoped.backend?.worker;
await offcut.close();
offcut.usage.toFixed(format.length);

const server: Server = createServer({
  apiKeys: ['live_a'],
  engine: await createEngine(),
  store: memoryStore(),
  cors: ['https://example.com'],
  rateLimit: false,
  log: ({ method, status }: LogEntry) => console.log(method, status.toFixed()),
});
const answer: Response = await server.fetch(new Request('https://example.com/v1/images'));
await server.fetch('https://example.com/v1/images', { method: 'GET' });
answer.headers.get('x-request-id');
createServer({ apiKeys: false, store: indexedDBStore() });
createServer({
  apiKeys: false,
  store: r2Store({ list: async () => ({ objects: [], truncated: false }) }),
});
const account = { region: 'a', accessKeyId: 'b', secretAccessKey: 'c' };
createServer({ apiKeys: [], store: s3Store({ endpoint: 'https://a', bucket: 'b', ...account }) });
if (new OffcutError('ERR_NOT_FOUND', '').code === 'ERR_NOT_FOUND') offcut.dispose();

// @ts-expect-error the keys have to be thought of
createServer({});
// @ts-expect-error a name is needed
await offcut.images.upload({ image: new Uint8Array() });
// @ts-expect-error there is no such format
await offcut.images.convert(id, { format: 'gif' });
// @ts-expect-error a map is no store
createOffcut({ store: new Map() });
