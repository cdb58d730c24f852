"""The seven labels of every pack, and the names other corpora use for them."""

from .errors import RecipeError

LABELS = ["neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised"]
INDEX = {name: i for i, name in enumerate(LABELS)}

_ALIASES = {
    "neutral": "neutral", "neu": "neutral", "calm": "neutral",
    "happy": "happy", "happiness": "happy", "hap": "happy", "joy": "happy", "excited": "happy", "exc": "happy",
    "sad": "sad", "sadness": "sad",
    "angry": "angry", "anger": "angry", "ang": "angry",
    "fear": "fearful", "fearful": "fearful", "fea": "fearful",
    "disgust": "disgusted", "disgusted": "disgusted", "dis": "disgusted",
    "surprise": "surprised", "surprised": "surprised", "sur": "surprised",
}

# Labels corpora carry that none of the seven can stand for; such clips are left out of training.
_LEFT_OUT = {"boredom", "bored", "frustration", "frustrated", "fru", "contempt", "other", "oth", "xxx", "dou", "unknown"}


def to_index(name: str, where: str) -> int | None:
    """The index of a corpus's label, None for one that has no place here; refuses names it never saw."""
    key = name.strip().lower()
    if key in _ALIASES:
        return INDEX[_ALIASES[key]]
    if key in _LEFT_OUT:
        return None
    known = ", ".join(sorted(set(_ALIASES) | _LEFT_OUT))
    raise RecipeError(f"{where}: unknown label '{name}'; the names understood are: {known}")


# GoEmotions' 28 names folded to the seven, following its authors' Ekman grouping
# (curiosity, confusion and realization count as surprise; every positive feeling as happy).
GOEMOTIONS = {
    "neutral": "neutral",
    **dict.fromkeys(["admiration", "amusement", "approval", "caring", "desire", "excitement", "gratitude",
                     "joy", "love", "optimism", "pride", "relief"], "happy"),
    **dict.fromkeys(["sadness", "disappointment", "embarrassment", "grief", "remorse"], "sad"),
    **dict.fromkeys(["anger", "annoyance", "disapproval"], "angry"),
    **dict.fromkeys(["fear", "nervousness"], "fearful"),
    "disgust": "disgusted",
    **dict.fromkeys(["surprise", "realization", "confusion", "curiosity"], "surprised"),
}


def goemotions_indices(names: str, where: str) -> list[int]:
    """The distinct label indices of a GoEmotions row such as `desire|optimism`."""
    found: list[int] = []
    for name in names.replace(",", "|").split("|"):
        key = name.strip().lower()
        if key not in GOEMOTIONS:
            raise RecipeError(f"{where}: unknown label '{name}'; GoEmotions' names are: {', '.join(GOEMOTIONS)}")
        index = INDEX[GOEMOTIONS[key]]
        if index not in found:
            found.append(index)
    return found


# Where each label sits in valence, arousal and dominance, on −1 … 1. No speech corpus used here is rated
# on these axes, so the speech branch's affect is this map smoothed by the label scores, and the card says so.
AFFECT = {
    "neutral": (0.0, -0.1, 0.0),
    "happy": (0.8, 0.5, 0.4),
    "sad": (-0.6, -0.4, -0.4),
    "angry": (-0.6, 0.7, 0.5),
    "fearful": (-0.6, 0.6, -0.6),
    "disgusted": (-0.6, 0.2, 0.2),
    "surprised": (0.2, 0.7, 0.0),
}
