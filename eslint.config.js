// SPDX-License-Identifier: Apache-2.0
import js from '@eslint/js';
import globals from 'globals';

/** Only what every host has; the entries and tools for Node name `node:` modules, which need no globals. */
const everywhere = { ...globals['shared-node-browser'], WebAssembly: 'readonly', Blob: 'readonly' };

export default [
  { ignores: ['build/', 'dist/', 'types/', 'node_modules/'] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: 'module', globals: everywhere },
    rules: {
      eqeqeq: 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-var': 'error',
      'prefer-const': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
    },
  },
  { files: ['js/**/*web.js'], languageOptions: { globals: { Worker: 'readonly' } } },
  {
    files: [
      'js/cli.js',
      'js/cli/**',
      'js/**/*node.js',
      'tests/**',
      'models/**',
      'wasm/**',
      'examples/**',
    ],
    languageOptions: { globals: globals.node },
  },
  {
    files: ['tests/packaging/fixtures/**'],
    languageOptions: { globals: globals.browser },
  },
  {
    files: ['examples/dashboard/src/**'],
    // FILES and VERSION are put in by its build.
    languageOptions: {
      globals: { ...globals.browser, FILES: 'readonly', VERSION: 'readonly' },
    },
  },
];
