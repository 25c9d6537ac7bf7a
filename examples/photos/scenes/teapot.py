# SPDX-License-Identifier: Apache-2.0
"""A product shot at 12 megapixels: a glazed teapot and its cup on a seamless backdrop."""

import math

import kit as s
import numpy as np

POT = [
    (0.0, 0.006),
    (0.042, 0.006),
    (0.044, 0.0),
    (0.048, 0.001),
    (0.052, 0.008),
    (0.075, 0.026),
    (0.088, 0.055),
    (0.084, 0.084),
    (0.066, 0.106),
    (0.046, 0.117),
    (0.041, 0.119),
]
LID = [
    (0.0445, 0.118),
    (0.045, 0.1205),
    (0.042, 0.1225),
    (0.034, 0.128),
    (0.02, 0.1335),
    (0.008, 0.136),
    (0.0065, 0.139),
    (0.011, 0.146),
    (0.0125, 0.152),
    (0.009, 0.158),
    (0.0, 0.16),
]
CUP = [
    (0.0, 0.004),
    (0.019, 0.004),
    (0.02, 0.0),
    (0.0225, 0.001),
    (0.0235, 0.006),
    (0.032, 0.022),
    (0.0362, 0.045),
    (0.037, 0.0575),
    (0.0355, 0.0585),
    (0.0345, 0.056),
    (0.0335, 0.042),
    (0.029, 0.022),
    (0.018, 0.01),
    (0.0, 0.0085),
]


def glaze(name, body, pool, foot):
    """Celadon: thin and pale at the edges, a bare foot, iron specks, fine crackle."""

    def build(nodes):
        at = nodes.coordinates()
        height = nodes.add('ShaderNodeSeparateXYZ', {0: at}).outputs[2]
        wave = nodes.math('ADD', height, nodes.math('MULTIPLY', nodes.noise(28, 4), 0.006))
        color = nodes.mix(nodes.noise(9, 5, 0.6), body, pool)
        specks = nodes.ramp(nodes.noise(330, 2, 0.6), [(0.66, 0.0), (0.7, 0.85)])
        color = nodes.mix(specks, color, '#4a3826')
        bare = nodes.ramp(nodes.math('MULTIPLY', wave, 50), [(0.62, 1.0), (0.68, 0.0)])
        crackle = nodes.add(
            'ShaderNodeTexVoronoi', {'Vector': at, 'Scale': 75.0}, feature='DISTANCE_TO_EDGE'
        ).outputs['Distance']
        crack = nodes.ramp(crackle, [(0.0, 0.14), (0.02, 0.0)])
        color = nodes.mix(crack, color, '#3d3324')
        return {
            'Base Color': nodes.mix(bare, color, foot),
            'Roughness': nodes.ramp(bare, [(0.0, 0.12), (1.0, 0.8)]),
            'Normal': nodes.bump(nodes.noise(22, 3), 0.12, 0.004),
        }

    return s.material(name, build=build, Subsurface_Weight=0.08, Subsurface_Scale=0.004)


def turned(name, profile, mat, at=(0, 0, 0)):
    return s.lathe(
        name, [(max(r, 0.0), z) for r, z in s.spline(profile, 120)], mat, 180, location=at
    )


def ring(name, center, radius, thickness, mat, tilt=0.0):
    points = [
        (
            center[0] + radius * math.cos(a),
            center[1] + radius * math.sin(a) * math.cos(tilt),
            center[2] + radius * math.sin(a) * math.sin(tilt),
        )
        for a in np.linspace(0, 2 * math.pi, 65)[:-1]
    ]
    return s.tube(name, points, thickness, mat, closed=True)


def handle(bamboo, cane):
    """A bamboo arch over the lid, bound with cane at both ends."""
    arch = [
        (-0.058, 0, 0.108),
        (-0.07, 0, 0.15),
        (-0.056, 0, 0.196),
        (0.0, 0, 0.222),
        (0.056, 0, 0.196),
        (0.07, 0, 0.15),
        (0.058, 0, 0.108),
    ]
    made = [s.tube('handle', arch, 0.0052, bamboo, 90)]
    path = s.spline(arch, 240)
    for k in list(range(14, 44, 3)) + list(range(197, 227, 3)):
        direction = path[k + 1] - path[k]
        knot = ring('binding', (0, 0, 0), 0.0058, 0.0011, cane)
        knot.matrix_world = (
            s.Matrix.Translation(path[k])
            @ s.Vector(direction).to_track_quat('Z', 'Y').to_matrix().to_4x4()
        )
        made.append(knot)
    for side in (-1, 1):
        lug = ring('lug', (0, 0, 0), 0.011, 0.0035, made[0].data.materials[0])
        lug.data.materials[0] = cane
        lug.matrix_world = (
            s.Matrix.Translation((side * 0.0595, 0, 0.107))
            @ s.Euler((math.pi / 2, 0, 0)).to_matrix().to_4x4()
        )
        made.append(lug)
    return made


def mouth(end, direction, mat):
    """The rim of the spout, and the dark inside it."""
    dark = s.material('inside', '#1c1a14', 0.4)
    turn = s.Vector(direction).to_track_quat('Z', 'Y').to_matrix().to_4x4()
    made = [
        ring('rim', (0, 0, 0.0002), 0.0083, 0.0014, mat),
        s.lathe('inside', [(0.0, 0.0006), (0.0078, 0.0006)], dark, 48),
    ]
    for item in made:
        item.matrix_world = s.Matrix.Translation(end) @ turn
    return made


def tea(at):
    return s.lathe(
        'tea',
        [(0.0, 0.046), (0.0338, 0.046)],
        s.material('tea', '#5a2a06', 0.05, Coat_Weight=1.0),
        90,
        location=at,
    )


def tea_set():
    celadon = glaze('celadon', '#9fb3a0', '#7d9a8c', '#a9825a')
    bamboo = s.wood('bamboo', '#9a6f38', '#cfa564', 3.0, 0.35)
    cane = s.material('cane', '#6d4520', 0.6)
    parts = [turned('pot', POT, celadon), turned('lid', LID, celadon)]
    spout = [
        (0.07, 0, 0.045),
        (0.098, 0, 0.06),
        (0.112, 0, 0.086),
        (0.124, 0, 0.112),
        (0.131, 0, 0.117),
    ]
    parts.append(s.tube('spout', spout, [0.021, 0.017, 0.0125, 0.0095, 0.0092], celadon, 80, 32))
    parts += mouth(np.array(spout[-1]), np.array(spout[-1]) - spout[-2], celadon)
    parts += handle(bamboo, cane)
    s.bpy.context.view_layer.update()
    for item in parts:
        item.matrix_world = s.Euler((0, 0, -0.42)).to_matrix().to_4x4() @ item.matrix_world
    cup_at = (0.125, -0.105, 0)
    return [*parts, turned('cup', CUP, celadon, cup_at), tea(cup_at)]


def backdrop():
    """A sheet of paper that curves up behind the table."""
    profile = (
        [(-2.5, 0), (0.6, 0)]
        + [
            (0.6 + 0.5 * math.sin(a), 0.5 - 0.5 * math.cos(a))
            for a in np.linspace(0.1, math.pi / 2, 16)
        ]
        + [(1.1, 4)]
    )
    points = [(x, y, z) for y, z in profile for x in (-4, 4)]
    faces = [(2 * k, 2 * k + 1, 2 * k + 3, 2 * k + 2) for k in range(len(profile) - 1)]
    paper = s.material(
        'paper', '#c9a58c', 0.85, lambda n: {'Normal': n.bump(n.noise(700, 3), 0.08, 0.0006)}
    )
    s.mesh('backdrop', points, faces, paper)


def main():
    s.reset(exposure=0.1)
    backdrop()
    subject = tea_set()
    s.room('#fff4e8', 0.25)
    s.lamp((-0.85, -0.25, 0.75), (0, 0, 0.08), 17, 0.7, '#fff8ef', 0.9)
    s.lamp((0.95, -0.3, 0.5), (0, 0, 0.08), 3.5, 0.5, '#ffffff', 1.0)
    s.lamp((0.1, 0.5, 1.2), (0, 0.3, 0.1), 9, 0.8, '#ffe9d4')
    s.camera((0.1, -1.02, 0.34), (0.022, 0, 0.094), focal=85, aperture=8, focus=(0.03, -0.08, 0.08))
    s.shoot('teapot', subject, width=4000, height=3000, samples=4, quality=86, grain=0.008)


main()
