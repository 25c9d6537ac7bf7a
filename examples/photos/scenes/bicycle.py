# SPDX-License-Identifier: Apache-2.0
"""A bicycle in a park: thin spokes, chain, basket, and the path seen through all of them."""

import math

import kit as s
import numpy as np
import outdoors

RNG = np.random.default_rng(13)
REAR, FRONT, CRANK = (
    np.array((-0.52, 0, 0.345)),
    np.array((0.55, 0, 0.345)),
    np.array((-0.07, 0, 0.29)),
)
SEAT, HEAD_LOW, HEAD_HIGH = (
    np.array((-0.225, 0, 0.75)),
    np.array((0.415, 0, 0.72)),
    np.array((0.37, 0, 0.87)),
)


def loop(center, radius, thickness, mat, steps=128):
    points = [
        (center[0] + radius * math.cos(a), center[1], center[2] + radius * math.sin(a))
        for a in np.linspace(0, 2 * math.pi, steps + 1)[:-1]
    ]
    return s.tube('loop', points, thickness, mat, closed=True)


def arc(center, radius, start, end, thickness, mat, offset=0.0):
    points = [
        (center[0] + radius * math.cos(a), center[1] + offset, center[2] + radius * math.sin(a))
        for a in np.linspace(start, end, 24)
    ]
    return s.tube('arc', points, thickness, mat, 80)


def wheel(hub, mats):
    rubber, wall, steel = mats
    made = [
        loop(hub, 0.328, 0.0185, rubber),
        loop(hub, 0.3185, 0.0165, wall),
        loop(hub, 0.306, 0.0095, steel),
    ]
    made.append(s.tube('hub', [hub + (0, -0.045, 0), hub + (0, 0.045, 0)], 0.017, steel, 8))
    made += [
        s.tube('flange', [hub + (0, y - 0.002, 0), hub + (0, y + 0.002, 0)], 0.03, steel, 4)
        for y in (-0.036, 0.036)
    ]
    for k in range(36):
        side = 0.035 if k % 2 else -0.035
        a = 2 * math.pi * k / 36
        cross = a + (0.75 if k % 4 < 2 else -0.75)
        inner = hub + (0.027 * math.cos(cross), side, 0.027 * math.sin(cross))
        outer = hub + (0.3 * math.cos(a), 0, 0.3 * math.sin(a))
        made.append(s.tube('spoke', [inner, outer], 0.0011, steel, 2, 8))
    return made


def fender(hub, start, end, mat):
    """A strip bent over the tyre."""
    angle, across = np.linspace(start, end, 60)[:, None], np.linspace(-1, 1, 9)[None, :]
    radius = 0.366 - 0.016 * across**2
    points = np.stack(
        [
            hub[0] + radius * np.cos(angle),
            0 * angle + 0.027 * across,
            hub[2] + radius * np.sin(angle),
        ],
        axis=-1,
    )
    made = [s.patches('fender', [(points, np.ones(3))], mat, 0.0015)]
    tip = hub + (0.36 * math.cos(end), 0, 0.36 * math.sin(end))
    return made + [
        s.tube('stay', [hub + (0, y, 0), tip + (0, 0.6 * y, 0)], 0.0022, mat, 4, 8)
        for y in (-0.05, 0.05)
    ]


def frame(paint, steel):
    tubes = [
        (CRANK, SEAT, 0.0155),
        (SEAT - (0, 0, 0.03), HEAD_HIGH - (0.012, 0, 0.035), 0.0145),
        (CRANK, HEAD_LOW + (-0.006, 0, 0.03), 0.0165),
        (HEAD_LOW - (0.004, 0, 0.02), HEAD_HIGH + (0.004, 0, 0.02), 0.019),
        (CRANK + (0, -0.036, 0), CRANK + (0, 0.036, 0), 0.023),
    ]
    made = [s.tube('tube', [a, b], r, paint, 2, 24, smooth=False) for a, b, r in tubes]
    for y in (-1, 1):
        made.append(
            s.tube(
                'chain stay',
                [CRANK + (0, 0.02 * y, 0), REAR + (0.1, 0.055 * y, 0.01), REAR + (0, 0.06 * y, 0)],
                0.0085,
                paint,
                24,
            )
        )
        made.append(
            s.tube(
                'seat stay',
                [
                    SEAT + (0.01, 0.012 * y, -0.04),
                    REAR + (0.08, 0.055 * y, 0.13),
                    REAR + (0, 0.06 * y, 0),
                ],
                0.0075,
                paint,
                24,
            )
        )
        made.append(
            s.tube(
                'fork',
                [
                    HEAD_LOW + (0.004, 0.022 * y, -0.03),
                    HEAD_LOW + (0.04, 0.052 * y, -0.13),
                    FRONT + (-0.03, 0.056 * y, 0.1),
                    FRONT + (0, 0.056 * y, 0),
                ],
                [0.0125, 0.012, 0.01, 0.0075],
                paint,
                40,
            )
        )
    made.append(
        s.tube(
            'crown',
            [HEAD_LOW + (0.006, -0.026, -0.032), HEAD_LOW + (0.006, 0.026, -0.032)],
            0.0145,
            steel,
            8,
        )
    )
    return made


def cockpit(steel, leather):
    stem = HEAD_HIGH + (-0.03, 0, 0.13)
    made = [
        s.tube('quill', [HEAD_HIGH, stem - (0, 0, 0.02), stem + (0.03, 0, 0.005)], 0.011, steel, 24)
    ]
    for y in (-1, 1):
        bar = [
            stem + (0.03, 0, 0.005),
            stem + (0.05, 0.1 * y, 0.03),
            stem + (0.02, 0.24 * y, 0.055),
            stem + (-0.08, 0.29 * y, 0.045),
            stem + (-0.2, 0.3 * y, 0.02),
        ]
        made.append(s.tube('bar', bar, 0.0108, steel, 60))
        path = s.spline(bar, 60)
        made.append(s.tube('grip', path[44:], 0.0155, leather, 24))
        lever = [
            stem + (0.0, 0.262 * y, 0.035),
            stem + (-0.06, 0.3 * y, 0.01),
            stem + (-0.15, 0.31 * y, -0.012),
        ]
        made.append(s.tube('lever', lever, [0.006, 0.005, 0.0035], steel, 24))
        cable = [
            stem + (0.02, 0.24 * y, 0.035),
            stem + (0.13, 0.16 * y, 0.03),
            stem + (0.12, 0.05 * y, -0.1),
            HEAD_LOW + (0.03, 0.02 * y, 0.06),
        ]
        made.append(s.tube('cable', cable, 0.0022, s.material('cable', '#14110f', 0.5), 60, 8))
    bell = s.sphere('bell', tuple(stem + (0.03, -0.12, 0.055)), (0.022, 0.022, 0.018), steel, 32)
    post = s.tube('post', [SEAT - (0, 0, 0.02), SEAT + (-0.035, 0, 0.11)], 0.0125, steel, 2)
    return [*made, bell, post, *saddle(leather, steel)]


def saddle(leather, steel):
    base = SEAT + (-0.045, 0, 0.15)
    along = [
        (-0.125, 0.02, -0.012, 0.012),
        (-0.118, 0.06, -0.03, 0.018),
        (-0.08, 0.078, -0.034, 0.017),
        (-0.02, 0.05, -0.026, 0.006),
        (0.06, 0.026, -0.018, 0.004),
        (0.13, 0.02, -0.016, 0.006),
        (0.15, 0.006, -0.006, 0.004),
    ]
    rows = s.spline(along, 50)
    angle = np.linspace(0, 2 * math.pi, 41)
    points = np.stack(
        [
            np.stack(
                [
                    np.full(41, x),
                    w * np.cos(angle),
                    np.where(np.sin(angle) > 0, t * np.sin(angle), -b * np.sin(angle)),
                ],
                axis=1,
            )
            for x, w, b, t in rows
        ]
    )
    made = [s.patches('saddle', [(points + base, np.ones(3))], leather)]
    for y in (-1, 1):
        for x in (-0.055, -0.085):
            coil = [
                (x + 0.012 * math.cos(a), 0.04 * y + 0.012 * math.sin(a), -0.065 + 0.045 * a / 31)
                for a in np.linspace(0, 31, 90)
            ]
            made.append(s.tube('spring', [base + p for p in coil], 0.0024, steel, 180, 8))
        made.append(
            s.tube(
                'rail',
                [
                    base + (-0.09, 0.03 * y, -0.066),
                    base + (0, 0.022 * y, -0.05),
                    base + (0.12, 0.012 * y, -0.012),
                ],
                0.0036,
                steel,
                24,
                8,
            )
        )
    return made


def drive(steel, dark):
    made = [loop(CRANK + (0, -0.048, 0), r, 0.0035, steel, 64) for r in (0.088, 0.05)]
    made += [
        s.tube(
            'arm',
            [
                CRANK + (0.04 * math.cos(a), -0.048, 0.04 * math.sin(a)),
                CRANK + (0.088 * math.cos(a), -0.048, 0.088 * math.sin(a)),
            ],
            0.006,
            steel,
            2,
            smooth=False,
        )
        for a in np.arange(5) * 1.2566 + 0.3
    ]
    for side, turn in ((-1, -0.45), (1, math.pi - 0.45)):
        end = CRANK + (0.17 * math.cos(turn), 0.075 * side, 0.17 * math.sin(turn))
        made.append(
            s.tube(
                'crank',
                [CRANK + (0, 0.055 * side, 0), end],
                [0.0125, 0.009],
                steel,
                2,
                smooth=False,
            )
        )
        pedal = s.box('pedal', (0.09, 0.07, 0.02), dark, 0.004, tuple(end + (0, 0.048 * side, 0)))
        made.append(pedal)
    upper, lower = [], []
    for x in np.linspace(0, 1, 40):
        top = CRANK + (0, -0.048, 0.09) + (REAR + (0, 0, 0.04) - CRANK - (0, 0, 0.09)) * (x, 0, x)
        low = (
            CRANK
            + (0, -0.048, -0.09)
            + (REAR - (0, 0, 0.04) - CRANK + (0, 0, 0.09)) * (x, 0, x)
            - (0, 0, 0.012 * math.sin(math.pi * x))
        )
        upper.append(top)
        lower.append(low)
    made += [
        s.tube('chain', upper, 0.0042, dark, 80, 8),
        s.tube('chain', lower, 0.0042, dark, 80, 8),
        loop(REAR + (0, -0.048, 0), 0.04, 0.0045, steel, 48),
    ]
    stand = [CRANK + (-0.06, 0.03, -0.03), CRANK + (-0.17, 0.12, -0.275)]
    return [*made, s.tube('stand', stand, 0.008, steel, 2, smooth=False)]


def basket(cane, leather):
    """Wicker: round rods on uprights, wider at the top."""
    made = []
    low, high = np.array((0.53, 0, 0.77)), np.array((0.55, 0, 1.0))

    def around(t, swell=0.0):
        center, rx, ry = low + (high - low) * t, 0.095 + 0.035 * t, 0.14 + 0.04 * t
        a = np.linspace(0, 2 * math.pi, 121)[:-1]
        power = 0.55
        wobble = swell * np.sin(22 * a)
        return np.stack(
            [
                center[0] + (rx + wobble) * np.sign(np.cos(a)) * np.abs(np.cos(a)) ** power,
                (ry + wobble) * np.sign(np.sin(a)) * np.abs(np.sin(a)) ** power,
                center[2] + 0 * a,
            ],
            axis=1,
        )

    for k in range(17):
        made.append(
            s.tube(
                'weave', around(k / 16, 0.0045 * (1 if k % 2 else -1)), 0.0052, cane, closed=True
            )
        )
    made += [s.tube('rim', around(1.0 + d), 0.008, cane, closed=True) for d in (0.0, 0.03)]
    bottom, top = around(0), around(1)
    made += [s.tube('upright', [bottom[k], top[k]], 0.004, cane, 2, 8) for k in range(0, 120, 4)]
    floor = around(0.02)
    made.append(s.mesh('floor', floor, [tuple(range(120))], cane))
    made += [
        s.tube(
            'strap',
            [HEAD_HIGH + (0.01, y, 0.1), (0.44, y, 0.97), (0.47, y, 0.9)],
            0.006,
            leather,
            24,
        )
        for y in (-0.06, 0.06)
    ]
    return made + flowers(np.array((0.545, 0, 0.99)))


def flowers(center):
    """A loose bunch of daisies and lavender in the basket."""
    grids, stems = [], []
    petal = [(0, 0.3), (0.3, 0.8), (0.7, 1), (0.92, 0.7), (1, 0.2)]
    white, rose, green = (np.array(s.srgb(c)[:3]) for c in ('#f6f2e8', '#e07a98', '#55752a'))
    hearts, gold = [], s.material('heart', '#d89a10', 0.8)
    for k in range(34):
        at = center + RNG.normal(0, 1, 3) * (0.06, 0.085, 0.0) + (0, 0, RNG.uniform(0.03, 0.13))
        tilt = tuple(RNG.normal(0, 0.45, 3) + ((0.5, 0, 0)))
        tone = white if k % 3 else rose
        for turn in np.linspace(0, 2 * math.pi, 14)[:-1]:
            p = s.placed(
                s.blade(0.026, 0.0095, petal, bend=-0.4, rows=6, columns=4), rotation=(0.2, 0, 0)
            )
            grids.append(
                (
                    s.placed(s.placed(p + (0, 0.006, 0), rotation=(0, 0, turn)), at, tilt),
                    tone * RNG.uniform(0.85, 1.0),
                )
            )
        hearts.append(s.sphere('heart', tuple(at), 0.0085, gold, 12))
        stems.append(
            np.linspace(center - (0, 0, 0.1), at, 6)
            + np.sin(np.linspace(0, 3.1, 6))[:, None] * RNG.normal(0, 0.01, 3)
        )
    for _ in range(90):
        at = center + RNG.normal(0, 1, 3) * (0.065, 0.09, 0.0) + (0, 0, RNG.uniform(-0.03, 0.07))
        grids.append(
            (
                s.placed(
                    s.blade(0.09, 0.022, petal, bend=-0.7, fold=0.3),
                    at,
                    tuple(RNG.uniform(-1.2, 1.2, 2)) + (RNG.uniform(0, 6.3),),
                ),
                green * RNG.uniform(0.6, 1.3),
            )
        )
    made = [s.patches('blossom', grids, s.tint_material('blossom', 0.6, 0.35)), *hearts]
    return made + [
        s.tube('stem', line, 0.0015, s.material('stem', '#55752a', 0.7), 12, 8) for line in stems
    ]


def bicycle():
    paint = s.material('paint', '#7fb5a0', 0.25, Coat_Weight=1.0, Coat_Roughness=0.05)
    steel = s.material('steel', '#d4d4d6', 0.16, Metallic=1.0)
    rubber, wall = s.material('rubber', '#1a1816', 0.7), s.material('wall', '#d8c49a', 0.6)
    leather = s.material(
        'leather', '#8a4a20', 0.4, lambda n: {'Normal': n.bump(n.noise(300, 3), 0.3, 0.001)}
    )
    cane, dark = (
        s.wood('cane', '#8a5f30', '#c29a5e', 4.0, 0.5),
        s.material('dark', '#26221e', 0.4, Metallic=0.7),
    )
    mats = (rubber, wall, steel)
    made = [
        *wheel(REAR, mats),
        *wheel(FRONT, mats),
        *frame(paint, steel),
        *cockpit(steel, leather),
        *drive(steel, dark),
        *basket(cane, leather),
    ]
    made += fender(REAR, 0.9, 3.35, paint) + fender(FRONT, 0.75, 2.75, paint)
    made.append(
        s.sphere('headlamp', tuple(HEAD_LOW + (0.075, 0, -0.01)), (0.035, 0.032, 0.032), steel, 48)
    )
    made.append(
        s.sphere(
            'reflector',
            tuple(REAR + (-0.36, 0, 0.06)),
            (0.006, 0.018, 0.018),
            s.material('reflector', '#a01010', 0.1),
            24,
        )
    )
    return made


def main():
    s.reset(exposure=0.3)
    outdoors.park(RNG)
    subject = bicycle()
    s.bpy.context.view_layer.update()
    pose = s.Matrix.Rotation(-0.42, 4, 'Z') @ s.Matrix.Rotation(-0.05, 4, 'X')
    for item in subject:
        item.matrix_world = pose @ item.matrix_world
    s.sky(elevation=34, rotation=215, strength=0.13, sun=0.5, sun_size=2)
    s.camera((0.6, -6.6, 1.15), (0.0, 0, 0.52), focal=105, aperture=1.8, focus=(0, -0.05, 0.6))
    s.shoot('bicycle', subject, width=1440, height=1080, samples=10)


main()
