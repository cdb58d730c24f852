"""The command line: make, prepare, train, evaluate, export, pairs, weigh, assemble, ablate, card."""

import argparse
import json
import os
import sys
from pathlib import Path

from . import corpora
from .errors import RecipeError


FUSED = ("late_speech", "multilevel", "joint", "fusion")


def _pairs(values: list[str]) -> dict[str, Path]:
    found = {}
    for value in values:
        name, equals, folder = value.partition("=")
        if not equals:
            raise RecipeError(f"--corpus {value}: write NAME=FOLDER, such as crema_d=/data/CREMA-D")
        found[name] = Path(folder)
    return found


def _place(args):
    from .speech_recipe import Place

    return Place(args.cache, args.work, args.speech_encoder)


def prepare(args) -> int:
    """Decodes corpora into the cache."""
    from . import spans, store

    if args.spans:
        if not args.spans.exists():
            raise RecipeError(f"{args.spans}: not found; write it with `undertone analyze --finals-only --format jsonl FILE...`")
        with open(args.spans, encoding="utf-8") as lines:
            found = spans.from_engine(lines)
    for name, root in _pairs(args.corpus).items():
        left_out = store.build(args.cache, name, root, args.allow_missing, args.workers)
        print(f"{name}: ready in {args.cache}" + (f", {len(left_out)} left out: {', '.join(map(str, left_out[:10]))}" if left_out else ""))
        if args.spans:
            print(f"{name}: the engine found a voice in {store.mark(args.cache, name, found)} clips; elsewhere its place is told by level")
    return 0


def train(args) -> int:
    """Runs one phase, or all of the speech pack's phases."""
    from . import emotion_train, head_train, speech_recipe, text_corpora, text_train, words_train

    if args.step == "text":
        if not (args.text_encoder and args.goemotions and args.emobank and args.toxicity):
            raise RecipeError("train --step text: give --text-encoder, --goemotions, --emobank and --toxicity")
        toxic = [row for file in args.toxicity for row in text_corpora.toxicity(file)]
        plan = text_train.Plan(seed=args.seed)
        text_train.train(args.text_encoder, text_corpora.goemotions(args.goemotions), text_corpora.emobank(args.emobank), toxic, args.work, plan)
        return 0
    if args.step == "write":
        from . import write_recipe, write_train

        if args.cache is None or args.pack is None or args.speech_encoder is None:
            raise RecipeError("train --step write: give --cache, --pack, the folder of the pack whose words are to become better, and --speech-encoder, Moonshine's encoder_model.ort with its other files beside it")
        write_recipe.teach(args.cache, args.work, args.pack, args.speech_encoder.parent, write_train.Plan(seed=args.seed))
        return 0
    if args.step in FUSED:
        return _fused(args)
    if args.speech_encoder is None:
        raise RecipeError("train: give --speech-encoder, Moonshine tiny-en's encoder_model.ort, or a checkpoint's folder")
    if args.speech_encoder.is_dir():
        return _over_encoder(args)
    place = _place(args)
    steps = {
        "words": lambda: speech_recipe.words(place, words_train.Plan(epochs=2.5, seed=args.seed)),
        "emotion": lambda: speech_recipe.emotion(place, emotion_train.Plan(seed=args.seed)),
        "adapt": lambda: speech_recipe.adapt(place, words_train.Plan(epochs=0.93, rate=4e-4, head_rate=1e-3, seed=args.seed)),
        "head": lambda: speech_recipe.head(place, head_train.Plan(seed=args.seed)),
    }
    for name in steps if args.step == "speech" else [args.step]:
        print(f"phase: {name}", flush=True)
        steps[name]()
    return 0


def words(args) -> int:
    """Writes the words branch of a pack."""
    from . import write_recipe

    print(json.dumps(write_recipe.write(args.cache, args.work, args.pack, args.text or [], args.vocab, args.out), indent=1))
    return 0


def words_file(args) -> int:
    """Writes the file of words of a pack, and nothing else of it."""
    from . import word_counts

    print(json.dumps(word_counts.write_lexicon(args.librispeech, args.text or [], args.vocab, args.out), indent=1))
    return 0


def familiar(args) -> int:
    """Writes the graph that tells people's voices from others, over a pack."""
    from . import familiar as guard

    held = [name for name in guard.MANY if (args.cache / f"{name}.json").exists()]
    if not held:
        raise RecipeError(f"{args.cache}: no corpus is prepared here; run `prepare` first")
    print(json.dumps(guard.write(args.cache, args.pack, args.out, held, args.seed), indent=1))
    return 0


def _fused(args) -> int:
    """The steps of the systems beside the speech pack."""
    from . import fused_evaluate, fused_recipe, fused_train, joint, late_train

    if args.cache is None:
        raise RecipeError(f"train --step {args.step}: give --cache, the folder that `prepare` filled")
    place = fused_recipe.Place(args.cache, args.work, args.pack, args.speech_encoder, args.text_encoder, args.goemotions, args.speaker_network)
    if args.step == "late_speech":
        fused_recipe.late_speech(place, late_train.Plan(seed=args.seed))
    elif args.step == "multilevel":
        fused_recipe.multilevel(place, fused_train.Plan(seed=args.seed))
    elif args.step == "joint":
        for head in joint.HEADS:
            fused_recipe.joint(place, fused_train.Plan(epochs=1.5, seed=args.seed), head)
    else:
        fused_evaluate.run(place)
        print(f"{place.parts}: graphs and tables; figures in {place.work / 'fused.json'}")
    return 0


def pairs(args) -> int:
    """Writes held-out clips beside texts, for the engine to be judged on."""
    from . import pairs as maker

    for file in maker.write(args.cache, args.goemotions, args.out):
        print(file)
    return 0


def measure(args) -> int:
    """Measures a pack in the engine."""
    from . import measure as gauge

    gauge.run(args.engine, args.pack, args.cache, args.pairs, args.work, args.only)
    print(f"{args.work / 'engine.json'}: written")
    return 0


def ablate(args) -> int:
    """Compares variants at an equal, small budget."""
    from . import ablate as small, fused_recipe

    place = fused_recipe.Place(args.cache, args.work, args.pack, None, args.text_encoder, args.goemotions, args.speaker_network)
    for row in small.run(place, small.Budget(args.clips, args.steps, args.epochs, args.seed), args.only):
        print(f"| {row['name']} | {row['budget']} | {row['figure']} |")
    return 0


def weigh(args) -> int:
    """Finds a pack's weights on what the engine hears."""
    from . import weigh as scales

    found = scales.run(args.engine, args.pack, args.pairs, args.work, args.out, args.system or list(scales.SYSTEMS))
    for name, figures in found.items():
        told = ", ".join(f"{case} {figures['all'][case]['fused']:.1f}" for case in ("same", "plain", "clash", "noisy"))
        print(f"{name}: {told}; weights {json.dumps(figures['weights'])}")
    return 0


def assemble(args) -> int:
    """Puts a pack together from exported parts."""
    from . import assemble as maker

    made = maker.write(args.part, args.out, args.name, args.version, args.default, args.description, args.card.read_text(encoding="utf-8") if args.card else "")
    print(f"{args.out}: {', '.join(made['systems'])}; default {made['default_system']}; {made['bytes'] / 1e6:.1f} MB")
    return 0


def _over_encoder(args) -> int:
    """The head over a wav2vec 2.0, HuBERT or WavLM checkpoint: trained, or exported with it."""
    from . import encoder_recipe, head_train
    from .store import Store

    if args.cache is None:
        raise RecipeError(f"{args.command}: give --cache, the folder that `prepare` filled")
    store = Store(args.cache, ["crema_d", "emodb"])
    if args.command == "export":
        print(json.dumps(encoder_recipe.export(store, args.speech_encoder, args.work, args.out, args.name, args.version), indent=1))
    elif args.step in ("head", "speech"):
        encoder_recipe.train(store, args.speech_encoder, args.work, head_train.Plan(seed=args.seed))
    else:
        raise RecipeError(f"train --step {args.step}: belongs to Moonshine's encoder_model.ort; over a checkpoint there is --step head alone")
    return 0


def evaluate(args) -> int:
    """Measures the trained speech branch, or how far its trunk carries on a lent corpus."""
    if args.corpus:
        from . import held_evaluate

        print(json.dumps(held_evaluate.run(_place(args), args.corpus, args.json), indent=1))
        return 0
    from . import evaluate as judge

    report = judge.run(_place(args), args.json)
    print(json.dumps({k: v for k, v in report.items() if k != "calibration"}, indent=1))
    return 0


def export(args) -> int:
    """Writes the pack folder, or the text branch's part of one."""
    from . import export as writer

    if args.step == "text":
        from . import text_recipe

        print(json.dumps(text_recipe.export(args.work, args.text_encoder, args.goemotions, args.emobank, args.toxicity), indent=1))
        return 0
    if args.out and args.speech_encoder and args.speech_encoder.is_dir():
        return _over_encoder(args)
    if not (args.out and args.json and args.cache):
        raise RecipeError("export: give --cache, --json and --out")
    worst = writer.run(_place(args), args.json, args.out, args.name, args.version)
    print(f"{args.out}: written; largest difference from PyTorch {max(worst.values()):.1e} of scale")
    return 0


def card(args) -> int:
    """Prints the card of a pack folder, or the figures of a work folder's systems."""
    if args.work:
        from . import fused_card

        told = fused_card.write(args.work)
        if args.file:
            args.file.write_text(told, encoding="utf-8")
        else:
            print(told)
        return 0
    if args.out is None:
        raise RecipeError("card: give --out, a pack's folder, or --work, a work folder with the systems' figures")
    file = args.out / "CARD.md"
    if not file.exists():
        raise RecipeError(f"{file}: not found; run `export --out {args.out}` first")
    print(file.read_text(encoding="utf-8"))
    return 0


def make(args) -> int:
    """Everything in order, from the corpora to the pack."""
    from . import make as maker

    maker.run(maker.Order(
        args.corpora, args.encoders, args.engine, args.work, args.out, args.seed, args.threads, args.allow_missing, args.only, args.dry_run,
    ))
    return 0


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="undertone_training", description=__doc__)
    top.add_argument("--threads", type=int, default=os.cpu_count(), help="threads for PyTorch")
    commands = top.add_subparsers(dest="command", required=True)

    def command(name: str, action, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text)
        sub.set_defaults(action=action)
        return sub

    sub = command("make", make, "make the default pack: every stage in order, those done before skipped")
    sub.add_argument("--corpora", action="append", type=Path, required=True, metavar="DIR", help="a folder that holds corpora; repeat for more")
    sub.add_argument("--encoders", type=Path, required=True, help="folder into which the packages of encoders.txt were unpacked")
    sub.add_argument("--engine", type=Path, help="the `undertone` program, to hear where the voice is as users do")
    sub.add_argument("--work", type=Path, required=True)
    sub.add_argument("--out", type=Path, required=True, help="the pack's folder")
    sub.add_argument("--seed", type=int, default=1)
    sub.add_argument("--allow-missing", action="store_true")
    sub.add_argument("--only", metavar="STAGE", help="this stage alone")
    sub.add_argument("--dry-run", action="store_true", help="say what would be done")
    sub = command("prepare", prepare, "decode corpora into the cache")
    sub.add_argument("--cache", type=Path, required=True)
    sub.add_argument("--corpus", action="append", required=True, metavar="NAME=FOLDER", help=f"one of {', '.join(corpora.READERS)}; repeat for more")
    sub.add_argument("--allow-missing", action="store_true", help="leave missing or broken recordings out, and say which")
    sub.add_argument("--spans", type=Path, help="where the engine hears the voice: `undertone analyze --finals-only --format jsonl FILE...`")
    sub.add_argument("--workers", type=int, default=2)
    for name, action, text in (("train", train, "train one phase or all"), ("evaluate", evaluate, "measure, into a JSON file"), ("export", export, "write the pack")):
        sub = command(name, action, text)
        sub.add_argument("--cache", type=Path, required=name == "evaluate")
        sub.add_argument("--work", type=Path, required=True, help="checkpoints and views")
        sub.add_argument("--speech-encoder", type=Path, help="encoder_model.ort of Moonshine tiny-en, or the folder of a wav2vec 2.0, HuBERT or WavLM checkpoint")
        if name == "train":
            sub.add_argument("--step", default="speech", choices=["speech", "words", "emotion", "adapt", "head", "text", "write", *FUSED])
            sub.add_argument("--pack", type=Path, help="write: the pack whose words are to become better; fused systems: the pack whose trunk and head they stand on")
            sub.add_argument("--speaker-network", type=Path, help="a speaker-recognition ResNet34: WeSpeaker's ONNX, or the same in ORT format")
            sub.add_argument("--seed", type=int, default=1)
        else:
            sub.add_argument("--json", type=Path, required=name == "evaluate", help="the figures")
        if name in ("train", "export"):
            sub.add_argument("--text-encoder", type=Path, help="folder of a BERT: config.json, model.safetensors, tokenizer.json")
            sub.add_argument("--goemotions", type=Path)
            sub.add_argument("--emobank", type=Path)
            sub.add_argument("--toxicity", type=Path, action="append", help="Davidson's or Surge's CSV; repeat for both")
        if name == "evaluate":
            sub.add_argument("--corpus", help="a lent corpus, under its papers' own protocol, instead")
        if name == "export":
            sub.add_argument("--step", default="speech", choices=["speech", "text"])
            sub.add_argument("--out", type=Path, help="the pack's folder")
            sub.add_argument("--name", default="first")
            sub.add_argument("--version", default="0.1.0")
    sub = command("words", words, "write trunk, words graph, writer, tokens and lexicon after `train --step write`")
    sub.add_argument("--cache", type=Path, required=True)
    sub.add_argument("--work", type=Path, required=True, help="checkpoints and views")
    sub.add_argument("--pack", type=Path, required=True, help="the folder of the pack that was trained over")
    sub.add_argument("--text", type=Path, action="append", help="CSV with a column text, for how often words come; repeat for more")
    sub.add_argument("--out", type=Path, required=True)
    sub.add_argument("--vocab", type=Path, help="word pieces, the most frequent first, such as a BERT's vocab.txt: how likely words are that the texts lack")
    sub = command("lexicon", words_file, "write a pack's file of words alone")
    sub.add_argument("--librispeech", type=Path, required=True, metavar="FOLDER", help="its folder")
    sub.add_argument("--text", type=Path, action="append", help="CSV with a column text; repeat for more, each is weighed apart")
    sub.add_argument("--vocab", type=Path, help="word pieces, the most frequent first, such as a BERT's vocab.txt")
    sub.add_argument("--out", type=Path, required=True, help="the file")
    sub = command("familiar", familiar, "write the graph that tells people's voices from others")
    sub.add_argument("--cache", type=Path, required=True)
    sub.add_argument("--pack", type=Path, required=True, help="the folder of the pack whose head is to be guarded")
    sub.add_argument("--out", type=Path, required=True)
    sub.add_argument("--seed", type=int, default=1)
    sub = command("pairs", pairs, "write held-out clips beside texts, for `undertone eval` (synthetic pairing)")
    sub.add_argument("--cache", type=Path, required=True)
    sub.add_argument("--goemotions", type=Path, required=True)
    sub.add_argument("--out", type=Path, required=True, help="folder for the clips and manifests")
    sub = command("measure", measure, "measure a finished pack in the engine itself")
    sub.add_argument("--engine", type=Path, required=True, help="the `undertone` program")
    sub.add_argument("--pack", type=Path, required=True)
    sub.add_argument("--cache", type=Path, required=True)
    sub.add_argument("--work", type=Path, required=True, help="figures, in engine.json")
    sub.add_argument("--pairs", type=Path, help="the folder that `pairs` wrote, to measure the fused systems too")
    sub.add_argument("--only", help="rows whose name holds this")
    sub = command("ablate", ablate, "compare variants of late_speech and multilevel at an equal, small budget")
    sub.add_argument("--cache", type=Path, required=True)
    sub.add_argument("--work", type=Path, required=True)
    sub.add_argument("--speaker-network", type=Path, help="for the rows of late_speech")
    sub.add_argument("--pack", type=Path, help="for the rows of multilevel: a pack with trunk and text graphs")
    sub.add_argument("--text-encoder", type=Path, help="with --pack: the BERT's folder, for its tokenizer")
    sub.add_argument("--goemotions", type=Path, help="with --pack")
    sub.add_argument("--clips", type=int, default=1024, help="training clips of late_speech")
    sub.add_argument("--steps", type=int, default=64, help="training steps of late_speech")
    sub.add_argument("--epochs", type=float, default=4.0, help="epochs of multilevel")
    sub.add_argument("--seed", type=int, default=1)
    sub.add_argument("--only", help="rows whose name holds this")
    sub = command("weigh", weigh, "weigh voice and words anew in a finished pack, on what the engine makes of `pairs`")
    sub.add_argument("--engine", type=Path, required=True, help="the `undertone` program")
    sub.add_argument("--pack", type=Path, required=True, help="the pack's folder")
    sub.add_argument("--pairs", type=Path, required=True, help="the folder that `pairs` wrote")
    sub.add_argument("--work", type=Path, required=True, help="the engine's scores and the figures")
    sub.add_argument("--out", type=Path, required=True, help="folder for the tables, a part for `assemble`")
    sub.add_argument("--system", action="append", help="this system alone; repeat for more")
    sub = command("assemble", assemble, "put a pack together from exported parts")
    sub.add_argument("--part", type=Path, action="append", required=True, help="a pack's folder or a work folder's parts; repeat, later ones win")
    sub.add_argument("--out", type=Path, required=True)
    sub.add_argument("--name", default="english")
    sub.add_argument("--version", default="1.0.0")
    sub.add_argument("--default", help="the default system")
    sub.add_argument("--description")
    sub.add_argument("--card", type=Path, help="the card's text")
    sub = command("card", card, "print a pack's card, or the systems' figures")
    sub.add_argument("--out", type=Path, help="a pack's folder")
    sub.add_argument("--work", type=Path, help="a work folder in which `fusion` ran")
    sub.add_argument("--file", type=Path, help="with --work: write there instead")
    return top


def main(argv: list[str] | None = None) -> int:
    """Runs a command; a user's mistake is one sentence and exit code 2."""
    args = parser().parse_args(argv)
    try:
        if args.command in ("make", "train", "evaluate", "export", "words", "ablate"):
            import torch

            torch.set_num_threads(max(1, args.threads or 1))
        return args.action(args)
    except RecipeError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
