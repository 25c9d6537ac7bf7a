# SPDX-License-Identifier: Apache-2.0
"""What all scenes share; each module says what it has."""

import bpy
from mathutils import Euler, Matrix, Vector

from .film import reset, shoot
from .light import camera, lamp, room, sky
from .materials import Nodes, leaf_material, material, srgb, wood
from .shapes import blade, box, lathe, link, melt, mesh, patches, placed, sphere, spline, tube
from .strands import (
    draw_together,
    fur_material,
    grass,
    hairs,
    paint,
    scatter,
    strands,
    tint_material,
)
