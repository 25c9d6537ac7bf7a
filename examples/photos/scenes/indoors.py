# SPDX-License-Identifier: Apache-2.0
"""Rooms: a table top in front, furniture and lamps far behind it, out of focus."""

import kit as s
import numpy as np


def table(mat_args=(), size=(2.4, 1.3), y=0.15, boards=7, rng=None):
    """A table top of boards with narrow gaps; its surface is z = 0."""
    width = size[1] / boards
    for k in range(boards):
        mat = s.wood(f'board {k}', *mat_args)
        board = s.box(
            'board',
            (size[0], width - 0.0015, 0.04),
            mat,
            0.0015,
            (0 if rng is None else rng.normal(0, 0.3), y - size[1] / 2 + (k + 0.5) * width, -0.02),
        )
        board.rotation_euler = (0, 0, np.pi if k % 2 else 0)


def plaster(name, color, bump=0.3):
    return s.material(name, color, 0.9, lambda n: {'Normal': n.bump(n.noise(30, 6), bump, 0.004)})


def kitchen(rng):
    """Window light from the left, shelves with crockery behind."""
    table(('#4a3626', '#8a6a4a'), rng=rng)
    s.room('#8fa4b8', 0.25)
    s.box('wall', (8, 0.1, 4), plaster('wall', '#b9b4a4'), location=(0, 2.6, 0.8))
    oak = s.material('oak', '#7a5230', 0.5)
    for z in (-0.16, 0.2, 0.55):
        s.box('shelf', (2.6, 0.26, 0.03), oak, 0.003, (-0.1, 2.42, z))
    tones = ['#b8b0a0', '#9a8f80', '#a89a86', '#8f8c84', '#b4a894']
    pots = [s.material('pot', tone, 0.25) for tone in tones]
    for z in (-0.145, 0.215, 0.565):
        x = -1.3
        while x < 1.15:
            radius, height = rng.uniform(0.035, 0.08), rng.uniform(0.07, 0.24)
            x += radius * 2 + rng.uniform(0.02, 0.14)
            profile = [
                (0.0001, 0),
                (radius * 0.8, 0),
                (radius, height * 0.4),
                (radius * rng.uniform(0.5, 1.05), height),
                (0.0001, height),
            ]
            s.lathe('pot', profile, pots[rng.integers(len(pots))], 32, location=(x, 2.4, z))
    s.box('counter', (5, 0.6, 0.04), s.material('stone', '#56585a', 0.3), 0.004, (0, 2.35, -0.6))
    s.lamp((-1.5, -0.1, 1.1), (0, 0, 0.05), 42, 0.9, '#eaf2ff', 1.2)
    s.lamp((1.6, -1.0, 1.0), (0, 0, 0.05), 7, 1.4, '#ffe6c8')
    s.lamp((0.4, 1.3, 1.7), (0, 2.5, 0.5), 40, 1.0, '#ffe2bc')


def playroom(rng):
    """A desk by a window, building blocks and a bookshelf in the blur behind."""
    table(('#a8825a', '#d2ae80'), rng=rng, size=(2.4, 1.1), y=0.2)
    s.room('#b4c2d4', 0.3)
    s.box('wall', (6, 0.1, 4), plaster('wall', '#c8c2b0'), location=(0, 2.2, 0.6))
    tones = ['#c8402e', '#2e6a9a', '#e0b030', '#4a8a4a', '#e8e0d0', '#7a4a8a', '#e07a30']
    paints = [s.material('paint', tone, 0.35) for tone in tones]
    for k in range(16):
        size = rng.uniform(0.035, 0.06)
        at = (
            rng.uniform(0.17, 0.5) * (-1 if k % 2 else 1),
            rng.uniform(0.34, 0.6),
            size / 2 + (size if k % 4 == 0 else 0),
        )
        s.box(
            'block',
            (size, size, size),
            paints[rng.integers(len(paints))],
            0.003,
            at,
            (0, 0, rng.uniform(0, 3)),
        )
    x = -1.2
    while x < 1.3:
        width, height = rng.uniform(0.02, 0.06), rng.uniform(0.2, 0.3)
        s.box(
            'book',
            (width, 0.18, height),
            paints[rng.integers(len(paints))],
            0.002,
            (x, 2.0, -0.5 + height / 2),
            (0, rng.normal(0, 0.03), 0),
        )
        s.box(
            'book',
            (width, 0.18, height),
            paints[rng.integers(len(paints))],
            0.002,
            (x + 0.01, 2.0, -0.12 + height / 2),
        )
        x += width + (0.1 if rng.random() < 0.1 else 0.004)
    oak = s.material('oak', '#8a6238', 0.5)
    for z in (-0.52, -0.14, 0.24):
        s.box('shelf', (2.8, 0.24, 0.03), oak, 0.003, (0, 2.0, z))
    s.lamp((-0.9, 0.25, 0.75), (0, 0, 0.03), 14, 0.7, '#f2f6ff', 0.9)
    s.lamp((0.9, -0.7, 0.6), (0, 0, 0.03), 3, 0.8, '#ffe6c8')
    s.lamp((0, 0.9, 1.3), (0, 2.0, -0.1), 16, 0.8, '#fff0d8')


def living_room(rng):
    """A sideboard in front; sofa, picture, lamp and window light some metres behind."""
    s.box(
        'sideboard',
        (1.9, 0.5, 0.04),
        s.wood('walnut', '#3a2416', '#7a5030'),
        0.004,
        (0, 0.08, -0.02),
    )
    s.room('#c2ccd8', 0.35)
    s.box('wall', (9, 0.1, 5), plaster('wall', '#c6bda8'), location=(0, 3.6, 1.2))
    s.box('floor', (9, 9, 0.1), s.wood('floor', '#6d4a2c', '#a07a50', 0.3), 0, (0, 2, -0.85))
    fabric = s.material('sofa', '#a39a8c', 0.9, Sheen_Weight=0.4)
    for size, at in [
        ((1.9, 0.8, 0.35), (-0.6, 2.9, -0.45)),
        ((1.9, 0.22, 0.8), (-0.6, 3.3, -0.1)),
        ((0.22, 0.8, 0.55), (-1.6, 2.9, -0.3)),
        ((0.22, 0.8, 0.55), (0.4, 2.9, -0.3)),
    ]:
        s.box('sofa', size, fabric, 0.07, at)
    s.box(
        'frame', (0.9, 0.04, 0.65), s.material('frame', '#8a6a48', 0.5), 0.004, (-0.95, 3.53, 0.95)
    )
    art = s.material(
        'art',
        rough=0.6,
        build=lambda n: {
            'Base Color': n.ramp(
                n.noise(1.6, 2, 0.4), [(0.35, '#e6d8bc'), (0.5, '#cfae8e'), (0.6, '#8a9a98')]
            )
        },
    )
    s.box('art', (0.82, 0.02, 0.57), art, 0, (-0.95, 3.5, 0.95))
    glow = s.material('shade', '#000000', Emission_Color=s.srgb('#ffcf94'), Emission_Strength=3.0)
    s.lathe('shade', [(0.2, 0.0), (0.14, 0.3)], glow, 48, location=(0.85, 3.1, 0.62))
    s.tube(
        'pole', [(0.85, 3.1, -0.8), (0.85, 3.1, 0.65)], 0.015, s.material('pole', '#2a2420', 0.4), 8
    )
    s.lamp((-1.9, -0.4, 1.5), (0, 0, 0.4), 75, 1.1, '#eef4ff', 1.6)
    s.lamp((1.6, -1.8, 1.2), (0, 0, 0.4), 14, 1.5, '#ffeede')
    s.lamp((-2.6, 2.0, 1.6), (0, 3.4, 0.4), 90, 1.2, '#f2f6ff')
