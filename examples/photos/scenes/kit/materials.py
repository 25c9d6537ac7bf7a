# SPDX-License-Identifier: Apache-2.0
"""Materials: Principled shaders with procedural textures."""

import bpy


def srgb(text):
    """'#d97b32' as the linear RGBA that Blender expects."""
    values = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values] + [1.0]


class Nodes:
    """A thin layer over a node tree: add() makes a node; inputs that are sockets become links."""

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
        node = self.add(
            'ShaderNodeTexNoise',
            {'Scale': scale, 'Detail': detail, 'Roughness': rough, 'Distortion': distortion},
        )
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

    def math(self, operation, a, b=0.5, c=0.0):
        return self.add('ShaderNodeMath', {0: a, 1: b, 2: c}, operation=operation).outputs[0]

    def bump(self, height, strength=0.3, distance=0.002):
        return self.add(
            'ShaderNodeBump', {'Height': height, 'Strength': strength, 'Distance': distance}
        ).outputs[0]


def material(name, color='#888888', rough=0.5, build=None, **principled):
    """A Principled material; build(nodes) may return inputs that replace the plain ones."""
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
    tint = nodes.math('MULTIPLY', random, 0.35)
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
        color = nodes.mix(
            nodes.math('MULTIPLY', pores, 0.35),
            nodes.ramp(grain, [(0.3, dark), (0.52, light), (0.72, dark)]),
            dark,
        )
        return {
            'Base Color': color,
            'Roughness': nodes.math('MULTIPLY_ADD', pores, 0.25, rough - 0.1),
            'Normal': nodes.bump(nodes.math('ADD', pores, grain), 0.25, 0.0012),
        }

    return material(name, light, build=build)
