# SPDX-License-Identifier: Apache-2.0
"""Scores a network's mask alone (no refinement): mean IoU at 0.5 and mean absolute error per set.

    python3 models/training/evaluate.py --data PHOTOS --network network.onnx|checkpoint.pt

PHOTOS/eval/<set>/name.(webp|jpg) with masks beside them as name.png. The network's mask is brought
to the photo's size.
"""
import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from prepare import SETS_WITH_UNKNOWN
from records import UNKNOWN


def onnx_runner(path):
    """image [1, 3, S, S] -> alpha [h, w], by ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda image: session.run(None, {name: image})[0][0, 0]


def torch_runner(path):
    """The same by PyTorch, from a checkpoint's averaged weights."""
    import torch

    from export import load_average

    torch.set_num_threads(1)
    network = load_average(path).to(memory_format=torch.channels_last)

    def run(image):
        with torch.no_grad():
            return torch.sigmoid(network(torch.from_numpy(image)))[0, 0].numpy()

    return run


def score(run, photo, mask, size, has_unknown):
    """(IoU at 0.5, MAE) of one photo at its own size."""
    with Image.open(photo) as image:
        small = image.convert("RGB").resize((size, size), Image.BILINEAR)
    planes = np.asarray(small, np.float32).transpose(2, 0, 1)[None] / 255
    alpha = Image.fromarray(run(np.ascontiguousarray(planes)).astype(np.float32))
    with Image.open(mask) as image:
        truth = np.asarray(image.convert("L"))
    alpha = np.asarray(alpha.resize((truth.shape[1], truth.shape[0]), Image.BILINEAR))
    valid = np.ones(truth.shape, bool)
    if has_unknown:
        valid = np.abs(truth.astype(np.int16) - UNKNOWN) > 1
    truth = truth / np.float32(255)
    ours, theirs = (alpha > 0.5) & valid, (truth > 0.5) & valid
    overlap = (ours & theirs).sum() / max(1, (ours | theirs).sum())
    return float(overlap), float(np.abs(alpha - truth)[valid].mean())


def evaluate(run, data, size, every):
    """{set: (count, mean IoU, mean MAE)}."""
    table = {}
    for folder in sorted(path for path in (data / "eval").iterdir() if path.is_dir()):
        photos = sorted(p for p in folder.iterdir() if p.suffix in (".webp", ".jpg", ".jpeg"))
        scores = [
            score(run, photo, photo.with_suffix(".png"), size, folder.name in SETS_WITH_UNKNOWN)
            for photo in photos[::every]
        ]
        table[folder.name] = (len(scores), *np.mean(scores, 0))
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--network", type=Path, required=True)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--every", type=int, default=1, help="take every n-th photo only")
    args = parser.parse_args()
    run = (
        onnx_runner(args.network) if args.network.suffix == ".onnx" else torch_runner(args.network)
    )
    table = evaluate(run, args.data, args.size, args.every)
    print("| set | n | IoU | MAE |\n|---|---|---|---|")
    for name, (count, overlap, error) in table.items():
        print(f"| {name} | {count} | {overlap:.3f} | {error:.3f} |")
    mean = np.mean([row[1:] for row in table.values()], 0)
    print(f"| mean of sets | | {mean[0]:.3f} | {mean[1]:.3f} |")


if __name__ == "__main__":
    main()
