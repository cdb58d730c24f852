"""The text readers, and a BERT of two narrow layers through the training loop."""

import json

import pytest
from safetensors.torch import save_file

from undertone_training import labels, text_corpora, text_train
from undertone_training.errors import RecipeError


def test_goemotions_is_folded_to_seven(tmp_path):
    file = tmp_path / "g.csv"
    file.write_text("text,label,split,id\nWow!,surprise|joy,train,a\nMeh,neutral,test,b\nUgh,anger|annoyance,dev,c\n", encoding="utf-8")
    wow, meh, ugh = text_corpora.goemotions(file)
    assert wow.emotion[labels.INDEX["happy"]] == wow.emotion[labels.INDEX["surprised"]] == 0.5
    assert meh.emotion[labels.INDEX["neutral"]] == 1.0 and ugh.emotion[labels.INDEX["angry"]] == 1.0
    file.write_text("text,label,split,id\nx,ennui,train,a\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="row 2: unknown label 'ennui'.*gratitude"):
        text_corpora.goemotions(file)


def test_the_other_sets(tmp_path):
    (tmp_path / "e.csv").write_text("text,split,V,A,D\nNice.,train,5.0,3.0,1.0\n", encoding="utf-8")
    assert text_corpora.emobank(tmp_path / "e.csv")[0].affect == [1.0, 0.0, -1.0]
    (tmp_path / "t.csv").write_text("text,label\n@you: hello &amp; bye,neither\nx,Toxic\n", encoding="utf-8")
    rows = text_corpora.toxicity(tmp_path / "t.csv")
    assert rows[0].text == "hello & bye" and [r.toxic for r in rows] == [0.0, 1.0]
    (tmp_path / "bad.csv").write_text("words,label\nx,neither\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="bad.csv: no column text"):
        text_corpora.toxicity(tmp_path / "bad.csv")


def test_as_spoken():
    assert text_corpora.as_spoken("Don’t, EVER… do 2 things!") == "don't ever do things"


@pytest.fixture
def tiny_bert(tmp_path):
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel

    config = BertConfig(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config.to_dict()), encoding="utf-8")
    save_file(BertModel(config, add_pooling_layer=False).state_dict(), folder / "model.safetensors")
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "good": 1, "bad": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_text_training_resumes_where_it_stopped(tiny_bert, tmp_path):
    def row(text, **known):
        return text_corpora.Row(text, "train", **known)

    emotion = [row("good", emotion=[0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0], fine=[0.0] * 28) for _ in range(16)]
    affect = [row("bad", affect=[-0.5, 0.0, 0.0]) for _ in range(8)]
    toxic = [row("bad bad", toxic=1.0) for _ in range(8)]
    plan = text_train.Plan(epochs=2, batch=4, affect_share=0.25, toxic_share=0.25, frozen=1, save_every=1)
    whole = text_train.train(tiny_bert, emotion, affect, toxic, tmp_path / "a", plan)
    again = text_train.train(tiny_bert, emotion, affect, toxic, tmp_path / "a", plan)  # nothing left to do
    assert all((a == b).all() for a, b in zip(whole.state_dict().values(), again.state_dict().values()))
