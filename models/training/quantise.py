# SPDX-License-Identifier: Apache-2.0
"""Makes an int8 network (QDQ ONNX) of an f32 one.

    python3 models/training/quantise.py --network network-f32.onnx --photos PHOTOS \
        --output network-int8.onnx

PHOTOS is a folder of pictures, searched recursively; no masks are needed. With `--scales FILE` the
ranges come from elsewhere: a JSON object whose `scales` are tensor -> scale, with one tensor of
each line that `--list` prints; `means`, tensor -> mean of each channel, may be missing. The same
from Python: `write(fold(path), scales)`.

What is written, and why it looks so:

- Weights are int8, symmetric, one scale per output channel; biases int32 with the product of the
  input's and the channel's scale. Activations are int8, zero point 0: after a ReLU 0..127.
- Every tensor that a Conv, Add, Concat, MaxPool or Resize reads goes through QuantizeLinear and
  DequantizeLinear, but for three that stay inside one integer operation of our engine: what a
  ReLU reads, a convolution's result (behind its ReLU, if it has one) that a residual Add reads,
  and a Resize's result that a Concat reads. The last convolution's result stays float: its sigmoid has all levels.
- Biases take back what the rounding of the weights adds to a channel on average.
- What passes through Concat, Resize or MaxPool keeps one scale, so that nothing is rescaled.
- Scales of activations are powers of two, those of weights have 4 significant bits. So every sum
  of a convolution is exact in f32 as well, ties included, and ONNX Runtime's mask is bit for bit
  that of the integer code. It costs no accuracy: the range is chosen after the scale's rounding.
- The normalised picture is signed. A Clip before its QuantizeLinear keeps it to 128 steps, which our
  engine moves to 0..127 for the fast products of bytes; the scale has 3 significant bits there.

ONNX Runtime runs the file as it stands. It keeps a ReLU before a QuantizeLinear of zero point 0,
so most of its convolutions stay float between quantised tensors: as accurate, but no faster.
"""
import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

LEVELS = 127
BINS = 4096
QUANTISED = ("Conv", "Add", "Concat", "MaxPool", "Resize")
SAME_SCALE = ("Concat", "MaxPool", "Resize")
PICTURES = (".webp", ".jpg", ".jpeg", ".png")


# ---- the graph


def session_of(model, **options):
    """A session of one thread on a ModelProto."""
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    settings.log_severity_level = 3
    for name, value in options.items():
        setattr(settings, name, value)
    data = model.SerializeToString()
    return onnxruntime.InferenceSession(data, settings, providers=["CPUExecutionProvider"])


def fold(path):
    """The network with its constants folded: fp16 weights become f32, shape arithmetic numbers."""
    level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "folded.onnx")
        session_of(
            onnx.load(str(path)), graph_optimization_level=level, optimized_model_filepath=target
        )
        return onnx.load(target)


class Graph:
    """Who makes and who reads each tensor that is computed."""

    def __init__(self, model):
        self.nodes = list(model.graph.node)
        self.constants = {i.name: i for i in model.graph.initializer}
        self.inputs = [i.name for i in model.graph.input if i.name not in self.constants]
        self.outputs = [o.name for o in model.graph.output]
        self.producer = {name: node for node in self.nodes for name in node.output}
        self.position = {name: i for i, node in enumerate(self.nodes) for name in node.output}
        self.readers = defaultdict(list)
        for node in self.nodes:
            for name in node.input:
                self.readers[name].append(node)

    def data_inputs(self, node):
        """The computed tensors among a node's inputs."""
        names = node.input if node.op_type in ("Add", "Concat") else node.input[:1]
        return [name for name in names if name and name not in self.constants]

    def is_quantised(self, node):
        """Add and Concat count only where all they read is computed, not for sums with a bias."""
        if node.op_type not in QUANTISED:
            return False
        return len(self.data_inputs(node)) == (
            len(node.input) if node.op_type in ("Add", "Concat") else 1
        )

    def only_reader(self, name):
        """The node, where there is just one and the tensor is not an output."""
        readers = self.readers[name]
        return readers[0] if len(readers) == 1 and name not in self.outputs else None

    def convolution_of(self, name):
        """The Conv whose result this is, or what a ReLU leaves of its result."""
        maker = self.producer.get(name)
        if maker is not None and maker.op_type == "Relu" and self.only_reader(maker.input[0]):
            maker = self.producer.get(maker.input[0])
        return maker if maker is not None and maker.op_type == "Conv" else None

    def stays_inside(self, name):
        """Whether the tensor lives only inside one integer operation of the engine."""
        maker, reader = self.producer.get(name), self.only_reader(name)
        if maker is None or reader is None:
            return False
        if reader.op_type == "Concat":
            return maker.op_type == "Resize"
        if reader.op_type != "Add" or self.convolution_of(name) is None:
            return False
        # Of two convolutions that are added the later one does it.
        others = [other for other in reader.input if other != name]
        return all(
            self.convolution_of(other) is None
            or self.only_reader(other) is None
            or self.position[other] < self.position[name]
            for other in others
        )

    def picture_range(self, name):
        """The least and the largest of what Sub and Div by constants make of a picture of 0..1.

        None: the tensor is not made so.
        """
        chain = []
        while name not in self.inputs:
            node = self.producer.get(name)
            if node is None or node.op_type not in ("Sub", "Div"):
                return None
            if node.input[1] not in self.constants:
                return None
            chain.insert(0, node)
            name = node.input[0]
        if not chain:
            return None
        ends = np.array([0.0, 1.0]).reshape(2, 1, 1, 1)
        for node in chain:
            constant = numpy_helper.to_array(self.constants[node.input[1]])
            ends = ends - constant if node.op_type == "Sub" else ends / constant
        return float(ends.min()), float(ends.max())


def groups_of(graph):
    """[[tensor, ...]] in graph order: the quantised tensors; those of one list share a scale."""
    parent = {}

    def root(name):
        parent.setdefault(name, name)
        while parent[name] != name:
            name = parent[name]
        return name

    quantised = {}
    for node in graph.nodes:
        if not graph.is_quantised(node):
            continue
        for name in graph.data_inputs(node):
            quantised[name] = True
            if node.op_type in SAME_SCALE:
                parent[root(name)] = root(node.output[0])
    groups = defaultdict(list)
    for name in quantised:
        if not graph.stays_inside(name):
            groups[root(name)].append(name)
    return list(groups.values())


# ---- the writer


def round_up(scale, bits):
    """Scales rounded up to so many significant bits."""
    mantissa, exponent = np.frexp(np.asarray(scale, np.float64))
    return np.ldexp(np.ceil(mantissa * 2**bits) / 2**bits, exponent).astype(np.float32)


def activation_scale(scale):
    return round_up(scale, 1)


def picture_scale(ends):
    """Of a picture between those ends."""
    return round_up((ends[1] - ends[0]) / LEVELS, 3)


def weight_scales(weights):
    """One scale for each output channel: its largest weight over 127."""
    largest = np.abs(weights.reshape(weights.shape[0], -1)).max(1)
    return round_up(largest / LEVELS, 4)


def quantise_weights(weights, bias, input_scale, scale=None):
    """(int8 weights, scale per output channel, int32 bias)."""
    scale = weight_scales(weights) if scale is None else np.asarray(scale, np.float64)
    # A channel of zeros still has a bias that must fit.
    scale = np.maximum(scale, np.maximum(np.abs(bias) / input_scale, 1e-6) / 2**28)
    scale = scale.astype(np.float32)
    steps = np.rint(weights / scale.reshape(-1, *[1] * (weights.ndim - 1)))
    product = np.float32(input_scale) * scale
    rounded = np.rint(bias.astype(np.float64) / product)
    return np.clip(steps, -LEVELS, LEVELS).astype(np.int8), scale, rounded.astype(np.int32)


def steps_of(graph, scales):
    """Tensor -> step in the file, for scales that name at least one tensor of each group."""
    steps = {}
    for group in groups_of(graph):
        known = [scales[name] for name in group if name in scales]
        if not known or not all(np.isfinite(known)) or min(known) <= 0:
            raise ValueError(f"there is no positive scale for any of {group}")
        ends = graph.picture_range(group[0]) if len(group) == 1 else None
        step = activation_scale(max(known)) if ends is None else picture_scale(ends)
        steps.update(dict.fromkeys(group, step))
    return steps


class Writer:
    """Collects the nodes and constants of the quantised graph."""

    def __init__(self, graph, scales, weight_scales):
        self.graph, self.weight_scales = graph, weight_scales
        self.nodes, self.constants, self.renamed = [], {}, {}
        self.scale = steps_of(graph, scales)

    def constant(self, name, values):
        self.constants[name] = numpy_helper.from_array(values, name)
        return name

    def quantise(self, name):
        """QuantizeLinear and DequantizeLinear after the tensor."""
        pair = [
            self.constant(f"step{self.scale[name]:.9g}", self.scale[name]),
            self.constant("zero", np.int8(0)),
        ]
        ends = (self.clip(name), name + ".q", name + ".d")
        for op, source, target in zip(("QuantizeLinear", "DequantizeLinear"), ends, ends[1:]):
            self.nodes.append(helper.make_node(op, [source, *pair], [target], name=target))
        self.renamed[name] = ends[2]

    def clip(self, name):
        """A Clip after the normalised picture, where 128 steps are enough for it."""
        ends = self.graph.picture_range(name)
        if ends is None:
            return name
        first, last = np.rint(np.divide(ends, self.scale[name]))
        if last > first + LEVELS:
            return name
        bounds = [
            self.constant(f"{name}.{steps:.0f}", np.array(steps * self.scale[name], np.float32))
            for steps in (first, first + LEVELS)
        ]
        target = name + ".clip"
        self.nodes.append(helper.make_node("Clip", [name, *bounds], [target], name=target))
        return target

    def dequantise(self, name, values, scale):
        """A constant of integers; one scale for each of its first dimension."""
        inputs = [self.constant(name + ".q", values), self.constant(name + ".s", scale)]
        target = name + ".d"
        self.nodes.append(
            helper.make_node("DequantizeLinear", inputs, [target], name=target, axis=0)
        )
        return target

    def convolution(self, node):
        """A Conv whose weights and bias are integers."""
        scale = self.scale[node.input[0]]
        weights = numpy_helper.to_array(self.graph.constants[node.input[1]]).astype(np.float64)
        bias = np.zeros(weights.shape[0])
        if len(node.input) > 2:
            bias = numpy_helper.to_array(self.graph.constants[node.input[2]]).astype(np.float64)
        given = self.weight_scales.get(node.input[1])
        integers, steps, sums = quantise_weights(weights, bias, scale, given)
        name = node.input[1]
        node.input[1] = self.dequantise(name, integers, steps)
        sum_name = node.input[2] if len(node.input) > 2 else name + ".b"
        del node.input[2:]
        node.input.append(self.dequantise(sum_name, sums, scale * steps))

    def node(self, original):
        node = onnx.NodeProto()
        node.CopyFrom(original)
        if node.op_type == "Conv" and node.input[0] in self.scale:
            self.convolution(node)
        for i, name in enumerate(node.input):
            node.input[i] = self.renamed.get(name, name)
        self.nodes.append(node)
        for name in node.output:
            if name in self.scale:
                self.quantise(name)


def write(model, scales, given_weight_scales=None):
    """The QDQ ModelProto of a folded f32 one.

    scales: tensor -> step of its activations, at least one tensor of every group of groups_of().
    given_weight_scales: weight tensor -> steps per output channel; else those of weight_scales().
    """
    graph = Graph(model)
    writer = Writer(graph, scales, given_weight_scales or {})
    for name in graph.inputs:
        if name in writer.scale:
            writer.quantise(name)
    for node in graph.nodes:
        writer.node(node)
    used = {name for node in writer.nodes for name in node.input}
    constants = {**graph.constants, **writer.constants}
    result = helper.make_model(
        helper.make_graph(
            writer.nodes,
            "offcut",
            list(model.graph.input),
            list(model.graph.output),
            [constant for name, constant in constants.items() if name in used],
        ),
        opset_imports=[helper.make_opsetid("", opset_of(model))],
        ir_version=7,
    )
    onnx.checker.check_model(result)
    return result


def opset_of(model):
    """13 is the first with one scale a channel."""
    version = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if version < 13:
        raise ValueError(f"expected opset 13 or later, received {version}")
    return version


# ---- calibration


class Histogram:
    """Counts of magnitudes; the range doubles as larger ones come."""

    def __init__(self):
        self.top, self.largest, self.counts = 2.0**-10, 0.0, np.zeros(BINS, np.int64)

    def add(self, values):
        magnitudes = np.abs(values[values != 0])  # what is 0 stays 0 whatever the scale
        if magnitudes.size == 0:
            return
        self.largest = max(self.largest, float(magnitudes.max()))
        while self.top < self.largest:
            self.counts[: BINS // 2] = self.counts[0::2] + self.counts[1::2]
            self.counts[BINS // 2 :] = 0
            self.top *= 2
        bins = np.minimum((magnitudes * (BINS / self.top)).astype(np.int64), BINS - 1)
        self.counts += np.bincount(bins, minlength=BINS)

    def percentile(self, share):
        """The magnitude that this share stays below."""
        seen = np.cumsum(self.counts)
        if seen[-1] == 0:
            return 1e-3
        end = (np.searchsorted(seen, share * seen[-1]) + 1) * self.top / BINS
        return min(float(end), self.largest)

    def least_squares(self):
        """The range, of those that will be, with the smallest rounding and clipping errors."""
        centres = (np.arange(BINS) + 0.5) * self.top / BINS
        widest = LEVELS * activation_scale((self.largest or 1e-3) / LEVELS)
        limits = widest * 0.5 ** np.arange(6)
        errors = []
        for limit in limits:
            clipped = np.maximum(centres - limit, 0) ** 2
            rounded = np.where(centres < limit, (limit / LEVELS) ** 2 / 12, 0)
            errors.append(float(((clipped + rounded) * self.counts).sum()))
        return float(limits[np.argmin(errors)])


def load_photos(folder, count, size):
    """[1, 3, h, w] of at most count pictures, evenly spread over the sorted folder."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURES)
    # A PNG beside a photo of the same name is its mask.
    photos = {p.stem for p in files if p.suffix.lower() != ".png"}
    files = [p for p in files if p.suffix.lower() != ".png" or p.stem not in photos]
    if not files:
        raise SystemExit(f"no pictures under {folder}")
    for index in np.unique(np.linspace(0, len(files) - 1, count).astype(int)):
        with Image.open(files[index]) as image:
            small = image.convert("RGB").resize(size[::-1], Image.BILINEAR)
        planes = np.asarray(small, np.float32).transpose(2, 0, 1)[None] / 255
        yield np.ascontiguousarray(planes)


def collect(model, groups, photos):
    """A histogram for each group, and tensor -> the mean of each channel."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    known = {output.name for output in probe.graph.output}
    fed = probe.graph.input[0].name
    names = [name for group in groups for name in group]
    for name in names:
        if name not in known and name != fed:
            probe.graph.output.append(helper.make_empty_tensor_value_info(name))
    session = session_of(probe)
    read = [name for name in names if name != fed]
    histograms = {name: Histogram() for name in names}
    means = defaultdict(list)
    for photo in photos:
        results = dict(zip(read, session.run(read, {fed: photo})))
        results[fed] = photo
        for group in groups:
            for name in group:
                histograms[group[0]].add(results[name])
                means[name].append(results[name].mean((0, 2, 3), dtype=np.float64))
    means = {name: np.mean(values, 0) for name, values in means.items()}
    return [histograms[group[0]] for group in groups], means


def correct_biases(model, means):
    """The same with biases that take back what the rounding of weights adds to a sum on average.

    Nagel et al. 2019, arXiv:1906.04721, section 4.2; means: those of collect().
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = Graph(result)
    for node in graph.nodes:
        known = node.op_type == "Conv" and node.input[0] in means and len(node.input) > 2
        if not known or graph.only_reader(node.input[2]) is None:
            continue
        weights = numpy_helper.to_array(graph.constants[node.input[1]]).astype(np.float64)
        bias = graph.constants[node.input[2]]
        steps = np.maximum(weight_scales(weights), 1e-12).reshape(-1, 1, 1, 1)
        error = (np.clip(np.rint(weights / steps), -LEVELS, LEVELS) * steps - weights).sum((2, 3))
        mean = np.reshape(means[node.input[0]], (-1, error.shape[1]))  # a row for each group
        added = (error * np.repeat(mean, len(error) // len(mean), 0)).sum(1)
        corrected = (numpy_helper.to_array(bias) - added).astype(np.float32)
        bias.CopyFrom(numpy_helper.from_array(corrected, bias.name))
    return result


RULES = {
    "largest value": lambda histogram: histogram.largest or 1e-3,
    "99.99 %": lambda histogram: histogram.percentile(0.9999),
    "99.9 %": lambda histogram: histogram.percentile(0.999),
    "least squares": Histogram.least_squares,
}


def difference(model, photos, masks):
    """(mean, 99th percentile) of |alpha - the f32 network's| over the photos."""
    session = session_of(model)
    name = session.get_inputs()[0].name
    gaps = [np.abs(session.run(None, {name: p})[0] - m) for p, m in zip(photos, masks)]
    return float(np.mean(gaps)), float(np.percentile(gaps, 99))


def calibrate(model, photos, held_out):
    """What `--save-scales` writes: of several rules the one nearest to f32 on held-out photos."""
    groups = groups_of(Graph(model))
    histograms, means = collect(model, groups, photos)
    corrected = correct_biases(model, means)
    session = session_of(model)
    name = session.get_inputs()[0].name
    masks = [session.run(None, {name: photo})[0] for photo in held_out]
    best, chosen = np.inf, None
    for rule, limit_of in RULES.items():
        scales = {g[0]: limit_of(h) / LEVELS for g, h in zip(groups, histograms)}
        mean, worst = difference(write(corrected, scales), held_out, masks)
        print(f"{rule:15} mean |difference| {mean:.5f}, 99 % below {worst:.4f}")
        if mean < best:
            best, chosen = mean, scales
    return {"scales": chosen, "means": {name: mean.tolist() for name, mean in means.items()}}


def size_of(model):
    shape = model.graph.input[0].type.tensor_type.shape.dim
    return shape[2].dim_value or 320, shape[3].dim_value or 320


def ranges_for(model, args):
    if args.scales:
        return json.loads(args.scales.read_text(encoding="utf-8"))
    photos = list(load_photos(args.photos, args.count, size_of(model)))
    # Every fifth photo only judges.
    judges = photos[::5]
    return calibrate(model, [p for i, p in enumerate(photos) if i % 5], judges)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", type=Path, required=True, help="f32 ONNX, or stored as fp16")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--photos", type=Path, help="pictures to take the ranges from")
    parser.add_argument("--count", type=int, default=160, help="how many of them")
    parser.add_argument("--scales", type=Path, help="JSON of scales instead of photos")
    parser.add_argument("--save-scales", type=Path, help="writes what was found")
    parser.add_argument("--list", action="store_true", help="prints the tensors and stops")
    args = parser.parse_args()
    model = fold(args.network)
    if args.list:
        for group in groups_of(Graph(model)):
            print(" ".join(group))
        return
    if not args.output or not (args.photos or args.scales):
        parser.error("expected --output, and --photos or --scales")
    ranges = ranges_for(model, args)
    if args.save_scales:
        args.save_scales.write_text(json.dumps(ranges), encoding="utf-8")
    result = write(correct_biases(model, ranges.get("means", {})), ranges["scales"])
    onnx.save(result, str(args.output))
    print(f"{args.output}: {args.output.stat().st_size} bytes, {len(result.graph.node)} nodes")


if __name__ == "__main__":
    main()
