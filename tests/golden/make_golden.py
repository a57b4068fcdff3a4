#!/usr/bin/env python3
"""make_golden.py - trains GPT-2 in PyTorch, for sim to be held to.

Every NAME.ini beside this file is one case. For each, in double precision:
  NAME.h5            the weights to start from (float32), made where model.init names this very file
  NAME.gradients.h5  the first step's gradients, before clipping (float64), for the cases that own weights
  NAME.final.h5      the weights after the last step (float32), for untied
  NAME.losses.txt    the loss of every step, in nats, before its update
And optimizers.txt: a start, a gradient for each of 20 steps, and where each optimizer, without and with
weight decay, has brought the parameters; rates and settings are those of tests/test_optimizer.c.
Tensors have Hugging Face's GPT-2 names and layouts: a linear layer's weight is [in, out].
"""
import configparser
import math
import pathlib

import h5py
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent  # the paths in the ini files are relative to it


def tensor_shapes(model):
    C, F_, V, T = (model.getint(key) for key in ("hidden", "ffn", "vocab", "sequence"))
    shapes = {"wte.weight": (V, C), "wpe.weight": (T, C)}
    for layer in range(model.getint("layers")):
        h = f"h.{layer}."
        shapes |= {
            h + "ln_1.weight": (C,), h + "ln_1.bias": (C,),
            h + "attn.c_attn.weight": (C, 3 * C), h + "attn.c_attn.bias": (3 * C,),
            h + "attn.c_proj.weight": (C, C), h + "attn.c_proj.bias": (C,),
            h + "ln_2.weight": (C,), h + "ln_2.bias": (C,),
            h + "mlp.c_fc.weight": (C, F_), h + "mlp.c_fc.bias": (F_,),
            h + "mlp.c_proj.weight": (F_, C), h + "mlp.c_proj.bias": (C,),
        }  # fmt: skip
    shapes |= {"ln_f.weight": (C,), "ln_f.bias": (C,)}
    if not model.getboolean("tie_embeddings"):
        shapes["lm_head.weight"] = (V, C)
    return shapes


def random_weights(shapes, seed):
    """Nothing is at its usual 0 or 1, and attention is far from uniform, so that every gradient counts."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        is_gain = ".ln_" in "." + name and name.endswith(".weight")
        is_query_key_value = name.endswith("c_attn.weight")
        deviation = 0.5 if is_query_key_value else 0.2
        weights[name] = is_gain + deviation * torch.randn(shape, generator=generator)
    return weights


def block(x, w, h, heads):
    B, T, C = x.shape
    norm = F.layer_norm(x, (C,), w[h + "ln_1.weight"], w[h + "ln_1.bias"], eps=1e-5)
    qkv = norm @ w[h + "attn.c_attn.weight"] + w[h + "attn.c_attn.bias"]
    q, k, v = (t.view(B, T, heads, C // heads).transpose(1, 2) for t in qkv.split(C, dim=2))
    scores = q @ k.transpose(-2, -1) / math.sqrt(C // heads)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    attention = F.softmax(scores.masked_fill(future, -math.inf), dim=-1) @ v
    attention = attention.transpose(1, 2).reshape(B, T, C)
    x = x + attention @ w[h + "attn.c_proj.weight"] + w[h + "attn.c_proj.bias"]
    norm = F.layer_norm(x, (C,), w[h + "ln_2.weight"], w[h + "ln_2.bias"], eps=1e-5)
    inner = F.gelu(norm @ w[h + "mlp.c_fc.weight"] + w[h + "mlp.c_fc.bias"], approximate="tanh")
    return x + inner @ w[h + "mlp.c_proj.weight"] + w[h + "mlp.c_proj.bias"]


def mean_loss(w, model, tokens):
    """tokens (B, T + 1)"""
    x = F.embedding(tokens[:, :-1], w["wte.weight"]) + w["wpe.weight"]
    for layer in range(model.getint("layers")):
        x = block(x, w, f"h.{layer}.", model.getint("heads"))
    x = F.layer_norm(x, (x.shape[-1],), w["ln_f.weight"], w["ln_f.bias"], eps=1e-5)
    logits = F.linear(x, w.get("lm_head.weight", w["wte.weight"]))
    return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def batch(text, sequence, first, count):
    """Sample i reads bytes i*sequence .. and the one after, from the beginning again at the end."""
    places = sequence * torch.arange(first, first + count)[:, None] + torch.arange(sequence + 1)
    return text[places % len(text)]


def learning_rate(train, step):
    highest, warmup, last = train.getfloat("learning_rate"), train.getint("warmup"), train.getint("steps") - 1
    if step < warmup:
        return highest * (step + 1) / warmup
    if train["decay"] == "constant":
        return highest
    lowest = highest / 10
    return lowest + (highest - lowest) * (1 + math.cos(math.pi * (step - warmup) / (last - warmup))) / 2


def optimizer(train, w):
    decay = train.getfloat("weight_decay")
    groups = [
        {"params": [t for t in w.values() if t.dim() == 2], "weight_decay": decay},
        {"params": [t for t in w.values() if t.dim() == 1], "weight_decay": 0.0},
    ]
    kind = train["optimizer"]
    if kind in ("sgd", "momentum"):
        return torch.optim.SGD(groups, lr=1.0, momentum=train.getfloat("momentum") if kind == "momentum" else 0.0)
    if kind == "rmsprop":
        return torch.optim.RMSprop(groups, lr=1.0, alpha=train.getfloat("alpha"), eps=train.getfloat("epsilon"))
    if kind == "adagrad":
        return torch.optim.Adagrad(groups, lr=1.0, eps=train.getfloat("epsilon"))
    betas = (train.getfloat("beta1"), train.getfloat("beta2"))
    adam = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind]
    return adam(groups, lr=1.0, betas=betas, eps=train.getfloat("epsilon"))


def save(path, tensors, dtype):
    with h5py.File(path, "w") as file:
        for name, tensor in tensors.items():
            file.create_dataset(name, data=tensor.detach().to(dtype).numpy(), track_times=False)


def make(ini, seed):
    config = configparser.ConfigParser()
    config.read(ini)
    model, data, train = config["model"], config["data"], config["train"]
    text = torch.tensor(list((ROOT / data["source"]).read_bytes()))
    init = ROOT / model["init"]
    owns_weights = init.stem == ini.stem
    if owns_weights:
        save(init, random_weights(tensor_shapes(model), seed), torch.float32)
    with h5py.File(init) as file:
        w = {name: torch.tensor(file[name][()]).double().requires_grad_() for name in tensor_shapes(model)}

    update, losses, clipped = optimizer(train, w), [], 0
    count, clip = train.getint("global_batch"), train.getfloat("clip")
    for step in range(train.getint("steps")):
        update.zero_grad()
        loss = mean_loss(w, model, batch(text, model.getint("sequence"), step * count, count))
        loss.backward()
        losses.append(loss.item())
        if step == 0 and owns_weights:
            save(ini.with_suffix(".gradients.h5"), {name: t.grad for name, t in w.items()}, torch.float64)
        if clip > 0:
            clipped += torch.nn.utils.clip_grad_norm_(w.values(), clip).item() > clip
        for group in update.param_groups:
            group["lr"] = learning_rate(train, step)
        update.step()

    ini.with_suffix(".losses.txt").write_text("".join(f"{loss:.17g}\n" for loss in losses))
    if ini.stem == "untied":
        save(ini.with_suffix(".final.h5"), w, torch.float32)
    print(f"{ini.stem}: loss {losses[0]:.4f} to {losses[-1]:.4f}, {clipped} of {len(losses)} steps clipped")


def make_optimizers(steps=20, count=6):
    generator = torch.Generator().manual_seed(42)
    numbers = torch.randn(1 + steps, count, generator=generator).double()  # float32 values
    lines = [("start" if i == 0 else "gradient") + "".join(f" {x:.17g}" for x in row) for i, row in enumerate(numbers)]
    settings = {"beta1": 0.9, "beta2": 0.95, "epsilon": 1e-8, "momentum": 0.9, "alpha": 0.99}
    for kind in ("sgd", "momentum", "adam", "adamw", "rmsprop", "adagrad"):
        for decay in (0.0, 0.1):
            config = configparser.ConfigParser()
            config.read_dict({"train": settings | {"optimizer": kind, "weight_decay": decay}})
            x = numbers[:1].clone().requires_grad_()
            update = optimizer(config["train"], {"x": x})
            for step in range(1, steps + 1):
                x.grad = numbers[step : step + 1].clone()
                for group in update.param_groups:
                    group["lr"] = 0.01 * (1 + step % 3)
                update.step()
            lines.append(f"{kind} {decay:g}" + "".join(f" {v:.17g}" for v in x[0].tolist()))
    (HERE / "optimizers.txt").write_text("".join(line + "\n" for line in lines))


def main():
    torch.set_num_threads(1)  # the same order of additions every time
    cases = sorted(HERE.glob("*.ini"), key=lambda ini: ini.stem not in ("tied", "untied"))
    for seed, ini in enumerate(cases, start=1):
        make(ini, seed)
    make_optimizers()


if __name__ == "__main__":
    main()
