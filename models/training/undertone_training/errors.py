"""The one exception the command line turns into a sentence and exit code 2."""


class RecipeError(Exception):
    """A mistake the user can mend; the message names the file and the remedy."""
