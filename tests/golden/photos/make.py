# SPDX-License-Identifier: Apache-2.0
"""Makes the pictures beside it: one small photo, and the same pixels in forms that common encoders do not write.

Needs Pillow and jpegtran of libjpeg-turbo, which changes the coding of a JPEG and not its coefficients.
"""

import os
import subprocess

from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
FOX = os.path.join(HERE, '../../../examples/photos/fox.jpg')
RECODED = {
    'arithmetic': ['-arithmetic'],
    'arithmetic-progressive': ['-arithmetic', '-progressive'],
    'progressive': ['-progressive'],
    'restart': ['-restart', '3B'],
}


def path(name):
    return os.path.join(HERE, name)


def main():
    with Image.open(FOX) as photo:
        small = photo.resize((320, 240), Image.LANCZOS)
    small.save(path('fox.jpg'), quality=85, optimize=True)
    for name, flags in RECODED.items():
        out = path(f'fox-{name}.jpg')
        subprocess.run(['jpegtran', *flags, '-outfile', out, path('fox.jpg')], check=True)
    tiny = small.resize((160, 120), Image.LANCZOS).quantize(64).convert('RGB')
    other = tiny.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    tiny.save(path('fox.png'), optimize=True)
    tiny.save(path('fox-animated.png'), save_all=True, append_images=[other], optimize=True)
    frames = {'save_all': True, 'append_images': [other, tiny], 'default_image': True}
    tiny.save(path('fox-still-and-animation.png'), optimize=True, **frames)
    tiny.save(path('fox-animated.webp'), save_all=True, append_images=[other], lossless=True)


main()
