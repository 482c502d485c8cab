"""Computer Vision in Azure in the place of the local one: what is needed for it, what it costs, whether it answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from local import health_report
from local.addresses import DEFAULT_PORT, LOOPBACK, Addresses
from local.app_settings import VISION_KEY, with_defaults
from local.errors import LocalError
from local.stack.options import Choice
from local.wording import start_command

SOURCES = "in the environment or in local.settings.json"
HERE = (LOOPBACK, "localhost", "::1")
# US dollars for 1,000 transactions of the first million on tier S1; docs/deploying.md says what they were taken from.
DOLLARS, DEARER_DOLLARS = 1.00, 1.50
DEARER_FEATURES = frozenset({"description"})
DOCUMENT_PAGES = 2


def told_of_service(choice: Choice, settings: Mapping[str, str]) -> Iterator[str]:
    """
    Say whose service is used, that its calls are paid, and what the samples would cost.

    Raises LocalError where something of the service is missing in *settings*.
    """
    authority = _require_service(settings, choice.addresses)
    yield f"Computer Vision is your own service at {authority}: you pay for its calls"
    # Half a second of imports that no other start needs.
    from local.samples import DOCUMENTS, DRAWN, PHOTOGRAPHS

    images = len(list(PHOTOGRAPHS.glob("*.jpg"))) + len(DRAWN)
    cost = cost_of_samples(with_defaults(settings), images=images, documents=len(DOCUMENTS))
    port = {} if choice.addresses.port == DEFAULT_PORT else {"port": choice.addresses.port}
    sends = start_command(vision="azure", samples=True, **port)
    sent = "they are sent now" if choice.samples else f"they are not sent: `{sends}` sends them"
    yield f"The {images + len(DOCUMENTS)} samples cost {cost}; {sent}"
    yield "The free tier F0 has 5,000 transactions a month and 20 calls a minute: set VISION_RATE=20/60 with it"
    if (choice.state / "vision").exists():
        yield (
            f"{choice.state} has answers of the local Computer Vision, which your service is not asked for again: "
            f"take another folder, as `{start_command(vision='azure', state='DIR')}` does"
        )


def _require_service(settings: Mapping[str, str], addresses: Addresses) -> str:
    address = settings.get("VISION_ENDPOINT", "").strip()
    if not address:
        example = "https://my-resource.cognitiveservices.azure.com"
        raise LocalError(
            f"VISION_ENDPOINT is not set: give your Computer Vision's address, such as {example}, {SOURCES}"
        )
    if _is_local(address, addresses):
        raise LocalError(
            f"VISION_ENDPOINT is the address of the local Computer Vision: give your own service's address {SOURCES}"
        )
    if settings.get("VISION_AUTH", "").strip().lower() == "identity":
        return _authority(address)
    key = settings.get("VISION_KEY", "").strip()
    if key in ("", VISION_KEY):
        wrong = "is that of the local Computer Vision" if key else "is not set"
        raise LocalError(
            f"VISION_KEY {wrong}: give a key of your service {SOURCES}, or sign in with `az login` and set "
            "VISION_AUTH=identity"
        )
    return _authority(address)


def require_answer(host_url: str, health_key: str) -> None:
    """Raise LocalError with what the app's health report says is wrong; it asks the service for its models, unpaid."""
    report = health_report.ask(host_url, health_key)
    lines = [f"  {each['message']} ({each['code']})\n  {each['action']}" for each in report.problems or ()]
    if lines:
        raise LocalError("\n".join(["the app cannot work with this service or its storage", *lines]))


@dataclass(frozen=True)
class Cost:
    """What the samples cost at most."""

    transactions: int
    dollars: float

    def __str__(self) -> str:
        """Return it in words."""
        return (
            f"at most {self.transactions} transactions, {self.dollars:.2f} US dollars by the prices of tier S1 in "
            "docs/deploying.md"
        )


def cost_of_samples(settings: Mapping[str, str], *, images: int, documents: int) -> Cost:
    """
    Return what so many images and documents of two pages cost at most, by *settings* with every default in them.

    Each feature is a transaction, and so is each page that is read. Thumbnails take one for each size in the mode
    `vision`, none in `center`, else at most one for all.
    """
    features = {name.lower() for name in _listed(settings["VISION_FEATURES"])}
    dear = len(features & DEARER_FEATURES)
    # With `auto` the analysis decides: it may see text anywhere.
    read = documents * DOCUMENT_PAGES + (0 if settings["TEXT_MODE"].lower() == "never" else images)
    sizes = len(set(_listed(settings["THUMBNAIL_SIZES"])))
    mode = settings["THUMBNAIL_MODE"] or ("center" if settings["THUMBNAIL_SMART"].lower() == "false" else "auto")
    thumbnails = {"vision": sizes, "center": 0}.get(mode, min(sizes, 1))
    plain = images * (len(features) - dear + thumbnails)
    dearer = images * dear + read
    return Cost(plain + dearer, (plain * DOLLARS + dearer * DEARER_DOLLARS) / 1000)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_local(address: str, addresses: Addresses) -> bool:
    try:
        parts = urlsplit(address)
        return parts.hostname in HERE and parts.port in (addresses.port + 1, DEFAULT_PORT + 1)
    except ValueError:
        return False


def _authority(address: str) -> str:
    """Without what should not stand there, such as a key in the query."""
    try:
        parts = urlsplit(address)
        return f"{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "the address that is set"
