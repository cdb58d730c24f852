"""What the engine itself makes of paired clips: scores of both sides, their qualities, and a system's own scores.

Weights found on this evidence are found on what they will weigh: the engine's spans, units, baselines and noise.
"""

import hashlib
import json
import shutil
import subprocess
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from . import pack as packs
from .assemble import LISTS, TABLES
from .errors import RecipeError
from .fuse import Evidence
from .fusion_fit import Case
from .labels import INDEX, LABELS
from .pairs import CASES, SPLITS
from .store import atomically

AT_ONCE = 2  # engines that run beside each other, one thread each
# Under these weights the scores that come out are the graph's own, each to the power of the poorer quality.
PROBE = {"own": 1.0, "speech": 0.0, "text": 0.0, "gamma": 0.0, "temperature": 1.0, "unknown_below": 0.0}


def rewritten(manifest: dict, changes: dict[str, dict]) -> str:
    """The text of a manifest with other tables."""
    lines = packs._table("", {k: v for k, v in manifest.items() if not isinstance(v, dict) and k not in LISTS})[1:]
    for name in TABLES:
        if table := changes.get(name) or manifest.get(name):
            lines += packs._table(f"[{name}]", table)
    for kind in LISTS:
        for row in manifest.get(kind, []):
            lines += packs._table(f"[[{kind}]]", row)
    if manifest.get("figures"):
        lines += packs._table("[figures]", manifest["figures"])
    return "\n".join(lines).rstrip() + "\n"


def changed(pack: Path, out: Path, changes: dict[str, dict]) -> Path:
    """A copy of a pack under other weights."""
    manifest = tomllib.loads((pack / "pack.toml").read_text(encoding="utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    for file in manifest["files"]:
        shutil.copy(pack / file["path"], out / file["path"])
    (out / "pack.toml").write_text(rewritten(manifest, changes), encoding="utf-8")
    return out


def hear(engine: Path, pack: Path, manifest: Path, system: str, out: Path) -> Path:
    """The engine's scores of a manifest's clips, speaker by speaker, as JSON lines; done once."""
    if out.exists():
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    command = [str(engine), "eval", "--quiet", "--pack", str(pack), "--manifest", str(manifest), "--root", str(manifest.parent),
               "--system", system, "--text", "given", "--order", "speaker", "--updates", str(part), "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RecipeError(f"{engine}: failed on {manifest}: {done.stderr.strip()[-300:]}")
    part.replace(out)
    return out


def _scores(values: dict[str, float]) -> np.ndarray:
    return np.array([values[name] for name in LABELS])


def _own(update: dict) -> np.ndarray:
    """The graph's own scores, out of an update under the probe's weights."""
    scores = _scores(update["scores"])
    quality = min(update["speech"]["quality"], update["text"]["quality"])
    if update["clash"] or quality <= 0.0:
        return scores
    logs = np.log(np.maximum(scores, 1e-12)) / quality
    powers = np.exp(logs - logs.max())
    return powers / powers.sum()


def finals(line: str, *sides: str) -> list[dict]:
    """A clip's finals that have these sides."""
    return [u for u in json.loads(line)["updates"] if u["kind"] == "final" and all(u.get(side) for side in sides)]


def case(name: str, lines: list[str], own: bool) -> tuple[Case, list[str]]:
    """A case out of the engine's lines, and whose clip each is."""
    truth, clip, speakers, rows = [], [], [], []
    for n, line in enumerate(lines):
        told = json.loads(line)
        truth.append(INDEX[told["label"]])
        speakers.append(Path(told["path"]).stem.split("_")[0])
        found = finals(line, "speech", "text")
        rows += found
        clip += [n] * len(found)
    evidence = Evidence(
        np.array([_scores(u["speech"]["scores"]) for u in rows]), np.array([_scores(u["text"]["scores"]) for u in rows]),
        np.array([u["speech"]["quality"] for u in rows]), np.array([u["text"]["quality"] for u in rows]),
        np.array([_own(u) for u in rows]) if own else None,
    )
    return Case(name, evidence, np.array(truth), np.array(clip), np.array([u["end_s"] - u["start_s"] for u in rows])), speakers


def joined(voices: dict[str, list[dict]], lines: list[str]) -> list[str]:
    """Lines of a system that hears and reads apart: its voices by clip, beside words that were read alone."""
    made = []
    for line in lines:
        told = json.loads(line)
        read = finals(line, "text")
        name = "/".join(Path(told["path"]).parts[-2:])
        told["updates"] = [u | {"text": read[0]["text"]} for u in voices[name]] if read else []
        made.append(json.dumps(told))
    return made


def begin(pack: Path, pairs: Path, work: Path) -> dict:
    """Lays out the pack under the probe's weights, and forgets what was heard of other graphs or pairs; gives the pack's manifest."""
    manifest = tomllib.loads((pack / "pack.toml").read_text(encoding="utf-8"))
    files = [pairs / f"{split}_{name}.csv" for split in SPLITS for name in CASES]
    for file in files:
        if not file.exists():
            raise RecipeError(f"{file}: not found; write it with `pairs --out {pairs}`")
    graphs = json.dumps([(f["path"], f["sha256"]) for f in manifest["files"]])
    stamp = hashlib.sha256(b"".join([graphs.encode(), *(f.read_bytes() for f in files)])).hexdigest()
    mark = work / "heard" / "of"
    if not (mark.exists() and mark.read_text(encoding="utf-8") == stamp):
        shutil.rmtree(work / "heard", ignore_errors=True)
        atomically(mark, lambda part: part.write_text(stamp, encoding="utf-8"))
    changed(pack, work / "probe", {n: PROBE for n in ("multilevel", "joint") if n in manifest})
    return manifest


def cases(engine: Path, pack: Path, pairs: Path, split: str, system: str, work: Path) -> tuple[dict[str, Case], list[str]]:
    """Every case beside one split's texts, and the clips' speakers. Without a graph for both, voices need be heard only once."""
    manifest = begin(pack, pairs, work)
    own = system in manifest and "own" in manifest[system]

    def told(what: tuple[str, str, str]) -> list[str]:
        split, name, system = what
        file = hear(engine, work / "probe", pairs / f"{split}_{name}.csv", system, work / "heard" / f"{split}_{name}_{system}.jsonl")
        return file.read_text(encoding="utf-8").splitlines()

    def reader(name: str) -> str:
        """Who reads the words of a case; whoever has done so already need not again."""
        read = [n for n in ("multilevel", "joint") if (work / "heard" / f"{split}_{name}_{n}.jsonl").exists()]
        return read[0] if read else "text_only"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        lines = list(pool.map(told, [(split, name, system if own else reader(name)) for name in CASES]))
        apart = [] if own else pool.map(told, [("test", name, system) for name in ("same", "noisy")])
        voices = {"/".join(Path(json.loads(line)["path"]).parts[-2:]): finals(line, "speech") for part in apart for line in part}
    found, speakers = {}, []
    for name, own_lines in zip(CASES, lines):
        found[name], speakers = case(name, own_lines if own else joined(voices, own_lines), own)
    return found, speakers


def trained(pack: Path, system: str) -> list[bool]:
    """Labels that the voice's branch of a system learnt."""
    manifest = tomllib.loads((pack / "pack.toml").read_text(encoding="utf-8"))
    branch = manifest["late_speech" if system == "late" else "speech"]
    return [name in branch["trained_labels"] for name in LABELS]
