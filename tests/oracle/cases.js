// SPDX-License-Identifier: Apache-2.0
// Small networks, one operator and combination of attributes each.
import './cases/layers.js';
import './cases/shapes.js';

export { cases } from './cases/kit.js';
