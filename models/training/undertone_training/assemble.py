"""Puts a pack together from graphs that are already exported: a base pack's, and those of the systems beside it.

Every part folder holds graphs named after their roles, and `tables.json` with the manifest's tables for them; later parts
win. Weights are never touched here, so a graph's hash in the manifest is the hash of what was measured.
"""

import hashlib
import json
import shutil
import tomllib
from pathlib import Path

import onnx

from .errors import RecipeError
from .pack import _table

ROLES = ("trunk", "speech", "words", "writer_sound", "writer", "text", "late_speech", "multilevel", "joint", "familiar")
FILES = ("vocab.txt", "lexicon.bin", "tokens.bin")
NEEDS = {"late": ("late_speech", "text"), "multilevel": ("multilevel", "text"), "joint": ("joint", "text"), "speech_only": ("speech",), "text_only": ("text",)}
TABLES = ("trunk", "speech", "familiar", "words", "writer", "text", "late_speech", "late", "multilevel", "joint")
LISTS = ("graphs", "files", "training")


def _tables(folder: Path) -> dict:
    """A part's tables; a pack folder's come from its manifest."""
    if (folder / "pack.toml").exists():
        return tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8"))
    file = folder / "tables.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def gather(parts: list[Path]) -> tuple[dict[str, Path], dict[str, Path], dict]:
    """Graphs by role, other files by name, and the tables, from all parts."""
    graphs, files, tables = {}, {}, {}
    for folder in parts:
        if not folder.is_dir():
            raise RecipeError(f"{folder}: not found; give folders of exported graphs")
        graphs |= {role: folder / f"{role}.onnx" for role in ROLES if (folder / f"{role}.onnx").exists()}
        files |= {name: folder / name for name in FILES if (folder / name).exists()}
        own = _tables(folder)
        training = {t["name"]: t for t in tables.get("training", [])} | {t["name"]: t for t in own.get("training", [])}
        figures = tables.get("figures", {}) | own.get("figures", {})
        tables |= own
        tables["training"], tables["figures"] = list(training.values()), figures
    return graphs, files, tables


def systems(graphs: dict[str, Path], tables: dict) -> list[str]:
    """The systems whose graphs and weights are all there."""
    return [name for name, needs in NEEDS.items() if all(n in graphs for n in needs) and (name.endswith("_only") or name in tables)]


def _ends(path: Path) -> tuple[list[str], list[str]]:
    graph = onnx.load(path, load_external_data=False).graph
    stored = {t.name for t in graph.initializer}
    return [i.name for i in graph.input if i.name not in stored], [o.name for o in graph.output]


def manifest(head: dict, tables: dict, graphs: dict[str, tuple[list[str], list[str]]], files: list[dict]) -> str:
    """The text of pack.toml."""
    lines = _table("", head)[1:]
    for name in TABLES:
        if name in tables:
            lines += _table(f"[{name}]", tables[name])
    for role, (inputs, outputs) in graphs.items():
        lines += _table("[[graphs]]", {"role": role, "file": f"{role}.onnx", "inputs": inputs, "outputs": outputs})
    for kind, rows in (("files", files), ("training", tables.get("training", []))):
        for row in rows:
            lines += _table(f"[[{kind}]]", row)
    if tables.get("figures"):
        lines += _table("[figures]", tables["figures"])
    return "\n".join(lines).rstrip() + "\n"


def write(parts: list[Path], out: Path, name: str, version: str, default: str | None = None, description: str | None = None, card: str = "") -> dict:
    """Writes the pack folder; the manifest last, so a half-written pack is never taken for a whole one."""
    graphs, files, tables = gather(parts)
    for role in ("trunk", "speech"):
        if role not in graphs:
            raise RecipeError(f"no part holds {role}.onnx; begin with the folder of a speech pack")
    offered = systems(graphs, tables)
    default = default or tables.get("default_system", "speech_only")
    if default not in offered:
        raise RecipeError(f"system {default}: a graph or its table is missing; there are: {', '.join(offered)}")
    out.mkdir(parents=True, exist_ok=True)
    (out / "pack.toml").unlink(missing_ok=True)
    listed = []
    for target, source in [(f"{role}.onnx", path) for role, path in graphs.items()] + list(files.items()):
        if source.resolve() != (out / target).resolve():
            shutil.copyfile(source, out / target)
        data = (out / target).read_bytes()
        listed.append({"path": target, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    head = {
        "schema": 1, "name": name, "version": version, "licence": tables.get("licence", ""),
        "description": description or tables.get("description", ""), "sample_rate": 16000, "labels": tables["labels"],
        "systems": offered, "default_system": default,
    }
    if card:
        (out / "CARD.md").write_text(card, encoding="utf-8")
    (out / "pack.toml").write_text(manifest(head, tables, {role: _ends(path) for role, path in graphs.items()}, listed), encoding="utf-8")
    return {"systems": offered, "default_system": default, "bytes": sum(f["bytes"] for f in listed)}
