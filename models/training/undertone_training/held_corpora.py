"""Readers for corpora that are lent, not published openly, in the layouts and with the splits of their own papers.

They must never guess: a label nobody knows is refused with the list, and a clip without a place among the
seven labels keeps its text and ratings but carries no label.
"""

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path

from . import labels
from .clip import Clip, need
from .errors import RecipeError

# IEMOCAP's own names; the four classes of the papers, excited merged into happy. The rest carry no label.
_IEMOCAP = {"neu": "neutral", "hap": "happy", "exc": "happy", "sad": "sad", "ang": "angry"}
_IEMOCAP_OTHER = {"fru", "fea", "sur", "dis", "oth", "xxx"}
_TURN = re.compile(r"^\[([\d.]+) - ([\d.]+)\]\t(\S+)\t(\w+)\t\[([\d.]+), ([\d.]+), ([\d.]+)\]")


def iemocap(root: Path) -> Iterator[Clip]:
    """IEMOCAP: Session1 … Session5 with dialog/EmoEvaluation, dialog/transcriptions and sentences/wav; a split is a session."""
    sessions = sorted(root.glob("Session[1-5]"))
    if not sessions:
        raise RecipeError(f"{root}: no Session1 … Session5; give the folder IEMOCAP_full_release")
    for session in sessions:
        folder = need(session / "dialog" / "EmoEvaluation", "IEMOCAP keeps its labels there")
        for sheet in sorted(folder.glob("Ses*.txt")):
            said = _iemocap_text(session / "dialog" / "transcriptions" / sheet.name)
            for number, line in enumerate(sheet.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
                if not (match := _TURN.match(line)):
                    continue
                name, code = match[3], match[4].lower()
                if code not in _IEMOCAP and code not in _IEMOCAP_OTHER:
                    known = ", ".join([*_IEMOCAP, *sorted(_IEMOCAP_OTHER)])
                    raise RecipeError(f"{sheet}:{number}: unknown label '{match[4]}'; IEMOCAP's names are: {known}")
                label = labels.INDEX[_IEMOCAP[code]] if code in _IEMOCAP else None
                affect = [(float(match[i]) - 3.0) / 2.0 for i in (5, 6, 7)]
                wav = session / "sentences" / "wav" / name.rsplit("_", 1)[0] / f"{name}.wav"
                # Ses01F_impro01_M003: session 1, and the man of its pair.
                speaker = f"iemocap_{name[:5]}{name.rsplit('_', 1)[1][0]}"
                yield Clip(wav, speaker, label, said.get(name, ""), session.name.lower(), affect=affect)


def _iemocap_text(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    found = re.findall(r"^(Ses\S+) \[[\d.-]+\]: (.*)$", file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return {name: text.strip() for name, text in found}


_MELD_FOLDERS = {
    "train": ("train_splits",),
    "dev": ("dev_splits_complete",),
    "test": ("output_repeated_splits_test", "test_splits"),
}


def meld(root: Path) -> Iterator[Clip]:
    """MELD: SPLIT_sent_emo.csv beside or within folders of dia0_utt0.wav, or .mp4 where `ffmpeg` is installed; its own splits."""
    for split, names in _MELD_FOLDERS.items():
        sheet = next((f for f in (root / f"{split}_sent_emo.csv", root / split / f"{split}_sent_emo.csv") if f.exists()), None)
        if sheet is None:
            raise RecipeError(f"{root}: no {split}_sent_emo.csv; give the folder MELD.Raw")
        folder = next((f for n in names for f in (root / n, root / split / n) if f.is_dir()), root / names[0])
        for where, row in _rows(sheet, {"Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID"}):
            stem = f"dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}"
            file = next((f for ending in (".wav", ".flac") if (f := folder / f"{stem}{ending}").exists()), folder / f"{stem}.mp4")
            # Names repeat from split to split, and the speaker's is the character's.
            speaker = f"meld_{row['Speaker'].strip()}"
            yield Clip(file, speaker, labels.to_index(row["Emotion"], where), row["Utterance"], split, name=f"{split}_{stem}")


_RAVDESS = {"01": "neutral", "02": "calm", "03": "happy", "04": "sad", "05": "angry", "06": "fearful", "07": "disgust", "08": "surprised"}
_RAVDESS_TEXT = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
# RAVDESS came without a split; these five groups of actors are those of Luna-Jiménez and others, 2021.
_RAVDESS_FOLDS = ((2, 5, 14, 15, 16), (3, 6, 7, 13, 18), (10, 11, 12, 19, 20), (8, 17, 21, 23, 24), (1, 4, 9, 22))


def ravdess(root: Path) -> Iterator[Clip]:
    """RAVDESS: Actor_01 … Actor_24 with 03-01-06-01-02-01-12.wav; speech only, its songs are passed by. A split is a fold of actors."""
    fold = {actor: f"fold{n}" for n, actors in enumerate(_RAVDESS_FOLDS) for actor in actors}
    for file in sorted(root.glob("**/Actor_*/*.wav")):
        parts = file.stem.split("-")
        if len(parts) != 7 or parts[2] not in _RAVDESS or not parts[6].isdigit() or int(parts[6]) not in fold:
            raise RecipeError(f"{file}: not a RAVDESS name; expected seven numbers, the third one of {', '.join(_RAVDESS)}, the last an actor from 01 to 24")
        if parts[1] == "01":
            label = labels.to_index(_RAVDESS[parts[2]], str(file))
            yield Clip(file, f"ravdess_{parts[6]}", label, _RAVDESS_TEXT.get(parts[4], ""), fold[int(parts[6])])


_MSP = {"A": "angry", "S": "sad", "H": "happy", "U": "surprise", "F": "fear", "D": "disgust", "C": "contempt", "N": "neutral", "O": "other", "X": "unknown"}
_MSP_SPLITS = {"Train": "train", "Development": "dev", "Test1": "test1", "Test2": "test2", "Test3": "test3"}


def msp_podcast(root: Path) -> Iterator[Clip]:
    """MSP-Podcast: Labels/labels_consensus.csv, Audios/*.wav and, if they are there, Transcripts/*.txt; its own partitions."""
    sheet = need(root / "Labels" / "labels_consensus.csv", "give the folder that holds MSP-Podcast's Labels and Audios")
    audios = next((f for f in (root / "Audios", root / "Audio") if f.is_dir()), root / "Audios")
    for where, row in _rows(sheet, {"FileName", "EmoClass", "EmoVal", "EmoAct", "EmoDom", "SpkrID", "Split_Set"}):
        code, split = row["EmoClass"].strip(), row["Split_Set"].strip()
        if code not in _MSP:
            raise RecipeError(f"{where}: unknown label '{code}'; MSP-Podcast's codes are: {', '.join(_MSP)}")
        if split not in _MSP_SPLITS:
            raise RecipeError(f"{where}: unknown partition '{split}'; MSP-Podcast's are: {', '.join(_MSP_SPLITS)}")
        file = audios / row["FileName"].strip()
        # Nobody knows who an unknown speaker is, nor that two of them are the same.
        who = row["SpkrID"].strip()
        speaker = f"msp_{file.stem if who.lower() in ('', 'unknown') else who}"
        text = root / "Transcripts" / f"{file.stem}.txt"
        said = text.read_text(encoding="utf-8", errors="replace").strip() if text.exists() else ""
        affect = [(float(row[k]) - 4.0) / 3.0 for k in ("EmoVal", "EmoAct", "EmoDom")]
        yield Clip(file, speaker, labels.to_index(_MSP[code], where), said, _MSP_SPLITS[split], affect=affect)


def _rows(file: Path, columns: set[str]) -> Iterator[tuple[str, dict]]:
    with open(file, newline="", encoding="utf-8", errors="replace") as handle:
        reader = csv.DictReader(handle)
        if missing := columns - set(reader.fieldnames or []):
            raise RecipeError(f"{file}: no column {', '.join(sorted(missing))}; is it the sheet that came with the corpus?")
        for number, row in enumerate(reader, start=2):
            yield f"{file}:{number}", row


_FOLDS = {"standard_train_fold": "train", "standard_valid_fold": "dev", "standard_test_fold": "test"}


def folds(root: Path) -> dict[str, str]:
    """The split of each video, out of the SDK's …_std_folds.py, which is read as data and never run."""
    file = next(iter(sorted(root.rglob("*_std_folds.py"))), None)
    if file is None:
        raise RecipeError(f"{root}: no …_std_folds.py; copy the corpus's own from the CMU Multimodal SDK, the papers' splits are in it")
    found: dict[str, str] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in _FOLDS:
            found |= dict.fromkeys(ast.literal_eval(node.value), _FOLDS[node.targets[0].id])
    if set(found.values()) != set(_FOLDS.values()):
        raise RecipeError(f"{file}: does not name {', '.join(_FOLDS)}; take the SDK's own file")
    return found
