// SPDX-License-Identifier: Apache-2.0
import { createRoute, z } from '@hono/zod-openapi';
import * as schemas from './schemas.js';

const images = '/v1/images';

/** @param {string} description */
function problem(description) {
  return { description, content: { 'application/problem+json': { schema: schemas.ProblemBody } } };
}

const always = {
  401: problem('There is no API key, or it is not known.'),
  429: problem('Too many requests in a minute; `retry-after` tells how many seconds to wait.'),
  503: problem('Too much to do; `retry-after` tells how many seconds to wait.'),
};
const missing = { 404: problem('There is no such image.') };
const refused = {
  400: problem('The body is empty or cannot be read.'),
  413: problem('The body is too large.'),
  415: problem('The body is of another type.'),
  422: problem('The body, or the picture, is not valid.'),
};

const file = { schema: z.string().openapi({ type: 'string', format: 'binary' }) };
const files = { 'image/jpeg': file, 'image/png': file, 'image/webp': file };
const usage = z.object({
  'X-Image-Processing-Usage': z
    .string()
    .optional()
    .openapi({ description: 'How many operations the request counts as; for live keys.' }),
});

const list = { description: 'A page.', content: json(schemas.ImageList) };
const image = { description: 'The image.', content: json(schemas.Image) };
const made = { ...image, headers: usage };

/**
 * @template {z.ZodType} T
 * @param {T} schema
 */
function json(schema) {
  return { 'application/json': { schema } };
}

export const uploadRoute = createRoute({
  method: 'post',
  path: `${images}/upload`,
  operationId: 'upload',
  summary: 'Make an image of a file',
  request: {
    body: { required: true, content: { 'multipart/form-data': { schema: schemas.Upload } } },
  },
  responses: { 201: made, ...refused, ...always },
});

export const createFromURLRoute = createRoute({
  method: 'post',
  path: images,
  operationId: 'createFromURL',
  summary: 'Make an image of a file elsewhere',
  request: { body: { required: true, content: json(schemas.Remote) } },
  responses: { 201: made, ...refused, ...always },
});

export const listRoute = createRoute({
  method: 'get',
  path: images,
  operationId: 'list',
  summary: 'The images, newest first',
  request: { query: schemas.Range },
  responses: { 200: list, 422: refused[422], ...missing, ...always },
});

export const retrieveRoute = createRoute({
  method: 'get',
  path: `${images}/{id}`,
  operationId: 'retrieve',
  summary: 'One image',
  request: { params: schemas.Id },
  responses: { 200: image, ...missing, ...always },
});

export const deleteRoute = createRoute({
  method: 'delete',
  path: `${images}/{id}`,
  operationId: 'delete',
  summary: 'Remove an image, also from where it is published',
  request: { params: schemas.Id },
  responses: { 204: { description: 'It is gone.' }, ...missing, ...always },
});

export const downloadRoute = createRoute({
  method: 'get',
  path: `${images}/{id}/download`,
  operationId: 'download',
  summary: "The image's file",
  request: { params: schemas.Id },
  responses: { 200: { description: 'The file.', content: files }, ...missing, ...always },
});

export const publishRoute = createRoute({
  method: 'post',
  path: `${images}/{id}/publish`,
  operationId: 'publish',
  summary: 'Give the image a public address',
  request: { params: schemas.Id },
  responses: { 201: made, ...missing, ...always },
});

export const unpublishRoute = createRoute({
  method: 'post',
  path: `${images}/{id}/unpublish`,
  operationId: 'unpublish',
  summary: 'Take the public address back',
  request: { params: schemas.Id },
  responses: { 201: made, ...missing, ...always },
});

export const convertRoute = createRoute({
  method: 'post',
  path: `${images}/{id}/convert`,
  operationId: 'convert',
  summary: 'Make a new image of this one, in another format',
  request: { params: schemas.Id, body: { required: true, content: json(schemas.Conversion) } },
  responses: { 201: made, ...missing, ...refused, ...always },
});

export const removeBackgroundRoute = createRoute({
  method: 'post',
  path: `${images}/{id}/remove-background`,
  operationId: 'removeBackground',
  summary: "Make a new image of this one's subject, as PNG with a transparent background",
  request: { params: schemas.Id, body: { content: json(schemas.Named) } },
  responses: { 201: made, ...missing, ...refused, ...always },
});

export const publicRoute = createRoute({
  method: 'get',
  path: '/images/{id}',
  operationId: 'published',
  summary: 'The file of a published image, for everyone',
  security: [],
  request: { params: schemas.Id },
  responses: { 200: { description: 'The file.', content: files }, ...missing },
});
