# SPDX-License-Identifier: Apache-2.0
"""A rubber plant in a terracotta pot, in a living room by daylight."""

import indoors
import kit as s
import numpy as np

RNG = np.random.default_rng(21)
OVAL = [
    (0, 0.04),
    (0.06, 0.35),
    (0.18, 0.72),
    (0.35, 0.95),
    (0.52, 1.0),
    (0.7, 0.88),
    (0.85, 0.6),
    (0.94, 0.3),
    (0.98, 0.1),
    (1, 0.01),
]
DARK, LIGHT, RIB, NEW = (
    np.array(s.srgb(c)[:3]) for c in ('#1f4a1c', '#3f7a2a', '#a8b86a', '#7aa03a')
)


def leaf_skin():
    made = s.tint_material('leaf', 0.22, 0.18)
    nodes = s.Nodes(made.node_tree)
    surface = next(n for n in made.node_tree.nodes if n.type == 'BSDF_PRINCIPLED')
    nodes.put(surface.inputs['Normal'], nodes.bump(nodes.noise(60, 4), 0.08, 0.004))
    surface.inputs['Coat Weight'].default_value = 0.3
    surface.inputs['Coat Roughness'].default_value = 0.12
    return made


def leaf(size, bend, age):
    points = s.blade(
        size,
        size * 0.52,
        OVAL,
        bend=bend,
        fold=0.28,
        wave=0.035,
        rows=36,
        columns=25,
        phase=RNG.uniform(0, 6),
        twist=RNG.normal(0, 0.15),
    )
    u, t = np.linspace(-1, 1, 25)[None, :], np.linspace(0, 1, 36)[:, None]
    rib = np.exp(-((u / 0.045) ** 2)) * np.ones_like(t)
    side = np.exp(-((np.sin((t - np.abs(u) * 0.12) * 42) / 0.25) ** 2)) * (np.abs(u) > 0.06)
    points[..., 2] -= size * (0.006 * rib + 0.0012 * side)
    base = DARK + (LIGHT - DARK) * RNG.uniform(0, 0.6)
    base = base + (NEW - base) * age
    color = base + (RIB - base) * np.clip(0.8 * rib + 0.12 * side, 0, 1)[..., None]
    return points, color


def plant():
    bark = s.material(
        'bark', '#6d5a3c', 0.8, lambda n: {'Normal': n.bump(n.noise(120, 5), 0.5, 0.003)}
    )
    petiole = np.array(s.srgb('#8a9a4a')[:3])
    made, grids = [], []
    for base, tip, height, count in [
        ((0.0, 0.0), (0.05, 0.02), 0.56, 19),
        ((-0.03, 0.02), (-0.16, 0.05), 0.42, 13),
        ((0.03, -0.02), (0.17, -0.03), 0.34, 12),
    ]:
        path = np.array(
            [
                (base[0], base[1], 0.2),
                (
                    base[0] * 0.6 + tip[0] * 0.4 + 0.015,
                    base[1] * 0.6 + tip[1] * 0.4,
                    0.2 + height * 0.45,
                ),
                (tip[0], tip[1], 0.2 + height),
            ]
        )
        made.append(s.tube('trunk', path, [0.011, 0.008, 0.0045], bark))
        line = s.spline(path, 60)
        for k in range(count):
            t = 0.25 + 0.75 * (k + 1) / count
            at = line[min(59, int(t * 59))]
            turn = k * 2.4 + RNG.normal(0, 0.25)
            young = max(0.0, (t - 0.86) / 0.14)
            size = 0.235 * (1 - 0.45 * young) * RNG.uniform(0.8, 1.1)
            rise = 0.25 + 0.8 * young + RNG.normal(0, 0.12)
            points, color = leaf(size, RNG.uniform(-0.95, -0.45) * (1 - 0.7 * young), young * 0.8)
            reach = 0.03 + 0.02 * (1 - young)
            stem = (
                np.linspace(0, 1, 8)[:, None, None] * np.array([0, reach, reach * np.tan(rise)])
                + np.array(
                    [
                        [-0.0022, 0, 0],
                        [0, 0, 0.0022],
                        [0.0022, 0, 0],
                        [0, 0, -0.0022],
                        [-0.0022, 0, 0],
                    ]
                )[None]
            )
            points = s.placed(points, rotation=(rise, 0, 0)) + (0, reach, reach * np.tan(rise))
            grids += [
                (s.placed(points, at, (0, 0, turn)), color),
                (s.placed(stem, at, (0, 0, turn)), petiole),
            ]
    made.append(s.patches('leaves', grids, leaf_skin(), 0.0008))
    return made + pot()


def pot():
    def clay(nodes):
        bloom = nodes.noise(14, 6, 0.65)
        fine = nodes.noise(160, 3)
        return {
            'Base Color': nodes.ramp(
                bloom, [(0.35, '#a4532e'), (0.55, '#b9653c'), (0.68, '#cf9a7c')]
            ),
            'Normal': nodes.bump(fine, 0.15, 0.002),
        }

    terracotta = s.material('terracotta', rough=0.85, build=clay)
    profile = [
        (0.0001, 0.03),
        (0.075, 0.03),
        (0.08, 0.034),
        (0.108, 0.165),
        (0.109, 0.168),
        (0.118, 0.169),
        (0.1205, 0.172),
        (0.125, 0.21),
        (0.1235, 0.214),
        (0.115, 0.214),
        (0.112, 0.21),
        (0.106, 0.19),
        (0.0001, 0.19),
    ]
    saucer = [
        (0.0001, 0.002),
        (0.1, 0.002),
        (0.104, 0.004),
        (0.122, 0.028),
        (0.12, 0.0305),
        (0.116, 0.029),
        (0.1, 0.012),
        (0.0001, 0.012),
    ]
    earth = s.material(
        'earth',
        rough=1.0,
        build=lambda n: {
            'Base Color': n.ramp(n.noise(90, 6), [(0.3, '#140d08'), (0.7, '#3d2a1a')]),
            'Normal': n.bump(n.noise(60, 8), 1.0, 0.01),
        },
    )
    pebbles = []
    for _ in range(260):
        r, a = 0.105 * np.sqrt(RNG.random()), RNG.uniform(0, 6.28)
        pebbles.append((r * np.cos(a), r * np.sin(a), 0.193))
    stone = s.material('stone', '#4a3a2c', 0.9)
    made = [
        s.lathe('pot', profile, terracotta, 128),
        s.lathe('saucer', saucer, terracotta, 128),
        s.lathe('earth', [(0.0001, 0.196), (0.108, 0.194)], earth, 64),
    ]
    base = s.sphere('lump', (0, 0, -5), 0.004, stone, 8)
    for at in pebbles:
        copy = s.link(
            'lump',
            base.data,
            None,
            at,
            tuple(RNG.uniform(0, 3, 3)),
            tuple(0.0045 * RNG.uniform(0.5, 1.4, 3)),
        )
        made.append(copy)
    return made


def main():
    s.reset(exposure=0.4)
    indoors.living_room(RNG)
    subject = plant()
    s.camera((0.25, -3.15, 0.72), (0.0, 0, 0.435), focal=85, aperture=2.0, focus=(0, -0.1, 0.45))
    s.shoot('plant', subject, width=1440, height=1080, samples=10)


main()
