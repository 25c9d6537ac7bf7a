# SPDX-License-Identifier: Apache-2.0
"""Objects from code: turned bodies, tubes, boxes, sheets, and parts melted into one skin."""

import math

import bpy
import numpy as np
from mathutils import Euler


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
    bpy.ops.mesh.primitive_uv_sphere_add(
        segments=segments, ring_count=segments // 2, radius=1, location=location, rotation=rotation
    )
    made = bpy.context.object
    made.name, made.scale = name, radius
    bpy.ops.object.shade_smooth()
    if mat:
        made.data.materials.append(mat)
    return made


def lathe(name, profile, mat=None, steps=96, **place):
    """Turns (radius, height) points about the z axis."""
    rings = [
        [
            (r * math.cos(2 * math.pi * i / steps), r * math.sin(2 * math.pi * i / steps), z)
            for i in range(steps)
        ]
        for r, z in profile
    ]
    faces = [
        (
            k * steps + i,
            k * steps + (i + 1) % steps,
            (k + 1) * steps + (i + 1) % steps,
            (k + 1) * steps + i,
        )
        for k in range(len(profile) - 1)
        for i in range(steps)
    ]
    return mesh(name, [v for ring in rings for v in ring], faces, mat, **place)


def spline(points, count):
    """Catmull-Rom through points (n x d): count points along it."""
    points = np.asarray(points, float)
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0, len(points) - 1, count)
    k = np.minimum(t.astype(int), len(points) - 2)
    f = (t - k)[:, None]
    a, b, c, d = padded[k], padded[k + 1], padded[k + 2], padded[k + 3]
    return 0.5 * (
        2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f**2 + (3 * b - a - 3 * c + d) * f**3
    )


def tube(name, points, radius, mat=None, count=64, sides=16, smooth=True, closed=False):
    """A tube along a smooth path; radius is a number, or one number per point of the path."""
    curve = bpy.data.curves.new(name, 'CURVE')
    curve.dimensions = '3D'
    curve.bevel_depth = 1.0
    curve.bevel_resolution = max(1, sides // 4)
    curve.use_fill_caps = not closed
    radii = (
        np.full(len(points), radius, float) if np.isscalar(radius) else np.asarray(radius, float)
    )
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
    """One mesh of many sheets (petals, leaves): a list of (points (m, n, 3), colours (m, n, 3))."""
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
    layer.data.foreach_set(
        'color', np.column_stack([np.vstack(colors), np.ones(start)]).astype(np.float32).ravel()
    )
    made = link(name, data, mat)
    if thickness:
        modifier = made.modifiers.new('thickness', 'SOLIDIFY')
        modifier.thickness = thickness
    return made


def blade(
    length, width, profile, bend=0.0, fold=0.0, twist=0.0, wave=0.0, rows=14, columns=7, phase=0.0
):
    """A petal or leaf along +y, face up; profile: pairs of (0..1 along, 0..1 of the width)."""
    t = np.linspace(0, 1, rows)[:, None]
    u = np.linspace(-1, 1, columns)[None, :]
    half = np.interp(t, *zip(*profile)) * width / 2
    x = half * u
    lift = fold * np.abs(x) + wave * np.sin(t * 9 + phase) * u**2 * width
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
