"""The table of all systems and their ablations, and the card of the pack that holds them, from the measured figures alone."""

import json
from pathlib import Path

from . import card
from .errors import RecipeError

NAMES = {
    "late": "late (ResNet and text, scores fused)",
    "two_scores": "the trunk's head and the text, scores fused, no graph for both (late only)",
    "multilevel": "multilevel (all levels, with both scores)",
    "joint": "joint (its better head), with both scores",
}
CASES = {"same": "same feeling", "plain": "neutral text", "clash": "wrong words", "noisy": "voice at 0 dB"}


def _one(case: dict) -> str:
    low, high = case["interval"]
    return f"{case['fused']:.1f} ({low:.1f}–{high:.1f})"


def rows(report: dict) -> list[str]:
    """One row a system: fused recall in every case, and the same by halves."""
    found = []
    for key, name in NAMES.items():
        if "all" in report.get(key, {}):
            made, halves = report[key]["all"], report[key]["halves"]
            found.append(f"| {name} | " + " | ".join(_one(made[c]) for c in CASES) + f" | {halves['same']['fused']:.1f} / {halves['plain']['fused']:.1f} / {halves['clash']['fused']:.1f} / {halves['noisy']['fused']:.1f} | {made['calibration']['ece']:.3f} | {made['calibration']['selective_accuracy']:.2f} at {made['calibration']['selective_coverage']:.2f} |")
    return found


def branches(report: dict) -> list[str]:
    """What each branch says alone in the same cases."""
    found = []
    for key, name in (("two_scores", "voice alone: the trunk's head"), ("late", "voice alone: late_speech")):
        if "all" in report.get(key, {}):
            found.append(f"| {name} | " + " | ".join(f"{report[key]['all'][c]['voice']:.1f}" for c in CASES) + " |  |  |  |")
    first = next(k for k in NAMES if "all" in report.get(k, {}))
    found.append("| words alone: text | " + " | ".join(f"{report[first]['all'][c]['words']:.1f}" for c in CASES) + " |  |  |  |")
    for key, name in (("multilevel", "multilevel's graph alone (co-attention only)"), ("joint", "joint's graph alone")):
        if "alone" in report.get(key, {}):
            found.append(f"| {name} | " + " | ".join(f"{report[key]['alone'][c]:.1f}" for c in CASES) + " |  |  |  |")
    return found


def ablations(report: dict) -> list[str]:
    """Short runs of an equal, small budget."""
    return [f"| {a['name']} | {a['budget']} | {a['figure']} |" for a in report.get("ablations", [])]


def weights(report: dict) -> list[str]:
    """What was found."""
    found = []
    for key in NAMES:
        if "all" in report.get(key, {}):
            w = report[key]["weights"]
            told = [_kept(report[key].get(name, {})) for name in ("missed", "missed_on_test")]
            found.append(f"| {key} | {w['own']:.2f} | {w['speech']:.2f} | {w['text']:.3f} | {w['gamma']:.1f} | {w['doubt']:.0f} | {w['lift']:.1f} | {w['temperature']:.2f} | {w['unknown_below']:.2f} | {' | '.join(told)} |")
    return found


def _kept(missed: dict) -> str:
    told = [f"{CASES[n]} missed by {100 * missed[n]:.1f}" for n in CASES if missed.get(n, 0.0) > 0]
    told += [f"{CASES[n]} not tried" for n in CASES if n not in missed]
    return ", ".join(told) or "kept"


def heads(report: dict) -> list[str]:
    """The two heads of `joint`, on the recipe's own evidence."""
    found = []
    for key, name in (("joint_shallow", "shallow"), ("joint_attention", "co-attention")):
        if key in report:
            found.append(f"| {name} | " + " | ".join(f"{report[key]['alone'][c]:.1f}" for c in CASES) + " | " + " / ".join(f"{report[key]['halves'][c]['fused']:.1f}" for c in CASES) + " |")
    return found


def table(report: dict) -> str:
    """The table with its reading guide."""
    nl = "\n"
    return f"""Unweighted recall in percent over 6 labels, 819 clips of CREMA-D's held-out speakers as streams of one speaker, each beside a
GoEmotions test text written as a recogniser writes: **synthetic pairing**, since no corpus here holds natural speech with
its own words. *Same feeling*: a text of the clip's label. *Neutral text*: of no feeling. *Wrong words*: of another feeling.
*Voice at 0 dB*: pink noise as loud as the clip, text of the same feeling. All of it as the engine hears it. In brackets a
bootstrap 95 % interval over clips. *By halves*: weights found on half of the speakers, measured on the other half (same /
neutral / wrong / 0 dB). ECE and selective accuracy over the first three cases together.

| system | {' | '.join(CASES.values())} | by halves | ECE | selective |
|---|---|---|---|---|---|---|---|
{nl.join(branches(report) + rows(report))}

Weights, found on the same speakers beside GoEmotions dev texts, three draws of them. The promises: beside neutral text and
beside wrong words no more than one point under the voice alone; at 0 dB not under the words alone; beside fitting words over
both. *Doubt* is how fast the voice's weight falls with its quality, *lift* what the words' weight gains as it does.

| system | own | speech | text | gamma | doubt | lift | temperature | unknown below | promises, dev texts | promises, test texts |
|---|---|---|---|---|---|---|---|---|---|---|
{nl.join(weights(report))}
"""


def engine(report: dict) -> str:
    """What `measure` found in the engine itself."""
    if not report:
        return ""
    speech = [
        f"| {name} | {f['n']} | {_with(f['uar'], f['uar_ci'])} | {_of(f.get('first_hearing'))} | {_of(f.get('after_30s'))} | {f['ece']:.3f} | {_sure(f)} |"
        for name, f in report.items() if not name.startswith(("pairs", "agreement", "flicker", "read"))
    ]
    early = [
        f"| {name.split(': ', 1)[1]} | {_agreed(f, '1s')} | {_agreed(f, '2s')} | {f['changes_a_minute']:.1f} | {f['known_changes_a_minute']:.1f} | {f['mood_changes_a_minute']:.1f} | {f['speech_minutes']:.1f} |"
        for name, f in report.items() if name.startswith(("agreement", "flicker", "read"))
    ]
    fused = [
        f"| {name.removeprefix('pairs: ').split()[0]} | {CASES[name.split()[-1]]} | {_with(f['uar'], f['uar_ci'])} | {f['ece']:.3f} | {_sure(f)} |"
        for name, f in sorted(report.items()) if name.startswith("pairs")
    ]
    parts = [
        (speech, """The voice alone, speakers as streams; *sure*: accuracy over the threshold that the pack states, and the share of clips over it.

| test | clips | recall | first clip of a speaker | after 30 s | ECE | sure |
|---|---|---|---|---|---|---|"""),
        (early, """How often the best label of a provisional score 1 s and 2 s into an utterance is its final's, and how often the label shown
changes in a minute of speech, to and from *unknown* included and without, and how often the mood; the default system with its
own recogniser.

| test | agree at 1 s | agree at 2 s | changes a minute | between known labels | of the mood | minutes of speech |
|---|---|---|---|---|---|---|"""),
        (fused, """Voice and words, each by `undertone eval --text given` on the manifests of `recipe pairs` (synthetic pairing).

| system | beside | recall | ECE | sure |
|---|---|---|---|---|"""),
    ]
    told = "\n\n".join("\n".join([guide, *found]) for found, guide in parts if found)
    return f"\n## In the engine\n\n`recipe measure`, which runs `undertone eval` over the finished pack.\n\n{told}\n"


def _with(value: float, interval: list[float]) -> str:
    return f"{100 * value:.1f} ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})"


def _of(part: dict | None) -> str:
    return f"{100 * part['uar']:.1f} of {part['n']}" if part and part.get("uar") is not None else ""


def _sure(figures: dict) -> str:
    sure = figures["selective"]
    return f"{sure['accuracy']:.2f} at {sure['coverage']:.2f}" if sure.get("accuracy") is not None else ""


def _agreed(figures: dict, when: str) -> str:
    share = figures.get(f"provisional_agreement_{when}")
    return "" if share is None else f"{100 * share:.1f} of {figures[f'provisional_agreement_{when}_n']}"


def results(report: dict, text: dict, measured: dict) -> str:
    """RESULTS.md."""
    nl, g, tox = "\n", text["goemotions_test"], text["toxicity_test"]
    short = ablations(report)
    part = f"""
## Ablations at an equal, small budget

Not what the recipe can do with time: each row had the budget it names, and only rows of one budget compare.

| what | budget | figure |
|---|---|---|
{nl.join(short)}
""" if short else ""
    late = report.get("late", {}).get("speech")
    alone = f"""
## The speech branch of `late`, alone

| test | first hearing | as streams | after 30 s | one-sided |
|---|---|---|---|---|
| CREMA-D, held-out speakers, 6 labels | {late['crema_d_dev']['first']:.1f} ({late['crema_d_dev']['interval'][0]:.1f}–{late['crema_d_dev']['interval'][1]:.1f}) | {late['crema_d_dev']['stream']:.1f} | {late['crema_d_dev']['after_30s']:.1f} | {late['crema_d_dev']['one_sided']:.1f} |
| CREMA-D → EMO-DB (never heard), 4 labels | {late['crema_d_to_emodb_4']['first']:.1f} | {late['crema_d_to_emodb_4']['stream']:.1f} | {late['crema_d_to_emodb_4']['after_30s']:.1f} | {late['crema_d_to_emodb_4']['one_sided']:.1f} |
""" if late else ""
    both = heads(report)
    heads_part = f"""
## The two heads of `joint`

The graphs alone in the four cases, and fused by halves of the speakers (same / neutral / wrong / 0 dB); on the recipe's own
evidence, whose 0 dB had a clean past and a quality of 0.37.

| head | same feeling | neutral text | wrong words | voice at 0 dB | fused, by halves |
|---|---|---|---|---|---|
{nl.join(both)}
""" if both else ""
    return f"""# What the three systems were measured at

{table(report)}{engine(measured)}{heads_part}{alone}
## Text alone

GoEmotions test, {g['n']} texts with one of the 7 labels, through the int8 graph: macro F1 {g['macro_f1_argmax']:.3f}
({g['interval'][0]:.3f}–{g['interval'][1]:.3f} at tuned biases), written as a recogniser writes {g['macro_f1_as_spoken']:.3f}, ECE {g['ece']:.3f}; over the threshold
{g['unknown_below']:.2f}, accuracy {g['selective_accuracy']:.2f} at coverage {g['selective_coverage']:.2f}. Toxicity, held-out tenth of Davidson, {tox['n']} texts: AUROC {tox['auroc']:.3f}.
EmoBank test: valence {text['emobank_test']['valence']:.2f}, arousal {text['emobank_test']['arousal']:.2f}, dominance {text['emobank_test']['dominance']:.2f} (correlation).
{part}"""


def english(base: Path, report: dict, text: dict, words: str, default: str, why: str) -> str:
    """CARD.md of the pack with all systems; `base` is the speech pack's card, whose speech figures stay true."""
    if not base.exists():
        raise RecipeError(f"{base}: not found; give the speech pack's folder")
    own = base.read_text(encoding="utf-8")
    speech = own.split("## Figures\n", 1)[1].split("## Limits\n", 1)[0]
    speech = "\n".join(line for line in speech.splitlines() if not line.startswith("- Words, greedy characters"))  # another words head since
    return f"""# english 1.0.0

English (and acted German) emotion from the voice and the words: seven labels, three systems, streaming words, toxicity of the words.
Default system: `{default}`. {why}

## What it is

- `trunk`: Moonshine-tiny's encoder, every layer trained further here; `speech`: an emotion head on its layers 2 and 3, against
  the speaker's running baseline; `words`: characters and phones on its last layer, with a lexicon; `writer`: Moonshine-tiny's
  decoder in small letters, every layer trained further here, which writes the words that the characters then place in time.
- `text`: MiniLM-L6, its lower two layers as published, the upper four fine-tuned on emotion, affect and toxicity.
- `late_speech`: log-mel and the first three stages of a speaker-recognition ResNet-34, with a head of the same kind.
- `multilevel`: co-attention, both ways, between tokens and frames, phones, syllables and words of the voice.
- `joint`: one more speech layer and four more text layers, fine-tuned together, {_head(report)}.

Speech, text and the systems' own scores are laid together log-linearly; plain words weigh less, and so does poor evidence
(noise, clipping, short speech, doubted words).

## Data and licences

{words}

## The systems, side by side

{table(report)}
## Text alone

GoEmotions test: macro F1 {text['goemotions_test']['macro_f1_argmax']:.3f} over 7 labels ({text['goemotions_test']['n']} texts). Davidson held-out: toxicity AUROC {text['toxicity_test']['auroc']:.3f}.

## Speech alone

{speech.strip()}

## Limits

- The systems were weighed on synthetic pairing only. Whether words help on natural speech, the figures cannot say; measure it
  with `undertone eval` on IEMOCAP, MELD or CMU-MOSEI if you hold them.
- *Surprised*: no speech corpus here carries it; only words can name it.
- `late_speech` had a short training: it is well under the trunk's head on CREMA-D, and lost in noise.{_silent(report)}
- Units for `multilevel` were uneven made-up spans in training, not a recogniser's.
- Text was learnt from Reddit comments, toxicity from tweets; people speak otherwise. Words of other languages are marked down
  by the engine, not understood.
- Acted speech, 76 English and 10 German actors. Spontaneous speech, children, other languages, singing and shouting were
  not measured.
- A score says how a voice sounds to people who listened to actors. It does not say what a person feels, and must not
  decide anything about a person.

## Notices

{card._MIT}

MiniLM-L6-H384-uncased and all-MiniLM-L6-v2: Apache License 2.0. The starting weights of `late_speech`: WeSpeaker's ResNet34
(trained on VoxCeleb), CC BY 4.0, changed here.
"""


def _silent(report: dict) -> str:
    """Says so where the promises leave a system's own graph no say."""
    if report.get("joint", {}).get("weights", {}).get("own", 1.0) > 0.0:
        return ""
    return "\n- `joint`'s graph gains most beside fitting words and loses most beside wrong ones, so the weights found leave it no say: the\n  system is, as shipped, the two scores fused."


def _head(report: dict) -> str:
    return "under a shallow head" if report.get("joint", {}).get("head") == "shallow" else "under a co-attention head"


def read(work: Path) -> tuple[dict, dict, dict]:
    """The systems' figures, weighed in the engine where they were; the text branch's; the engine's own."""
    files = [work / "fused.json", work / "text.json"]
    for file in files:
        if not file.exists():
            raise RecipeError(f"{file}: not found; run `train --step fusion` and `export --step text` first")
    report, text = (json.loads(f.read_text(encoding="utf-8")) for f in files)

    def more(name: str) -> dict | list:
        file = work / name
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    for name, found in more("weighed.json").items():
        report[name] = {k: v for k, v in report.get(name, {}).items() if k in ("speech", "head")} | found
    report["ablations"] = [*more("ablations.json"), *report.get("ablations", [])]
    return report, text, more("engine.json")


def write(work: Path) -> str:
    """RESULTS.md's text from a work folder."""
    return results(*read(work))
