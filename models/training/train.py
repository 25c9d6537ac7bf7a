# SPDX-License-Identifier: Apache-2.0
"""Trains the network; stops and resumes at any step with the same pictures.

    python3 models/training/train.py --cache CACHE --run RUN --sizes 192:6000 256:4000 320:2000

RUN/checkpoint.pt is written every few minutes and resumed from when it exists. The schedule counts
steps, not time, so a paused process loses nothing; a later call with other --sizes moves the end
of the schedule.
"""
import argparse
import gc
import os
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from augment import draw_batch
from native.step import NativeStep
from network import DESIGNS, Network, truth_at
from records import UNKNOWN, Records
from warmstart import warm_start

SCALE_WEIGHT = (1.0, 0.4, 0.3, 0.2, 0.2)
EMA_DECAY = 0.9985


class Batches(Dataset):
    """Item n is the batch of step n: drawn from a generator seeded by (seed, step, rank)."""

    def __init__(self, args, rank):
        self.args, self.rank, self.records = args, rank, None

    def __len__(self):
        return self.args.steps

    def __getitem__(self, step):
        if self.records is None:
            self.records = Records(self.args.cache)
        rng = np.random.default_rng((self.args.seed, step, self.rank))
        size = size_at(self.args, step)
        return draw_batch(self.records, rng, self.args.batch // self.args.processes, size)


def size_at(args, step):
    """Small pictures first: they teach nearly the same in a third of the time."""
    for sizes, steps in args.sizes:
        if step < steps:
            break
        step -= steps
    return sizes[step % len(sizes)]


def rate_at(args, step):
    """Warm-up, plateau, then a linear fall to nothing over the last --fall of the steps."""
    left = (args.steps - step) / (args.steps * args.fall)
    return args.rate * min(1.0, (step + 1) / args.warmup, left)


def loss_of(logits, target, valid):
    """Cross entropy + soft IoU at every scale; what is unknown does not count."""
    total = 0
    for logit, weight in zip(logits, SCALE_WEIGHT):
        logit = logit.float()
        truth, mask = truth_at(target, valid, logit.shape[2:])
        entropy = functional.binary_cross_entropy_with_logits(logit, truth, reduction="none")
        guess = torch.sigmoid(logit)
        common = (guess * truth * mask).sum((1, 2, 3))
        union = ((guess + truth - guess * truth) * mask).sum((1, 2, 3))
        sample_weight = mask.amax((1, 2, 3))
        overlap = (sample_weight * (1 - (common + 8) / (union + 8))).mean()
        total = total + weight * ((entropy * mask).mean() + 0.5 * overlap)
    return total


def masks_of(batch):
    """uint8 batch -> target in 0..1, and valid = loss weight where known."""
    masks, weights = torch.as_tensor(batch[1]), torch.as_tensor(batch[2])
    target = masks[:, None].float().div_(255)
    return target, (masks[:, None] != UNKNOWN).float() * weights.view(-1, 1, 1, 1)


def to_tensors(batch):
    """uint8 batch -> image in 0..1, and masks_of() it."""
    image = torch.as_tensor(batch[0]).permute(0, 3, 1, 2).float().div_(255)
    return image.contiguous(memory_format=torch.channels_last), *masks_of(batch)


def average_gradients(network, processes):
    """One all-reduce for all gradients."""
    if processes == 1:
        return
    grads = [p.grad for p in network.parameters()]
    flat = torch.cat([g.flatten() for g in grads])
    dist.all_reduce(flat)
    flat.div_(processes)
    for grad, part in zip(grads, flat.split([g.numel() for g in grads])):
        grad.copy_(part.view_as(grad))


@torch.no_grad()
def follow(average, network, step):
    """Moves the running average of the weights; early on it forgets faster."""
    decay = min(EMA_DECAY, (1 + step) / (10 + step))
    for mean, value in zip(average.state_dict().values(), network.state_dict().values()):
        if mean.dtype.is_floating_point:
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


def save(args, network, average, optimizer, step, name="checkpoint.pt"):
    """Written beside and renamed, so that a kill leaves the old one."""
    state = {"step": step, "design": args.design, "average": average.state_dict()}
    if name == "checkpoint.pt":
        # Tensors only, so that nothing but tensors need be trusted when it is read again.
        state.update(network=network.state_dict(), optimizer=optimizer.state_dict()["state"])
    torch.save(state, args.run / (name + ".part"))
    os.replace(args.run / (name + ".part"), args.run / name)


def restore(args, network, average, optimizer):
    """The step to go on from; 0 for a fresh run."""
    path = args.run / "checkpoint.pt"
    if path.exists():
        state = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state["optimizer"]})
        return state["step"]
    if args.warm_start and args.warm_start.suffix == ".pt":
        state = torch.load(args.warm_start, map_location="cpu", weights_only=True)
        network.load_state_dict(state["average"])
        average.load_state_dict(state["average"])
    elif args.warm_start:
        records = Records(args.cache)
        rng = np.random.default_rng(args.seed)
        batches = (to_tensors(draw_batch(records, rng, 16, size_at(args, 0)))[0] for _ in range(12))
        warm_start(network, args.warm_start, batches)
        average.load_state_dict(network.state_dict())
    return 0


def train(rank, args):
    """One process of the training; with several, each draws its share of every batch."""
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(0)
    for kind in (np.float32, np.float64):
        np.finfo(kind)  # looked up now: without denormals numpy warns about its own limits
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    if args.processes > 1:
        dist.init_process_group("gloo", args.rendezvous, rank=rank, world_size=args.processes)
    network = Network(args.design).to(memory_format=torch.channels_last)
    average = Network(args.design)
    average.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(network.parameters(), args.rate, weight_decay=args.weight_decay)
    first = restore(args, network, average, optimizer)
    loaders = {"num_workers": args.workers, "prefetch_factor": 3} if args.workers else {}
    order = range(first, args.steps)
    batches = DataLoader(Batches(args, rank), batch_size=None, sampler=order, **loaders)
    native = NativeStep(network.eval()) if args.native else None
    network.train(not args.native)  # in C the norms' statistics stay
    gc.freeze()  # what is there by now stays
    running, began = None, time.monotonic()
    for step, batch in enumerate(batches, first):
        loss = update(args, network, native, optimizer, step, batch)
        follow(average, network, step)
        running = loss if running is None else 0.98 * running + 0.02 * loss
        if rank == 0:
            done = step + 1
            report(args, done, first, running, began)
            if done % args.save_every == 0 or done == args.steps:
                save(args, network, average, optimizer, done)
            if done % args.keep_every == 0 or done == args.steps:
                save(args, network, average, optimizer, done, f"average-{done:06d}.pt")


def update(args, network, native, optimizer, step, batch):
    """One step of the optimiser; the loss of this process's share."""
    for group in optimizer.param_groups:
        group["lr"] = rate_at(args, step)
    optimizer.zero_grad(set_to_none=True)
    if native:
        loss = native.backward(torch.as_tensor(batch[0]), *masks_of(batch), SCALE_WEIGHT)
    else:
        loss = differentiate(args, network, batch)
    average_gradients(network, args.processes)
    torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimizer.step()
    return loss


def differentiate(args, network, batch):
    """The loss by PyTorch; the gradients go to the parameters."""
    image, target, valid = to_tensors(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bfloat16):
        logits = network(image)
    loss = loss_of(logits, target, valid)
    loss.backward()
    return float(loss.detach())


def report(args, done, first, running, began):
    if done % args.log_every and done != args.steps:
        return
    rate = (done - first) * args.batch / (time.monotonic() - began)
    learning = rate_at(args, done - 1)
    print(
        f"{done}/{args.steps} loss {running:.4f} rate {learning:.2e} {rate:.1f} pictures/s",
        flush=True,
    )


def stage(text):
    """ "192+256:6000" -> ((192, 256), 6000)"""
    first, steps = text.split(":")
    sizes = tuple(map(int, first.split("+")))
    if any(size <= 0 or size % 64 for size in sizes) or int(steps) < 1:
        raise ValueError(text)
    return sizes, int(steps)


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True, help="what prepare.py wrote")
    parser.add_argument("--run", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--design", choices=sorted(DESIGNS), default="wide")
    parser.add_argument(
        "--sizes",
        type=stage,
        nargs="+",
        default=[((192,), 6000), ((256,), 4000), ((320,), 2000)],
        metavar="SIZE[+SIZE...]:STEPS",
        help="so many steps with pictures of that size (a multiple of 64), or of these in turn",
    )
    parser.add_argument("--batch", type=int, default=16, help="pictures per step, all processes")
    parser.add_argument("--processes", type=int, default=1, help="1-thread processes beat threads")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="loaders per process")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--fall", type=float, default=0.6, help="share of steps with falling rate")
    parser.add_argument("--warmup", type=int, default=100)
    parser.add_argument("--weight-decay", type=float, default=1e-2)
    parser.add_argument(
        "--bfloat16", action="store_true", help="where the CPU has it (AMX, AVX512)"
    )
    parser.add_argument(
        "--native",
        action="store_true",
        help="the step in our own C (AMX, AVX-512 with bfloat16); norms as they start",
    )
    parser.add_argument(
        "--warm-start", type=Path, help="a checkpoint, or an ONNX file of this network"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log-every", type=int, default=50)
    parser.add_argument("--save-every", type=int, default=200)
    parser.add_argument("--keep-every", type=int, default=2000)
    args = parser.parse_args(arguments)
    args.steps = sum(steps for _, steps in args.sizes)
    if args.batch % args.processes:
        parser.error(f"--batch must be a multiple of --processes, received {args.batch}")
    return args


def main(arguments=None):
    args = parse(arguments)
    args.run.mkdir(parents=True, exist_ok=True)
    if args.processes == 1:
        train(0, args)
        return
    with tempfile.TemporaryDirectory() as folder:
        args.rendezvous = f"file://{folder}/store"
        mp.start_processes(train, (args,), nprocs=args.processes, start_method="fork")


if __name__ == "__main__":
    main()
