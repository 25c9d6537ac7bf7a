# SPDX-License-Identifier: Apache-2.0
"""What all scenes share: materials, light, fur, the camera, and the way from a render to a photo and its mask.

A scene builds its objects, names those that are the subject, and calls shoot(), which renders twice: the picture,
then the same view with everything but the subject as a holdout, whose alpha is the exact mask (focus blur included).
"""

import argparse
import math
import os
import tempfile

import bpy
import numpy as np
from mathutils import Euler, Matrix, Vector
from PIL import Image, ImageFilter

PHOTOS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def reset(exposure=0.0, look='AgX - Medium High Contrast'):
    """Starts from an empty scene with the film and sampler settings that all pictures use."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = 'CYCLES'
    scene.render.image_settings.file_format = 'PNG'
    scene.render.image_settings.color_mode = 'RGBA'
    scene.view_settings.view_transform = 'AgX'
    scene.view_settings.look = look
    scene.view_settings.exposure = exposure
    cycles = scene.cycles
    cycles.device = 'CPU'
    cycles.seed = 7
    cycles.max_bounces = 5
    cycles.transparent_max_bounces = 8
    cycles.sample_clamp_indirect = 6
    cycles.caustics_reflective = False
    cycles.caustics_refractive = False
    return scene


# ---- materials ------------------------------------------------------------------------------------------------


def srgb(text):
    """'#d97b32' as the linear RGBA that Blender expects."""
    values = [int(text[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values] + [1.0]


class Nodes:
    """A thin layer over a node tree: add() makes a node, sets its inputs and properties, and links sockets given as values."""

    def __init__(self, tree):
        self.tree = tree

    def add(self, kind, inputs=None, **properties):
        node = self.tree.nodes.new(kind)
        for name, value in properties.items():
            setattr(node, name, value)
        for key, value in (inputs or {}).items():
            self.put(node.inputs[key], value)
        return node

    def put(self, socket, value):
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def coordinates(self, kind='Object', scale=(1, 1, 1)):
        source = self.add('ShaderNodeTexCoord').outputs[kind]
        return self.add('ShaderNodeMapping', {'Vector': source, 'Scale': scale}).outputs[0]

    def noise(self, scale, detail=6.0, rough=0.55, distortion=0.0, vector=None):
        node = self.add('ShaderNodeTexNoise', {'Scale': scale, 'Detail': detail, 'Roughness': rough,
                                               'Distortion': distortion})
        self.put(node.inputs['Vector'], vector or self.coordinates())
        return node.outputs['Fac']

    def ramp(self, factor, stops):
        """stops: (position, colour) pairs; colours as '#rrggbb' or a grey value."""
        node = self.add('ShaderNodeValToRGB', {'Fac': factor})
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, color) in zip(elements, stops):
            element.position = position
            element.color = srgb(color) if isinstance(color, str) else [color, color, color, 1]
        return node.outputs['Color']

    def mix(self, factor, a, b, mode='MIX'):
        node = self.add('ShaderNodeMix', data_type='RGBA', blend_type=mode)
        for index, value in ((0, factor), (6, a), (7, b)):
            self.put(node.inputs[index], srgb(value) if isinstance(value, str) else value)
        return node.outputs[2]

    def math(self, operation, a, b=0.5):
        return self.add('ShaderNodeMath', {0: a, 1: b}, operation=operation).outputs[0]

    def bump(self, height, strength=0.3, distance=0.002):
        return self.add('ShaderNodeBump', {'Height': height, 'Strength': strength, 'Distance': distance}).outputs[0]


def material(name, color='#888888', rough=0.5, build=None, **principled):
    """A Principled material. build(nodes) may return a dict of inputs (sockets or values) that replace the plain ones."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    made.node_tree.nodes.clear()
    nodes = Nodes(made.node_tree)
    shader = nodes.add('ShaderNodeBsdfPrincipled')
    output = nodes.add('ShaderNodeOutputMaterial')
    nodes.put(output.inputs['Surface'], shader.outputs[0])
    inputs = {'Base Color': srgb(color) if isinstance(color, str) else color, 'Roughness': rough}
    inputs.update({key.replace('_', ' '): value for key, value in principled.items()})
    inputs.update(build(nodes) if build else {})
    displacement = inputs.pop('Displacement', None)
    for key, value in inputs.items():
        nodes.put(shader.inputs[key], value)
    if displacement is not None:
        nodes.put(output.inputs['Displacement'], displacement)
    return made


def leaf_material(name, front, back, gloss=0.35, vein=None):
    """Leaves let the light through: a glossy surface mixed with a translucent one."""
    made = material(name, front, gloss)
    nodes = Nodes(made.node_tree)
    shader = next(n for n in made.node_tree.nodes if n.type == 'BSDF_PRINCIPLED')
    output = next(n for n in made.node_tree.nodes if n.type == 'OUTPUT_MATERIAL')
    random = nodes.add('ShaderNodeObjectInfo').outputs['Random']
    tint = nodes.math('MULTIPLY_ADD', random, 0.35)
    tint.node.inputs[2].default_value = 0.0
    color = nodes.mix(tint, front, back)
    if vein:
        color = vein(nodes, color)
    nodes.put(shader.inputs['Base Color'], color)
    through = nodes.add('ShaderNodeBsdfTranslucent', {'Color': nodes.mix(0.5, color, back)})
    both = nodes.add('ShaderNodeMixShader', {0: 0.35, 1: shader.outputs[0], 2: through.outputs[0]})
    nodes.put(output.inputs['Surface'], both.outputs[0])
    return made


def wood(name, dark='#5b3a21', light='#a9774a', scale=1.0, rough=0.38, stretch=(1, 14, 14)):
    """Boards along x: growth rings from stretched noise, pores as bump."""

    def build(nodes):
        along = nodes.coordinates(scale=tuple(s * scale for s in stretch))
        grain = nodes.noise(1.6, 8, 0.62, 1.4, along)
        pores = nodes.noise(9.0, 4, 0.7, 0.2, along)
        color = nodes.mix(nodes.math('MULTIPLY', pores, 0.35), nodes.ramp(grain, [(0.3, dark), (0.52, light), (0.72, dark)]), dark)
        return {'Base Color': color, 'Roughness': nodes.math('MULTIPLY_ADD', pores, 0.25),
                'Normal': nodes.bump(nodes.math('ADD', pores, grain), 0.25, 0.0012)}

    made = material(name, light, rough, build)
    for node in made.node_tree.nodes:
        if node.type == 'MATH' and node.operation == 'MULTIPLY_ADD':
            node.inputs[2].default_value = rough - 0.1
    return made


# ---- objects --------------------------------------------------------------------------------------------------


def link(name, data, mat=None, location=(0, 0, 0), rotation=(0, 0, 0), scale=(1, 1, 1)):
    made = bpy.data.objects.new(name, data)
    made.location, made.rotation_euler, made.scale = location, rotation, scale
    if mat is not None and data is not None:
        data.materials.clear()
        data.materials.append(mat)
    bpy.context.scene.collection.objects.link(made)
    return made


def mesh(name, vertices, faces, mat=None, smooth=True, **place):
    data = bpy.data.meshes.new(name)
    data.from_pydata([tuple(v) for v in vertices], [], faces)
    data.validate()
    data.polygons.foreach_set('use_smooth', [smooth] * len(data.polygons))
    return link(name, data, mat, **place)


def sphere(name, location, radius, mat=None, segments=48, rotation=(0, 0, 0)):
    """An ellipsoid where radius is a triple."""
    radius = (radius,) * 3 if isinstance(radius, (int, float)) else radius
    bpy.ops.mesh.primitive_uv_sphere_add(segments=segments, ring_count=segments // 2, radius=1, location=location,
                                         rotation=rotation)
    made = bpy.context.object
    made.name, made.scale = name, radius
    bpy.ops.object.shade_smooth()
    if mat:
        made.data.materials.append(mat)
    return made


def lathe(name, profile, mat=None, steps=96, **place):
    """Turns (radius, height) points about the z axis."""
    rings = [[(r * math.cos(2 * math.pi * i / steps), r * math.sin(2 * math.pi * i / steps), z) for i in range(steps)]
             for r, z in profile]
    faces = [(k * steps + i, k * steps + (i + 1) % steps, (k + 1) * steps + (i + 1) % steps, (k + 1) * steps + i)
             for k in range(len(profile) - 1) for i in range(steps)]
    return mesh(name, [v for ring in rings for v in ring], faces, mat, **place)


def spline(points, count):
    """Catmull-Rom through points (n x d): count points along it."""
    points = np.asarray(points, float)
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0, len(points) - 1, count)
    k = np.minimum(t.astype(int), len(points) - 2)
    f = (t - k)[:, None]
    a, b, c, d = padded[k], padded[k + 1], padded[k + 2], padded[k + 3]
    return 0.5 * (2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f ** 2 + (3 * b - a - 3 * c + d) * f ** 3)


def tube(name, points, radius, mat=None, count=64, sides=16, smooth=True, closed=False):
    """A tube along a smooth path; radius is a number, or one number per point of the path."""
    curve = bpy.data.curves.new(name, 'CURVE')
    curve.dimensions = '3D'
    curve.bevel_depth = 1.0
    curve.bevel_resolution = max(1, sides // 4)
    curve.use_fill_caps = not closed
    radii = np.full(len(points), radius, float) if np.isscalar(radius) else np.asarray(radius, float)
    data = np.column_stack([np.asarray(points, float), radii])
    if smooth and not closed:
        data = spline(data, count)
    line = curve.splines.new('POLY')
    line.points.add(len(data) - 1)
    line.use_cyclic_u = closed
    line.use_smooth = True
    for point, row in zip(line.points, data):
        point.co = (*row[:3], 1)
        point.radius = max(float(row[3]), 1e-5)
    return link(name, curve, mat)


def box(name, size, mat=None, bevel=0.0, location=(0, 0, 0), rotation=(0, 0, 0)):
    x, y, z = (s / 2 for s in size)
    corners = [(a * x, b * y, c * z) for c in (-1, 1) for b in (-1, 1) for a in (-1, 1)]
    faces = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    made = mesh(name, corners, faces, mat, smooth=False, location=location, rotation=rotation)
    if bevel:
        modifier = made.modifiers.new('bevel', 'BEVEL')
        modifier.width, modifier.segments, modifier.limit_method = bevel, 4, 'NONE'
        made.data.polygons.foreach_set('use_smooth', [True] * 6)
        modifier.harden_normals = True
    return made


def patches(name, grids, mat=None, thickness=0.0):
    """One mesh of many curved sheets (petals, leaves): grids is a list of (points (m, n, 3), colours (m, n, 3))."""
    vertices, faces, colors, start = [], [], [], 0
    for points, color in grids:
        m, n = points.shape[:2]
        index = start + np.arange(m * n).reshape(m, n)
        quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=-1)
        faces += quads.reshape(-1, 4).tolist()
        vertices.append(points.reshape(-1, 3))
        colors.append(np.broadcast_to(color, points.shape).reshape(-1, 3))
        start += m * n
    data = bpy.data.meshes.new(name)
    data.from_pydata(np.vstack(vertices), [], faces)
    data.polygons.foreach_set('use_smooth', [True] * len(data.polygons))
    layer = data.attributes.new('tint', 'FLOAT_COLOR', 'POINT')
    layer.data.foreach_set('color', np.column_stack([np.vstack(colors), np.ones(start)]).astype(np.float32).ravel())
    made = link(name, data, mat)
    if thickness:
        modifier = made.modifiers.new('thickness', 'SOLIDIFY')
        modifier.thickness = thickness
    return made


def blade(length, width, profile, bend=0.0, fold=0.0, twist=0.0, wave=0.0, rows=14, columns=7, phase=0.0):
    """A petal or leaf along +y from the origin, face up (+z): profile gives the half-width (0..1) at 0..1 along it."""
    t = np.linspace(0, 1, rows)[:, None]
    u = np.linspace(-1, 1, columns)[None, :]
    half = np.interp(t, *zip(*profile)) * width / 2
    x = half * u
    lift = fold * np.abs(x) + wave * np.sin(t * 9 + phase) * u ** 2 * width
    angle = bend * t
    safe = np.where(np.abs(angle) < 1e-6, 1e-6, angle)
    radius = length * t / safe
    y = radius * np.sin(safe) - lift * np.sin(angle)
    z = radius * (1 - np.cos(safe)) + lift * np.cos(angle)
    turn = twist * t
    return np.stack([x * np.cos(turn), y + 0 * x, z + x * np.sin(turn)], axis=-1)


def placed(points, location=(0, 0, 0), rotation=(0, 0, 0), scale=1.0):
    """Points moved by an Euler rotation and a location."""
    matrix = np.array(Euler(rotation).to_matrix())
    return points * scale @ matrix.T + np.asarray(location, float)


def subdivide(item, levels=2):
    modifier = item.modifiers.new('subdivide', 'SUBSURF')
    modifier.levels = modifier.render_levels = levels
    return item


def melt(name, parts, voxel, smooth=12, mat=None):
    """Joins closed parts into one skin: union by voxels, then smoothing, as clay would close."""
    bpy.ops.object.select_all(action='DESELECT')
    for part in parts:
        part.select_set(True)
    bpy.context.view_layer.objects.active = parts[0]
    bpy.ops.object.convert(target='MESH')
    bpy.ops.object.join()
    made = bpy.context.object
    made.name = name
    bpy.ops.object.transform_apply(location=True, rotation=True, scale=True)
    remesh = made.modifiers.new('remesh', 'REMESH')
    remesh.mode, remesh.voxel_size = 'VOXEL', voxel
    remesh.use_smooth_shade = True
    relax = made.modifiers.new('relax', 'SMOOTH')
    relax.iterations, relax.factor = smooth, 0.5
    bpy.ops.object.convert(target='MESH')
    made.data.materials.clear()
    if mat:
        made.data.materials.append(mat)
    return made


# ---- fur and grass --------------------------------------------------------------------------------------------


def scatter(item, count, rng, weight=None):
    """count random points on the skin of a mesh: positions, normals. weight(positions) in 0..1 thins them out."""
    evaluated = item.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    evaluated.calc_loop_triangles()
    corners = np.empty(len(evaluated.loop_triangles) * 3, np.int32)
    evaluated.loop_triangles.foreach_get('vertices', corners)
    vertices = np.empty(len(evaluated.vertices) * 3, np.float32)
    evaluated.vertices.foreach_get('co', vertices)
    normals = np.empty(len(evaluated.vertices) * 3, np.float32)
    evaluated.vertex_normals.foreach_get('vector', normals)
    matrix = np.array(item.matrix_world)
    vertices = vertices.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
    normals = normals.reshape(-1, 3) @ np.linalg.inv(matrix[:3, :3])
    triangles = corners.reshape(-1, 3)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    pick = rng.choice(len(triangles), count, p=area / area.sum())
    u, v = rng.random((2, count, 1))
    flip = u + v > 1
    u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
    position = a[pick] + u * (b[pick] - a[pick]) + v * (c[pick] - a[pick])
    na, nb, nc = (normals[triangles[pick][:, i]] for i in range(3))
    normal = na + u * (nb - na) + v * (nc - na)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    if weight is not None:
        keep = rng.random(count) < weight(position)
        position, normal = position[keep], normal[keep]
    return position, normal


def paint(item, coloring, rough=0.9):
    """Gives the skin under fur the colour of the hair on it: coloring(positions, normals) answers (n, 3), linear."""
    data = item.data
    count = len(data.vertices)
    position, normal = np.empty((2, count * 3), np.float32)
    data.vertices.foreach_get('co', position)
    data.vertex_normals.foreach_get('vector', normal)
    color = coloring(position.reshape(-1, 3).astype(float), normal.reshape(-1, 3).astype(float))
    layer = data.attributes.new('tint', 'FLOAT_COLOR', 'POINT')
    layer.data.foreach_set('color', np.column_stack([color, np.ones(count)]).astype(np.float32).ravel())

    def build(nodes):
        return {'Base Color': nodes.add('ShaderNodeAttribute', attribute_name='tint').outputs['Color']}

    data.materials.clear()
    data.materials.append(material(item.name, rough=rough, build=build))


def hairs(name, points, radius, color, mat, tip=0.15):
    """Curves from an array of (strand, point, xyz); radius per strand at the root; color (strand, 3), linear."""
    count, length = points.shape[:2]
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves([length] * count)
    curves.attributes['position'].data.foreach_set('vector', points.astype(np.float32).ravel())
    taper = np.linspace(1, tip, length) ** 0.7
    radii = (np.broadcast_to(radius, count)[:, None] * taper).astype(np.float32)
    attribute = curves.attributes.get('radius') or curves.attributes.new('radius', 'FLOAT', 'POINT')
    attribute.data.foreach_set('value', radii.ravel())
    tint = curves.attributes.new('tint', 'FLOAT_COLOR', 'CURVE')
    tint.data.foreach_set('color', np.column_stack([color, np.ones(count)]).astype(np.float32).ravel())
    return link(name, curves, mat)


def fur_material(name, rough=0.45, sheen=0.0):
    """Hair that takes its colour from the strands' tint, darker at the roots."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    made.node_tree.nodes.clear()
    nodes = Nodes(made.node_tree)
    tint = nodes.add('ShaderNodeAttribute', attribute_name='tint').outputs['Color']
    along = nodes.add('ShaderNodeHairInfo').outputs['Intercept']
    color = nodes.mix(nodes.ramp(along, [(0.0, 0.55), (0.7, 1.0)]), (0, 0, 0, 1), tint)
    hair = nodes.add('ShaderNodeBsdfHairPrincipled', parametrization='COLOR')
    hair.model = 'CHIANG'
    nodes.put(hair.inputs['Color'], color)
    nodes.put(hair.inputs['Roughness'], rough)
    nodes.put(hair.inputs['Radial Roughness'], 0.6)
    nodes.put(hair.inputs['Random Roughness'], 0.2)
    if 'Coat' in hair.inputs:
        nodes.put(hair.inputs['Coat'], sheen)
    nodes.put(nodes.add('ShaderNodeOutputMaterial').inputs['Surface'], hair.outputs[0])
    return made


def strands(root, normal, comb, length, rng, steps=6, lift=0.45, curl=0.15, clump=0.35, clumps=12):
    """Bends strands from the normal towards the combed direction, ruffles them and draws neighbours together at the tips."""
    count = len(root)
    flow = comb - normal * np.sum(comb * normal, axis=1, keepdims=True)
    flow /= np.maximum(np.linalg.norm(flow, axis=1, keepdims=True), 1e-6)
    ruffle = rng.normal(0, curl, (count, 3))
    length = np.broadcast_to(length, count)[:, None] * rng.uniform(0.7, 1.15, (count, 1))
    points = np.empty((count, steps, 3))
    points[:, 0] = root - normal * 0.0005
    for step in range(1, steps):
        t = step / (steps - 1)
        direction = normal * lift * (1.3 - t) + flow * (0.35 + t) + ruffle * (0.4 + t)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        points[:, step] = points[:, step - 1] + direction * length / (steps - 1)
    if clump:
        draw_together(points, clump, max(1, count // clumps), rng)
    return points


def draw_together(points, strength, leaders, rng):
    """Moves each strand's tip towards that of its nearest leader strand."""
    from mathutils.kdtree import KDTree
    chosen = rng.choice(len(points), leaders, replace=False)
    tree = KDTree(leaders)
    for index, strand in enumerate(chosen):
        tree.insert(points[strand, 0], index)
    tree.balance()
    nearest = chosen[[tree.find(root)[1] for root in points[:, 0]]]
    ease = (np.linspace(0, 1, points.shape[1]) ** 1.5 * strength)[None, :, None]
    points += (points[nearest] - points) * ease * rng.uniform(0.4, 1, (len(points), 1, 1))


def grass(name, count, area, height, rng, mat, colors, keep=None, radius=0.0012):
    """Blades on the ground z = 0 within area = (x0, x1, y0, y1)."""
    root = np.column_stack([rng.uniform(area[0], area[1], count), rng.uniform(area[2], area[3], count), np.zeros(count)])
    if keep is not None:
        root = root[rng.random(count) < keep(root)]
    count = len(root)
    lean = rng.normal(0, 0.45, (count, 3)) * (1, 1, 0)
    up = np.array([0, 0, 1.0])
    size = height * rng.gamma(6, 1 / 6, (count, 1))
    t = np.linspace(0, 1, 6)[None, :, None]
    points = root[:, None] + (up * (t - 0.25 * t ** 2) + lean[:, None] * t ** 2) * size[:, None]
    palette = np.array([srgb(c)[:3] for c in colors])
    tint = palette[rng.integers(0, len(palette), count)] * rng.uniform(0.7, 1.2, (count, 1))
    return hairs(name, points, radius * rng.uniform(0.6, 1.2, count), tint, mat, tip=0.1)


def tint_material(name, rough=0.5, translucent=0.3):
    """For grass blades: a matt surface with the strand's tint, lit from behind too."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    made.node_tree.nodes.clear()
    nodes = Nodes(made.node_tree)
    tint = nodes.add('ShaderNodeAttribute', attribute_name='tint').outputs['Color']
    surface = nodes.add('ShaderNodeBsdfPrincipled', {'Base Color': tint, 'Roughness': rough})
    through = nodes.add('ShaderNodeBsdfTranslucent', {'Color': tint})
    both = nodes.add('ShaderNodeMixShader', {0: translucent, 1: surface.outputs[0], 2: through.outputs[0]})
    nodes.put(nodes.add('ShaderNodeOutputMaterial').inputs['Surface'], both.outputs[0])
    return made


# ---- light and camera -----------------------------------------------------------------------------------------


def sky(elevation=30, rotation=0, strength=0.2, sun=1.0, dust=1.5, sun_size=1.0):
    """A clear sky with its sun; rotation in degrees."""
    world = bpy.data.worlds.new('sky')
    world.use_nodes = True
    nodes = Nodes(world.node_tree)
    texture = nodes.add('ShaderNodeTexSky', sky_type='NISHITA', sun_elevation=math.radians(elevation),
                        sun_rotation=math.radians(rotation), sun_intensity=sun, dust_density=dust,
                        sun_size=math.radians(sun_size))
    background = world.node_tree.nodes['Background']
    nodes.put(background.inputs['Color'], texture.outputs[0])
    nodes.put(background.inputs['Strength'], strength)
    bpy.context.scene.world = world


def room(color='#a8b0bc', strength=0.3):
    """An even, dim light from everywhere."""
    world = bpy.data.worlds.new('room')
    world.use_nodes = True
    background = world.node_tree.nodes['Background']
    background.inputs['Color'].default_value = srgb(color)
    background.inputs['Strength'].default_value = strength
    bpy.context.scene.world = world


def lamp(location, target, power, size=1.0, color='#ffffff', height=None):
    """A soft rectangular light at location, turned to target."""
    data = bpy.data.lights.new('lamp', 'AREA')
    data.energy, data.size, data.color = power, size, srgb(color)[:3]
    if height:
        data.shape, data.size_y = 'RECTANGLE', height
    made = link('lamp', data, location=location)
    made.rotation_euler = (Vector(target) - Vector(location)).to_track_quat('-Z', 'Y').to_euler()
    return made


def camera(location, target, focal=85, aperture=2.8, focus=None, blades=7):
    """A full-frame camera; focus is the point that is sharp (the target by default)."""
    data = bpy.data.cameras.new('camera')
    data.lens = focal
    data.clip_start = 0.01
    data.dof.use_dof = True
    data.dof.aperture_fstop = aperture
    data.dof.aperture_blades = blades
    view = Vector(target) - Vector(location)
    made = link('camera', data, location=location, rotation=view.to_track_quat('-Z', 'Y').to_euler())
    data.dof.focus_distance = (Vector(focus if focus is not None else target) - Vector(location)).dot(view.normalized())
    bpy.context.scene.camera = made
    return made


# ---- from the scene to the files ------------------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('--out', default=PHOTOS, help='folder for NAME.jpg and masks/NAME.png')
    parser.add_argument('--scale', type=float, default=1.0, help='of the size, for previews')
    parser.add_argument('--samples', type=int, default=0, help='per pixel, instead of the scene\'s own number')
    parser.add_argument('--only', choices=['photo', 'mask'], help='render one of the two')
    return parser.parse_args()


def shoot(name, subject, width=1600, height=1200, samples=20, quality=90, grain=0.012):
    """Renders photo and mask of the scene; subject is a list of objects."""
    options = arguments()
    scene = bpy.context.scene
    scene.render.resolution_x = round(width * options.scale)
    scene.render.resolution_y = round(height * options.scale)
    os.makedirs(os.path.join(options.out, 'masks'), exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        if options.only != 'mask':
            pixels = render_photo(scene, folder, options.samples or samples)
            photo = develop(pixels, grain)
            photo.save(os.path.join(options.out, f'{name}.jpg'), quality=quality, optimize=True, subsampling=2)
        if options.only != 'photo':
            mask = render_mask(scene, folder, subject)
            mask.save(os.path.join(options.out, 'masks', f'{name}.png'), optimize=True)


def render_photo(scene, folder, samples):
    scene.cycles.samples = samples
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.adaptive_threshold = 0.06
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = 'OPENIMAGEDENOISE'
    scene.render.image_settings.color_depth = '16'
    scene.render.filepath = os.path.join(folder, 'photo.png')
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    image.colorspace_settings.name = 'Non-Color'
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(image.size[1], image.size[0], 4)[::-1, :, :3]


def develop(pixels, grain):
    """What lens and film add: a little softness, darker corners, grain that is strongest in the middle tones."""
    height, width = pixels.shape[:2]
    rng = np.random.default_rng(1)
    y, x = np.mgrid[-1:1:height * 1j, -1:1:width * 1j]
    pixels = pixels * (1 - 0.07 * (x * x + y * y))[..., None]
    noise = rng.normal(0, grain, (height, width, 1)) + rng.normal(0, grain * 0.4, (height, width, 3))
    tone = np.mean(pixels, axis=2, keepdims=True)
    pixels = pixels + noise * (0.35 + 2.6 * tone * (1 - tone))
    photo = Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
    return photo.filter(ImageFilter.GaussianBlur(0.45))


def render_mask(scene, folder, subject):
    """The subject's coverage: all else is a hole, light does not matter."""
    for item in scene.objects:
        item.is_holdout = item not in subject
    scene.render.film_transparent = True
    cycles = scene.cycles
    cycles.use_denoising = cycles.use_adaptive_sampling = False
    cycles.samples = 32
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = cycles.transmission_bounces = 0
    bpy.context.scene.world = None
    for lamp_data in bpy.data.lights:
        lamp_data.energy = 0
    scene.render.image_settings.color_depth = '8'
    scene.render.filepath = os.path.join(folder, 'mask.png')
    bpy.ops.render.render(write_still=True)
    with Image.open(scene.render.filepath) as image:
        return image.getchannel('A').filter(ImageFilter.GaussianBlur(0.45))
