# SPDX-License-Identifier: Apache-2.0
"""A plush fox in a clearing: 260,000 hairs against a blurred forest."""

from types import SimpleNamespace

import bpy
import kit as s
import numpy as np
import outdoors

RNG = np.random.default_rng(4)
NECK = s.Vector((0, 0.0, 0.17))
HEAD = (
    s.Matrix.Translation(NECK)
    @ s.Euler((0.02, 0.1, 0.22)).to_matrix().to_4x4()
    @ s.Matrix.Translation(-NECK)
)
TAIL = [
    (0.02, 0.07, 0.03),
    (0.09, 0.085, 0.036),
    (0.135, 0.03, 0.043),
    (0.132, -0.035, 0.043),
    (0.098, -0.088, 0.038),
]
TAIL_RADIUS = [0.014, 0.025, 0.033, 0.031, 0.008]
EYE = (0.0275, -0.0725, 0.2335)
NOSE = np.array((0, -0.134, 0.2085))


def ball(center, radius, head=False, rotation=(0, 0, 0)):
    item = s.sphere('part', center, radius, rotation=rotation, segments=40)
    if head:
        bpy.context.view_layer.update()
        item.matrix_world = HEAD @ item.matrix_world
    return item


def skin():
    parts = [
        ball((0, 0.022, 0.085), (0.06, 0.06, 0.085)),
        ball((0, -0.012, 0.125), (0.045, 0.042, 0.065)),
        ball((0, -0.03, 0.225), (0.06, 0.052, 0.05), True),
        ball((0, -0.098, 0.209), (0.017, 0.039, 0.0145), True),
        ball((0, -0.07, 0.217), (0.03, 0.035, 0.026), True),
        ball((0, -0.085, 0.1965), (0.0145, 0.03, 0.01), True),
    ]
    for side in (-1, 1):
        parts += [
            ball((side * 0.036, -0.042, 0.208), (0.034, 0.032, 0.027), True),
            ball((side * 0.06, 0.02, 0.05), (0.036, 0.056, 0.048)),
            ball((side * 0.068, -0.04, 0.012), (0.019, 0.034, 0.0125)),
            ball((side * 0.026, -0.068, 0.013), (0.019, 0.028, 0.013)),
            s.tube(
                'leg',
                [
                    (side * 0.026, -0.03, 0.13),
                    (side * 0.026, -0.05, 0.06),
                    (side * 0.026, -0.058, 0.012),
                ],
                [0.026, 0.02, 0.016],
            ),
        ]
        ear = s.lathe(
            'ear',
            [
                (0.0001, 0.0),
                (0.03, 0.0),
                (0.026, 0.02),
                (0.0175, 0.04),
                (0.008, 0.056),
                (0.0001, 0.064),
            ],
        )
        ear.matrix_world = (
            HEAD
            @ s.Matrix.Translation((side * 0.037, -0.016, 0.25))
            @ s.Euler((-0.06, side * 0.32, side * -0.3)).to_matrix().to_4x4()
            @ s.Matrix.Diagonal((1, 0.42, 1, 1))
        )
        parts.append(ear)
    parts.append(s.tube('tail', TAIL, TAIL_RADIUS))
    body = s.melt('fox', parts, 0.0028, 9)
    s.paint(body, lambda position, normal: coloring(regions(position, normal)))
    return body


def step(value, width):
    return np.clip(value / width + 0.5, 0, 1)[:, None]


def regions(root, normal):
    """Where each root sits: in the head's frame, along the tail, on which part of the animal."""
    inverse = np.array(HEAD.inverted())
    local = root @ inverse[:3, :3].T + inverse[:3, 3]
    path = s.spline(TAIL, 60)
    gap = np.linalg.norm(root[:, None] - path[None], axis=2)
    along, gap = gap.argmin(axis=1), gap.min(axis=1)
    tail = (
        (root[:, 0] > 0.06 + 0.4 * np.maximum(0, -0.02 - root[:, 1]))
        & (along > 12)
        & (gap < np.interp(along, np.linspace(0, 59, 5), TAIL_RADIUS) + 0.012)
    )
    head = (local[:, 2] > 0.172) & ~tail
    x = np.abs(local[:, 0])
    ear = head & (x > 0.017) & (local[:, 2] > 0.262 + 0.1 * np.maximum(0, 0.03 - x))
    return SimpleNamespace(
        root=root,
        normal=normal,
        local=local,
        facing=normal @ inverse[:3, :3].T,
        along=along,
        tangent=np.gradient(path, axis=0)[along],
        jitter=RNG.normal(0, 0.003, len(root)),
        tail=tail,
        head=head,
        ear=ear,
        trunk=~head & ~tail,
    )


def legs(at):
    low = step(0.07 - at.root[:, 2] + at.jitter * 3, 0.02)
    return at.trunk[:, None] * step(-0.018 - at.root[:, 1], 0.015) * low


def coloring(at):
    """The fox's pattern: orange; cream muzzle, chest and tail tip; dark legs and ear tips."""
    orange, cream, dark = (np.array(s.srgb(c)[:3]) for c in ('#d9762a', '#f6ead8', '#2b1a14'))
    inner_ear = np.array(s.srgb('#eed9c4')[:3])
    color = np.repeat(orange[None], len(at.root), 0)

    def paint(amount, tone):
        color[:] = color + (tone - color) * amount

    x, y, z = np.abs(at.local[:, 0]), at.local[:, 1], at.local[:, 2] + at.jitter
    muzzle = (
        step(0.2165 + 0.42 * np.maximum(x - 0.016, 0) - z, 0.004)
        * step(-0.034 - y, 0.02)
        * step(x - 0.0105 + 2.2 * np.maximum(0, 0.205 - z), 0.004)
    )
    paint(muzzle * (at.head & ~at.ear)[:, None], cream)
    front = at.ear & (at.facing[:, 1] < -0.45)
    paint(front[:, None] * step(0.302 - z, 0.01) * 0.9, inner_ear)
    paint(at.ear[:, None] * step(z - 0.293, 0.012), dark)
    chest = (
        step(0.036 - np.abs(at.root[:, 0]) - 0.05 * np.abs(at.root[:, 2] - 0.14), 0.012)
        * step(-0.5 - at.normal[:, 1] + at.jitter * 30, 0.3)
        * step(at.root[:, 2] - 0.08, 0.03)
    )
    paint(at.trunk[:, None] * chest, cream)
    paint(legs(at), dark)
    paint(at.tail[:, None] * step(at.along - 44 + at.jitter * 900, 5), cream)
    color *= RNG.uniform(0.72, 1.12, (len(color), 1))
    paint(RNG.random((len(color), 1)) < 0.05, dark * 2)
    for side in (-1, 1):
        ring = np.linalg.norm(at.local - (side * EYE[0], EYE[1], EYE[2]), axis=1)
        paint(step(0.0125 - ring, 0.003) * at.head[:, None], dark)
    return color


def combing(at):
    """Which way the hair lies: away from the nose, down the body, along the tail."""
    comb = np.where(at.head[:, None], at.local - NOSE - (0, 0, 0.01), (0, 0.35, -1.0))
    comb[at.ear] = (0, 0.2, 1.0)
    comb[at.head] = comb[at.head] @ np.array(HEAD)[:3, :3]
    comb[at.tail] = at.tangent[at.tail]
    return comb


def lengths(at):
    length = np.full(len(at.root), 0.015)
    back = np.clip((at.local[:, 1] + 0.085) / 0.06, 0, 1)
    cheek = 0.6 + 12 * np.maximum(0, np.abs(at.local[:, 0]) - 0.035)
    length[at.head] = (0.0045 + 0.016 * back * cheek)[at.head]
    length[at.ear] = 0.007
    length[(legs(at)[:, 0] > 0.3) | (at.root[:, 2] < 0.025)] = 0.0055
    length[at.trunk & (at.normal[:, 1] < -0.4) & (at.root[:, 2] > 0.085)] = 0.021
    bush = np.interp(at.along, [0, 15, 40, 59], [0.014, 0.032, 0.038, 0.042])
    length[at.tail] = bush[at.tail]
    return length


def bare(position):
    """Where no hair grows: around the eyes and on the nose."""
    keep = np.ones(len(position))
    for center, radius in [
        (HEAD @ s.Vector((-EYE[0], *EYE[1:])), 0.0102),
        (HEAD @ s.Vector(EYE), 0.0102),
        (HEAD @ s.Vector(NOSE), 0.009),
    ]:
        keep[np.linalg.norm(position - np.array(center), axis=1) < radius] = 0
    return keep


def eye_material():
    def build(nodes):
        parts = nodes.add('ShaderNodeSeparateXYZ', {0: nodes.coordinates()})
        flat = nodes.add('ShaderNodeCombineXYZ', {0: parts.outputs[0], 1: parts.outputs[2]})
        distance = nodes.add(
            'ShaderNodeVectorMath', {0: flat.outputs[0]}, operation='LENGTH'
        ).outputs['Value']
        return {
            'Base Color': nodes.ramp(
                distance,
                [
                    (0.0, '#050302'),
                    (0.56, '#050302'),
                    (0.6, '#6a3206'),
                    (0.74, '#b06a14'),
                    (0.86, '#0a0503'),
                ],
            )
        }

    return s.material('eye', rough=0.25, build=build, Coat_Weight=1.0, Coat_Roughness=0.02)


def fox():
    body = skin()
    root, normal = s.scatter(body, 260000, RNG, bare)
    at = regions(root, normal)
    color = coloring(at)
    points = s.strands(
        root,
        normal,
        combing(at),
        lengths(at),
        RNG,
        steps=7,
        lift=0.5,
        curl=0.16,
        clump=0.45,
        clumps=14,
    )
    points[:, :, 2] = np.maximum(points[:, :, 2], 0.002)
    fur = s.hairs('fur', points, 0.00016, color, s.fur_material('fur', 0.42), tip=0.1)
    parts = [body, fur]
    eye, nose = eye_material(), s.material('nose', '#0c0908', 0.3, Coat_Weight=0.6)
    for side in (-1, 1):
        parts.append(ball((side * EYE[0], *EYE[1:]), 0.0102, True))
        parts[-1].data.materials.append(eye)
    parts.append(ball(tuple(NOSE + (0, 0.004, 0.002)), (0.0085, 0.0075, 0.0062), True))
    parts[-1].data.materials.append(nose)
    return parts


def main():
    s.reset(exposure=0.35)
    outdoors.forest(RNG)
    subject = fox()
    s.sky(elevation=24, rotation=205, strength=0.12, sun=0.6, sun_size=3)
    s.lamp((-0.9, -1.6, 1.3), (0, 0, 0.15), 16, 1.2, '#fff1de')
    s.camera(
        (-0.28, -1.3, 0.25), (0.025, 0, 0.156), focal=85, aperture=2.8, focus=(0.0, -0.07, 0.2)
    )
    s.shoot('fox', subject, samples=14)


main()
