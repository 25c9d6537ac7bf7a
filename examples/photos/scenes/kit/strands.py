# SPDX-License-Identifier: Apache-2.0
"""Fur, hair, yarn and grass: curves grown from points on a skin or on the ground."""

import bpy
import numpy as np
from mathutils.kdtree import KDTree

from .materials import Nodes, material, srgb
from .shapes import link


def scatter(item, count, rng, weight=None):
    """Random points on a mesh and their normals; weight(positions) in 0..1 thins them out."""
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
    """Gives the skin the colour of its hair: coloring(positions, normals) answers (n, 3)."""
    data = item.data
    count = len(data.vertices)
    position, normal = np.empty((2, count * 3), np.float32)
    data.vertices.foreach_get('co', position)
    data.vertex_normals.foreach_get('vector', normal)
    color = coloring(position.reshape(-1, 3).astype(float), normal.reshape(-1, 3).astype(float))
    layer = data.attributes.new('tint', 'FLOAT_COLOR', 'POINT')
    layer.data.foreach_set(
        'color', np.column_stack([color, np.ones(count)]).astype(np.float32).ravel()
    )

    def build(nodes):
        return {
            'Base Color': nodes.add('ShaderNodeAttribute', attribute_name='tint').outputs['Color']
        }

    data.materials.clear()
    data.materials.append(material(item.name, rough=rough, build=build))


def hairs(name, points, radius, color, mat, tip=0.15):
    """Curves from (strand, point, xyz); radius at the root; color (strand, 3), linear."""
    count, length = points.shape[:2]
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves([length] * count)
    curves.attributes['position'].data.foreach_set('vector', points.astype(np.float32).ravel())
    taper = np.linspace(1, tip, length) ** 0.7
    radii = (np.broadcast_to(radius, count)[:, None] * taper).astype(np.float32)
    attribute = curves.attributes.get('radius') or curves.attributes.new('radius', 'FLOAT', 'POINT')
    attribute.data.foreach_set('value', radii.ravel())
    tint = curves.attributes.new('tint', 'FLOAT_COLOR', 'CURVE')
    tint.data.foreach_set(
        'color', np.column_stack([color, np.ones(count)]).astype(np.float32).ravel()
    )
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
    """Bends strands from the normal to the combed direction, ruffled, tips drawn together."""
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
    root = np.column_stack(
        [
            rng.uniform(area[0], area[1], count),
            rng.uniform(area[2], area[3], count),
            np.zeros(count),
        ]
    )
    if keep is not None:
        root = root[rng.random(count) < keep(root)]
    count = len(root)
    lean = rng.normal(0, 0.45, (count, 3)) * (1, 1, 0)
    up = np.array([0, 0, 1.0])
    size = height * rng.gamma(6, 1 / 6, (count, 1))
    t = np.linspace(0, 1, 6)[None, :, None]
    points = root[:, None] + (up * (t - 0.25 * t**2) + lean[:, None] * t**2) * size[:, None]
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
    both = nodes.add(
        'ShaderNodeMixShader', {0: translucent, 1: surface.outputs[0], 2: through.outputs[0]}
    )
    nodes.put(nodes.add('ShaderNodeOutputMaterial').inputs['Surface'], both.outputs[0])
    return made
