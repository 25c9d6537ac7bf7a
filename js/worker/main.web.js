// SPDX-License-Identifier: Apache-2.0
// The worker that engines start where none of one's own is given.
import { serve } from './index.web.js';

serve();
