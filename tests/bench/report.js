// SPDX-License-Identifier: Apache-2.0
// How a benchmark says what it measured: one object a line with --json, else a table.

/**
 * One measurement; `bench` names it. Times are in milliseconds (…Ms), sizes in bytes (…Bytes).
 *
 * @typedef {{ bench: string } & Record<string, string | number | undefined>} Measurement
 */

/**
 * @param {Measurement[]} measurements
 * @returns {string}
 */
export function table(measurements) {
  const rows = measurements.map(({ bench, ...values }) => {
    const facts = Object.entries(values).filter(([, value]) => value !== undefined);
    return [bench, facts.map(([name, value]) => `${label(name)} ${show(name, value)}`).join('  ')];
  });
  const width = Math.max(...rows.map(([bench]) => bench.length));
  return rows.map(([bench, facts]) => `${bench.padEnd(width)}  ${facts}`).join('\n');
}

/** @param {string} name */
function label(name) {
  return name.replace(/(Ms|Bytes)$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/**
 * @param {string} name
 * @param {unknown} value
 */
function show(name, value) {
  if (typeof value !== 'number') return String(value);
  if (name.endsWith('Ms'))
    return `${value.toLocaleString('en', { maximumSignificantDigits: 3 })} ms`;
  if (name.endsWith('Bytes')) return `${(value / 2 ** 20).toFixed(2)} MiB`;
  return value.toLocaleString('en', { maximumSignificantDigits: 4 });
}
