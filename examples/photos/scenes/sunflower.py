# SPDX-License-Identifier: Apache-2.0
"""One sunflower in front of its field."""

import kit as s
import numpy as np
import outdoors

RNG = np.random.default_rng(11)
HEAD = (0.0, -0.03, 0.42)
FACE = s.Euler((1.32, 0.0, -0.2))
PETAL = [(0, 0.3), (0.12, 0.55), (0.4, 1.0), (0.65, 0.9), (0.85, 0.5), (0.96, 0.15), (1, 0.02)]
HEART = [
    (0, 0.05),
    (0.04, 0.6),
    (0.14, 0.95),
    (0.3, 1.0),
    (0.55, 0.75),
    (0.8, 0.35),
    (0.95, 0.1),
    (1, 0.01),
]
YELLOW, AMBER, GREEN, PALE = (
    np.array(s.srgb(c)[:3]) for c in ('#ffd60a', '#f09a06', '#4c6b1f', '#7d9440')
)


def petals():
    grids = []
    for ring, (count, lift, size) in enumerate(
        [(24, 0.28, 0.085), (26, 0.12, 0.098), (22, -0.12, 0.1)]
    ):
        for k in range(count):
            turn = 2 * np.pi * (k + 0.5 * ring) / count + RNG.normal(0, 0.06)
            points = s.blade(
                size * RNG.uniform(0.85, 1.1),
                0.03 * RNG.uniform(0.8, 1.15),
                PETAL,
                bend=RNG.normal(-0.1, 0.4),
                fold=RNG.uniform(0.15, 0.55),
                twist=RNG.normal(0, 0.5),
                wave=0.08,
                phase=RNG.uniform(0, 6),
                rows=18,
                columns=9,
            )
            points = s.placed(points, rotation=(lift + RNG.normal(0, 0.12), 0, 0))
            points = s.placed(
                points + (0, 0.043 - 0.002 * ring, -0.003 * ring), rotation=(0, 0, turn)
            )
            along = np.linspace(0, 1, 18)[:, None, None]
            streak = 1 - 0.14 * np.abs(np.sin(np.linspace(0, 4.5 * np.pi, 9)))[None, :, None]
            color = (
                (AMBER + (YELLOW - AMBER) * np.clip(along * 2.2, 0, 1))
                * streak
                * RNG.uniform(0.85, 1.05)
            )
            grids.append((s.placed(points, HEAD, FACE), color))
    return s.patches('petals', grids, s.tint_material('petal', 0.45, 0.4))


def disc():
    """Florets on Vogel's spiral: green-brown in the middle, flowering at the rim."""
    count = 1500
    k = np.arange(count)
    radius = 0.05 * np.sqrt((k + 0.5) / count)
    turn = k * 2.39996
    ring = radius / 0.05
    dome = 0.011 * (1 - ring**2) - 0.009 * np.exp(-((ring / 0.35) ** 2)) + 0.004
    root = np.stack([radius * np.cos(turn), radius * np.sin(turn), dome], axis=1)
    length = np.interp(
        ring, [0, 0.4, 0.65, 0.9, 1], [0.003, 0.004, 0.0075, 0.009, 0.006]
    ) * RNG.uniform(0.8, 1.2, count)
    lean = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1) * np.interp(
        ring, [0, 1], [-0.3, 0.5]
    )[:, None] + RNG.normal(0, 0.15, (count, 3))
    t = np.linspace(0, 1, 4)[None, :, None]
    points = root[:, None] + (np.array([0, 0, 1.0]) + lean[:, None] * t) * length[:, None, None] * t
    stops = [
        np.array(s.srgb(c)[:3]) for c in ('#6b6a24', '#4d3a14', '#3a200c', '#8a4a0c', '#c07a14')
    ]
    tint = np.stack(
        [np.interp(ring, [0, 0.35, 0.6, 0.8, 1], [c[i] for c in stops]) for i in range(3)], axis=1
    ) * RNG.uniform(0.6, 1.3, (count, 1))
    florets = s.hairs(
        'florets',
        s.placed(points, HEAD, FACE),
        0.0009,
        tint,
        s.tint_material('floret', 0.5, 0.1),
        tip=0.7,
    )
    profile = [(0.0001, -0.016), (0.03, -0.014), (0.05, -0.004)] + [
        (0.05 * r, 0.011 * (1 - r * r) - 0.009 * np.exp(-((r / 0.35) ** 2)) + 0.004)
        for r in np.linspace(1, 0.002, 24)
    ]
    base = s.lathe('disc', profile, s.material('disc', '#2c1c0a', 0.8))
    base.matrix_world = s.Matrix.Translation(HEAD) @ FACE.to_matrix().to_4x4()
    return [florets, base]


def stem_and_leaves():
    path = [(0.03, 0.03, -0.1), (0.02, 0.035, 0.12), (0.0, 0.035, 0.3), (0.0, 0.02, 0.4), HEAD]
    stem = s.tube(
        'stem',
        path,
        [0.013, 0.012, 0.011, 0.011, 0.02],
        s.material('stem', '#67803a', 0.6),
        sides=24,
    )
    grids = []
    for k in range(16):
        turn = 2 * np.pi * k / 16 + RNG.normal(0, 0.1)
        points = s.placed(s.blade(0.05, 0.022, HEART, bend=-0.5, fold=0.3), rotation=(-0.1, 0, 0))
        points = s.placed(points + (0, 0.036, -0.012), rotation=(0, 0, turn))
        grids.append((s.placed(points, HEAD, FACE), GREEN * RNG.uniform(0.8, 1.2)))
    for height, turn, size, droop in [
        (0.2, 1.9, 0.21, -1.0),
        (0.13, -1.75, 0.2, -0.8),
        (0.27, -2.9, 0.16, -0.6),
        (0.05, 2.6, 0.2, -0.6),
    ]:
        leaf = s.blade(
            size,
            size * 0.72,
            HEART,
            bend=droop,
            fold=0.22,
            wave=0.05,
            rows=40,
            columns=31,
            phase=turn,
        )
        u = np.abs(np.linspace(-1, 1, 31))[None, :]
        t = np.linspace(0, 1, 40)[:, None]
        vein = np.exp(-((u / 0.03) ** 2)) + 0.6 * np.exp(
            -((np.sin((t - u * 0.28) * 22) / 0.22) ** 2)
        ) * (u > 0.03)
        leaf[..., 2] -= 0.0015 * vein
        leaf = s.placed(leaf, rotation=(0.55, 0, 0))
        leaf = s.placed(leaf + (0, 0.03, 0), (0.02, 0.035, height), (0, 0, turn))
        grids.append((leaf, GREEN + (PALE - GREEN) * np.clip(vein, 0, 1)[..., None] * 0.8))
        start = s.placed(
            np.array([[0, 0.005, -0.02], [0, 0.02, -0.004], [0, 0.045, 0.006]]),
            (0.02, 0.035, height),
            (0, 0, turn),
        )
        grids.append(
            (start[:, None] + np.array([[-0.002, 0, 0], [0, 0, 0.003], [0.002, 0, 0]]), PALE)
        )
    leaves = s.patches('leaves', grids, s.tint_material('leaf', 0.5, 0.3))
    root, normal = s.scatter(stem, 9000, RNG)
    fuzz = s.strands(
        root, normal, normal + (0, 0, 0.3), 0.005, RNG, steps=4, lift=1.0, curl=0.2, clump=0
    )
    tint = np.repeat(np.array([s.srgb('#d8dcb0')[:3]]), len(root), 0)
    return [stem, leaves, s.hairs('fuzz', fuzz, 0.00009, tint, s.tint_material('fuzz', 0.5, 0.5))]


def main():
    s.reset(exposure=1.1, look='AgX - Punchy')
    outdoors.sunflower_field(RNG)
    subject = [petals(), *disc(), *stem_and_leaves()]
    s.sky(elevation=38, rotation=120, strength=0.14, sun=0.5, sun_size=2)
    s.lamp((-0.8, -1.8, 0.9), HEAD, 10, 1.4, '#fff6e6')
    s.camera((0.1, -1.3, 0.42), (0.015, 0, 0.385), focal=85, aperture=2.8, focus=(0, -0.06, 0.42))
    s.shoot('sunflower', subject, width=1440, height=1080, samples=10)


main()
