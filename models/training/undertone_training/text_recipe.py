"""The text branch's export: its graph on 8 bits, its vocabulary, its calibration and its figures, into `work/parts`."""

import json
from pathlib import Path

from . import fused_recipe, text_corpora, text_evaluate, text_model
from .errors import RecipeError
from .labels import LABELS
from .store import atomically


def export(work: Path, encoder: Path | None, goemotions: Path | None, emobank: Path | None, toxicity: list[Path] | None) -> dict:
    """Writes the part and measures the very graph that ships; the first toxicity file is the one that is measured."""
    if not (encoder and goemotions and emobank and toxicity):
        raise RecipeError("export --step text: give --text-encoder, --goemotions, --emobank and --toxicity")
    place = fused_recipe.Place(work, work, text_encoder=encoder)
    fused_recipe.export_text(place)
    _, tokenizer = text_model.load(encoder)
    report = text_evaluate.run(
        lambda texts: text_evaluate.graph_outputs(place.parts / "text.onnx", tokenizer, texts),
        text_corpora.goemotions(goemotions), text_corpora.emobank(emobank), text_corpora.toxicity(toxicity[0]),
    )
    figures = report["goemotions_test"]
    place.table("text", {
        "vocab": "vocab.txt", "longest": text_model.LONGEST, "temperature": figures["temperature"],
        "unknown_below": figures["unknown_below"], "trained_labels": LABELS,
    })
    atomically(work / "text.json", lambda part: part.write_text(json.dumps(report, indent=1), encoding="utf-8"))
    return report
