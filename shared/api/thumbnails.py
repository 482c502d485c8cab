"""What a caller of `/api/thumbnail` asks for, in the words of the first version and in those of today."""

from shared.configuration.parse import Mode
from shared.errors import BadRequestError
from shared.settings import Settings

# The query parameters, but for the name.
PARAMETERS = ("width", "height", "smartCropping", "mode", "format")


def mode(settings: Settings, asked: Mode | None, smart: bool | None) -> Mode:
    """
    How a thumbnail is cut that a caller asks for with these parameters; by default as the settings say.

    Raises:
        BadRequestError: the two contradict each other.
    """
    if asked and smart not in (None, asked != "center"):
        raise BadRequestError(
            f"mode={asked} and smartCropping={str(smart).lower()} contradict each other.",
            code="bad_parameter",
            action="Leave one of the two out: smartCropping=false is mode=center, and true is any other mode.",
        )
    if asked:
        return asked
    if smart is False:
        return "center"
    own = settings.thumbnail_mode
    return "auto" if smart and own == "center" else own
