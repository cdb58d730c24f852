"""Readers, the decoded store and what they refuse."""

import csv

import pytest
from conftest import tone

from undertone_training import corpora, labels, spans, store
from undertone_training.errors import RecipeError


def test_published_layouts_are_read(crema, emodb, librispeech):
    clips, missing = corpora.read("crema_d", crema)
    assert not missing and len(clips) == 7
    assert {labels.LABELS[c.label] for c in clips} == {"angry", "happy", "neutral", "sad", "fearful", "disgusted"}
    assert [c.split for c in clips if c.speaker == "crema_1007"] == ["dev"]
    german, _ = corpora.read("emodb", emodb)
    assert [c.label for c in german] == [labels.INDEX["happy"], labels.INDEX["neutral"], None]
    read, _ = corpora.read("librispeech", librispeech)
    assert (read[0].speaker, read[0].text, read[0].split) == ("ls_1089", "HE HOPED THERE'D BE STEW", "test-clean")


def _manifest(folder, rows):
    folder.mkdir(exist_ok=True)
    with open(folder / "manifest.csv", "w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([["path", "label", "speaker", "text", "split", "votes"], *rows])


def test_a_manifest_carries_votes(tmp_path):
    _manifest(tmp_path / "m", [["a.wav", "fear", "s1", "", "train", "angry:3 fear:1 happy:0"]])
    tone(tmp_path / "m" / "a.wav")
    (clip,), _ = corpora.read("crema_d", tmp_path / "m")
    assert clip.label == labels.INDEX["fearful"]
    assert clip.votes[labels.INDEX["angry"]] == 0.75 and clip.votes[labels.INDEX["fearful"]] == 0.25


def test_an_unknown_label_is_refused_with_the_list(tmp_path):
    _manifest(tmp_path / "m", [["a.wav", "melancholic", "s1", "", "", ""]])
    with pytest.raises(RecipeError, match="unknown label 'melancholic'.*happiness"):
        corpora.read("emodb", tmp_path / "m")


def test_missing_files_are_named_and_skipped_only_when_told(tmp_path):
    _manifest(tmp_path / "m", [["a.wav", "sad", "s1", "", "", ""], ["b.wav", "sad", "s1", "", "", ""]])
    tone(tmp_path / "m" / "a.wav")
    with pytest.raises(RecipeError, match="1 of 2 recordings are missing.*b.wav.*--allow-missing"):
        corpora.read("emodb", tmp_path / "m")
    clips, missing = corpora.read("emodb", tmp_path / "m", allow_missing=True)
    assert len(clips) == 1 and missing[0].name == "b.wav"


def test_the_store_decodes_resamples_and_names_what_is_broken(tmp_path, crema):
    store.build(tmp_path / "cache", "crema_d", crema)
    kept = store.Store(tmp_path / "cache", ["crema_d"])
    assert len(kept.items) == 7
    assert abs(kept.items[-1].seconds - 0.6) < 0.01  # 48 kHz came down to 16
    assert abs(kept.audio(kept.items[0]).max() - 0.3) < 0.01
    (crema / "AudioWAV" / "1001_DFA_ANG_XX.wav").write_bytes(b"not audio")
    with pytest.raises(RecipeError, match="1001_DFA_ANG_XX.wav: cannot be decoded"):
        store.build(tmp_path / "cache2", "crema_d", crema)
    assert not (tmp_path / "cache2" / "crema_d.i16").exists()
    assert [p.name for p in store.build(tmp_path / "cache2", "crema_d", crema, allow_missing=True)] == ["1001_DFA_ANG_XX.wav"]


def test_a_cache_that_is_not_there_says_what_to_run(tmp_path):
    with pytest.raises(RecipeError, match="run `prepare"):
        store.Store(tmp_path, ["emodb"])


def test_the_engines_spans_are_noted(tmp_path, emodb):
    store.build(tmp_path / "cache", "emodb", emodb)
    line = '{"stream":"/x/03a01Fa.opus","start_s":%s,"end_s":%s}'
    found = spans.from_engine([line % (0.1, 0.2), line % (0.25, 0.55)])
    assert store.mark(tmp_path / "cache", "emodb", found) == 1
    assert [i.span for i in store.Store(tmp_path / "cache", ["emodb"]).items] == [[4000, 8800], None, None]
