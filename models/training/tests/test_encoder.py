"""Other encoders: tiny random checkpoints of each kind, their graphs against PyTorch, the learnt mix, what is refused."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model, WavLMConfig, WavLMModel

from undertone_training import encoder, encoder_graph
from undertone_training.errors import RecipeError

TINY = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "conv_dim": (16, 16, 16),
    "conv_kernel": (10, 3, 2), "conv_stride": (5, 2, 2), "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
}
BASE = {**TINY, "feat_extract_norm": "group", "do_stable_layer_norm": False}
LARGE = {**TINY, "feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
MODELS = {
    "wav2vec2 base": (Wav2Vec2Model, Wav2Vec2Config(**BASE)), "wav2vec2 large": (Wav2Vec2Model, Wav2Vec2Config(**LARGE)),
    "hubert base": (HubertModel, HubertConfig(**BASE)), "hubert large": (HubertModel, HubertConfig(**LARGE)),
    "wavlm base": (WavLMModel, WavLMConfig(**BASE, num_buckets=16, max_bucket_distance=40)),
    "wavlm large": (WavLMModel, WavLMConfig(**LARGE, num_buckets=16, max_bucket_distance=40)),
}


def checkpoint(folder, kind):
    torch.manual_seed(3)
    make, config = MODELS[kind]
    model = make(config)
    for parameter in model.parameters():  # biases and scales that start at 0 or 1 would hide a mistake
        parameter.data += 0.1 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", MODELS)
def test_a_checkpoints_graph_equals_pytorch(tmp_path, kind):
    made = encoder.load(checkpoint(tmp_path, kind))
    made.mixing.copy_(torch.tensor([0.5, 0.3, 0.2]))
    run = onnxruntime.InferenceSession(encoder_graph.graph(made).SerializeToString(), providers=["CPUExecutionProvider"])
    for samples in (made.cut.receptive + 3 * made.cut.stride, 1000, 4001):
        audio = (np.random.default_rng(samples).standard_normal((1, samples)) * 0.1).astype(np.float32)
        with torch.inference_mode():
            wanted = made(torch.from_numpy(audio))
        for name, a, b in zip(("mix", "top"), wanted, run.run(["mix", "top"], {"audio": audio})):
            assert a.shape == b.shape and a.shape[1] == made.cut.frames(samples)
            assert float(np.abs(a.numpy() - b).max()) < 1e-4 * max(1.0, float(a.abs().max())), (kind, name, samples)


def test_the_mix_finds_the_layer_that_tells():
    torch.manual_seed(5)
    labels = torch.arange(60) % 3
    stats = torch.randn(60, 4, 6)
    stats[:, 2, :3] += 3.0 * torch.nn.functional.one_hot(labels, 3)
    shares = encoder.learn_mixing(stats, labels)
    assert int(shares.argmax()) == 2 and shares[2] > 0.5 and abs(float(shares.sum()) - 1.0) < 1e-5
    assert torch.equal(shares, encoder.learn_mixing(stats, labels))


def test_what_is_no_such_checkpoint_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="config.json: not found; give the folder of a wav2vec 2.0"):
        encoder.load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(RecipeError, match="'bert'; the encoders understood are wav2vec2, hubert, wavlm"):
        encoder.load(tmp_path)
    folder = checkpoint(tmp_path / "adapted", "wav2vec2 base")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "feat_extract_activation": "relu"}))
    with pytest.raises(RecipeError, match="feat_extract_activation = relu is not understood"):
        encoder.load(folder)
