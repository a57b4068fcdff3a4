#!/usr/bin/env python3
"""bench_torch.py SIM - training steps of sim and of PyTorch: the same model from the same weights over the same text,
AdamW and clipping, one thread a process, in runs by turns.

PyTorch runs as one process, as DDP, or as FSDP2 over gloo (sim: zero3), in bf16 by autocast, with its fused AdamW and
whichever attention kernel is the faster in a trial. Prints samples (tests/support/sample.h): tokens a second of the median
step, and the losses of the first and the last. Losses that are apart are no comparison, and end it.
"""
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS, WARM = 3, 2
PATIENCE, GRACE = 300, 5  # seconds: of one run of PyTorch, and of those that have not ended when its first process has
MODELS = {
    "small GPT": {"layers": 4, "hidden": 256, "heads": 8, "ffn": 1024, "vocab": 512, "sequence": 128},
    "gpt2-124m": {"layers": 12, "hidden": 768, "heads": 12, "ffn": 3072, "vocab": 50257, "sequence": 64},
}
TRAIN = {"learning_rate": 1e-3, "weight_decay": 0.1, "beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "clip": 1.0}
APART = {"fp32": 1e-4, "bf16": 2e-2}  # of the loss, at most


def case(model, batch, steps, kind, ranks, precision):
    return {"name": f"{model} {kind} {ranks} {precision}", "of": model, "model": MODELS[model], "batch": batch,
            "steps": steps, "kind": kind, "ranks": ranks, "precision": precision}  # fmt: skip


CASES = [
    case("small GPT", 8, 12, kind, ranks, precision)
    for kind, ranks, precision in [
        ("ddp", 1, "fp32"), ("ddp", 2, "fp32"), ("ddp", 8, "fp32"), ("ddp", 1, "bf16"), ("ddp", 2, "bf16"),
        ("ddp", 8, "bf16"), ("zero3", 2, "fp32"), ("zero3", 4, "fp32"), ("zero3", 8, "fp32"),
    ]
] + [case("gpt2-124m", 4, 5, "ddp", 1, "fp32")]  # fmt: skip


# ---- PyTorch: one rank of a case ----


def build(model, weights):
    import h5py
    import torch
    from torch import nn
    from torch.nn import functional as F

    C, heads = model["hidden"], model["heads"]

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.ln_1, self.ln_2 = nn.LayerNorm(C), nn.LayerNorm(C)
            self.c_attn, self.c_proj = nn.Linear(C, 3 * C), nn.Linear(C, C)
            self.c_fc, self.c_out = nn.Linear(C, model["ffn"]), nn.Linear(model["ffn"], C)

        def forward(self, x):
            B, T, _ = x.shape
            q, k, v = (t.view(B, T, heads, C // heads).transpose(1, 2) for t in self.c_attn(self.ln_1(x)).split(C, dim=2))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.c_proj(y.transpose(1, 2).reshape(B, T, C))
            return x + self.c_out(F.gelu(self.c_fc(self.ln_2(x)), approximate="tanh"))

    class Gpt(nn.Module):
        def __init__(self):
            super().__init__()
            self.wte, self.wpe = nn.Embedding(model["vocab"], C), nn.Embedding(model["sequence"], C)
            self.h = nn.ModuleList(Block() for _ in range(model["layers"]))
            self.ln_f = nn.LayerNorm(C)

        def forward(self, tokens):
            x = self.wte(tokens[:, :-1]) + self.wpe.weight
            for block in self.h:
                x = block(x)
            logits = F.linear(self.ln_f(x), self.wte.weight)
            return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

    gpt = Gpt()
    names = {"attn.c_attn": "c_attn", "attn.c_proj": "c_proj", "mlp.c_fc": "c_fc", "mlp.c_proj": "c_out"}
    with h5py.File(weights) as file, torch.no_grad():
        parameters = dict(gpt.named_parameters())
        for name in file:
            ours = name
            for theirs, mine in names.items():
                ours = ours.replace(theirs, mine)
            value = torch.tensor(file[name][()])
            parameters.pop(ours).copy_(value.T if ours != name and value.dim() == 2 else value)
    assert not parameters, f"{weights} lacks {list(parameters)}"
    return gpt


def batch(text, model, first, count):
    """Sample i reads bytes i*sequence .. and the one after, from the beginning again at the end, as sim does."""
    import torch

    places = model["sequence"] * torch.arange(first, first + count)[:, None] + torch.arange(model["sequence"] + 1)
    return text[places % len(text)]


def work(case, rank, place):
    import torch
    import torch.distributed as dist
    from torch.distributed.fsdp import fully_shard
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.nn.parallel import DistributedDataParallel

    torch.set_num_threads(1)
    ranks, model, mine = case["ranks"], case["model"], case["batch"] // case["ranks"]
    text = torch.tensor(list((place / "text").read_bytes()))
    gpt = build(model, place / "weights.h5")
    dist.init_process_group("gloo", init_method=f"file://{place}/meet", rank=rank, world_size=ranks)
    if case["kind"] == "zero3":
        mesh = dist.device_mesh.init_device_mesh("cpu", (ranks,))
        for block in gpt.h:
            fully_shard(block, mesh=mesh)
        fully_shard(gpt, mesh=mesh)
    parameters = list(gpt.parameters())
    forward = DistributedDataParallel(gpt, gradient_as_bucket_view=True) if case["kind"] == "ddp" and ranks > 1 else gpt
    groups = [
        {"params": [p for p in parameters if p.dim() == 2], "weight_decay": TRAIN["weight_decay"]},
        {"params": [p for p in parameters if p.dim() == 1], "weight_decay": 0.0},
    ]
    betas = (TRAIN["beta1"], TRAIN["beta2"])
    adamw = torch.optim.AdamW(groups, lr=TRAIN["learning_rate"], betas=betas, eps=TRAIN["epsilon"], fused=True)

    def gradients(kernel, step):
        with sdpa_kernel(kernel), torch.autocast("cpu", torch.bfloat16, enabled=case["precision"] == "bf16"):
            loss = forward(batch(text, model, step * case["batch"] + rank * mine, mine))
        loss.backward()
        return loss.detach()

    def trial(kernel):
        seconds = []
        for _ in range(2):
            began = time.perf_counter()
            gradients(kernel, 0)
            adamw.zero_grad()
            seconds.append(time.perf_counter() - began)
        return min(seconds)

    kernels = [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]
    trials = torch.tensor([trial(kernel) for kernel in kernels], dtype=torch.float64)
    dist.broadcast(trials, 0)
    best = int(trials.argmin())
    losses, seconds = [], []
    for step in range(case["steps"]):
        began = time.perf_counter()
        losses.append(gradients(kernels[best], step))
        torch.nn.utils.clip_grad_norm_(parameters, TRAIN["clip"])
        adamw.step()
        adamw.zero_grad()
        seconds.append(time.perf_counter() - began)
    mean = torch.stack(losses).double() / ranks
    dist.all_reduce(mean)
    if rank == 0:
        print(json.dumps({"losses": mean.tolist(), "seconds": seconds, "flash": best == 0}), flush=True)
    dist.barrier()
    os._exit(0)  # what destroys the group waits for ever now and then


# ---- both, by turns ----


def run_torch(case, place):
    """Its first process has the result. The others may then wait for each other for ever, as gloo's at their end sometimes
    do; where it does not end itself it is tried once more."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "rank", json.dumps(case), str(place)]
    for _ in range(2):
        (place / "meet").unlink(missing_ok=True)
        ranks = [
            subprocess.Popen(command + [str(r)], env=environment, stdout=subprocess.PIPE, text=True)
            for r in range(case["ranks"])
        ]
        try:
            output = ranks[0].communicate(timeout=PATIENCE)[0]
            until = time.monotonic() + GRACE
            while time.monotonic() < until and any(rank.poll() is None for rank in ranks):
                time.sleep(0.1)
        except subprocess.TimeoutExpired:
            output = None
        for rank in ranks:
            rank.kill()
            rank.wait()
        if output:
            return json.loads(output)
        if output is not None:
            sys.exit(f"bench_torch: {case['name']}: PyTorch ended with {[rank.returncode for rank in ranks]}")
        print(f"{case['name']}: PyTorch had not ended after {PATIENCE} s", file=sys.stderr)
    sys.exit(f"bench_torch: {case['name']}: PyTorch did not end, twice")


def sim(sim_path, case, place, ranks, settings):
    settings = {f"model.{k}": v for k, v in case["model"].items()} | {"data.source": place / "text"} | settings
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    if os.environ.get("SETS"):
        sets += [word for key in os.environ["SETS"].split() for word in ("--set", key)]
    command = ["mpirun", "--quiet", "-n", str(ranks), sim_path, "--config", "single.ini"] + sets
    done = subprocess.run(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"bench_torch: {case['name']}: sim ended with {done.returncode}:\n{done.stdout}")


def run_sim(sim_path, case, place):
    import h5py

    settings = {f"train.{k}": v for k, v in TRAIN.items()} | {
        "model.init": place / "weights.h5", "train.decay": "constant", "train.threads": 1, "train.global_batch": case["batch"],
        "train.steps": case["steps"], "train.precision": case["precision"], "parallel.data": case["kind"],
        "output.file": place / "run.h5",
    }  # fmt: skip
    sim(sim_path, case, place, case["ranks"], settings)
    with h5py.File(place / "run.h5") as file:
        run = {"losses": file["steps/loss"][:].tolist(), "seconds": file["steps/wall_time"][:].tolist()}
    (place / "run.h5").unlink()
    return run


def one_round(sim_path, case, place, first):
    """The runs of one case; `first`: sim's."""
    runs = {}
    for program in ("sim", "PyTorch") if first else ("PyTorch", "sim"):
        runs[program] = run_sim(sim_path, case, place) if program == "sim" else run_torch(case, place)
    for step, (a, b) in enumerate(zip(runs["sim"]["losses"], runs["PyTorch"]["losses"])):
        if not math.isclose(a, b, rel_tol=APART[case["precision"]]):
            sys.exit(f"bench_torch: {case['name']}: not the same training: in step {step + 1} sim's loss is {a:.6f}, PyTorch's {b:.6f}")
    return runs


def main(sim_path):
    text = pathlib.Path(__file__).resolve().parent.parent.joinpath("README.md").read_bytes()
    speed = {}
    lines = {c["name"]: [] for c in CASES}
    with tempfile.TemporaryDirectory() as folder:
        for of, model in MODELS.items():
            place = pathlib.Path(folder) / of
            place.mkdir()
            (place / "text").write_bytes(text)
            made = {"train.steps": 0, "output.weights": place / "weights.h5", "output.file": place / "made.h5"}
            sim(sim_path, {"name": "weights", "model": model}, place, 1, made)
        for number in range(ROUNDS):
            for c in CASES:
                place = pathlib.Path(folder) / c["of"]
                runs = one_round(sim_path, c, place, number % 2 == 0)
                tokens = c["batch"] * c["model"]["sequence"]
                for program, run in runs.items():
                    speed[program, c["name"], number] = tokens / statistics.median(run["seconds"][WARM:])
                    for step in (0, c["steps"] - 1):
                        measure = f"{program} loss of step {step + 1}"
                        lines[c["name"]].append(f"{measure},nats,{number},{run['losses'][step]:.6f}")
                    lines[c["name"]].append(f"{program},tokens/s,{number},{speed[program, c['name'], number]:.1f}")
                ratio = speed["sim", c["name"], number] / speed["PyTorch", c["name"], number]
                lines[c["name"]].append(f"sim over PyTorch,1,{number},{ratio:.4f}")
                lines[c["name"]].append(f"PyTorch's flash kernel was the faster,1,{number},{int(runs['PyTorch']['flash'])}")
                alone = c["name"].replace(f" {c['kind']} {c['ranks']} ", " ddp 1 ")
                if c["ranks"] > 1:
                    for program in runs:
                        gain = speed[program, c["name"], number] / speed[program, alone, number]
                        lines[c["name"]].append(f"{program} over its one process,1,{number},{gain:.4f}")
                print(f"round {number + 1} of {ROUNDS}, {c['name']}: sim over PyTorch {ratio:.2f}", file=sys.stderr)
    for name, rows in lines.items():
        for row in rows:
            print(f"{name},{row}")


if __name__ == "__main__":
    if sys.argv[1] == "rank":
        work(json.loads(sys.argv[2]), int(sys.argv[4]), pathlib.Path(sys.argv[3]))
    else:
        main(sys.argv[1])
