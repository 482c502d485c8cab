"""Pixels of any kind as opaque sRGB: profiles, CMYK, palettes, transparency, and more than 8 bits a colour."""

from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

# Profiles of printers have 2 MB at most.
MOST_PROFILE_BYTES = 4 * 1024 * 1024
_WHITE = (255, 255, 255)
_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}
# Modes of Pillow with transparency, or with more than one way to say a colour, by one that says it plainly.
_PLAIN = {"1": "L", "PA": "RGBA", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB"}


class Srgb:
    """
    Turns pictures, or strips of one, into opaque sRGB.

    Args:
        profile: the ICC profile of the picture; one that is broken, too large or of another kind of colour is as none.
        greys: lowest and highest grey of a picture of 32 bits a pixel.
    """

    def __init__(self, profile: bytes | None, greys: tuple[float, float] | None = None) -> None:
        self._profile = profile if profile and len(profile) <= MOST_PROFILE_BYTES else None
        self._greys = greys
        self._transforms: dict[str, Callable[[Any], Any] | None] = {}

    def changes(self, image: Any) -> bool:
        """Whether it is not opaque sRGB already."""
        return image.mode != "RGB" or "transparency" in image.info or self._transform("RGB") is not None

    def of(self, image: Any) -> Any:
        """The picture in mode RGB."""
        from PIL import Image

        colour, alpha = _split(self.plain(image))
        transform = self._transform(colour.mode)
        colour = transform(colour) if transform else colour.convert("RGB")
        if alpha is None:
            return colour
        opaque = Image.new("RGB", colour.size, _WHITE)
        opaque.paste(colour, mask=alpha)
        return opaque

    def plain(self, image: Any) -> Any:
        """In one of the modes L, LA, RGB, RGBA, CMYK and LAB."""
        if image.mode.startswith("I;16"):
            return _upper_bytes(image)
        if image.mode in ("I", "F"):
            return _scaled(image, self._greys or image.getextrema())
        if image.mode == "P":
            is_opaque = "transparency" not in image.info and image.palette.mode != "RGBA"
            return image.convert("RGB" if is_opaque else "RGBA")
        if "transparency" in image.info and image.mode in ("1", "L", "RGB"):
            return image.convert("RGBA")
        return image.convert(_PLAIN[image.mode]) if image.mode in _PLAIN else image

    def _transform(self, mode: str) -> Callable[[Any], Any] | None:
        if self._profile is None and mode != "LAB":
            return None
        if mode not in self._transforms:
            self._transforms[mode] = _transform(self._profile, mode)
        return self._transforms[mode]


def _split(image: Any) -> tuple[Any, Any]:
    """Its colours, and its transparency if it has some."""
    if image.mode == "LA":
        return image.getchannel("L"), image.getchannel("A")
    if image.mode == "RGBA":
        return image.convert("RGB"), image.getchannel("A")
    return image, None


def _upper_bytes(image: Any) -> Any:
    from PIL import Image

    return Image.frombytes("L", image.size, image.tobytes()[0 if image.mode == "I;16B" else 1 :: 2])


def _scaled(image: Any, greys: tuple[float, float]) -> Any:
    """By the range that its numbers are of: a byte, two bytes, parts of 1; else by what they are in fact."""
    low, high = greys
    if low >= 0:
        low = 0
        high = next((most for most in ((1.0,) if image.mode == "F" else ()) + (255, 65535) if high <= most), high)
    scale = 255 / ((high - low) or 1)
    return image.convert("F").point(lambda grey: grey * scale - low * scale).convert("L")


def _transform(profile: bytes | None, mode: str) -> Callable[[Any], Any] | None:
    from PIL import ImageCms

    with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
        if mode == "LAB":
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        else:
            source = ImageCms.ImageCmsProfile(BytesIO(profile or b""))
        if source.profile.xcolor_space.strip() != _SPACES.get(mode):
            return None
        if mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
            return None
        transform = ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return lambda image: ImageCms.applyTransform(image, transform)
    return None
