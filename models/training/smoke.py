# SPDX-License-Identifier: Apache-2.0
"""Trains 20 steps on generated pictures and checks every command on the way.

    python3 models/training/smoke.py

Needs PyTorch and Pillow; export and warm start also need onnx, the comparison needs onnxruntime.
What is missing is skipped with a line that says so. Exits 1 where a check fails.
"""
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def has(module):
    if importlib.util.find_spec(module) is not None:
        return True
    print(f"SKIP: {module} is not installed")
    return False


def check(condition, what):
    print(("ok   " if condition else "FAIL ") + what)
    if not condition:
        sys.exit(1)


def run(script, *arguments):
    """One of the commands as a user runs it; its output."""
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout + done.stderr)
    check(done.returncode == 0, f"{script} ends well")
    return done.stdout


def draw_pictures(data, count):
    """Bright ellipses on dark stripes, as photos with exact masks, in the layout of prepare.py."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:120, 0:160]
    for number in range(count):
        centre, radius = rng.uniform(50, 90, 2), rng.uniform(18, 45, 2)
        inside = ((x - centre[0]) / radius[0]) ** 2 + ((y - centre[1]) / radius[1]) ** 2 < 1
        stripes = 60 + 40 * np.sin(x / rng.uniform(3, 9))[..., None] * rng.uniform(0.3, 1, 3)
        photo = np.where(inside[..., None], rng.uniform(150, 250, 3), stripes)
        photo = np.clip(photo + rng.normal(0, 6, photo.shape), 0, 255).astype(np.uint8)
        mask = inside.astype(np.uint8) * 255
        mask[:4] = 128 if number % 2 else 0
        group = ("train/human/voc", "train/human/made", "train/background/made", "eval/made")[
            number % 4
        ]
        (data / group).mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo).save(data / group / f"{number}.jpg", quality=92)
        Image.fromarray(mask if "voc" in group else inside.astype(np.uint8) * 255).save(
            data / group / f"{number}.png"
        )


def check_upsampling():
    import torch
    from torch.nn import functional

    from network import Upsample2x

    x = torch.randn(2, 3, 4, 6, dtype=torch.double, requires_grad=True)
    grad = torch.randn(2, 3, 8, 12, dtype=torch.double)
    plain = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    (expected,) = torch.autograd.grad(plain, x, grad)
    (got,) = torch.autograd.grad(Upsample2x.apply(x), x, grad)
    check(torch.allclose(expected, got), "the upsampling's gradient is torch's")


def check_unknown():
    import numpy as np
    import torch

    from records import UNKNOWN
    from train import loss_of, to_tensors

    photos = np.zeros((1, 64, 64, 3), np.uint8)
    masks = np.full((1, 64, 64), UNKNOWN, np.uint8)
    _, target, valid = to_tensors((photos, masks, np.ones(1, np.float32)))
    logits = torch.randn(1, 1, 32, 32, requires_grad=True)
    loss_of([logits], target, valid).backward()
    check(float(logits.grad.abs().max()) == 0, "what is unknown moves nothing")
    _, target, valid = to_tensors((photos, masks * 0, np.ones(1, np.float32)))
    loss_of([logits], target, valid).backward()
    check(float(logits.grad.min()) > 0, "background pushes the mask down")


def check_training(folder):
    """20 steps at once, and 10 + 10 with a resume between: the same weights, a smaller loss."""
    import torch

    common = ("--cache", folder / "cache", "--batch", 8, "--sizes", "64:14", "128:6")
    common += ("--workers", 0, "--warmup", 2, "--rate", "2e-3", "--log-every", 1)
    common += ("--save-every", 10)
    log = run("train.py", *common, "--run", folder / "whole")
    losses = [float(line.split()[2]) for line in log.splitlines()]
    check(len(losses) == 20 and losses[-1] < losses[0], f"loss {losses[0]} -> {losses[-1]}")
    whole = torch.load(folder / "whole" / "checkpoint.pt", weights_only=True)
    interrupt_at(10, folder, common)
    run("train.py", *common, "--run", folder / "halves")
    halves = torch.load(folder / "halves" / "checkpoint.pt", weights_only=True)
    same = all(
        torch.allclose(a.float(), b.float(), atol=1e-5)
        for a, b in zip(whole["network"].values(), halves["network"].values())
    )
    check(same, "a resumed run ends where an uninterrupted one does")


def interrupt_at(step, folder, common):
    """A run of the same schedule that is killed right after its checkpoint at `step`."""
    command = [sys.executable, str(HERE / "train.py"), *map(str, common),
               "--run", str(folder / "halves")]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith(f"{step + 1}/"):
                process.kill()
                break


def check_designs():
    """Every design runs; all but the one to cut are of a cost that the engine can bear."""
    import torch

    from network import DESIGNS, Network, count_macs

    macs = {name: count_macs(Network(name), 320) for name in DESIGNS if name != "u2net"}
    check(max(macs.values()) < 2.5e9, f"{len(macs)} designs under 2.5 GMAC")
    logits = Network("plain").train()(torch.zeros(2, 3, 64, 64))
    check([x.shape[2] for x in logits] == [32, 16, 8, 4, 2], "five masks while training")


def check_native():
    """The gradients of our own C point where PyTorch's do, as exactly as bfloat16 allows."""
    import torch

    from native.step import NativeStep, processors
    from network import Network
    from train import SCALE_WEIGHT, loss_of

    if not processors():
        print("SKIP: this processor multiplies no bfloat16")
        return
    torch.manual_seed(5)
    network, photos = Network().train(), torch.randint(0, 256, (2, 64, 128, 3), dtype=torch.uint8)
    target = (torch.rand(2, 1, 64, 128) > 0.5).float()
    valid = (torch.rand(2, 1, 64, 128) > 0.1).float()
    image = photos.permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        network(image)  # norms that have seen something
    for norm in network.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.eval()
    plain = loss_of(network(image), target, valid)
    plain.backward()
    expected = [p.grad for p in network.parameters()]
    for name in processors():
        network.zero_grad(set_to_none=True)
        loss = NativeStep(network.eval(), name).backward(photos, target, valid, SCALE_WEIGHT)
        likeness = [
            float((a * p.grad).sum() / (a.norm() * p.grad.norm()))
            for a, p in zip(expected, network.parameters())
        ]
        check(abs(loss - float(plain.detach())) < 0.01 * loss, f"{name}: loss {loss:.4f}")
        mean, least = sum(likeness) / len(likeness), min(likeness)
        alike = f"a mean cosine of {mean:.3f}, the least {least:.3f}"
        check(mean > 0.98 and least > 0.7, f"{name}: gradients point where PyTorch's do, {alike}")


def check_widen():
    """Wider blocks compute what they did."""
    import torch

    from network import Network
    from widen import widen

    narrow, wide = Network("blocks").eval(), Network("wide").eval()
    for norm in narrow.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(norm.weight)
            torch.nn.init.normal_(norm.running_mean, std=0.1)
    widen(wide, narrow)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        gap = (wide(image) - narrow(image)).abs().max()
    check(float(gap) < 1e-4, f"wider blocks change nothing: {float(gap):.1e}")


def check_cut():
    """Cutting channels that put out nothing changes nothing."""
    import torch

    from network import Network
    from prune import slice_into

    big, small, kept = Network("u2net").eval(), Network("blocks").eval(), (32, 32, 16)
    for block, count in zip((big.stem, big.up[1].block, big.up[0].block), kept):
        for layer in (block.enter, block.up[-1]):
            layer[1].weight.data[count:] = 0
    slice_into(small, big, *map(torch.arange, kept))
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        gap = (big(image) - small(image)).abs().max()
    check(float(gap) < 1e-5, f"cutting silent channels changes nothing: {float(gap):.1e}")


def draw_u2netp(path):
    """An ONNX file with the convolutions of U²-Netp in their order, and nothing else."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save

    from network import Network, convolutions_in_order

    rng = np.random.default_rng(3)
    shapes = [tuple(conv.weight.shape) for conv, _ in convolutions_in_order(Network("u2net"))]
    shapes = [(64, 3, 3, 3), *shapes[1:-1], *[(1, 64, 3, 3)] * 6, (1, 6, 1, 1)]
    nodes, values = [], []
    for number, shape in enumerate(shapes):
        names = [f"{number}{part}" for part in ("in", "weight", "bias", "out")]
        nodes.append(helper.make_node("Conv", names[:3], names[3:]))
        weights = rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype(np.float32)
        values += [numpy_helper.from_array(weights, names[1])]
        values += [numpy_helper.from_array(np.zeros(shape[0], np.float32), names[2])]
    image = helper.make_tensor_value_info("0in", TensorProto.FLOAT, [1, 3, 64, 64])
    save(helper.make_model(helper.make_graph(nodes, "u2netp", [image], [], values)), str(path))


def check_prune(folder):
    """The start made of a file like U²-Netp's runs."""
    import torch

    from export import load_average

    draw_u2netp(folder / "u2netp.onnx")
    run("prune.py", "--cache", folder / "cache", "--network", folder / "u2netp.onnx",
        "--output", folder / "start.pt", "--size", 64)  # fmt: skip
    mask = load_average(folder / "start.pt")(torch.rand(1, 3, 64, 64))
    check(mask.shape == (1, 1, 32, 32) and bool(mask.isfinite().all()), "the cut network runs")


def check_blend(folder):
    """Half and half of a network and itself is that network."""
    import numpy as np

    from evaluate import onnx_runner

    network, output = folder / "network-f32.onnx", folder / "blend.onnx"
    run("blend.py", "--networks", f"{network}:0.5", f"{network}:0.5", "--output", output)
    image = np.random.default_rng(2).random((1, 3, 128, 128), np.float32)
    gap = np.abs(onnx_runner(output)(image) - onnx_runner(network)(image)).max()
    check(float(gap) < 1e-6, "a blend of a network with itself is that network")


def check_centre(folder):
    """The answers of f32 and int8 move by as much as they should."""
    import numpy as np

    from evaluate import onnx_runner

    image = np.random.default_rng(2).random((1, 3, 128, 128), np.float32)
    for name in ("network-f32", "int8"):
        network, output = folder / f"{name}.onnx", folder / f"{name}-centred.onnx"
        run("centre.py", "--network", network, "--half", 0.7, "--output", output)
        before, after = onnx_runner(network)(image), onnx_runner(output)(image)
        moved = np.log(after / (1 - after)) - np.log(before / (1 - before))
        check(bool(np.allclose(moved, -np.log(0.7 / 0.3), atol=2e-3)), f"{name}: 0.7 becomes 0.5")


def check_int8(folder):
    """A few steps of quantisation-aware training; the int8 file stays near the f32 one."""
    import numpy as np

    from evaluate import onnx_runner

    output = folder / "int8.onnx"
    run("qat.py", "--network", folder / "network-f32.onnx", "--photos", folder / "data" / "train",
        "--count", 10, "--cache", folder / "cache", "--output", output, "--steps", 4)  # fmt: skip
    check(output.stat().st_size < 1.6e6, "int8 stays under 1.6 MB")
    image = np.random.default_rng(1).random((1, 3, 128, 128), np.float32)
    gap = onnx_runner(output)(image) - onnx_runner(folder / "network-f32.onnx")(image)
    check(float(np.abs(gap).mean()) < 0.02, f"int8 is near f32: {np.abs(gap).mean():.4f}")


def check_names(path):
    """Short, one of a kind, and a convolution's like its weights'."""
    import onnx

    graph = onnx.load(str(path)).graph
    names = [name for node in graph.node for name in node.output]
    names += [constant.name for constant in graph.initializer]
    longest = max(names, key=len)
    check(len(set(names)) == len(names) and len(longest) < 24, f"names are short: {longest}")
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    check(
        all(node.input[1] == f"{node.output[0]}.w" for node in convolutions),
        f"weights are called like their convolution: {convolutions[0].name}",
    )
    check([graph.input[0].name, graph.output[0].name] == ["image", "alpha"], "ends keep names")


def check_export(folder):
    import numpy as np

    checkpoint, network = folder / "whole" / "checkpoint.pt", folder / "network.onnx"
    run("export.py", "--checkpoint", checkpoint, "--output", network, "--size", 128)
    halved, full = network.stat().st_size, (folder / "network-f32.onnx").stat().st_size
    check(halved < 0.52 * full, f"fp16 storage: {halved} of {full} bytes")
    check_names(folder / "network-f32.onnx")
    check_warm_start(folder / "network-f32.onnx", checkpoint, folder / "cache")
    if not has("onnxruntime"):
        return
    from evaluate import onnx_runner, torch_runner

    image = np.random.default_rng(1).random((1, 3, 128, 128), np.float32)
    ours, theirs = torch_runner(checkpoint)(image), onnx_runner(network)(image)
    check(np.abs(ours - theirs).max() < 2e-3, "ONNX Runtime gives what PyTorch gives")
    check_quantised(folder, image, theirs)
    table = run("evaluate.py", "--data", folder / "data", "--network", network, "--size", 128)
    check("| made | " in table, "the evaluation has its table")
    check_int8(folder)
    check_blend(folder)
    check_centre(folder)


def check_quantised(folder, image, expected):
    """int8 by photos, then again from the scales that were found: the same file, nearly f32."""
    import numpy as np

    from evaluate import onnx_runner

    common = ("--network", folder / "network-f32.onnx", "--output")
    run("quantise.py", *common, folder / "int8.onnx", "--photos", folder / "data", "--count", 10,
        "--save-scales", folder / "scales.json")  # fmt: skip
    run("quantise.py", *common, folder / "again.onnx", "--scales", folder / "scales.json")
    first, again = ((folder / name).read_bytes() for name in ("int8.onnx", "again.onnx"))
    check(first == again, "saved scales give the same int8 file")
    check(len(first) < 0.35 * (folder / "network-f32.onnx").stat().st_size, "int8 is small")
    gap = np.abs(onnx_runner(folder / "int8.onnx")(image) - expected)
    check(gap.mean() < 0.02, f"int8 is {gap.mean():.4f} from f32")


def check_warm_start(path, checkpoint, cache):
    import numpy as np
    import torch

    from augment import draw_batch
    from export import load_average
    from network import Network
    from records import Records
    from train import to_tensors
    from warmstart import warm_start

    records = Records(cache)
    batches = [
        to_tensors(draw_batch(records, np.random.default_rng(i), 4, 128))[0] for i in range(3)
    ]
    network = Network()
    warm_start(network, path, batches[:2])
    with torch.no_grad():
        gap = (network.eval()(batches[2]) - load_average(checkpoint)(batches[2])).abs().max()
    check(float(gap) < 1e-3, "a warm start is the exported network again")


def draw_teacher(path):
    """An ONNX file of 320x320 that calls bright pixels subject."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save

    weights = numpy_helper.from_array(np.full((1, 3, 1, 1), 4, np.float32), "w")
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"]), helper.make_node("Sigmoid", ["y"], ["m"])]
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, 320, 320])]
        for name, channels in (("x", 3), ("m", 1))
    ]
    graph = helper.make_graph(nodes, "teacher", *ends, [weights])
    opset = [helper.make_opsetid("", 13)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))


def check_bystanders(folder):
    """Bright things in backgrounds become unknown, and a composite leaves them so."""
    import numpy as np

    from augment import composite, with_bystanders
    from records import UNKNOWN, Records

    draw_teacher(folder / "teacher.onnx")
    run("bystanders.py", "--cache", folder / "cache", "--teacher", folder / "teacher.onnx")
    records = Records(folder / "cache")
    four = records.pixels[records.sets["background", "made"][0]]
    bright = four[:, :, :3].mean(2)
    unknown = four[:, :, 3] == UNKNOWN
    right = unknown[bright > 170].all() and not unknown[bright < 50].any() and unknown.any()
    check(bool(right), "what stands out in a background is unknown")
    drawn = [composite(records, np.random.default_rng(seed)) for seed in range(20)]
    masks = [sample[0][:, :, 3] for sample in drawn if sample]
    check(any((mask == UNKNOWN).any() for mask in masks), "and stays so in composites")
    four = np.array(records.pixels[records.sets["human", "made"][0]])
    changed = with_bystanders(records, np.array(four), np.random.default_rng(5))
    subject = four[:, :, 3] > 0
    same = (changed[subject] == four[subject]).all() and (changed[..., 3] == four[..., 3]).all()
    check(bool(same and (changed != four).any()), "bystanders stand behind the subject")


def main():
    if not all([has("torch"), has("numpy"), has("PIL"), has("cv2")]):
        return
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        draw_pictures(folder / "data", 48)
        log = run(
            "prepare.py", "--data", folder / "data", "--cache", folder / "cache", "--workers", 1
        )
        check("36 pictures" in log, "the cache holds the training pictures and no others")
        check_upsampling()
        check_unknown()
        check_training(folder)
        check_designs()
        check_cut()
        check_widen()
        check_native()
        if has("onnx"):
            check_export(folder)
            check_prune(folder)
        if has("onnx") and has("onnxruntime"):
            check_bystanders(folder)


if __name__ == "__main__":
    main()
