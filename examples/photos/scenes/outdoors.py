# SPDX-License-Identifier: Apache-2.0
"""Backgrounds in the open: forest floor, trees and foliage that the lens throws out of focus."""

import bpy
import kit as s
import numpy as np

HALF = [(0.14, 0.08), (0.24, 0.22), (0.28, 0.4), (0.25, 0.58), (0.16, 0.76), (0.06, 0.92)]
SPINE = [(0, y, -0.05 * np.sin(np.pi * y)) for y in (0, 0.2, 0.4, 0.6, 0.8, 1.0)]
LEAF = SPINE + [(x, y, 0.03) for x, y in HALF] + [(-x, y, 0.03) for x, y in HALF]
LEAF_FACES = [
    face for k in range(5) for face in ((k, 6 + k, 7 + k, k + 1), (k + 1, 13 + k, 12 + k, k))
]


def leaves(name, positions, size, rng, materials, flat=False):
    """Leaves as one mesh per material: turned at random, or nearly lying down."""
    shape = np.array(LEAF)
    groups = rng.integers(0, len(materials), len(positions))
    made = []
    for group, mat in enumerate(materials):
        at = positions[groups == group]
        count = len(at)
        if count == 0:
            continue
        frame = np.linalg.qr(rng.normal(size=(count, 3, 3)))[0]
        if flat:
            turn = rng.uniform(0, 2 * np.pi, count)
            tilt = rng.normal(0, 0.3, (count, 2))
            x = np.column_stack([np.cos(turn), np.sin(turn), tilt[:, 0]])
            y = np.column_stack([-np.sin(turn), np.cos(turn), tilt[:, 1]])
            frame = np.stack([x, y, np.cross(x, y)], axis=2)
        curl = np.repeat(shape[None], count, 0)
        curl[:, :, 2] += rng.normal(0, 0.35, (count, 1)) * (shape[:, 1] - 0.5) ** 2 * 2
        vertices = (
            np.einsum('nij,nkj->nki', frame, curl) * (size * rng.uniform(0.6, 1.3, (count, 1, 1)))
            + at[:, None]
        )
        index = np.array(LEAF_FACES)[None] + (np.arange(count) * len(shape))[:, None, None]
        data = bpy.data.meshes.new(name)
        data.from_pydata(
            vertices.reshape(-1, 3), [], index.reshape(-1, len(LEAF_FACES[0])).tolist()
        )
        data.polygons.foreach_set('use_smooth', [True] * len(data.polygons))
        made.append(s.link(name, data, mat))
    return made


def soil(nodes):
    fine, coarse = nodes.noise(70, 8, 0.7), nodes.noise(6, 5)
    color = nodes.mix(
        coarse,
        nodes.ramp(fine, [(0.3, '#1d140c'), (0.7, '#4a3521')]),
        nodes.ramp(fine, [(0.3, '#1f2a0e'), (0.7, '#4d5c23')]),
    )
    return {'Base Color': color, 'Normal': nodes.bump(fine, 0.8, 0.01)}


def ground(mat, size=60):
    return s.mesh(
        'ground',
        [(-size, -size, 0), (size, -size, 0), (size, size, 0), (-size, size, 0)],
        [(0, 1, 2, 3)],
        mat,
    )


def forest(rng):
    """Early autumn: moss and a few fallen leaves near by, trunks and sunlit green behind."""
    ground(s.material('soil', rough=0.95, build=soil))
    fallen = [
        s.leaf_material('fallen', a, b, 0.5)
        for a, b in [
            ('#7a5a3a', '#94734a'),
            ('#8a7a3a', '#a8964a'),
            ('#5d4630', '#735a40'),
            ('#6d7a36', '#86924a'),
        ]
    ]
    near = np.column_stack(
        [rng.uniform(-1.2, 1.2, 500), rng.uniform(-0.9, 2.5, 500), rng.uniform(0.001, 0.012, 500)]
    )
    leaves('litter', near, 0.036, rng, fallen, flat=True)
    blades = s.tint_material('moss')
    moss = ['#56702a', '#6a8434', '#445a20', '#7a8f40']
    s.grass('moss', 90000, (-0.75, 0.75, -0.6, 1.4), 0.015, rng, blades, moss, radius=0.0007)
    s.grass(
        'grass', 1300, (-1.2, 1.2, 0.05, 3), 0.07, rng, blades, ['#6f852c', '#8a9a3a', '#a3a34a']
    )
    s.grass('clearing', 60000, (-4, 4, 1.2, 9), 0.06, rng, blades, moss, radius=0.003)
    bark = s.material('bark', '#33291f', 0.9)
    for x, y, r in [
        (-0.95, 3.2, 0.09),
        (1.3, 4.2, 0.12),
        (-1.15, 6.5, 0.12),
        (1.9, 6.0, 0.2),
        (-2.1, 5.6, 0.17),
        (0.2, 12, 0.16),
        (-1.8, 10, 0.2),
        (2.6, 11, 0.25),
    ]:
        s.tube(
            'trunk',
            [(x, y, -0.1), (x + 0.05, y, 1.5), (x - 0.04, y, 5)],
            [r * 1.2, r, r * 0.8],
            bark,
        )
    bushes = []
    for _ in range(120):
        center = np.array([rng.uniform(-5, 5), rng.uniform(4.5, 14), rng.uniform(0.0, 2.8)])
        bushes.append(center + rng.normal(size=(240, 3)) * (0.5, 0.5, 0.4))
    points = np.vstack(bushes)
    leaves('foliage', points[points[:, 2] > 0], 0.085, rng, greens())


def meadow(rng, foliage, count=90, near=3.0, far=16.0, height=2.6):
    """Green ground and a wall of bushes behind it."""
    ground(s.material('soil', rough=0.95, build=soil))
    blades = s.tint_material('blades')
    s.grass(
        'far grass',
        60000,
        (-5, 5, 0.8, 10),
        0.16,
        rng,
        blades,
        ['#5d7424', '#7b8f38', '#48601e', '#94993f'],
        radius=0.003,
    )
    bushes = []
    for _ in range(count):
        center = np.array([rng.uniform(-6, 6), rng.uniform(near, far), rng.uniform(0.0, height)])
        bushes.append(center + rng.normal(size=(260, 3)) * (0.55, 0.5, 0.4))
    points = np.vstack(bushes)
    leaves('foliage', points[points[:, 2] > 0], 0.09, rng, foliage)


def greens():
    return [
        s.leaf_material('foliage', a, b, 0.4)
        for a, b in [
            ('#3f5f1a', '#7a9a30'),
            ('#55701f', '#93a83c'),
            ('#2f4f1c', '#5f8a2c'),
            ('#6d7f28', '#a8b84a'),
        ]
    ]


def sunflower_field(rng):
    """Rows of sunflowers that the lens melts into yellow and green discs, trees on the horizon."""
    meadow(rng, greens(), 70, 6, 18, 1.6)
    points = np.vstack(
        [
            np.array([x, y, z]) + rng.normal(size=(26, 3)) * (0.09, 0.09, 0.14)
            for x, y, z in zip(
                rng.uniform(-3.5, 3.5, 260), rng.uniform(1.7, 8, 260), rng.uniform(-0.05, 0.26, 260)
            )
        ]
    )
    leaves('field', points, 0.16, rng, greens())
    heads, disc = (
        s.leaf_material('petals', '#f5c400', '#ffdc30', 0.5),
        s.material('disc', '#2c1c0a', 0.9),
    )
    for x, y in zip(rng.uniform(-3.6, 3.6, 90), rng.uniform(4.5, 11, 90)):
        center = np.array([x, y, rng.uniform(0.1, 0.42)])
        leaves(
            'petals', center + rng.normal(size=(34, 3)) * (0.055, 0.02, 0.055), 0.075, rng, [heads]
        )
        s.sphere('disc', tuple(center - (0, 0.035, 0)), (0.045, 0.03, 0.045), disc, 12)


def garden(rng):
    """A weathered bench before a flowering hedge."""
    grey = ('#4a443c', '#8f877a')
    for k in range(4):
        s.box(
            'slat',
            (2.2, 0.088, 0.03),
            s.wood('slat', *grey, 1.0, 0.7),
            0.004,
            (rng.normal(0, 0.4), -0.055 + 0.1 * k, -0.0),
        )
    s.box('rail', (2.2, 0.03, 0.06), s.wood('rail', *grey, 1.0, 0.7), 0.004, (0, -0.065, -0.045))
    floor = s.mesh(
        'lawn',
        [(-60, -60, -0.45), (60, -60, -0.45), (60, 60, -0.45), (-60, 60, -0.45)],
        [(0, 1, 2, 3)],
        s.material('lawn', rough=0.95, build=soil),
    )
    blades = s.grass(
        'lawn',
        50000,
        (-4, 4, 0.6, 9),
        0.12,
        rng,
        s.tint_material('blades'),
        ['#5d7424', '#7b8f38', '#48601e'],
        radius=0.004,
    )
    blades.location = (0, 0, -0.45)
    points = np.vstack(
        [
            np.array([rng.uniform(-5, 5), rng.uniform(3, 11), rng.uniform(-0.3, 2.6)])
            + rng.normal(size=(260, 3)) * (0.5, 0.45, 0.4)
            for _ in range(190)
        ]
    )
    leaves('hedge', points, 0.085, rng, greens())
    blossom = [
        s.leaf_material('blossom', a, b, 0.5)
        for a, b in [('#e8a0b0', '#f4c4cc'), ('#f2e6e0', '#fff4ec'), ('#d86a88', '#e890a4')]
    ]
    near = points[points[:, 1] < 5.5]
    leaves('blossom', near[rng.integers(0, len(near), 1500)] - (0, 0.12, 0), 0.07, rng, blossom)
    return floor


def gravel(nodes):
    cells = nodes.add('ShaderNodeTexVoronoi', {'Vector': nodes.coordinates(), 'Scale': 55.0})
    tone = nodes.mix(
        nodes.noise(2.5, 5),
        nodes.ramp(cells.outputs['Color'], [(0.1, '#6d6252'), (0.9, '#b8aa92')]),
        '#8f8068',
    )
    return {'Base Color': tone, 'Normal': nodes.bump(cells.outputs['Distance'], 0.9, 0.012)}


def park(rng):
    """A gravel path, lawn, trunks and a bright wall of leaves."""
    s.mesh(
        'path',
        [(-60, -60, 0.002), (60, -60, 0.002), (60, 1.1, 0.002), (-60, 1.1, 0.002)],
        [(0, 1, 2, 3)],
        s.material('path', rough=0.95, build=gravel),
    )
    ground(s.material('soil', rough=0.95, build=soil))
    blades = s.tint_material('blades')
    greenery = ['#5d7424', '#7b8f38', '#48601e', '#94993f']
    s.grass('verge', 42000, (-2.6, 2.6, 1.0, 3.2), 0.085, rng, blades, greenery, radius=0.002)
    s.grass('lawn', 40000, (-6, 6, 3, 14), 0.11, rng, blades, greenery, radius=0.006)
    fallen = [
        s.leaf_material('fallen', a, b, 0.5)
        for a, b in [('#b0721f', '#c98e2c'), ('#8a4a1c', '#a85f22'), ('#8f8a3a', '#a8a44a')]
    ]
    near = np.column_stack(
        [rng.uniform(-2.2, 2.2, 420), rng.uniform(-2.2, 3, 420), np.full(420, 0.012)]
    )
    leaves('litter', near, 0.055, rng, fallen, flat=True)
    bark = s.material('bark', '#3a2f24', 0.9)
    for x, y, r in [
        (-2.0, 7, 0.2),
        (1.7, 9, 0.22),
        (-0.4, 13, 0.24),
        (3.2, 12, 0.25),
        (-3.8, 11, 0.25),
    ]:
        s.tube(
            'trunk', [(x, y, -0.1), (x + 0.05, y, 2), (x - 0.1, y, 6)], [r * 1.2, r, r * 0.8], bark
        )
    points = np.vstack(
        [
            np.array([rng.uniform(-7, 7), rng.uniform(8, 19), rng.uniform(0.0, 4.5)])
            + rng.normal(size=(260, 3)) * (0.7, 0.6, 0.5)
            for _ in range(210)
        ]
    )
    leaves('foliage', points[points[:, 2] > 0], 0.14, rng, greens())
