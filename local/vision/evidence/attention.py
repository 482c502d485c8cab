"""
Where a viewer looks first, and the crop that keeps it.

A map of 160 pixels adds up what stands out: colour unlike the picture's mean, detail unlike its surroundings, edges,
skin, a mild preference for the middle, things in boxes, and faces. A window of the wanted shape slides over it; what
lies in its middle counts most, so that a subject is not left at the rim.
"""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from local.vision.decoding.pixels import Rgb, shrunk
from local.vision.recognition.seen import Box

MAP_SIDE = 160
FACE_WEIGHT = 3.0
THING_WEIGHT = 0.5
EDGE_SHARE_OF_WINDOW = 0.15  # what the very rim of the window still counts, against 1 in its middle

Map = NDArray[np.float32]


def attention_map(pixels: Rgb, faces: Iterable[Box], things: Iterable[Box] = ()) -> Map:
    """Return how much each spot of RGB *pixels* attracts, from 0, at no more than 160 pixels a side."""
    small: Map = shrunk(pixels, MAP_SIDE).astype(np.float32) / np.float32(255)
    scale = small.shape[1] / pixels.shape[1]
    lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), np.float32)
    attraction = _levelled(_unlike_the_mean(lab))
    attraction += _levelled(_unlike_the_surroundings(lab))
    attraction += 0.7 * _levelled(_edges(lab))
    attraction += 0.6 * _skin(small)
    attraction *= _middle(attraction.shape[0], attraction.shape[1])
    for thing in things:
        _raise(attraction, thing, scale, growth=0.0, weight=THING_WEIGHT)
    for face in faces:
        # And, less, to the head around it.
        _raise(attraction, face, scale, growth=0.0, weight=FACE_WEIGHT)
        _raise(attraction, face, scale, growth=0.4, weight=FACE_WEIGHT / 3)
    return attraction


def best_window(attraction: Map, *, shape: float, size: tuple[int, int]) -> Box:
    """Return the largest window of width/height *shape* in a picture of *size* (width, height) that keeps the most."""
    width, height = size
    window_width = min(width, max(1, round(height * shape)))
    window_height = min(height, max(1, round(width / shape)))
    left = _best_offset(attraction.sum(axis=0), window_width / width, width, window_width)
    top = _best_offset(attraction.sum(axis=1), window_height / height, height, window_height)
    return Box(left, top, window_width, window_height)


def _best_offset(profile: Map, share: float, whole: int, window: int) -> int:
    """Return the offset, in the picture's pixels, of the window that covers *share* of the profile's length."""
    if window >= whole:
        return 0
    length = max(1, round(share * profile.size))
    # np.hanning is 0 at both ends; the two it loses are added and cut off again.
    weights = EDGE_SHARE_OF_WINDOW + (1 - EDGE_SHARE_OF_WINDOW) * np.hanning(length + 2)[1:-1]
    kept = np.correlate(profile.astype(np.float64), weights, mode="valid")
    best = int(np.argmax(kept))
    steps = max(1, kept.size - 1)
    return round(best / steps * (whole - window))


def _unlike_the_mean(lab: Map) -> Map:
    return np.asarray(np.linalg.norm(lab - lab.mean(axis=(0, 1)), axis=2), np.float32)


def _unlike_the_surroundings(lab: Map) -> Map:
    radius = max(1.0, max(lab.shape[:2]) / 24)
    centre = cv2.GaussianBlur(lab, (0, 0), radius / 3)
    surroundings = cv2.GaussianBlur(lab, (0, 0), radius * 2)
    return np.asarray(np.linalg.norm(centre - surroundings, axis=2), np.float32)


def _edges(lab: Map) -> Map:
    light = np.ascontiguousarray(lab[..., 0])
    strength = cv2.magnitude(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1))
    return np.asarray(cv2.GaussianBlur(strength, (0, 0), 2), np.float32)


def _skin(small: Map) -> Map:
    """How much a pixel has the ratio of red, green and blue that skin of any tone has."""
    brightness = small.sum(axis=2) + np.float32(1e-6)
    red, green = small[..., 0] / brightness, small[..., 1] / brightness
    distance = ((red - 0.44) / 0.06) ** 2 + ((green - 0.31) / 0.03) ** 2
    return np.asarray(np.exp(-distance) * (brightness > 0.6), np.float32)


def _middle(height: int, width: int) -> Map:
    y = np.linspace(-1, 1, height)[:, None]
    x = np.linspace(-1, 1, width)[None, :]
    return np.asarray(1 - 0.35 * np.clip(x**2 + y**2, 0, 1.5) / 1.5, np.float32)


def _levelled(part: Map) -> Map:
    """Bring a part to 0..1, with its strongest hundredth cut off so that one bright spot does not decide."""
    low, high = np.percentile(part, (5, 99))
    return np.asarray(np.clip((part - low) / max(float(high - low), 1e-6), 0, 1), np.float32)


def _raise(attraction: Map, box: Box, scale: float, *, growth: float, weight: float) -> None:
    """Add *weight* to *box*, grown on each side by *growth* of its own."""
    left = max(0, round((box.left - growth * box.width) * scale))
    top = max(0, round((box.top - growth * box.height) * scale))
    right = round((box.left + (1 + growth) * box.width) * scale)
    bottom = round((box.top + (1 + growth) * box.height) * scale)
    attraction[top:bottom, left:right] += weight
