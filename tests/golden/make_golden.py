#!/usr/bin/env python3
"""make_golden.py - trains GPT-2, Llama, DeepSeek-V3 and Mixtral in PyTorch, for sim to be held to.

Every NAME.ini beside this file is one case. For each, in double precision:
  NAME.h5            the weights to start from (float32), made where model.init names this very file
  NAME.gradients.h5  the first step's gradients, before clipping (float64), for the cases that own weights
  NAME.final.h5      the weights after the last step (float32), for untied and llama
  NAME.losses.txt    the loss of every step, in nats, before its update
And optimizers.txt: a start, a gradient for each of 20 steps, and where each optimizer, without and with
weight decay, has brought the parameters; rates and settings are those of tests/models/test_optimizer.c.
Tensors have Hugging Face's names and layouts: a linear layer's weight is [in, out] in GPT-2, [out, in] in
Llama, DeepSeek and Mixtral. If Hugging Face's transformers is installed, its models must agree with those here.
"""
import configparser
import math
import pathlib
import unittest.mock

import h5py
import torch
import torch.nn.functional as F

try:
    import transformers
except ImportError:
    transformers = None

# have weights and gradients of their own; the order fixes the seeds
OWNERS = ("untied", "tied", "llama", "mla", "mixtral", "deepseek")
BIAS = "mlp.gate.e_score_correction_bias"
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent  # the paths in the ini files are relative to it


def is_llama(model):
    return model.get("norm") == "rmsnorm"


def is_latent(model):
    return model.get("attention_kind") == "mla"


def experts(model):
    """[moe], or None"""
    return model.parser["moe"] if "moe" in model.parser else None


def is_dense(model, layer):
    return not experts(model) or layer < experts(model).getint("first_dense", 0)


def is_biased(model):
    return experts(model) and experts(model)["balance"] == "bias"


def is_buffer(name):
    """a bias of experts' scores, which has no gradient"""
    return name.endswith(BIAS)


def head_width(model):
    return model.getint("hidden") // model.getint("heads")


def tensor_shapes(model):
    return llama_shapes(model) if is_llama(model) else gpt2_shapes(model)


def gpt2_shapes(model):
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


def llama_shapes(model):
    C, V = model.getint("hidden"), model.getint("vocab")
    shapes = {"model.embed_tokens.weight": (V, C)}
    for layer in range(model.getint("layers")):
        h = f"model.layers.{layer}."
        attention = latent_shapes(model) if is_latent(model) else llama_attention_shapes(model)
        shapes |= {h + "input_layernorm.weight": (C,)}
        shapes |= {f"{h}self_attn.{name}.weight": shape for name, shape in attention.items()}
        sparse = deepseek_shapes if is_latent(model) else expert_shapes
        mlp = mlp_shapes(model) if is_dense(model, layer) else sparse(model)
        shapes |= {h + "post_attention_layernorm.weight": (C,)}
        shapes |= {f"{h}{name}.weight": shape for name, shape in mlp.items()}
        if is_biased(model) and not is_dense(model, layer):
            shapes |= {h + BIAS: (experts(model).getint("experts"),)}
    return shapes | {"model.norm.weight": (C,), "lm_head.weight": (V, C)}


def llama_attention_shapes(model):
    C = model.getint("hidden")
    KV = head_width(model) * model.getint("kv_heads")
    return {"q_proj": (C, C), "k_proj": (KV, C), "v_proj": (KV, C), "o_proj": (C, C)}


def mlp_shapes(model):
    C, F_ = model.getint("hidden"), model.getint("ffn")
    return {"mlp.gate_proj": (F_, C), "mlp.up_proj": (F_, C), "mlp.down_proj": (C, F_)}


def expert_shapes(model):
    C, F_, E = model.getint("hidden"), model.getint("ffn"), experts(model).getint("experts")
    shapes = {"block_sparse_moe.gate": (E, C)}
    for e in range(E):
        shapes |= {f"block_sparse_moe.experts.{e}.{w}": (C, F_) if w == "w2" else (F_, C) for w in ("w1", "w2", "w3")}
    return shapes


def deepseek_shapes(model):
    C, moe = model.getint("hidden"), experts(model)
    F_, E, shared = (moe.getint(key) for key in ("ffn", "experts", "shared_experts"))
    matrices = {"gate_proj": (F_, C), "up_proj": (F_, C), "down_proj": (C, F_)}
    shapes = {"mlp.gate": (E, C)}
    for e in range(E):
        shapes |= {f"mlp.experts.{e}.{name}": shape for name, shape in matrices.items()}
    wide = {"gate_proj": (shared * F_, C), "up_proj": (shared * F_, C), "down_proj": (C, shared * F_)}
    return shapes | {f"mlp.shared_experts.{name}": shape for name, shape in wide.items()}


def latent_shapes(model):
    C, heads, q, kv = (model.getint(key) for key in ("hidden", "heads", "q_lora_rank", "kv_lora_rank"))
    nope, rope, v = (model.getint(key) for key in ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"))
    return {
        "q_a_proj": (q, C), "q_a_layernorm": (q,), "q_b_proj": (heads * (nope + rope), q),
        "kv_a_proj_with_mqa": (kv + rope, C), "kv_a_layernorm": (kv,), "kv_b_proj": (heads * (nope + v), kv),
        "o_proj": (C, heads * v),
    }  # fmt: skip


def random_weights(shapes, seed):
    """Nothing is at its usual 0 or 1, and attention is far from uniform, so that every gradient counts."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        is_gain = len(shape) == 1 and name.endswith(".weight")
        is_query_key_value = name.endswith(
            ("c_attn.weight", "q_proj.weight", "k_proj.weight", "v_proj.weight", "_a_proj.weight", "_b_proj.weight")
        )
        deviation = 0.5 if is_query_key_value else 0.2
        weights[name] = is_gain + deviation * torch.randn(shape, generator=generator)
    return weights


def attend(q, k, v):
    """(B, heads, T, width) each, v perhaps of another width, to (B, T, heads width of v)"""
    B, heads, T, width = q.shape
    scores = q @ k.transpose(-2, -1) / math.sqrt(width)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    attention = F.softmax(scores.masked_fill(future, -math.inf), dim=-1) @ v
    return attention.transpose(1, 2).reshape(B, T, -1)


def gpt2_block(x, w, h, heads):
    B, T, C = x.shape
    norm = F.layer_norm(x, (C,), w[h + "ln_1.weight"], w[h + "ln_1.bias"], eps=1e-5)
    qkv = norm @ w[h + "attn.c_attn.weight"] + w[h + "attn.c_attn.bias"]
    q, k, v = (t.view(B, T, heads, C // heads).transpose(1, 2) for t in qkv.split(C, dim=2))
    x = x + attend(q, k, v) @ w[h + "attn.c_proj.weight"] + w[h + "attn.c_proj.bias"]
    norm = F.layer_norm(x, (C,), w[h + "ln_2.weight"], w[h + "ln_2.bias"], eps=1e-5)
    inner = F.gelu(norm @ w[h + "mlp.c_fc.weight"] + w[h + "mlp.c_fc.bias"], approximate="tanh")
    return x + inner @ w[h + "mlp.c_proj.weight"] + w[h + "mlp.c_proj.bias"]


def gpt2_logits(w, model, tokens):
    x = F.embedding(tokens, w["wte.weight"]) + w["wpe.weight"]
    for layer in range(model.getint("layers")):
        x = gpt2_block(x, w, f"h.{layer}.", model.getint("heads"))
    x = F.layer_norm(x, (x.shape[-1],), w["ln_f.weight"], w["ln_f.bias"], eps=1e-5)
    return F.linear(x, w.get("lm_head.weight", w["wte.weight"]))


def rotate(x, base):
    """RoPE: elements j and j + width / 2 of a head turn by position base^(-2 j / width)."""
    T, width = x.shape[-2:]
    frequency = base ** (-torch.arange(0, width, 2).double() / width)
    angle = torch.outer(torch.arange(T).double(), frequency)
    low, high = x.chunk(2, dim=-1)
    return torch.cat((low * angle.cos() - high * angle.sin(), high * angle.cos() + low * angle.sin()), dim=-1)


def rotate_pairs(x, base):
    """RoPE of DeepSeek: elements 2j and 2j + 1 turn, as a complex number does that is multiplied by e^(i angle)."""
    T, width = x.shape[-2:]
    frequency = base ** (-torch.arange(0, width, 2).double() / width)
    turn = torch.polar(torch.ones(T, width // 2).double(), torch.outer(torch.arange(T).double(), frequency))
    return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (-1, 2)).contiguous()) * turn).flatten(-2)


def latent_attention(norm, w, h, model):
    """2405.04434, equations 37 to 47"""
    heads, kv, rope = (model.getint(key) for key in ("heads", "kv_lora_rank", "qk_rope_head_dim"))
    nope, base = model.getint("qk_nope_head_dim"), model.getfloat("rope_base")
    gain = {name: w[h + f"self_attn.{name}_a_layernorm.weight"] for name in ("q", "kv")}
    q = F.linear(norm, w[h + "self_attn.q_a_proj.weight"])
    q = F.linear(F.rms_norm(q, q.shape[-1:], gain["q"], eps=1e-5), w[h + "self_attn.q_b_proj.weight"])
    q = q.unflatten(-1, (heads, -1)).transpose(1, 2)
    latent, key = F.linear(norm, w[h + "self_attn.kv_a_proj_with_mqa.weight"]).split((kv, rope), dim=-1)
    up = F.linear(F.rms_norm(latent, (kv,), gain["kv"], eps=1e-5), w[h + "self_attn.kv_b_proj.weight"])
    up = up.unflatten(-1, (heads, -1)).transpose(1, 2)
    key = rotate_pairs(key, base)[:, None].expand(-1, heads, -1, -1)
    q = torch.cat((q[..., :nope], rotate_pairs(q[..., nope:], base)), dim=-1)
    attention = attend(q, torch.cat((up[..., :nope], key), dim=-1), up[..., nope:])
    return F.linear(attention, w[h + "self_attn.o_proj.weight"])


def llama_attention(norm, w, h, model):
    B, T, C = norm.shape
    heads, kv_heads, base = model.getint("heads"), model.getint("kv_heads"), model.getfloat("rope_base")
    q, k, v = (F.linear(norm, w[h + f"self_attn.{name}_proj.weight"]) for name in "qkv")
    q, k, v = (t.view(B, T, -1, head_width(model)).transpose(1, 2) for t in (q, k, v))
    k, v = (t.repeat_interleave(heads // kv_heads, dim=1) for t in (k, v))
    return F.linear(attend(rotate(q, base), rotate(k, base), v), w[h + "self_attn.o_proj.weight"])


def llama_block(x, w, layer, model):
    h = f"model.layers.{layer}."
    C = x.shape[-1]
    norm = F.rms_norm(x, (C,), w[h + "input_layernorm.weight"], eps=1e-5)
    x = x + (latent_attention if is_latent(model) else llama_attention)(norm, w, h, model)
    norm = F.rms_norm(x, (C,), w[h + "post_attention_layernorm.weight"], eps=1e-5)
    if not is_dense(model, layer):
        if is_latent(model):
            return x + deepseek_experts(norm, w, h, experts(model))
        return x + sparse_experts(norm, w, h + "block_sparse_moe.", experts(model))
    return x + swiglu(norm, *(w[h + f"mlp.{name}_proj.weight"] for name in ("gate", "up", "down")))


def swiglu(x, gate, up, down):
    return F.linear(F.silu(F.linear(x, gate)) * F.linear(x, up), down)


def sparse_experts(x, w, h, moe):
    """2401.04088, section 2.1; each expert sees every token, and a gate of 0 takes away what it makes of most"""
    best, chosen = F.linear(x, w[h + "gate.weight"]).topk(moe.getint("top_k"), dim=-1)
    gates = torch.zeros(*x.shape[:-1], moe.getint("experts")).double().scatter(-1, chosen, best.softmax(-1))
    parts = (
        gates[..., e, None] * swiglu(x, *(w[h + f"experts.{e}.{name}.weight"] for name in ("w1", "w3", "w2")))
        for e in range(gates.shape[-1])
    )
    return sum(parts)


def choose(scores, moe):
    """2412.19437, section 2.1.2: the best of the groups whose best two are best together"""
    groups, limited = moe.getint("groups"), moe.getint("groups_limited")
    grouped = scores.unflatten(-1, (groups, -1))
    best = grouped.topk(2, dim=-1)[0].sum(-1).topk(limited, dim=-1)[1]
    others = torch.ones(grouped.shape[:-1], dtype=torch.bool).scatter(-1, best, False)
    return grouped.masked_fill(others[..., None], -math.inf).flatten(-2).topk(moe.getint("top_k"), dim=-1)[1]


def deepseek_experts(x, w, h, moe):
    """2412.19437, equations 12 to 16; what was chosen is counted, for the bias"""
    scores = F.linear(x, w[h + "mlp.gate.weight"]).sigmoid()
    chosen = choose(scores.detach() + w[h + BIAS], moe)
    w[h + BIAS].chosen = chosen.flatten().bincount(minlength=scores.shape[-1])
    best = scores.gather(-1, chosen)
    gates = torch.zeros_like(scores).scatter(-1, chosen, best / best.sum(-1, keepdim=True) * moe.getfloat("route_scale"))
    matrices = ("gate_proj", "up_proj", "down_proj")
    parts = (
        gates[..., e, None] * swiglu(x, *(w[f"{h}mlp.experts.{e}.{name}.weight"] for name in matrices))
        for e in range(gates.shape[-1])
    )
    return sum(parts) + swiglu(x, *(w[f"{h}mlp.shared_experts.{name}.weight"] for name in matrices))


def step_biases(w, step):
    """2408.15664, algorithm 1"""
    for name in filter(is_buffer, w):
        load = w[name].chosen.double()
        w[name] += step * (load.mean() - load).sign()


def llama_logits(w, model, tokens):
    x = F.embedding(tokens, w["model.embed_tokens.weight"])
    for layer in range(model.getint("layers")):
        x = llama_block(x, w, layer, model)
    return F.linear(F.rms_norm(x, (x.shape[-1],), w["model.norm.weight"], eps=1e-5), w["lm_head.weight"])


def mean_loss(w, model, tokens):
    """tokens (B, T + 1)"""
    logits = (llama_logits if is_llama(model) else gpt2_logits)(w, model, tokens[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def their_model(model):
    common = dict(
        vocab_size=model.getint("vocab"),
        hidden_size=model.getint("hidden"),
        intermediate_size=model.getint("ffn"),
        num_hidden_layers=model.getint("layers"),
        num_attention_heads=model.getint("heads"),
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": model.getfloat("rope_base")},
        tie_word_embeddings=False,
        attn_implementation="eager",
    )
    if not is_latent(model):
        common |= dict(num_key_value_heads=model.getint("kv_heads"))
        if not experts(model):
            return transformers.LlamaForCausalLM(transformers.LlamaConfig(**common))
        config = transformers.MixtralConfig(
            num_local_experts=experts(model).getint("experts"),
            num_experts_per_tok=experts(model).getint("top_k"),
            experts_implementation="eager",
            **common,
        )
        return transformers.MixtralForCausalLM(config)
    widths = ("q_lora_rank", "kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim")
    config = transformers.DeepseekV3Config(
        num_key_value_heads=model.getint("heads"),
        num_mtp_layers=0,
        **their_experts(model),
        **{key: model.getint(key) for key in widths},
        **common,
    )
    theirs = transformers.DeepseekV3ForCausalLM(config)
    for layer in theirs.model.layers:  # whose epsilon is a constant of its own, 1e-6
        for norm in (layer.self_attn.q_a_layernorm, layer.self_attn.kv_a_layernorm):
            norm.variance_epsilon = config.rms_norm_eps
    return theirs


def their_experts(model):
    """DeepSeek's"""
    moe = experts(model)
    if not moe:
        return dict(first_k_dense_replace=model.getint("layers"))
    return dict(
        first_k_dense_replace=moe.getint("first_dense"),
        n_routed_experts=moe.getint("experts"),
        n_shared_experts=moe.getint("shared_experts"),
        num_experts_per_tok=moe.getint("top_k"),
        moe_intermediate_size=moe.getint("ffn"),
        n_group=moe.getint("groups"),
        topk_group=moe.getint("groups_limited"),
        norm_topk_prob=moe.getboolean("normalise_top_k"),
        routed_scaling_factor=moe.getfloat("route_scale"),
        experts_implementation="eager",
    )


def as_held(tensors):
    """Of experts' files a tensor each, which transformers 5 holds as one for all of a layer, gate above up."""
    held, parts = {}, {}
    theirs = {"w1": "gate_proj", "w3": "up_proj", "w2": "down_proj"}
    for name, tensor in tensors.items():
        name = name.replace("block_sparse_moe.", "mlp.")
        layer, moe, rest = name.partition("mlp.experts.")
        if moe:
            _, matrix, _ = rest.split(".")
            parts.setdefault(layer + moe, {}).setdefault(theirs.get(matrix, matrix), []).append(tensor)
        else:
            held[name] = tensor
    for name, part in parts.items():
        held[name + "gate_up_proj"] = torch.cat((torch.stack(part["gate_proj"]), torch.stack(part["up_proj"])), dim=1)
        held[name + "down_proj"] = torch.stack(part["down_proj"])
    return held


def check_theirs(w, model, tokens, loss):
    """Loss and gradients in w are those of Hugging Face's model, with its float32 parts in double too."""
    double = unittest.mock.patch.multiple(torch, float=torch.float64, float32=torch.float64)
    with double, unittest.mock.patch.object(torch.Tensor, "float", torch.Tensor.double):
        theirs = their_model(model).double()
        theirs.load_state_dict(as_held(w))
        logits = theirs(tokens[:, :-1]).logits
        their_loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        their_loss.backward()
    ours = as_held({name: tensor.grad for name, tensor in w.items() if not is_buffer(name)})
    apart = ((ours[name] - p.grad).abs().max() / p.grad.abs().max() for name, p in theirs.named_parameters())
    apart = max(apart).item()
    name = f"{type(theirs).__name__} {transformers.__version__}"
    print(f"{name}: loss {abs(their_loss.item() - loss):.1e}, first gradients {apart:.1e} apart")
    assert apart < 1e-12 and abs(their_loss.item() - loss) < 1e-12


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
        {"params": [t for t in w.values() if t.dim() == 1 and t.requires_grad], "weight_decay": 0.0},
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
    owns_weights = ini.stem in OWNERS
    if owns_weights:
        save(init, random_weights(tensor_shapes(model), seed), torch.float32)
    with h5py.File(init) as file:
        w = {
            name: torch.tensor(file[name][()]).double().requires_grad_(not is_buffer(name))
            for name in tensor_shapes(model)
        }

    update, losses, clipped = optimizer(train, w), [], 0
    count, clip = train.getint("global_batch"), train.getfloat("clip")
    for step in range(train.getint("steps")):
        update.zero_grad()
        loss = mean_loss(w, model, batch(text, model.getint("sequence"), step * count, count))
        loss.backward()
        losses.append(loss.item())
        if step == 0 and is_llama(model) and transformers:
            check_theirs(w, model, batch(text, model.getint("sequence"), 0, count), loss.item())
        if step == 0 and owns_weights:
            gradients = {name: t.grad for name, t in w.items() if not is_buffer(name)}
            save(ini.with_suffix(".gradients.h5"), gradients, torch.float64)
        if clip > 0:
            clipped += torch.nn.utils.clip_grad_norm_([t for t in w.values() if t.requires_grad], clip).item() > clip
        for group in update.param_groups:
            group["lr"] = learning_rate(train, step)
        update.step()
        if is_biased(model):
            step_biases(w, experts(model).getfloat("bias_step"))

    ini.with_suffix(".losses.txt").write_text("".join(f"{loss:.17g}\n" for loss in losses))
    if ini.stem in ("untied", "llama"):
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
    cases = sorted(HERE.glob("*.ini"), key=lambda ini: OWNERS.index(ini.stem) if ini.stem in OWNERS else len(OWNERS))
    for seed, ini in enumerate(cases, start=1):
        make(ini, seed)
    make_optimizers()


if __name__ == "__main__":
    main()
