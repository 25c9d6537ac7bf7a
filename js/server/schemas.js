// SPDX-License-Identifier: Apache-2.0
import { z } from '@hono/zod-openapi';
import { NAME_MAX } from '../image.js';

const EXAMPLE_ID = 'image_etm0g3x5iap4cld1qcfsjvo2';

const Name = z
  .string()
  .refine((name) => name.length > 0 && [...name].length <= NAME_MAX, {
    error: `Expected 1 to ${NAME_MAX} characters`,
  })
  .openapi({ minLength: 1, maxLength: NAME_MAX, example: 'background-removed-image' });

export const Image = z
  .object({
    id: z.string().openapi({ pattern: '^image_[a-z0-9]{24}$', example: EXAMPLE_ID }),
    name: Name,
    url: z.string().nullable().openapi({ description: 'Where it is published, if it is.' }),
    width: z.int().openapi({ description: 'Pixels.', example: 1200 }),
    height: z.int().openapi({ description: 'Pixels.', example: 800 }),
    format: z.enum(['jpeg', 'png', 'webp']),
    size: z.int().openapi({ description: 'Bytes.', example: 282000 }),
    created_at: z.string().openapi({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' }),
  })
  .openapi('Image');

export const ImageList = z
  .object({
    data: z.array(Image),
    links: z.object({ previous: z.string().nullable(), next: z.string().nullable() }),
  })
  .openapi('ImageList');

export const ProblemBody = z
  .object({
    type: z.string().openapi({ format: 'uri' }),
    error: z.string(),
    title: z.string().openapi({ description: 'As `error`.' }),
    status: z.int(),
    message: z.string().optional(),
    errors: z.array(z.string()).optional().openapi({ description: 'With status 422.' }),
  })
  .openapi('Problem');

// Not checked further: whatever is no id of an image is answered with 404.
export const Id = z.object({
  id: z.string().openapi({ param: { name: 'id', in: 'path' }, example: EXAMPLE_ID }),
});

export const Range = z.object({
  take: z.coerce.number().int().min(1).max(100).default(10),
  from: z
    .string()
    .optional()
    .openapi({ description: 'The id of the image that the page begins with.' }),
});

export const Upload = z.object({
  name: Name,
  image: z.custom(isFile, { error: 'Expected a file' }).openapi({
    type: 'string',
    format: 'binary',
    description: 'JPEG, PNG or WebP, up to 20 MB.',
  }),
});

export const Remote = z.object({
  name: Name,
  url: z.url().openapi({ format: 'uri', example: 'https://storage.googleapis.com/a/b.jpg' }),
});

// The official client sends `null` where its caller gave that instead of options.
export const Named = z.object({ name: Name.optional() }).nullable();

export const Conversion = z.object({
  name: Name.optional(),
  format: z.enum(['jpeg', 'png', 'webp', 'jpg']),
  quality: z.int().min(1).max(100).optional(),
});

/**
 * By shape: the class of a part is not the same in every host.
 *
 * @param {unknown} value
 * @returns {value is File}
 */
function isFile(value) {
  const file = /** @type {Partial<File> | null} */ (value);
  return typeof file === 'object' && typeof file?.arrayBuffer === 'function';
}
