# SPDX-License-Identifier: Apache-2.0
"""From a scene to the files: the picture, then its mask.

The mask is the same view with everything but the subject as a holdout: its alpha is what the
subject covers of each pixel, focus blur included.
"""

import argparse
import os
import tempfile

import bpy
import numpy as np
from PIL import Image, ImageFilter

from .materials import Nodes

PHOTOS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


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


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('--out', default=PHOTOS, help='folder for NAME.jpg and masks/NAME.png')
    parser.add_argument('--scale', type=float, default=1.0, help='of the size, for previews')
    parser.add_argument(
        '--samples', type=int, default=0, help="per pixel, instead of the scene's own number"
    )
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
            photo.save(
                os.path.join(options.out, f'{name}.jpg'),
                quality=quality,
                optimize=True,
                subsampling=2,
            )
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
    """What lens and film add: softness, darker corners, grain that is strongest in middle tones."""
    height, width = pixels.shape[:2]
    rng = np.random.default_rng(1)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    pixels = pixels * (1 - 0.07 * (x * x + y * y))[..., None]
    noise = rng.normal(0, grain, (height, width, 1)) + rng.normal(
        0, grain * 0.4, (height, width, 3)
    )
    tone = np.mean(pixels, axis=2, keepdims=True)
    pixels = pixels + noise * (0.35 + 2.6 * tone * (1 - tone))
    photo = Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
    return photo.filter(ImageFilter.GaussianBlur(0.45))


def render_mask(scene, folder, subject):
    """The subject's coverage: all else is a hole, the subject glows white, so light does not matter.

    Glowing, it also tells the sampler where the mask is still uncertain: along the edges only.
    """
    for item in scene.objects:
        item.is_holdout = item not in subject
    scene.view_layers[0].material_override = glow()
    scene.render.film_transparent = True
    cycles = scene.cycles
    cycles.use_denoising = False
    cycles.use_adaptive_sampling = True
    cycles.adaptive_threshold = 0.02
    cycles.adaptive_min_samples = 6
    cycles.samples = 64
    cycles.max_bounces = 0
    scene.world = None
    for light in bpy.data.lights:
        light.energy = 0
    scene.render.image_settings.color_depth = '8'
    scene.render.filepath = os.path.join(folder, 'mask.png')
    bpy.ops.render.render(write_still=True)
    with Image.open(scene.render.filepath) as image:
        return image.getchannel('A').filter(ImageFilter.GaussianBlur(0.45))


def glow():
    made = bpy.data.materials.new('glow')
    made.use_nodes = True
    made.node_tree.nodes.clear()
    nodes = Nodes(made.node_tree)
    light = nodes.add('ShaderNodeEmission')
    nodes.add('ShaderNodeOutputMaterial', {'Surface': light.outputs[0]})
    return made
