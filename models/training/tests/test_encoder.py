"""Other encoders: tiny random checkpoints of each kind, their graphs against PyTorch, the learnt mix, what is refused."""

import json
import tomllib

import numpy as np
import onnxruntime
import pytest
import torch
from conftest import tone
from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model, WavLMConfig, WavLMModel

from undertone_training import encoder, encoder_graph, encoder_recipe, store
from undertone_training.cli import main
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


def test_a_pack_is_trained_and_exported_over_a_checkpoint(tmp_path):
    codes = {"ANG": 150.0, "HAP": 250.0, "NEU": 350.0, "SAD": 450.0}
    for speaker in ("1001", "1002", "1007", "1014"):  # the last two are held out
        for code, pitch in codes.items():
            tone(tmp_path / "crema" / "AudioWAV" / f"{speaker}_DFA_{code}_XX.wav", pitch=pitch + int(speaker) % 10)
    tone(tmp_path / "emodb" / "wav" / "03a01Fa.wav")
    for corpus, folder in (("crema_d", "crema"), ("emodb", "emodb")):
        store.build(tmp_path / "cache", corpus, tmp_path / folder)
    folder, work, out = checkpoint(tmp_path / "tiny", "wavlm base"), tmp_path / "work", tmp_path / "pack"
    place = ["--cache", tmp_path / "cache", "--work", work, "--speech-encoder", folder]
    assert main([str(w) for w in ("train", "--step", "head", *place)]) == 0
    assert main([str(w) for w in ("export", *place, "--out", out, "--name", "tiny", "--version", "0.0.1")]) == 0
    made = tomllib.loads((out / "pack.toml").read_text())
    assert made["trunk"] == {"frame_stride": 20, "min_samples": 30, "receptive_field": 30}
    assert (made["speech"]["mix_width"], made["speech"]["stats_width"]) == (32, 64)
    assert made["speech"]["trained_labels"] == ["neutral", "happy", "sad", "angry"]
    whole, head = encoder_recipe.load(folder, work)
    audio = (np.random.default_rng(2).standard_normal((1, 3000)) * 0.1).astype(np.float32)
    past, clips = np.full((1, 64), 0.2, np.float32), np.array([[2.0]], np.float32)
    with torch.inference_mode():
        mix, _ = whole(torch.from_numpy(audio))
        wanted = head(mix, torch.from_numpy(past), torch.from_numpy(clips))[0].numpy()
    run = onnxruntime.InferenceSession(str(out / "speech.onnx"), providers=["CPUExecutionProvider"])
    got = run.run(["logits"], {"mix": mix.numpy(), "past_mean": past, "past_clips": clips})[0]
    assert np.abs(got - wanted).max() < 0.02 * max(1.0, np.abs(wanted[:, :4]).max())  # its weights are shrunk
    with pytest.raises(RecipeError, match="encoder.pt: not found; run `train --step head"):
        encoder_recipe.load(folder, tmp_path / "elsewhere")
