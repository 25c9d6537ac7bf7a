// SPDX-License-Identifier: Apache-2.0

const WINDOW_MS = 60_000;

/**
 * Allows so many requests in any 60 seconds, for each key by itself. It counts in this process: a
 * service of many processes brings a limiter of its own.
 *
 * @returns {(key: string, most: number) => number} seconds to wait, 0 if the request may pass
 */
export function createRateLimiter() {
  /** @type {Map<string, number[]>} when a key's last requests came, oldest first */
  const requests = new Map();
  return (key, most) => {
    const now = Date.now();
    const recent = (requests.get(key) ?? []).filter((time) => now - time < WINDOW_MS);
    requests.set(key, recent);
    if (recent.length >= most) {
      return Math.max(1, Math.ceil((recent[recent.length - most] + WINDOW_MS - now) / 1000));
    }
    recent.push(now);
    return 0;
  };
}
