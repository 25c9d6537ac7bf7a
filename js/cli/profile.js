// SPDX-License-Identifier: Apache-2.0

/** @import { Operation } from '../core.js' */

/**
 * A line for each operation, and one for the sum, as the native command prints them.
 *
 * @param {Operation[]} operations
 */
export function profileTable(operations) {
  const sum = { name: 'in all', milliseconds: 0, multiplyAdds: 0 };
  for (const { milliseconds, multiplyAdds } of operations) {
    sum.milliseconds += milliseconds;
    sum.multiplyAdds += multiplyAdds;
  }
  return [...operations, sum].map(lineOf).join('');
}

/** @param {Operation} operation */
function lineOf({ name, milliseconds, multiplyAdds }) {
  const speed = milliseconds > 0 ? multiplyAdds / milliseconds / 1e6 : 0;
  const column = speed > 0 ? `${speed.toFixed(1).padStart(7)} GMAC/s` : '';
  return `${milliseconds.toFixed(3).padStart(9)} ms ${column.padEnd(15)} ${name}\n`;
}
