# SPDX-License-Identifier: Apache-2.0
"""A rag doll with loose hair in the wind, sitting on a garden bench."""

import kit as s
import numpy as np
import outdoors

RNG = np.random.default_rng(8)
HEAD, HEAD_RADIUS = np.array((0.0, 0.0, 0.305)), np.array((0.064, 0.06, 0.064))
TURN = s.Euler((0.0, 0.07, 0.16))


def cloth(name, color, scale=520, strength=0.5, pattern=None):
    """Woven linen: warp and weft as two crossed waves."""

    def build(nodes):
        at = nodes.coordinates()
        warp = nodes.add(
            'ShaderNodeTexWave',
            {'Vector': at, 'Scale': scale, 'Distortion': 1.5},
            bands_direction='X',
        ).outputs['Fac']
        weft = nodes.add(
            'ShaderNodeTexWave',
            {'Vector': at, 'Scale': scale, 'Distortion': 1.5},
            bands_direction='Z',
        ).outputs['Fac']
        weave = nodes.math('MULTIPLY', warp, weft)
        base = pattern(nodes, at) if pattern else nodes.mix(nodes.noise(40, 5), color, color)
        return {
            'Base Color': nodes.mix(
                nodes.math('MULTIPLY', weave, 0.25), base, (1, 1, 1, 1), 'OVERLAY'
            ),
            'Normal': nodes.bump(weave, strength, 0.0008),
        }

    return s.material(name, color, 0.85, build, Sheen_Weight=0.3)


def knit(name, light, dark):
    """Rows of V-shaped stitches."""

    def build(nodes):
        parts = nodes.add('ShaderNodeSeparateXYZ', {0: nodes.coordinates()})
        turn = nodes.math('ARCTAN2', parts.outputs[1], parts.outputs[0])
        column = nodes.math('PINGPONG', nodes.math('MULTIPLY', turn, 15), 1.0)
        height = nodes.math('MULTIPLY', parts.outputs[2], 230)
        stitch = nodes.math(
            'SINE',
            nodes.math(
                'MULTIPLY', nodes.math('ADD', height, nodes.math('MULTIPLY', column, 1.2)), 6.283
            ),
            0,
        )
        edge = nodes.math('SINE', nodes.math('MULTIPLY', column, 3.1416), 0)
        relief = nodes.math('MULTIPLY', nodes.math('MULTIPLY_ADD', stitch, 0.5, 0.5), edge)
        band = nodes.ramp(
            nodes.math('PINGPONG', nodes.math('MULTIPLY', parts.outputs[2], 26), 1.0),
            [(0.78, light), (0.8, dark)],
        )
        return {
            'Base Color': nodes.mix(nodes.math('MULTIPLY_ADD', relief, 0.3, 0.7), '#000000', band),
            'Normal': nodes.bump(relief, 0.9, 0.0016),
        }

    return s.material(name, light, 0.9, build, Sheen_Weight=0.5)


def dots(nodes, at):
    cells = nodes.add(
        'ShaderNodeTexVoronoi', {'Vector': at, 'Scale': 62.0, 'Randomness': 0.6}
    ).outputs['Distance']
    return nodes.ramp(cells, [(0.2, '#f4ece0'), (0.23, '#2e6a78')])


def on_head(points):
    matrix = np.array(TURN.to_matrix())
    return (np.asarray(points, float) - HEAD) @ matrix.T + HEAD


def surface(x, z, lift=0.0):
    """The point of the face at (x, z), slightly before the skin."""
    depth = 1 - ((x - HEAD[0]) / HEAD_RADIUS[0]) ** 2 - ((z - HEAD[2]) / HEAD_RADIUS[2]) ** 2
    return np.array((x, HEAD[1] - HEAD_RADIUS[1] * np.sqrt(max(depth, 0)) - lift, z))


def face(skin):
    head = s.sphere('head', tuple(HEAD), tuple(HEAD_RADIUS), skin, 96)
    made = [head]
    bead = s.material('bead', '#08060a', 0.12, Coat_Weight=1.0)
    thread, rose = s.material('thread', '#8a2a2a', 0.7), s.material('thread', '#5a3418', 0.8)
    for side in (-1, 1):
        made.append(
            s.sphere(
                'eye',
                tuple(on_head(surface(side * 0.0235, 0.308, 0.0008))),
                (0.0075, 0.005, 0.0082),
                bead,
                32,
            )
        )
        brow = [
            on_head(surface(side * x, z, 0.0006))
            for x, z in [(0.014, 0.3285), (0.024, 0.332), (0.033, 0.328)]
        ]
        made.append(s.tube('brow', brow, [0.0008, 0.0011, 0.0007], rose))
        lash = [
            on_head(surface(side * x, z, 0.0006)) for x, z in [(0.0295, 0.3125), (0.034, 0.3165)]
        ]
        made.append(s.tube('lash', lash, 0.0007, rose, 8))
    mouth = [
        on_head(surface(x, 0.276 + 11.0 * x * x, 0.0006)) for x in np.linspace(-0.0175, 0.0175, 9)
    ]
    made.append(s.tube('mouth', mouth, 0.0011, thread))
    made.append(
        s.sphere(
            'nose', tuple(on_head(surface(0.0, 0.295, 0.001))), (0.0062, 0.005, 0.0052), skin, 32
        )
    )
    return made


def skin_material():
    def build(nodes):
        at = nodes.coordinates()
        warp = nodes.add(
            'ShaderNodeTexWave',
            {'Vector': at, 'Scale': 26.0, 'Distortion': 1.0},
            bands_direction='X',
        ).outputs['Fac']
        weft = nodes.add(
            'ShaderNodeTexWave',
            {'Vector': at, 'Scale': 26.0, 'Distortion': 1.0},
            bands_direction='Z',
        ).outputs['Fac']
        color = s.srgb('#eec4a2')
        parts = nodes.add('ShaderNodeSeparateXYZ', {0: at})
        side = nodes.math('ABSOLUTE', parts.outputs[0], 0)
        spot = nodes.add(
            'ShaderNodeCombineXYZ',
            {0: nodes.math('SUBTRACT', side, 0.55), 2: nodes.math('ADD', parts.outputs[2], 0.24)},
        )
        gap = nodes.add('ShaderNodeVectorMath', {0: spot.outputs[0]}, operation='LENGTH').outputs[
            'Value'
        ]
        blush = nodes.ramp(gap, [(0.05, 0.75), (0.24, 0.0)])
        return {
            'Base Color': nodes.mix(blush, tuple(color), '#e0705e'),
            'Normal': nodes.bump(nodes.math('MULTIPLY', warp, weft), 0.35, 0.02),
        }

    return s.material('skin', rough=0.8, build=build, Sheen_Weight=0.3)


def hair():
    """Long auburn strands: they leave the scalp, give way to the head and drift with the wind."""

    def scalp(p):
        q = (p - HEAD) / HEAD_RADIUS
        return ((q[:, 2] > 0.42 - 0.9 * q[:, 1]) | (q[:, 1] > 0.12)) & (q[:, 2] > -0.5)

    pick = RNG.normal(size=(90000, 3))
    pick /= np.linalg.norm(pick, axis=1, keepdims=True)
    root = HEAD + pick * HEAD_RADIUS
    root = root[scalp(root)][:26000]
    count, steps = len(root), 22
    normal = (root - HEAD) / HEAD_RADIUS
    parting = np.sign(normal[:, 0] + 0.15 + RNG.normal(0, 0.03, count))
    fringe = (normal[:, 1] < -0.25) & (np.abs(normal[:, 0]) < 0.75)
    length = RNG.uniform(0.19, 0.27, count)
    length[fringe] = RNG.uniform(0.045, 0.075, fringe.sum())
    swirl = RNG.normal(0, 0.22, (count, 3))
    gust = RNG.uniform(0.55, 1.2, count)
    points = np.empty((count, steps, 3))
    points[:, 0] = root
    direction = normal * 0.7 + np.column_stack([parting * 0.8, -0.25 * fringe, 0 * parting])
    for step in range(1, steps):
        t = step / steps
        pull = (
            np.array((0, 0.12, -1.0)) + np.array((0.95, 0.12, 0.32)) * (t * gust * ~fringe)[:, None]
        )
        wave = (
            0.28 * np.sin(9 * t + 40 * root[:, :1] + 30 * root[:, 2:]) * np.array((0.6, 0.6, 0.2))
        )
        direction = 0.72 * direction + 0.28 * pull + 0.3 * swirl * t + wave * 0.3
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        at = points[:, step - 1] + direction * (length / steps)[:, None]
        inside = np.linalg.norm((at - HEAD) / (HEAD_RADIUS * 1.07), axis=1)
        at = np.where(
            (inside < 1)[:, None], HEAD + (at - HEAD) / np.maximum(inside, 0.2)[:, None], at
        )
        points[:, step] = at
    s.draw_together(points, 0.6, count // 40, RNG)
    flyaway = RNG.random(count) < 0.09
    points[flyaway] += np.cumsum(RNG.normal(0, 0.0014, (flyaway.sum(), steps, 3)), axis=1)
    tones = np.array([s.srgb(c)[:3] for c in ('#8a3a14', '#a8521c', '#6e2c10', '#c0702c')])
    tint = tones[RNG.integers(0, 4, count)] * RNG.uniform(0.7, 1.2, (count, 1))
    points = on_head(points.reshape(-1, 3)).reshape(points.shape)
    return s.hairs(
        'hair',
        points,
        np.where(flyaway, 0.00012, 0.00026),
        tint,
        s.fur_material('hair', 0.3, 0.2),
        tip=0.3,
    )


def dress():
    profile = [
        (0.0001, 0.252),
        (0.02, 0.252),
        (0.03, 0.244),
        (0.042, 0.222),
        (0.045, 0.19),
        (0.043, 0.165),
        (0.05, 0.15),
        (0.085, 0.1),
        (0.1, 0.052),
        (0.104, 0.042),
        (0.1, 0.041),
        (0.06, 0.06),
    ]
    item = s.lathe(
        'dress',
        [tuple(p) for p in s.spline(profile, 90)],
        cloth('cotton', '#2e6a78', 420, 0.4, dots),
        200,
    )
    count = len(item.data.vertices)
    points = np.empty(count * 3, np.float32)
    item.data.vertices.foreach_get('co', points)
    points = points.reshape(-1, 3)
    turn, low = np.arctan2(points[:, 1], points[:, 0]), np.clip((0.165 - points[:, 2]) / 0.1, 0, 1)
    fold = 1 + low * (
        0.07 * np.sin(13 * turn + 0.7 * np.sin(3 * turn)) + 0.03 * np.sin(5 * turn + 1)
    )
    points[:, :2] *= fold[:, None] * (1.0, 0.86)
    front = np.clip(-points[:, 1] / 0.06, 0, 1) * low
    points[:, 1] -= 0.035 * front
    points[:, 2] += front * 0.028 - 0.012 * low * (points[:, 1] > 0)
    item.data.vertices.foreach_set('co', points.ravel())
    collar = s.lathe(
        'collar',
        [
            (0.022, 0.254),
            (0.036, 0.247),
            (0.049, 0.232),
            (0.05, 0.2305),
            (0.048, 0.231),
            (0.02, 0.25),
        ],
        cloth('collar', '#f2ece0'),
        96,
    )
    button = s.material('button', '#e8dcc0', 0.3)
    buttons = [
        s.sphere(
            'button', (0, -0.0395 + 0.01 * (z - 0.19), z), (0.0052, 0.0026, 0.0052), button, 24
        )
        for z in (0.215, 0.192, 0.17)
    ]
    return [item, collar, *buttons]


def limbs():
    skin = cloth('hand', '#eec4a2', 420, 0.3)
    wool, sleeve = (
        knit('stockings', '#efe4d2', '#b8402e'),
        cloth('sleeve', '#2e6a78', 420, 0.4, dots),
    )
    shoe, sole = (
        s.material('shoe', '#5a2c18', 0.3, Coat_Weight=0.4),
        s.material('sole', '#2a1a10', 0.7),
    )
    made = []
    for side in (-1, 1):
        swing = 0.012 * side
        knee = (side * 0.04, -0.112, 0.04)
        made.append(s.tube('thigh', [(side * 0.036, -0.01, 0.034), knee], 0.0185, wool, 8))
        shin = s.tube(
            'shin',
            [(0, 0, 0), (0, -0.004, -0.045), (0, 0.0, -0.1)],
            [0.0187, 0.018, 0.0155],
            wool,
        )
        shin.location = (knee[0] + swing * 0.4, knee[1], knee[2])
        made += [shin, s.sphere('knee', knee, 0.0187, wool, 32)]
        foot = (knee[0] + swing * 0.4, knee[1] - 0.014, knee[2] - 0.108)
        made += [
            s.sphere('shoe', foot, (0.02, 0.034, 0.0165), shoe, 48),
            s.sphere('sole', (foot[0], foot[1], foot[2] - 0.009), (0.021, 0.035, 0.008), sole, 48),
        ]
        arm = [
            (side * 0.036, 0, 0.228),
            (side * 0.07, -0.008, 0.195),
            (side * 0.088, -0.03, 0.15),
            (side * 0.075, -0.072, 0.108),
        ]
        made.append(s.tube('sleeve', arm[:3], [0.019, 0.022, 0.0205], sleeve, 24))
        made.append(s.tube('arm', arm[1:], [0.0135, 0.0135, 0.012], skin, 24))
        made.append(
            s.sphere(
                'hand',
                (side * 0.071, -0.08, 0.1),
                (0.0145, 0.02, 0.013),
                skin,
                32,
                rotation=(0.5, 0, side * 0.3),
            )
        )
    made.append(s.tube('neck', [(0, 0, 0.235), (0, 0, 0.262)], 0.02, skin, 8))
    return made


def main():
    s.reset(exposure=0.2)
    outdoors.garden(RNG)
    skin = skin_material()
    subject = [*face(skin), hair(), *dress(), *limbs()]
    s.sky(elevation=32, rotation=215, strength=0.12, sun=0.45, sun_size=3)
    s.lamp((-0.8, -1.6, 0.9), (0, 0, 0.2), 12, 1.2, '#fff3e4')
    s.camera((-0.22, -1.72, 0.26), (0.04, 0, 0.145), focal=85, aperture=2.8, focus=(0, -0.05, 0.27))
    s.shoot('doll', subject, width=1440, height=1080, samples=10)


main()
