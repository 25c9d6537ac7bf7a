# SPDX-License-Identifier: Apache-2.0
"""A tin toy car on a child's desk."""

import math

import indoors
import kit as s
import numpy as np

RNG = np.random.default_rng(6)


def hull(name, sections, mat, power=2.6, around=72, along=120):
    """A body from cross-sections (x, half-width, bottom, top), rounded like a superellipse."""
    rows = s.spline(sections, along)
    angle = np.linspace(0, 2 * math.pi, around, endpoint=False)
    cos, sin = np.cos(angle), np.sin(angle)
    wide, high = (
        np.sign(cos) * np.abs(cos) ** (2 / power),
        np.sign(sin) * np.abs(sin) ** (2 / power),
    )
    points = np.stack(
        [
            np.stack([np.full(around, x), w * wide, (b + t) / 2 + (t - b) / 2 * high], axis=1)
            for x, w, b, t in rows
        ]
    )
    points = np.concatenate([points, points[:, :1]], axis=1)
    return s.patches(name, [(points, np.ones(3))], mat)


def paint_on(name, color):
    def build(nodes):
        worn = nodes.ramp(nodes.noise(60, 8, 0.7), [(0.68, 0.0), (0.74, 1.0)])
        return {'Roughness': nodes.ramp(worn, [(0.0, 0.16), (1.0, 0.45)])}

    return s.material(name, color, build=build, Coat_Weight=1.0, Coat_Roughness=0.04)


def tire_profile(radius, width):
    inner = radius * 0.6
    return [
        (inner, -width * 0.4),
        (radius * 0.86, -width * 0.5),
        (radius * 0.97, -width * 0.38),
        (radius, -width * 0.2),
        (radius, width * 0.2),
        (radius * 0.97, width * 0.38),
        (radius * 0.86, width * 0.5),
        (inner, width * 0.4),
    ]


def wheel(x, y, mats, radius=0.0175, width=0.012):
    rubber, white, chrome, red = mats
    side = math.copysign(1, y)
    made = [
        s.lathe('tire', [tuple(p) for p in s.spline(tire_profile(radius, width), 40)], rubber, 64),
        s.lathe(
            'band',
            [
                (radius * 0.62, width * 0.43),
                (radius * 0.74, width * 0.485),
                (radius * 0.84, width * 0.5),
            ],
            white,
            64,
        ),
        s.lathe(
            'rim',
            [
                (0.0001, width * 0.3),
                (radius * 0.5, width * 0.3),
                (radius * 0.6, width * 0.45),
                (radius * 0.64, width * 0.44),
            ],
            red,
            64,
        ),
        s.lathe(
            'cap',
            [
                (0.0001, width * 0.62),
                (radius * 0.2, width * 0.58),
                (radius * 0.34, width * 0.42),
                (radius * 0.37, width * 0.3),
            ],
            chrome,
            48,
        ),
    ]
    for item in made:
        item.matrix_world = (
            s.Matrix.Translation((x, y, radius))
            @ s.Euler((-side * math.pi / 2, 0, 0)).to_matrix().to_4x4()
        )
    return made


def paints():
    coat = {'Coat_Weight': 1.0}
    return {
        'red': paint_on('red', '#b3131a'),
        'cream': paint_on('cream', '#f0e4c8'),
        'glass': s.material('glass', '#0e1418', 0.05, **coat),
        'chrome': s.material('chrome', '#e8e8ea', 0.08, Metallic=1.0),
        'rubber': s.material('rubber', '#121214', 0.55),
        'white': s.material('white', '#ece8de', 0.5),
        'lens': s.material('lens', '#f4f0e2', 0.08, **coat),
        'amber': s.material('amber', '#d8640e', 0.15, **coat),
    }


BODY = [
    (-0.088, 0.004, 0.024, 0.03),
    (-0.086, 0.022, 0.016, 0.036),
    (-0.07, 0.03, 0.012, 0.05),
    (-0.045, 0.034, 0.011, 0.056),
    (0.0, 0.036, 0.011, 0.055),
    (0.04, 0.034, 0.011, 0.054),
    (0.068, 0.03, 0.012, 0.048),
    (0.084, 0.022, 0.016, 0.036),
    (0.087, 0.004, 0.024, 0.03),
]
CABIN = [
    (-0.066, 0.012, 0.04, 0.05),
    (-0.058, 0.024, 0.04, 0.064),
    (-0.036, 0.0285, 0.04, 0.08),
    (-0.008, 0.029, 0.04, 0.084),
    (0.016, 0.0275, 0.04, 0.077),
    (0.03, 0.024, 0.04, 0.062),
    (0.036, 0.012, 0.04, 0.052),
]
ROOF = [
    (-0.0535, 0.014, 0.068, 0.0705),
    (-0.046, 0.0245, 0.0705, 0.0772),
    (-0.032, 0.0275, 0.074, 0.0828),
    (-0.008, 0.0285, 0.075, 0.0852),
    (0.007, 0.0265, 0.074, 0.0815),
    (0.0165, 0.016, 0.0735, 0.0775),
]


def coachwork(mats):
    made = [
        hull('body', BODY, mats['red'], 2.7),
        hull('cabin', CABIN, mats['glass'], 3.0),
        hull('roof', ROOF, mats['cream'], 2.4),
    ]
    for x in (-0.052, 0.056):
        arch = [
            (x - 0.031, 0.0, 0.012, 0.02),
            (x - 0.026, 0.0098, 0.012, 0.03),
            (x - 0.01, 0.011, 0.02, 0.041),
            (x + 0.006, 0.011, 0.02, 0.042),
            (x + 0.024, 0.0098, 0.012, 0.032),
            (x + 0.031, 0.0, 0.012, 0.02),
        ]
        for side in (-1, 1):
            made += wheel(
                x, side * 0.035, [mats[m] for m in ('rubber', 'white', 'chrome', 'cream')]
            )
            fender = hull('fender', arch, mats['red'], 2.3, 48, 60)
            fender.location = (0, side * 0.0345, 0)
            made.append(fender)
    return made


def flank(side, mats):
    """What is on each side: running board, lamps, door post and handle, trim."""
    chrome, round_lamp = mats['chrome'], (0.0075, 0.0085, 0.0085)
    post = [(-0.014, side * y, z) for y, z in [(0.0292, 0.05), (0.0294, 0.066), (0.0262, 0.078)]]
    trim = [
        (x, side * y, z)
        for x, y, z in [
            (-0.066, 0.0325, 0.0428),
            (-0.04, 0.0355, 0.0425),
            (0.0, 0.0368, 0.042),
            (0.04, 0.0352, 0.0425),
            (0.064, 0.0305, 0.0412),
        ]
    ]
    board = (0.064, 0.012, 0.003)
    return [
        s.box('running board', board, mats['cream'], 0.001, (0.002, side * 0.039, 0.0125)),
        s.sphere('lamp', (0.0835, side * 0.0245, 0.0405), round_lamp, chrome, 40),
        s.sphere('lens', (0.0885, side * 0.0247, 0.0408), (0.0042, 0.007, 0.007), mats['lens'], 40),
        s.sphere('signal', (0.0845, side * 0.03, 0.0285), 0.003, mats['amber'], 24),
        s.tube('post', post, 0.0016, mats['red'], 24, 8),
        s.box('grip', (0.009, 0.002, 0.002), chrome, 0.0007, (-0.02, side * 0.0365, 0.046)),
        s.tube('trim', trim, 0.0008, chrome),
    ]


def brightwork(chrome):
    """Bumpers and grille."""
    made = []
    for end in (-1, 1):
        bow = [(0.084, -0.036), (0.0935, -0.022), (0.096, 0.0), (0.0935, 0.022), (0.084, 0.036)]
        made.append(
            s.tube('bumper', [(end * x, y, 0.0195) for x, y in bow], 0.0028, chrome, 60, 24)
        )
        for side in (-1, 1):
            at = (end * 0.096, side * 0.012, 0.021)
            made.append(s.sphere('horn', at, (0.0026, 0.0026, 0.0055), chrome, 24))
    for k in range(5):
        x, y, z = 0.0865 - 0.0002 * k, 0.011 - 0.0006 * k, 0.026 + 0.0034 * k
        bar = [(x, -y, z), (x + 0.002 - 0.0006 * k, 0, z), (x, y, z)]
        made.append(s.tube('grille', bar, 0.0009, chrome))
    return made


def car():
    mats = paints()
    made = coachwork(mats) + brightwork(mats['chrome']) + luggage(mats['cream'])
    return made + flank(-1, mats) + flank(1, mats)


def luggage(cream):
    """A suitcase and a rolled blanket on the roof, tied with string."""
    leather, strap = s.material('leather', '#7a4a24', 0.45), s.material('strap', '#3a2212', 0.5)
    wool = s.material('wool', '#3f6a78', 0.9, Sheen_Weight=0.5)
    rack = s.material('rack', '#c8c8cc', 0.2, Metallic=1.0)
    made = [
        s.tube('rail', [(x, -0.022, 0.0852), (x, 0.022, 0.0852)], 0.0011, rack, 8)
        for x in (-0.03, -0.006)
    ]
    made += [
        s.tube('rail', [(-0.036, y, 0.0862), (0.006, y, 0.0862)], 0.0011, rack, 8)
        for y in (-0.02, 0.02)
    ]
    made.append(s.box('case', (0.034, 0.03, 0.013), leather, 0.0025, (-0.015, -0.004, 0.0942)))
    made += [
        s.box('strap', (0.003, 0.0306, 0.0136), strap, 0.0006, (-0.015 + d, -0.004, 0.0942))
        for d in (-0.009, 0.009)
    ]
    made.append(
        s.tube('blanket', [(-0.034, 0.0175, 0.0945), (0.0, 0.0175, 0.0945)], 0.0062, wool, 8)
    )
    made += [
        s.tube(
            'string',
            [
                (-0.026 + d, 0.0112, 0.0945),
                (-0.026 + d, 0.0175, 0.1012),
                (-0.026 + d, 0.0238, 0.0945),
            ],
            0.0007,
            cream,
            24,
        )
        for d in (0, 0.018)
    ]
    return made


def main():
    s.reset(exposure=0.5)
    indoors.playroom(RNG)
    subject = car()
    s.bpy.context.view_layer.update()
    for item in subject:
        item.matrix_world = s.Euler((0, 0, -0.62)).to_matrix().to_4x4() @ item.matrix_world
    s.camera(
        (0.05, -0.66, 0.19), (0.002, 0, 0.042), focal=85, aperture=9, focus=(0.03, -0.06, 0.04)
    )
    s.shoot('car', subject, width=1440, height=1080, samples=10)


main()
