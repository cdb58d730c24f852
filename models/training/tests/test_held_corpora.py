"""Corpora that are lent, in tiny folders of the same layout: labels, speakers, splits, and what is refused."""

import csv

import h5py
import numpy as np
import pytest
from conftest import tone

from undertone_training import corpora, labels, store
from undertone_training.errors import RecipeError


def names(clips):
    return [None if c.label is None else labels.LABELS[c.label] for c in clips]


def _sheet(file, rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(rows)


@pytest.fixture
def iemocap(tmp_path):
    root = tmp_path / "IEMOCAP_full_release"
    turns = {"Ses01": ["neu", "exc", "fru"], "Ses02": ["hap", "ang", "xxx"]}
    for session, codes in turns.items():
        folder = root / f"Session{session[-1]}"
        dialog = f"{session}F_impro01"
        lines, said = ["% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n"], []
        for n, code in enumerate(codes):
            name = f"{dialog}_{'FM'[n % 2]}{n:03d}"
            lines.append(f"[{n}.2901 - {n}.9001]\t{name}\t{code}\t[4.0000, 2.0000, 3.0000]\nC-E2:\tNeutral;\t()\n")
            said.append(f"{name} [{n:03d}.2901-{n:03d}.9001]: Line {n}.")
            tone(folder / "sentences" / "wav" / dialog / f"{name}.wav")
        for place, text in (("EmoEvaluation", "\n".join(lines)), ("transcriptions", "\n".join(said))):
            (folder / "dialog" / place).mkdir(parents=True)
            (folder / "dialog" / place / f"{dialog}.txt").write_text(text, encoding="utf-8")
    return root


def test_iemocap_is_four_classes_and_a_session_is_a_split(iemocap):
    clips, missing = corpora.read("iemocap", iemocap)
    assert not missing
    assert names(clips) == ["neutral", "happy", None, "happy", "angry", None]
    assert [c.split for c in clips] == ["session1"] * 3 + ["session2"] * 3
    assert clips[0].speaker == "iemocap_Ses01F" and clips[1].speaker == "iemocap_Ses01M"
    assert clips[1].text == "Line 1." and clips[0].affect == [0.5, -0.5, 0.0]


def test_iemocap_refuses_an_unknown_label(iemocap):
    sheet = iemocap / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    sheet.write_text(sheet.read_text().replace("\texc\t", "\tjolly\t"))
    with pytest.raises(RecipeError, match=r"Ses01F_impro01.txt:\d+: unknown label 'jolly'.*neu, hap, exc, sad, ang"):
        corpora.read("iemocap", iemocap)


@pytest.fixture
def meld(tmp_path):
    root = tmp_path / "MELD.Raw"
    header = ["Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "StartTime", "EndTime"]
    for split, folder, emotion in (("train", "train_splits", "joy"), ("dev", "dev_splits_complete", "anger"), ("test", "output_repeated_splits_test", "surprise")):
        _sheet(root / f"{split}_sent_emo.csv", [header, ["1", "Oh my God!", "Monica", emotion, "positive", "0", "0", "0", "1"]])
        tone(root / folder / "dia0_utt0.wav")
    return root


def test_meld_keeps_its_own_splits_and_its_repeated_names_apart(meld, tmp_path):
    clips, _ = corpora.read("meld", meld)
    assert [(c.split, n) for c, n in zip(clips, names(clips))] == [("train", "happy"), ("dev", "angry"), ("test", "surprised")]
    assert {c.speaker for c in clips} == {"meld_Monica"} and clips[0].text == "Oh my God!"
    store.build(tmp_path / "cache", "meld", meld)
    kept = store.Store(tmp_path / "cache", ["meld"]).items
    assert [i.name for i in kept] == ["train_dia0_utt0", "dev_dia0_utt0", "test_dia0_utt0"]


def test_a_missing_film_is_named_and_left_out_only_when_told(meld):
    (meld / "dev_splits_complete" / "dia0_utt0.wav").unlink()
    with pytest.raises(RecipeError, match="1 of 3 recordings are missing.*dia0_utt0.mp4.*--allow-missing"):
        corpora.read("meld", meld)
    clips, missing = corpora.read("meld", meld, allow_missing=True)
    assert [c.split for c in clips] == ["train", "test"] and len(missing) == 1


def test_a_broken_film_is_named(meld, tmp_path):
    (meld / "dev_splits_complete" / "dia0_utt0.wav").unlink()
    (meld / "dev_splits_complete" / "dia0_utt0.mp4").write_bytes(b"not a film")
    # With ffmpeg it cannot be decoded, without it is asked for: either way the file is named.
    with pytest.raises(RecipeError, match="dia0_utt0.mp4: "):
        store.build(tmp_path / "cache", "meld", meld)


def test_ravdess_speech_is_read_in_folds_of_actors_and_song_passed_by(tmp_path):
    for actor, name in (("01", "03-01-02-01-01-01-01"), ("02", "03-01-08-02-02-01-02"), ("02", "03-02-03-01-01-01-02")):
        tone(tmp_path / "Audio_Speech_Actors_01-24" / f"Actor_{actor}" / f"{name}.wav", rate=48000)
    clips, _ = corpora.read("ravdess", tmp_path)
    assert [(c.speaker, n, c.split) for c, n in zip(clips, names(clips))] == [("ravdess_01", "neutral", "fold4"), ("ravdess_02", "surprised", "fold0")]
    assert clips[1].text == "Dogs are sitting by the door."
    tone(tmp_path / "Actor_03" / "03-01-09-01-01-01-03.wav")
    with pytest.raises(RecipeError, match="not a RAVDESS name.*01, 02, 03"):
        corpora.read("ravdess", tmp_path)


@pytest.fixture
def msp(tmp_path):
    header = ["FileName", "EmoClass", "EmoAct", "EmoVal", "EmoDom", "SpkrID", "Gender", "Split_Set"]
    rows = [
        ["MSP-PODCAST_0001_0008.wav", "N", "4.0", "5.5", "1.0", "7", "Male", "Train"],
        ["MSP-PODCAST_0001_0009.wav", "U", "4.0", "4.0", "4.0", "Unknown", "Female", "Test1"],
        ["MSP-PODCAST_0001_0010.wav", "C", "4.0", "4.0", "4.0", "Unknown", "Female", "Development"],
    ]
    _sheet(tmp_path / "Labels" / "labels_consensus.csv", [header, *rows])
    for row in rows:
        tone(tmp_path / "Audios" / row[0])
    (tmp_path / "Transcripts").mkdir()
    (tmp_path / "Transcripts" / "MSP-PODCAST_0001_0008.txt").write_text("so anyway\n", encoding="utf-8")
    return tmp_path


def test_msp_podcast_keeps_its_partitions_and_ratings(msp):
    clips, _ = corpora.read("msp_podcast", msp)
    assert names(clips) == ["neutral", "surprised", None]
    assert [c.split for c in clips] == ["train", "test1", "dev"]
    assert clips[0].affect == [0.5, 0.0, -1.0] and clips[0].text == "so anyway"
    assert clips[1].speaker != clips[2].speaker  # two unknown people are not one


@pytest.mark.parametrize(("column", "value", "told"), [("EmoClass", "Z", "unknown label 'Z'.*A, S, H"), ("Split_Set", "Mine", "unknown partition 'Mine'.*Test1")])
def test_msp_podcast_refuses_what_it_does_not_know(msp, column, value, told):
    file = msp / "Labels" / "labels_consensus.csv"
    rows = list(csv.reader(file.open(encoding="utf-8")))
    rows[1][rows[0].index(column)] = value
    _sheet(file, rows)
    with pytest.raises(RecipeError, match=told):
        corpora.read("msp_podcast", msp)


def _cmu(root, corpus, width, ratings):
    """Videos a, b, c in the three folds, d in none; every rating a segment of half a second."""
    with h5py.File(root / f"CMU_{corpus}_Labels.csd", "w") as out:
        for video in "abcd":
            data = out.create_group(f"All Labels/data/{video}")
            data["features"] = np.array(ratings, np.float32).reshape(-1, width)
            data["intervals"] = np.array([[0.5 * i, 0.5 * i + 0.5] for i in range(len(ratings))])
            tone(root / "Raw" / "Audio" / "Full" / "WAV_16000" / f"{video}.wav", seconds=2.0)
    folds = "".join(f"standard_{name}_fold = ['{video}']\n" for name, video in (("train", "a"), ("valid", "b"), ("test", "c")))
    (root / f"cmu_{corpus.lower()}_std_folds.py").write_text(folds + "raise SystemExit('read, never run')\n")


def test_mosei_takes_the_strongest_emotion_and_the_sdks_folds(tmp_path):
    _cmu(tmp_path, "MOSEI", 7, [[3, 2, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0], [-1.5, 0, 1, 1, 0, 0, 0]])
    sheet = tmp_path / "Raw" / "Transcript" / "Segmented" / "Combined" / "a.txt"
    sheet.parent.mkdir(parents=True)
    sheet.write_text("a___0___0.02___0.5___first words\na___1___0.5___1.0___then more\n", encoding="utf-8")
    clips, _ = corpora.read("mosei", tmp_path)
    assert names(clips) == ["happy", "neutral", None] * 3
    assert [c.split for c in clips] == ["train"] * 3 + ["dev"] * 3 + ["test"] * 3
    assert [c.text for c in clips[:3]] == ["first words", "then more", ""]
    assert clips[0].affect == [1.0, None, None] and clips[0].votes[labels.INDEX["angry"]] == pytest.approx(1 / 3)
    store.build(tmp_path / "cache", "mosei", tmp_path)
    kept = store.Store(tmp_path / "cache", ["mosei"]).items
    assert [round(i.seconds, 2) for i in kept[:3]] == [0.5] * 3 and kept[1].name == "a_1" and kept[1].affect == [0.0, None, None]


def test_mosi_has_sentiment_and_no_emotion(tmp_path):
    _cmu(tmp_path, "MOSI_Opinion", 1, [[-3.0], [1.5]])
    sheet = tmp_path / "Raw" / "Transcript" / "Segmented" / "a.annotprocessed"
    sheet.parent.mkdir(parents=True)
    sheet.write_text("1_DELIM_IT WAS BAD\n2_DELIM_NOT ALL OF IT\n", encoding="utf-8")
    clips, _ = corpora.read("mosi", tmp_path)
    assert names(clips) == [None] * 6 and [c.affect[0] for c in clips[:2]] == [-1.0, 0.5]
    assert clips[1].text == "NOT ALL OF IT"


def test_mosei_without_its_folds_or_with_other_labels_is_refused(tmp_path):
    _cmu(tmp_path, "MOSEI", 6, [[0, 0, 0, 0, 0, 0]])
    with pytest.raises(RecipeError, match=r"shape \(1, 6\), \[segments, 7\] is needed"):
        corpora.read("mosei", tmp_path)
    (tmp_path / "cmu_mosei_std_folds.py").unlink()
    with pytest.raises(RecipeError, match="std_folds.py; copy"):
        corpora.read("mosei", tmp_path)


@pytest.mark.parametrize("name", ["iemocap", "meld", "ravdess", "msp_podcast", "mosei", "mosi"])
def test_an_empty_folder_is_refused_with_what_to_give(tmp_path, name):
    with pytest.raises(RecipeError, match=r"give|check|fetch|copy"):
        corpora.read(name, tmp_path)
