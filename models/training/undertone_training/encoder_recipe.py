"""A pack over another speech encoder: its layers' mix is learnt, then the emotion head; the encoder itself stays as it came.

It makes the voice branch alone: the words, the text and the fusions belong to the default trunk.
"""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor
from tqdm import tqdm

from . import calibrate, checkpoint, encoder, encoder_graph, graphs, head_train, judge, pack, quantise, spans, speech_recipe
from .encoder import Encoder
from .errors import RecipeError
from .graph import Graph
from .labels import LABELS
from .speech_head import _EPS, SpeechHead, statistics
from .store import Item, Store

LEARN_FROM = 1200  # clips enough to tell the layers apart
SECONDS = {"clean": None, "cut": 1.0}  # whole utterances, and what is known of them after a second


def heard(made: Encoder, x: np.ndarray, item: Item) -> tuple[Tensor, int, int]:
    """The audio the encoder is given, and its voiced frames."""
    audio, first, last = spans.heard(x, item.span, made.cut.stride, made.cut.receptive)
    return torch.from_numpy(audio)[None], first, last


def layer_stats(made: Encoder, store: Store, items: list[Item]) -> Tensor:
    """Statistics of every layer's voiced frames [clips, layers, features]."""
    found = []
    with torch.inference_mode():
        for item in tqdm(items, desc="layers", disable=None):
            audio, first, last = heard(made, store.audio(item), item)
            levels = made.levels(audio)
            first, last = min(first, levels[0].shape[1] - 1), min(last, levels[0].shape[1])
            found.append(torch.cat([statistics(x[:, first : max(first + 1, last)]) for x in levels]))
    return torch.stack(found)


def mixed_stats(made: Encoder, store: Store, items: list[Item], seconds: float | None) -> Tensor:
    """Statistics of the mix, of whole utterances or of their first seconds."""
    found = []
    with torch.inference_mode():
        for item in tqdm(items, desc="views", disable=None):
            audio, first, last = heard(made, store.audio(item), item)
            mix, _ = made(audio)
            first, last = min(first, mix.shape[1] - 1), min(last, mix.shape[1])
            if seconds is not None:
                last = min(last, first + max(8, round(seconds * 16000 / made.cut.stride)))
            found.append(statistics(mix[:, first : max(first + 1, last)])[0])
    return torch.stack(found)


def train(store: Store, folder: Path, work: Path, plan: head_train.Plan) -> SpeechHead:
    """Learns the mix and the head; `work/encoder.pt` keeps both."""
    made = encoder.load(folder)
    items = speech_recipe.emotional(store)
    chosen = [i for i in items if i.split != "dev"]
    dice = np.random.default_rng(plan.seed)
    some = [chosen[n] for n in sorted(dice.permutation(len(chosen))[:LEARN_FROM])]
    made.mixing.copy_(encoder.learn_mixing(layer_stats(made, store, some), torch.tensor([i.label for i in some]), seed=plan.seed))
    print("layers' shares: " + " ".join(f"{share:.2f}" for share in made.mixing.tolist()), flush=True)
    views = [mixed_stats(made, store, chosen, seconds) for seconds in SECONDS.values()]
    width = views[0].shape[1]
    head = head_train.train(chosen, views, plan, lambda: SpeechHead(width=width))
    checkpoint.save(work / "encoder.pt", {"mixing": made.mixing, "head": head.state_dict()})
    return head


def _head(state: dict[str, Tensor]) -> SpeechHead:
    """An empty head of a checkpoint's size."""
    return SpeechHead(state["enter.bias"].numel(), width=state["population_mean"].numel())


def load(folder: Path, work: Path) -> tuple[Encoder, SpeechHead]:
    """What `train` made, over the same checkpoint."""
    file = work / "encoder.pt"
    state = checkpoint.load(file)
    if state is None:
        raise RecipeError(f"{file}: not found; run `train --step head --speech-encoder {folder}` first")
    made, head = encoder.load(folder), _head(state["head"])
    if state["mixing"].shape != made.mixing.shape or head.population_mean.numel() != 2 * made.width:
        raise RecipeError(f"{file}: was made over another checkpoint than {folder}; remove it or give another --work folder")
    made.mixing.copy_(state["mixing"])
    checkpoint.fit(head, state["head"], file)
    return made, head.eval()


def speech_graph(head: SpeechHead) -> onnx.ModelProto:
    """mix, past_mean, past_clips → logits, affect, stats, for a head of any width."""
    g, stats = Graph("speech"), head.population_mean.numel()
    width = stats // 2
    mean = g.mean("mix", [1])
    centred = g.op("Sub", "mix", mean)
    deviation = g.op("Sqrt", g.add(g.mean(g.op("Mul", centred, centred), [1], keep=False), _EPS))
    graphs.judge(g, head, g.op("Concat", g.reshape(mean, [1, width]), deviation, axis=-1, name="stats"))
    return g.model(
        [("mix", [1, "frames", width]), ("past_mean", [1, stats]), ("past_clips", [1, 1])],
        [("logits", [1, len(LABELS)]), ("affect", [1, 3]), ("stats", [1, stats])],
    )


def export(store: Store, folder: Path, work: Path, out: Path, name: str, version: str) -> dict[str, float]:
    """Measures on the dev speakers and writes the pack. Its licence is the checkpoint's own too, which this cannot know."""
    made, head = load(folder, work)
    dev = [i for i in speech_recipe.emotional(store) if i.split == "dev"]
    if not dev:
        raise RecipeError("export: the cache has no dev speakers to calibrate on; prepare CREMA-D")
    clean = mixed_stats(made, store, dev, None)
    fitted, _ = calibrate.calibrate(head, dev, clean, {1.0: mixed_stats(made, store, dev, 1.0)})
    found = judge.figures(head, dev, clean)
    models = {"trunk": quantise.dynamic_int8(encoder_graph.graph(made)), "speech": speech_graph(head)}
    quantise.shrink(models["speech"])
    trained = [label for label, there in zip(LABELS, head.trained.tolist()) if there]
    config = hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()[:12]
    training = [
        {"name": "CREMA-D", "licence": "ODbL 1.0 (database), DbCL 1.0 (contents)", "use": "speech emotion: mix of layers and head"},
        {"name": "EMO-DB", "licence": "CC0 1.0", "use": "speech emotion: mix of layers and head"},
        {"name": f"{folder.name} (config.json {config})", "licence": "the checkpoint's own", "use": "speech encoder, unchanged"},
    ]
    description = f"Speech emotion over the encoder {folder.name}: {len(trained)} labels, no words."
    figures = {"crema_d_dev_uar_first": found["first"] / 100.0, "crema_d_dev_uar_stream": found["stream"] / 100.0}
    shape = pack.Shape(made.cut.stride, made.cut.receptive, made.width)
    pack.write(pack.Pack(name, version, description, "ODbL-1.0 AND the encoder's own", models, trained, fitted, training, figures, shape), out)
    return figures
