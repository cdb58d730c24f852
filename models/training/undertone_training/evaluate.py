"""Measures a finished speech branch: dev speakers, crossing corpora, streams, calibration, words."""

import json
import logging
import platform
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from . import calibrate, ctc, graphs, head_train, judge, metrics, quantise, spans, speech_recipe, views
from .speech_head import STATS
from .speech_recipe import Place
from .store import atomically

FOUR = [0, 1, 2, 3]


def _session(model) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def words(place: Place, trunk_graph, head) -> float:
    """Word error rate of the shipped graphs on LibriSpeech's testing clips, greedy."""
    store = place.store()
    trunk, spell = _session(trunk_graph), _session(graphs.words(head, len(ctc.ALPHABET)))
    pairs = []
    for item in store.select("librispeech", "test-other"):
        top = trunk.run(["top"], {"audio": store.audio(item)[None]})[0]
        pairs.append((item.text.lower(), ctc.greedy(spell.run(None, {"top": top})[0][0])))
    return 100.0 * metrics.word_error_rate(pairs)


def graph_logits(place: Place, items, trunk_graph, speech_graph) -> np.ndarray:
    """First-hearing logits through the graphs themselves, cut as the engine cuts."""
    store = place.store()
    trunk, speech = _session(trunk_graph), _session(speech_graph)
    nothing = {"past_mean": np.zeros((1, STATS), np.float32), "past_clips": np.zeros((1, 1), np.float32)}
    found = []
    for item in items:
        audio, first, last = spans.heard(store.audio(item), item.span)
        mix = trunk.run(["mix"], {"audio": audio[None]})[0]
        first = min(first, mix.shape[1] - 1)
        found.append(speech.run(["logits"], {"mix": mix[:, first : max(first + 1, last)], **nothing})[0][0])
    return np.array(found)


def run(place: Place, out: Path) -> dict:
    """All figures, also written as JSON."""
    logging.getLogger().setLevel(logging.ERROR)  # ONNX Runtime's hint about shape inference
    items, clean = speech_recipe.view(place, "clean")
    stats = [speech_recipe.view(place, kind, seed)[1] for kind, seed in speech_recipe.TRAINING_VIEWS]
    short = {s: speech_recipe.view(place, f"first_{s}")[1] for s in views.PREFIXES}
    plan = head_train.Plan()
    crema = [n for n, i in enumerate(items) if i.corpus == "crema_d"]
    train = [n for n in crema if items[n].split == "train"]
    dev = [n for n in crema if items[n].split == "dev"]
    german = [n for n, i in enumerate(items) if i.corpus == "emodb"]

    def pick(chosen):
        return [items[n] for n in chosen]

    head = speech_recipe.load_head(place)
    truth = np.array([items[n].label for n in dev])
    first = judge.logits(head, clean[dev])
    low, high = metrics.interval(truth, first.argmax(axis=1))
    report: dict = {
        "machine": platform.machine(),
        "crema_d_dev": judge.figures(head, pick(dev), clean[dev]) | {"interval": [100 * low, 100 * high]},
        "crema_d_dev_4": judge.figures(head, pick(dev), clean[dev], FOUR),
        "crema_d_dev_spoilt": {"first": judge.uar(judge.logits(head, speech_recipe.view(place, "spoilt")[1][dev]), truth, None)},
    }
    # Against what people heard, where one label has the most votes.
    heard = [n for n in dev if items[n].votes and sorted(items[n].votes)[-1] > sorted(items[n].votes)[-2]]
    majority = np.array([int(np.argmax(items[n].votes)) for n in heard])
    report["crema_d_dev_majority"] = {"n": len(heard), "first": judge.uar(judge.logits(head, clean[heard]), majority, None)}
    # Crossing corpora: a head that never heard the other one (the trunk never heard EMO-DB either).
    english = speech_recipe.fit_head(items, stats, train, plan)
    report["crema_d_to_emodb_4"] = judge.figures(english, pick(german), clean[german], FOUR)
    report["crema_d_to_emodb_6"] = judge.figures(english, pick(german), clean[german])
    other = speech_recipe.fit_head(items, stats, german, plan)
    report["emodb_to_crema_d_4"] = judge.figures(other, pick(dev), clean[dev], FOUR)
    # EMO-DB, one speaker left out at a time, CREMA-D beside.
    out_logits, out_truth, streams = [], [], []
    for speaker in sorted({items[n].speaker for n in german}):
        test = [n for n in german if items[n].speaker == speaker]
        fold = speech_recipe.fit_head(items, stats, [n for n in train + german if items[n].speaker != speaker], plan)
        out_logits.append(judge.logits(fold, clean[test]))
        out_truth.append(np.array([items[n].label for n in test]))
        z, order, _ = judge.streamed(fold, pick(test), clean[test])
        streams.append((z, out_truth[-1][order]))
    report["emodb_leave_one_speaker_out"] = {
        "first": judge.uar(np.concatenate(out_logits), np.concatenate(out_truth), None),
        "stream": judge.uar(np.concatenate([z for z, _ in streams]), np.concatenate([t for _, t in streams]), None),
    }
    fitted, curves = calibrate.calibrate(head, pick(dev), clean[dev], {s: v[dev] for s, v in short.items()})
    report["calibration"] = {
        "temperature": fitted.temperature, "short": fitted.short, "unknown_below": fitted.unknown_below,
        "selective_accuracy": fitted.accuracy, "selective_coverage": fitted.coverage, **curves,
        "unseen_speakers": calibrate.honest(head, pick(dev), clean[dev]),
    }
    report["provisional"] = calibrate.short_figures(head, pick(dev), {s: v[dev] for s, v in short.items()})
    trunk, spell = speech_recipe.final_trunk(place)
    f32, speech = graphs.trunk(trunk), graphs.speech(head)
    int8, small = quantise.dynamic_int8(f32), graphs.speech(head)
    quantise.shrink(small)
    both = [judge.uar(graph_logits(place, pick(dev), g, s), truth, None) for g, s in ((f32, speech), (int8, small))]
    report["quantisation"] = {"f32": both[0], "int8": both[1]}
    with torch.inference_mode():
        report["words"] = {"wer_test_other_int8": words(place, int8, spell)}
    atomically(out, lambda part: part.write_text(json.dumps(report, indent=1), encoding="utf-8"))
    return report
