"""The model card: what a pack was made of, what it was measured at, where it fails."""

from .labels import AFFECT, LABELS

_MIT = """Copyright (c) 2025 Moonshine AI

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."""


def figures(report: dict) -> dict[str, float]:
    """The figures the manifest carries; recalls in 0 … 1."""
    dev, german = report["crema_d_dev"], report["crema_d_to_emodb_4"]
    return {
        "crema_d_dev_uar_first": dev["first"] / 100, "crema_d_dev_uar_after_30s": dev["after_30s"] / 100,
        "crema_d_dev_uar_one_sided": dev["one_sided"] / 100,
        "crema_d_dev_majority_uar_first": report["crema_d_dev_majority"]["first"] / 100,
        "emodb_leave_one_speaker_out_uar_first": report["emodb_leave_one_speaker_out"]["first"] / 100,
        "crema_d_to_emodb_4_uar_first": german["first"] / 100, "crema_d_to_emodb_4_uar_after_30s": german["after_30s"] / 100,
        "ece_unseen_speakers": report["calibration"]["unseen_speakers"]["ece"],
        "wer_librispeech_test_other_100": report["words"]["wer_test_other_int8"] / 100,
        "int8_uar_loss": (report["quantisation"]["f32"] - report["quantisation"]["int8"]) / 100,
    }


def _row(name: str, f: dict) -> str:
    return f"| {name} | {f['n']} | {f['first']:.1f} | {f['stream']:.1f} | {f['after_30s']:.1f} | {f['one_sided']:.1f} |"


def text(pack, report: dict) -> str:
    """The card, in Markdown."""
    never = [label for label in LABELS if label not in pack.trained_labels]
    c, unseen = pack.calibration, report["calibration"]["unseen_speakers"]
    dev, quant = report["crema_d_dev"], report["quantisation"]
    rows = [
        _row("CREMA-D, held-out speakers, 6 labels", dev), _row("CREMA-D, held-out speakers, 4 labels", report["crema_d_dev_4"]),
        _row("CREMA-D → EMO-DB (never heard), 4 labels", report["crema_d_to_emodb_4"]),
        _row("CREMA-D → EMO-DB (never heard), 6 labels", report["crema_d_to_emodb_6"]),
        _row("EMO-DB → CREMA-D, 4 labels (head only; the trunk has heard CREMA-D)", report["emodb_to_crema_d_4"]),
    ]
    data = "\n".join(f"- {t['name']}: {t['licence']}. {t['use'][0].upper() + t['use'][1:]}." for t in pack.training)
    provisional = ", ".join(f"{k.removeprefix('after_').removesuffix('_of_speech')} {v:.1f}" for k, v in report["provisional"].items())
    affect = "; ".join(f"{n} {AFFECT[n][0]:+.1f} {AFFECT[n][1]:+.1f} {AFFECT[n][2]:+.1f}" for n in LABELS)
    loso = report["emodb_leave_one_speaker_out"]
    return f"""# {pack.name} {pack.version}

{pack.description}

## What it is

A speech encoder (Moonshine-tiny's architecture: three convolutions, six transformer layers, 288 wide; every layer trained
further here), a speech emotion head on its layers 2 and 3, and a character head on its last layer. The emotion head
compares an utterance with the speaker's running baseline, shrunk toward the population's by five clips' weight; it was
trained on simulated streams in which a clip's past is what came before it, and never looks ahead.

## Data and licences

{data}

Weights' licence: {pack.licence}. CREMA-D: Cao, Cooper, Keutmann, Gur, Nenkova and Verma, 2014; the copy used here was
re-synthesised from log-mel pictures (first 3 s, loudness lost). EMO-DB: Burkhardt, Paeschke, Rolfes, Sendlmeier and
Weiss, 2005. LibriSpeech: Panayotov, Chen, Povey and Khudanpur, 2015; its 100 test-other clips were used for testing only.

## Figures

Unweighted recall in percent, clips cut as the engine cuts them. *First*: no past of the speaker. *Stream*: each speaker's
clips in random order, mean of three orders. *After 30 s*: of those, the ones with 30 s of the speaker behind them.
*One-sided*: a speaker whose past is all of the emotion being heard.

| test | clips | first | stream | after 30 s | one-sided |
|---|---|---|---|---|---|
{chr(10).join(rows)}

- CREMA-D held-out speakers, first hearing: 95 % interval {dev['interval'][0]:.1f} to {dev['interval'][1]:.1f} (bootstrap over clips).
- Against the majority of human votes ({report['crema_d_dev_majority']['n']} clips with one): {report['crema_d_dev_majority']['first']:.1f}.
- The same clips spoilt by noise, rooms, codecs, band limits, clipping: {report['crema_d_dev_spoilt']['first']:.1f}.
- EMO-DB, leave one speaker out, 6 labels (boredom left out): {loso['first']:.1f} at first hearing, {loso['stream']:.1f} as streams.
- Provisional scores, by seconds of speech heard: {provisional}.
- Calibration: temperature {c.temperature:.2f}; expected calibration error {unseen['ece']:.3f} on speakers that the temperature was not fitted on.
- *Unknown* under a confidence of {c.unknown_below:.2f}: accuracy {c.accuracy:.2f} at coverage {c.coverage:.2f} on the speakers it was chosen on; chosen on half of the speakers and measured on the other half, {unseen['selective_accuracy']:.2f} at {unseen['selective_coverage']:.2f}.
- int8 against f32: {quant['int8']:.1f} against {quant['f32']:.1f}.
- Words, greedy characters, LibriSpeech test-other (100 clips): word error rate {report['words']['wer_test_other_int8']:.1f} %.

## Limits

- {', '.join(never).capitalize()}: no training clip carried it, so it always scores about nothing.
- How the head's training views are weighted was chosen with an eye on the figures above, EMO-DB's crossing among them; on a
  corpus that nobody looked at, expect less.
- Acted speech, 76 English and 10 German actors. Spontaneous speech, children, other languages, singing and shouting were
  not measured.
- Valence, arousal and dominance are not learnt: no corpus here rates them for speech. They are the labels' places
  ({affect}), weighted by the scores.
- The words are a first pass for timings and live text; for a transcript to read, use a second-pass recogniser.
- A score says how a voice sounds to people who listened to actors. It does not say what a person feels, and must not
  decide anything about a person.

## Notice for the starting weights

{_MIT}
"""
