# SPDX-License-Identifier: Apache-2.0
"""A bowl of fruit on a kitchen table, light from a window."""

import math

import indoors
import kit as s
import numpy as np

RNG = np.random.default_rng(3)
APPLE = [
    (0.0, 0.028),
    (0.006, 0.03),
    (0.014, 0.036),
    (0.024, 0.038),
    (0.034, 0.03),
    (0.039, 0.012),
    (0.0385, -0.006),
    (0.033, -0.022),
    (0.024, -0.032),
    (0.014, -0.0355),
    (0.006, -0.032),
    (0.0, -0.029),
]
PEAR = [
    (0.0, 0.072),
    (0.006, 0.074),
    (0.012, 0.07),
    (0.0165, 0.056),
    (0.02, 0.04),
    (0.028, 0.02),
    (0.0365, 0.0),
    (0.038, -0.016),
    (0.032, -0.03),
    (0.02, -0.038),
    (0.008, -0.036),
    (0.0, -0.033),
]
BOWL = [
    (0.0, 0.004),
    (0.045, 0.004),
    (0.047, 0.0),
    (0.05, 0.002),
    (0.052, 0.008),
    (0.085, 0.024),
    (0.112, 0.046),
    (0.128, 0.072),
    (0.1305, 0.077),
    (0.128, 0.0785),
    (0.1245, 0.074),
    (0.108, 0.05),
    (0.082, 0.03),
    (0.05, 0.016),
    (0.0, 0.014),
]


def skin(name, colors, speckle, streaks=True, rough=0.28):
    """Apple or pear: streaks from pole to pole, lenticels, a waxy shine."""

    def build(nodes):
        around = nodes.coordinates(scale=(26, 26, 5) if streaks else (14, 14, 14))
        patch = nodes.noise(11, 4, 0.6)
        streak = nodes.noise(4, 5, 0.65, 0.4, around)
        tone = nodes.math(
            'ADD', nodes.math('MULTIPLY', patch, 0.65), nodes.math('MULTIPLY', streak, 0.35)
        )
        color = nodes.ramp(tone, [(0.36, colors[0]), (0.47, colors[1]), (0.6, colors[2])])
        cells = nodes.add(
            'ShaderNodeTexVoronoi', {'Vector': nodes.coordinates(), 'Scale': 190.0}
        ).outputs['Distance']
        dots = nodes.ramp(cells, [(0.0, 1.0), (0.16, 1.0), (0.22, 0.0)])
        return {
            'Base Color': nodes.mix(nodes.math('MULTIPLY', dots, 0.4), color, speckle),
            'Normal': nodes.bump(patch, 0.25, 0.004),
        }

    return s.material(
        name,
        rough=rough,
        build=build,
        Coat_Weight=0.25,
        Coat_Roughness=0.15,
        Subsurface_Weight=0.1,
        Subsurface_Scale=0.004,
    )


def peel(name, light, dark, scale, depth):
    """Citrus: pits of oil glands."""

    def build(nodes):
        cells = nodes.add(
            'ShaderNodeTexVoronoi',
            {'Vector': nodes.coordinates(), 'Scale': scale},
            feature='SMOOTH_F1',
        ).outputs['Distance']
        color = nodes.mix(nodes.noise(9, 4), light, dark)
        return {'Base Color': color, 'Normal': nodes.bump(cells, 0.55, depth)}

    return s.material(name, rough=0.34, build=build, Subsurface_Weight=0.15, Subsurface_Scale=0.004)


def turned(name, profile, mat, location, rotation, size=1.0, ribs=0.0):
    """A lathe body, smoothed along its profile and slightly out of round."""
    item = s.lathe(
        name,
        [tuple(max(v, 0) if i == 0 else v for i, v in enumerate(p)) for p in s.spline(profile, 60)],
        mat,
        72,
    )
    count = len(item.data.vertices)
    points = np.empty(count * 3, np.float32)
    item.data.vertices.foreach_get('co', points)
    points = points.reshape(-1, 3)
    turn = np.arctan2(points[:, 1], points[:, 0])
    wobble = (
        1
        + 0.02 * np.sin(turn + RNG.uniform(0, 6))
        + 0.015 * np.sin(2 * turn + RNG.uniform(0, 6))
        + ribs * np.cos(5 * turn) * np.clip(-points[:, 2] / 0.03, 0, 1)
    )
    points[:, :2] *= wobble[:, None]
    points[:, 2] += 0.06 * points[:, 0] * RNG.uniform(-1, 1)
    item.data.vertices.foreach_set('co', points.ravel())
    item.data.update()
    item.matrix_world = (
        s.Matrix.Translation(location)
        @ s.Euler(rotation).to_matrix().to_4x4()
        @ s.Matrix.Scale(size, 4)
    )
    return item


def stalk(item, start, length, mat):
    points = [(0, 0, start), (0.001, 0.001, start + length * 0.5), (0.004, 0.002, start + length)]
    made = s.tube('stalk', points, [0.0016, 0.0012, 0.0018], mat)
    made.matrix_world = item.matrix_world.copy()
    return made


def banana(turn, location, tilt, mat, tip):
    angle = np.linspace(-0.85, 0.85, 12)
    path = [(0.1 * math.sin(a), 0, 0.1 * (1 - math.cos(a))) for a in angle]
    radius = [
        0.006,
        0.013,
        0.0165,
        0.0175,
        0.018,
        0.018,
        0.018,
        0.0175,
        0.0165,
        0.014,
        0.007,
        0.005,
    ]
    body = s.tube('banana', path, radius, mat, 60, 24)
    end = s.tube(
        'stem', [path[-1], (path[-1][0] + 0.012, 0, path[-1][2] + 0.016)], [0.0052, 0.0045], tip
    )
    for item in (body, end):
        item.matrix_world = (
            s.Matrix.Translation(location) @ s.Euler((tilt[0], tilt[1], turn)).to_matrix().to_4x4()
        )
    return [body, end]


def banana_skin():
    def build(nodes):
        spots = nodes.noise(90, 3, 0.7)
        patch = nodes.noise(14, 4)
        color = nodes.mix(nodes.ramp(patch, [(0.4, 0.0), (0.7, 0.5)]), '#f2c419', '#b9a21e')
        return {
            'Base Color': nodes.mix(nodes.ramp(spots, [(0.64, 0.0), (0.7, 0.8)]), color, '#4a2c0e')
        }

    return s.material(
        'banana', rough=0.42, build=build, Subsurface_Weight=0.1, Subsurface_Scale=0.003
    )


def grapes(center, count, mat, stem):
    made, placed = [], []
    while len(placed) < count:
        at = np.array([RNG.normal(0, 0.019), RNG.normal(0, 0.019), RNG.uniform(-0.03, 0.028)])
        if all(np.linalg.norm(at - other) > 0.0165 for other in placed):
            placed.append(at)
            made.append(
                s.sphere(
                    'grape',
                    tuple(at + center),
                    (0.0098, 0.0098, 0.0112),
                    mat,
                    24,
                    rotation=tuple(RNG.normal(0, 0.6, 3)),
                )
            )
    made.append(
        s.tube(
            'vine',
            [center, center + (0.012, -0.01, 0.034), center + (0.03, -0.012, 0.044)],
            0.0015,
            stem,
        )
    )
    return made


def glaze():
    def build(nodes):
        z = nodes.add('ShaderNodeSeparateXYZ', {0: nodes.coordinates()}).outputs[2]
        wave = nodes.math('ADD', nodes.math('MULTIPLY', nodes.noise(40, 3), 0.008), z)
        color = nodes.ramp(
            nodes.math('MULTIPLY', wave, 12),
            [
                (0.05, '#c9b28c'),
                (0.1, '#d9d4c6'),
                (0.62, '#c3cfce'),
                (0.86, '#2f5f78'),
                (0.95, '#7a4a28'),
            ],
        )
        specks = nodes.ramp(nodes.noise(260, 2, 0.5), [(0.66, 0.0), (0.69, 1.0)])
        return {'Base Color': nodes.mix(specks, color, '#3a2a20')}

    return s.material('glaze', rough=0.22, build=build, Coat_Weight=0.5, Coat_Roughness=0.08)


def fruit():
    red = skin('red', ('#c9a03a', '#b8321e', '#8a1018'), '#e8c98a')
    green = skin('green', ('#8ba32e', '#a5b83a', '#b4a33c'), '#dfe3a0', False)
    russet = skin('pear', ('#a8a83a', '#bcae42', '#b07a3a'), '#6a5a20', False, 0.4)
    orange = peel('orange', '#ee7a0a', '#d8600a', 34, 0.0014)
    lemon = peel('lemon', '#f2ce22', '#e0b414', 28, 0.0014)
    twig = s.material('twig', '#4a3018', 0.8)
    vine = s.material(
        'grape',
        '#3a1030',
        0.3,
        Subsurface_Weight=0.4,
        Subsurface_Scale=0.006,
        Subsurface_Radius=(1.0, 0.2, 0.3),
        Coat_Weight=0.2,
    )
    made = [s.lathe('bowl', [tuple(p) for p in s.spline(BOWL, 140)], glaze(), 160)]
    for profile, mat, at, turn, size in [
        (APPLE, red, (-0.05, -0.048, 0.071), (0.45, -0.25, 0.3), 1.02),
        (APPLE, red, (0.045, 0.045, 0.076), (-0.3, 0.3, 1.0), 1.0),
        (APPLE, green, (-0.048, 0.045, 0.074), (0.2, 0.1, 2.0), 1.0),
        (PEAR, russet, (0.03, 0.002, 0.128), (0.2, 0.55, 0.6), 0.95),
    ]:
        item = turned('fruit', profile, mat, at, turn, size)
        made += [item, stalk(item, 0.0275 if profile is APPLE else 0.071, 0.022, twig)]
    for mat, at, radius in [
        (orange, (0.04, -0.052, 0.071), 0.038),
        (orange, (-0.018, 0.01, 0.122), 0.0365),
        (lemon, (0.092, 0.0, 0.088), (0.034, 0.027, 0.027)),
    ]:
        made.append(s.sphere('citrus', at, radius, mat, 64, rotation=(0.9, 0.5, 0.4)))
    made += banana(2.9, (-0.035, 0.07, 0.128), (0.55, 0.25), banana_skin(), twig)
    made += banana(2.55, (-0.04, 0.095, 0.118), (0.7, 0.3), banana_skin(), twig)
    made += grapes(np.array([-0.074, -0.012, 0.1]), 38, vine, twig)
    return made


def main():
    s.reset(exposure=0.95)
    indoors.kitchen(RNG)
    subject = fruit()
    s.camera((0.13, -0.98, 0.275), (0.0, 0, 0.088), focal=85, aperture=3.2, focus=(0, -0.06, 0.09))
    s.shoot('fruit', subject, width=1440, height=1080, samples=10)


main()
