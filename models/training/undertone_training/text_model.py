"""The text branch: a small BERT with heads for emotion, affect and toxicity on its averaged tokens."""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from .errors import RecipeError
from .labels import LABELS
from .text_corpora import FINE

LONGEST = 96  # tokens; what a long utterance of speech needs, and all but 1 in 1000 of the training texts


class TextModel(nn.Module):
    """BERT → mean over tokens and its first token → four heads; `fine` only helps training."""

    def __init__(self, folder: Path):
        super().__init__()
        from transformers import BertConfig, BertModel

        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.bert = BertModel(BertConfig(**config), add_pooling_layer=False)
        width = config["hidden_size"]
        self.dense = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(0.1)
        self.emotion = nn.Linear(width, len(LABELS))
        self.fine = nn.Linear(width, len(FINE))
        self.affect = nn.Linear(width, 3)
        self.toxic = nn.Linear(width, 1)

    def forward(self, ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
        states = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        mean = (states * weights).sum(1) / weights.sum(1)
        x = self.dropout(torch.nn.functional.gelu(self.dense(self.dropout(torch.cat([mean, states[:, 0]], dim=-1)))))
        return {"emotion": self.emotion(x), "fine": self.fine(x), "affect": torch.tanh(self.affect(x)), "toxic": self.toxic(x)}


def load(folder: Path) -> tuple[TextModel, Tokenizer]:
    """The model with the encoder's published weights, and its tokenizer."""
    from safetensors.torch import load_file

    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (folder / name).exists():
            raise RecipeError(f"{folder / name}: not found; give the folder of a BERT (config.json, model.safetensors, tokenizer.json)")
    model = TextModel(folder)
    missing, unexpected = model.bert.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    lacking = [n for n in missing if "position_ids" not in n]
    if lacking:
        raise RecipeError(f"{folder / 'model.safetensors'}: lacks {', '.join(lacking[:5])}; is it a BERT encoder?")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(LONGEST)
    tokenizer.no_padding()
    return model, tokenizer


def batch(tokenizer: Tokenizer, texts: list[str]) -> tuple[Tensor, Tensor]:
    """Token ids and mask, padded to the longest."""
    encoded = [e.ids for e in tokenizer.encode_batch(texts)]
    longest = max(map(len, encoded))
    ids = torch.zeros(len(encoded), longest, dtype=torch.long)
    mask = torch.zeros(len(encoded), longest, dtype=torch.long)
    for i, row in enumerate(encoded):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask
