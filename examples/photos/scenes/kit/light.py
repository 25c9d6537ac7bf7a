# SPDX-License-Identifier: Apache-2.0
"""Light and the camera."""

import math

import bpy
from mathutils import Vector

from .materials import Nodes, srgb
from .shapes import link


def sky(elevation=30, rotation=0, strength=0.2, sun=1.0, dust=1.5, sun_size=1.0):
    """A clear sky with its sun; rotation in degrees."""
    world = bpy.data.worlds.new('sky')
    world.use_nodes = True
    nodes = Nodes(world.node_tree)
    texture = nodes.add(
        'ShaderNodeTexSky',
        sky_type='NISHITA',
        sun_elevation=math.radians(elevation),
        sun_rotation=math.radians(rotation),
        sun_intensity=sun,
        dust_density=dust,
        sun_size=math.radians(sun_size),
    )
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
    made = link(
        'camera', data, location=location, rotation=view.to_track_quat('-Z', 'Y').to_euler()
    )
    data.dof.focus_distance = (
        Vector(focus if focus is not None else target) - Vector(location)
    ).dot(view.normalized())
    bpy.context.scene.camera = made
    return made
