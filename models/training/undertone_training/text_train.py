"""Fine-tunes the text branch on emotion, affect and toxicity together."""

import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional as F
from tqdm import tqdm

from . import checkpoint, text_corpora, text_model
from .text_corpora import Row


@dataclass
class Plan:
    """What a run needs."""

    epochs: float = 1.3
    batch: int = 32
    rate: float = 1.5e-4
    decay: float = 0.8  # of the rate, from each layer to the one under it
    spoken: float = 0.3  # share of texts shown as a recogniser writes them
    affect_share: float = 0.12  # of an epoch's emotion rows, so many EmoBank rows beside
    toxic_share: float = 0.12
    frozen: int = 2  # layers from the bottom that stay as published, and can be shared between packs
    seed: int = 1
    save_every: int = 100
    half: bool = True


def groups(model: text_model.TextModel, rate: float, decay: float, frozen: int) -> list[dict]:
    """Parameter groups with a rate falling toward the input; the embeddings and the lowest layers stay as they are."""
    model.bert.embeddings.requires_grad_(False)
    model.bert.encoder.layer[:frozen].requires_grad_(False)
    layers = list(model.bert.encoder.layer[frozen:])
    heads = [p for n, p in model.named_parameters() if not n.startswith("bert.")]
    found = [{"params": heads, "lr": rate * 2}]
    for depth, layer in enumerate(reversed(layers)):
        found.append({"params": list(layer.parameters()), "lr": rate * decay**depth})
    return found


def schedule(step: int, total: int) -> float:
    """Up over the first twentieth, then down in a straight line."""
    warm = max(1, total // 20)
    return min(1.0, (step + 1) / warm) * max(0.02, 1.0 - step / total)


def _batches(pools: list[list[Row]], plan: Plan, tokenizer, rng: random.Random):
    """Batches of one kind each, of texts of about one length, in random order."""
    found = []
    for pool in pools:
        rows = sorted(pool, key=lambda r: len(r.text) + rng.random() * 12)
        found += [rows[i : i + plan.batch] for i in range(0, len(rows), plan.batch)]
    rng.shuffle(found)
    return found


def loss_of(out: dict, rows: list[Row]) -> torch.Tensor:
    """The loss of a batch of one kind."""
    if rows[0].emotion is not None:
        target = torch.tensor([r.emotion for r in rows])
        fine = torch.tensor([r.fine for r in rows])
        return F.cross_entropy(out["emotion"], target, label_smoothing=0.05) + 3.0 * F.binary_cross_entropy_with_logits(out["fine"], fine)
    if rows[0].affect is not None:
        return 6.0 * F.mse_loss(out["affect"], torch.tensor([r.affect for r in rows]))
    return F.binary_cross_entropy_with_logits(out["toxic"][:, 0], torch.tensor([r.toxic for r in rows]))


def train(encoder: Path, emotion: list[Row], affect: list[Row], toxic: list[Row], work: Path, plan: Plan) -> text_model.TextModel:
    """Trains, resuming from `work/text.pt`; returns the model."""
    torch.manual_seed(plan.seed)
    model, tokenizer = text_model.load(encoder)
    pools = [[r for r in rows if r.split == "train" and r.text] for rows in (emotion, affect, toxic)]
    per_epoch = len(pools[0]) // plan.batch
    total = int(plan.epochs * per_epoch * (1 + plan.affect_share + plan.toxic_share))
    optimizer = torch.optim.AdamW(groups(model, plan.rate, plan.decay, plan.frozen), weight_decay=0.01)
    rates = [g["lr"] for g in optimizer.param_groups]
    file = work / "text.pt"
    state = checkpoint.load(file)
    step = 0
    if state:
        checkpoint.fit(model, state["model"], file)
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
    model.train()
    bar = tqdm(total=total, initial=step, desc="text", disable=None)
    started, running = time.time(), 0.0
    position = 0
    epoch = 0
    while step < total:
        rng = random.Random(plan.seed * 1000 + epoch)
        chosen = [pools[0],
                  rng.sample(pools[1], min(len(pools[1]), int(plan.affect_share * len(pools[0])))),
                  rng.sample(pools[2], min(len(pools[2]), int(plan.toxic_share * len(pools[0]))))]
        for rows in _batches(chosen, plan, tokenizer, rng):
            position += 1
            if position <= step:
                continue
            if step >= total:
                break
            for group, rate in zip(optimizer.param_groups, rates):
                group["lr"] = rate * schedule(step, total)
            say = [text_corpora.as_spoken(r.text) or r.text if rng.random() < plan.spoken else r.text for r in rows]
            # 16-bit products halve the time where the processor has them; losses and weights stay 32-bit.
            with torch.autocast("cpu", torch.bfloat16, enabled=plan.half):
                out = model(*text_model.batch(tokenizer, say))
            loss = loss_of({name: value.float() for name, value in out.items()}, rows)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            step += 1
            running = 0.98 * running + 0.02 * loss.item()
            bar.update()
            if step % plan.save_every == 0 or step == total:
                checkpoint.save(file, {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step})
                print(f"text step {step}/{total} loss {running:.4f} {time.time() - started:.0f} s", flush=True)
        epoch += 1
    return model.eval()
