/* SPDX-License-Identifier: Apache-2.0 */
#include "orientation.h"

offcut__walk offcut__walk_upright(uint32_t orientation, uint32_t width, uint32_t height) {
    const ptrdiff_t row = (ptrdiff_t)width;
    const ptrdiff_t last_x = row - 1, last_y = row * ((ptrdiff_t)height - 1);
    switch (orientation) {
        case 2: return (offcut__walk){last_x, -1, row};
        case 3: return (offcut__walk){last_x + last_y, -1, -row};
        case 4: return (offcut__walk){last_y, 1, -row};
        case 5: return (offcut__walk){0, row, 1};
        case 6: return (offcut__walk){last_y, -row, 1};
        case 7: return (offcut__walk){last_x + last_y, -row, -1};
        case 8: return (offcut__walk){last_x, row, -1};
        default: return (offcut__walk){0, 1, row};
    }
}

/* Quarter turns undo each other, all else undoes itself. */
offcut__walk offcut__walk_stored(uint32_t orientation, uint32_t width, uint32_t height) {
    const uint32_t back = orientation == 6 ? 8 : orientation == 8 ? 6 : orientation;
    return orientation >= 5 ? offcut__walk_upright(back, height, width)
                            : offcut__walk_upright(back, width, height);
}
