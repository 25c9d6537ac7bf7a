# SPDX-License-Identifier: Apache-2.0
"""Training pictures: chosen, composed, bent and spoilt. Pure functions of (records, generator)."""
import math

import cv2
import numpy as np

from records import SIZE, UNKNOWN, shape_of

# How often a set is drawn within its group; a set that is not named counts 1.
SET_WEIGHT = {
    "voc": 3.0, "cat": 1.8, "ccp": 1.6, "flower": 0.8, "horse": 0.7, "coco": 0.6,
    "caltech": 3.0, "imagenet": 1.6, "clothing": 1.2, "ccpun": 1.2, "bsds": 0.6,
    "raccoon": 0.2, "mcats": 0.2, "kangaroo": 0.05,
}  # fmt: skip
# Sets of people, who are most often the bystanders.
CROWD = ("ccp", "ccpun")
HUMAN_SHARE = 0.6
COMPOSITE_SHARE = 0.16
NEGATIVE_SHARE = 0.015
BYSTANDER_SHARE = 0.3  # of the other pictures
SPOILT_SHARE = 0.5  # the others stay as they were taken
NATURAL_SHARE = 0.8  # of the batches; in the others every photo is squashed to the square
# How much one picture of each kind counts in the loss.
LOSS_WEIGHT = {"human": 1.0, "teacher": 0.7, "composite": 1.0, "negative": 0.5}


def draw_number(records, group, rng):
    """A picture's number: first the set by weight, then evenly within it."""
    names = records.names(group)
    weights = np.array([SET_WEIGHT.get(name, 1.0) for name in names])
    name = names[rng.choice(len(names), p=weights / weights.sum())]
    return int(rng.choice(records.sets[group, name]))


def draw_group(records, rng):
    """human or teacher, whichever of them the cache has."""
    present = [group for group in ("human", "teacher") if records.names(group)]
    if not present:
        raise ValueError("expected pictures with masks in the cache, found none")
    if len(present) == 1:
        return present[0]
    return "human" if rng.random() < HUMAN_SHARE else "teacher"


def draw_sample(records, rng, shape):
    """One training picture of shape (H, W): (rgb uint8 [H, W, 3], mask uint8 [H, W], loss weight)."""
    chance = rng.random()
    sample = None
    if chance < COMPOSITE_SHARE:
        sample = composite(records, rng)
    elif chance < COMPOSITE_SHARE + NEGATIVE_SHARE:
        sample = negative(records, rng)
    if sample is None:
        group = draw_group(records, rng)
        number = draw_number(records, group, rng)
        four = records.pixels[number]
        if rng.random() < BYSTANDER_SHARE:
            four = with_bystanders(records, np.array(four), rng)
        sample = four, group
    four, kind = sample
    photo, mask = warp(four, rng, shape)
    if rng.random() < SPOILT_SHARE:
        photo = spoil(photo, rng)
    return photo, mask, LOSS_WEIGHT[kind]


def negative(records, rng):
    """A part of a photo that its mask calls background: a picture without a subject."""
    for _ in range(4):
        number = draw_number(records, draw_group(records, rng), rng)
        side = int(rng.integers(SIZE // 3, SIZE * 2 // 3))
        top, left = rng.integers(0, SIZE - side, 2)
        part = records.pixels[number, top : top + side, left : left + side]
        if part[:, :, 3].max() > 8:
            continue
        four = cv2.resize(part, (SIZE, SIZE))
        four[:, :, 3] = 0
        return four, "negative"
    return None


def composite(records, rng):
    """One to three cut-outs on a background, with matched colour and sometimes a shadow."""
    if not records.names("background"):
        return None
    four = np.array(records.pixels[draw_number(records, "background", rng)])
    scene, unknown = four[:, :, :3].astype(np.float32), four[:, :, 3] == UNKNOWN
    truth = np.zeros((SIZE, SIZE), np.float32)
    for _ in range(int(rng.choice((1, 1, 1, 2, 2, 3)))):
        number = draw_number(records, draw_group(records, rng), rng)
        cutout = np.array(records.pixels[number])
        if is_cutout(cutout[:, :, 3]):
            paste(scene, truth, cutout, rng)
    if truth.max() < 0.9:
        return None
    four[:, :, :3] = scene
    four[:, :, 3] = known(np.rint(truth * 255).astype(np.uint8))
    four[unknown & (truth < 0.5), 3] = UNKNOWN
    return four, "composite"


def known(mask):
    """Keeps resampled values off the one that says unknown."""
    return np.where(mask == UNKNOWN, np.uint8(UNKNOWN + 1), mask)


def is_cutout(mask):
    """Fully known, neither tiny nor the whole picture, and hardly cut off by the frame."""
    small = mask[::4, ::4]
    if (mask == UNKNOWN).any():
        return False
    inside = float((small > 127).mean())
    edges = np.concatenate([small[0], small[:, 0], small[:, -1]]) > 127
    return 0.02 < inside < 0.6 and float(edges.mean()) < 0.12


def paste(scene, truth, cutout, rng):
    """Lays one [SIZE, SIZE, 4] cut-out over scene and truth, both changed in place."""
    scale = rng.uniform(0.3, 1.15)
    shift = rng.uniform(-0.28, 0.28, 2) * SIZE
    colour, alpha = moved(cutout, scale, (SIZE / 2, SIZE / 2), SIZE / 2 + shift, rng)
    colour = matched(colour, alpha, scene, rng)
    if rng.random() < 0.4:
        scene *= 1 - rng.uniform(0.1, 0.5) * shadow(alpha[:, :, 0], rng)
    scene += (colour - scene) * alpha
    truth += (1 - truth) * alpha[:, :, 0]


def moved(cutout, scale, point, to, rng):
    """A cut-out scaled, and mirrored half of the time, so that its point (x, y) comes to another.

    Its colours, and its alpha of 0 to 1, as float [SIZE, SIZE, 3 and 1].
    """
    step = (-1 if rng.random() < 0.5 else 1) / scale
    matrix = (step, 0, point[0] - step * to[0], 0, 1 / scale, point[1] - to[1] / scale)
    cut = affine(cutout, (SIZE, SIZE), matrix, cv2.BORDER_CONSTANT).astype(np.float32)
    return cut[:, :, :3], cut[:, :, 3:] / 255


def matched(colour, alpha, scene, rng):
    """The colours, nearer to the scene's mean by a third of the way at most."""
    mean = (colour * alpha).sum((0, 1)) / max(float(alpha.sum()), 1.0)
    match = 1 + rng.uniform(0, 0.35) * (scene.mean((0, 1)) / np.maximum(mean, 12) - 1)
    return np.clip(colour * np.clip(match, 0.5, 1.8), 0, 255)


def with_bystanders(records, four, rng):
    """The picture with one to four cut-outs behind its subject: they are background.

    Unchanged where the subject is small or all over, so that they would be as large as it.
    """
    subject = four[:, :, 3] > 0
    if not 0.06 < subject.mean() < 0.6:
        return four
    scene = four[:, :, :3].astype(np.float32)
    group = draw_group(records, rng)
    for _ in range(int(rng.choice((1, 1, 2, 3, 4)))):
        cutout = records.pixels[draw_bystander(records, group, rng)]
        if is_cutout(cutout[:, :, 3]):
            stand_behind(scene, subject, cutout, rng)
    four[:, :, :3] = scene
    return four


def draw_bystander(records, group, rng):
    """A picture's number; often one of a person."""
    crowd = [name for name in CROWD if (group, name) in records.sets]
    if crowd and rng.random() < 0.6:
        return int(rng.choice(records.sets[group, str(rng.choice(crowd))]))
    return draw_number(records, group, rng)


def stand_behind(scene, subject, cutout, rng):
    """Lays a cut-out over the scene, in place, where the subject is not: smaller, its feet higher
    and out of focus."""
    rows, own = np.flatnonzero(subject.any(1)), cutout[:, :, 3] > 127
    own_rows, own_columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    height, foot = rows[-1] - rows[0], rows[-1]
    scale = rng.uniform(0.25, 0.65) * height / max(1, own_rows[-1] - own_rows[0])
    to = rng.uniform(0, SIZE), foot - rng.uniform(0.05, 0.45) * height
    colour, alpha = moved(cutout, scale, (own_columns.mean(), own_rows[-1]), to, rng)
    colour = matched(colour, alpha, scene, rng)
    blur = rng.uniform(0.5, 2.0)
    alpha = cv2.GaussianBlur(alpha, (0, 0), blur)[:, :, None] * ~subject[:, :, None]
    scene += (cv2.GaussianBlur(colour, (0, 0), blur) - scene) * alpha


def affine(four, shape, matrix, border=cv2.BORDER_REFLECT):
    """Samples a [H, W, C] array bilinearly at matrix * (x, y); mirrored beyond its borders."""
    inverse = np.array(matrix, np.float64).reshape(2, 3)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(four, inverse, shape[::-1], flags=flags, borderMode=border)


def shadow(alpha, rng):
    """A blurred copy of alpha beside the cut-out, [SIZE, SIZE, 1]."""
    soft = cv2.blur(alpha, (13, 13))
    return np.roll(soft, rng.integers(-14, 15, 2), (0, 1))[:, :, None]


def warp(four, rng, shape):
    """Crop, zoom, stretch, rotate and flip at once; mirrored margin; unknown stays unknown."""
    zoom, (height, width) = rng.uniform(0.7, 1.12), shape
    along, across = zoom * rng.uniform(0.88, 1.14) * SIZE / width, zoom * SIZE / height
    flip, angle = (-1 if rng.random() < 0.5 else 1), rng.normal(0, 0.09)
    cosine, sine = math.cos(angle), math.sin(angle)
    slack = max(0.0, 1 - zoom) / 2 * SIZE
    centre = SIZE / 2 + rng.uniform(-slack, slack, 2)
    a, b, d, e = along * flip * cosine, -across * sine, along * flip * sine, across * cosine
    left, top = centre[0] - (a * width + b * height) / 2, centre[1] - (d * width + e * height) / 2
    matrix = (a, b, left, d, e, top)
    moved = affine(four, shape, matrix)
    mask = known(moved[:, :, 3])
    unknown = four[:, :, 3] == UNKNOWN
    if unknown.any():
        spread = affine(unknown.astype(np.uint8) * 255, shape, matrix)
        mask[spread > 12] = UNKNOWN
    return np.ascontiguousarray(moved[:, :, :3]), mask


def spoil(photo, rng):
    """Light, colour, blur, low resolution, noise and JPEG, as cameras and the web do it."""
    height, width = photo.shape[:2]
    photo = cv2.transform(
        photo, saturation(0.0 if rng.random() < 0.04 else rng.uniform(0.45, 1.55))
    )
    photo = cv2.LUT(photo, light_table(photo.mean(), rng))
    if rng.random() < 0.1:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.6))
    if rng.random() < 0.1:
        small = rng.uniform(0.35, 0.8)
        photo = cv2.resize(photo, (int(width * small), int(height * small)))
        photo = cv2.resize(photo, (width, height))
    if rng.random() < 0.15:
        noise = rng.standard_normal(photo.shape, np.float32) * np.float32(rng.uniform(1, 14))
        photo = np.clip(photo + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.15:
        quality = int(rng.integers(18, 75))
        _, stream = cv2.imencode(".jpg", photo, (cv2.IMWRITE_JPEG_QUALITY, quality))
        photo = cv2.imdecode(stream, cv2.IMREAD_UNCHANGED)
    return photo


def saturation(strength):
    """3x3 colour matrix between grey (0), as it is (1) and stronger (> 1); Rec. 601 luma."""
    luma = np.tile(np.array([0.299, 0.587, 0.114]), (3, 1))
    return luma + (np.eye(3) - luma) * strength


def light_table(mean, rng):
    """Brightness, contrast, gamma and colour cast as one [1, 256, 3] look-up table."""
    contrast, light, gamma = rng.uniform(0.7, 1.3), rng.uniform(0.7, 1.3), rng.uniform(0.8, 1.25)
    ramp = ((np.arange(256.0) - mean) * contrast + mean) * light
    ramp = 255 * np.clip(ramp / 255, 0, 1) ** gamma
    cast = 1 + rng.uniform(-0.09, 0.09, 3)
    return np.clip(np.rint(ramp[:, None] * cast), 0, 255).astype(np.uint8)[None]


def draw_batch(records, rng, count, size):
    """(rgb uint8 [N, H, W, 3], mask uint8 [N, H, W], weights float32 [N]), H * W about size^2."""
    shape = (size, size)
    if size > 192 and rng.random() < NATURAL_SHARE:
        first = draw_number(records, draw_group(records, rng), rng)
        longer = 64 * shape_of(records.aspects[first])
        records, shape = records.like(first), (size - longer, size + longer)
    samples = [draw_sample(records, rng, shape) for _ in range(count)]
    photos, masks, weights = zip(*samples)
    return np.stack(photos), np.stack(masks), np.array(weights, np.float32)
