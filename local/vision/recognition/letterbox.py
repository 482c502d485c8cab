"""A picture in a network's rectangle: all of it in its own shape, with the way back for boxes, or its middle."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from local.vision.decoding.pixels import Rgb
from local.vision.recognition.seen import Box
from local.vision.recognition.sessions import Floats


@dataclass(frozen=True)
class Letterboxed:
    """
    *pixels* are the network's rectangle.

    The picture, *width* x *height*, begins at *left*, *top* in it, *x_scale* times as wide and *y_scale* times as high;
    these differ by the rounding to whole pixels only.
    """

    pixels: Rgb
    x_scale: float
    y_scale: float
    left: int
    top: int
    width: int
    height: int

    def box(self, left: float, top: float, right: float, bottom: float) -> Box | None:
        """Return a box of the rectangle in pixels of the picture, None where no pixel of the picture is in it."""
        first_x, last_x = (_whole((x - self.left) / self.x_scale, self.width) for x in (left, right))
        first_y, last_y = (_whole((y - self.top) / self.y_scale, self.height) for y in (top, bottom))
        if last_x <= first_x or last_y <= first_y:
            return None
        return Box(first_x, first_y, last_x - first_x, last_y - first_y)


def letterboxed(pixels: Rgb, *, width: int, height: int, fill: int = 0) -> Letterboxed:
    """Return *pixels* as large as they fit into *width* x *height*, with *fill* around them."""
    own_height, own_width = pixels.shape[:2]
    scale = min(width / own_width, height / own_height)
    new_width, new_height = max(1, round(own_width * scale)), max(1, round(own_height * scale))
    left, top = (width - new_width) // 2, (height - new_height) // 2
    rectangle = np.full((height, width, 3), fill, np.uint8)
    rectangle[top : top + new_height, left : left + new_width] = resized(pixels, width=new_width, height=new_height)
    return Letterboxed(rectangle, new_width / own_width, new_height / own_height, left, top, own_width, own_height)


def middle(pixels: Rgb, *, width: int, height: int, share: float = 1.0) -> Rgb:
    """Return the largest part in the middle that has the shape of *width* x *height*, or *share* of it, as large."""
    own_height, own_width = pixels.shape[:2]
    rows = max(1, round(share * min(own_height, own_width * height / width)))
    columns = max(1, round(share * min(own_width, own_height * width / height)))
    top, left = (own_height - rows) // 2, (own_width - columns) // 2
    return resized(pixels[top : top + rows, left : left + columns], width=width, height=height)


def resized(pixels: Rgb, *, width: int, height: int) -> Rgb:
    """Return *pixels* as *width* x *height*: each the mean of those that it covers, where it covers several."""
    is_smaller = width < pixels.shape[1] and height < pixels.shape[0]
    way = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=way), np.uint8)


def each_once(
    corners: Floats, scores: Floats, *, most_overlap: float, classes: npt.NDArray[np.intp] | None = None
) -> list[int]:
    """
    Return the rows to keep, most certain first: none overlaps a kept one by more than *most_overlap* (IoU, 0 to 1).

    *corners* are n x 4: left, top, right, bottom. Boxes of different *classes* may overlap as they like.
    """
    boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1).tolist()
    if classes is None:
        kept = cv2.dnn.NMSBoxes(boxes, scores.tolist(), 0.0, most_overlap)
    else:
        kept = cv2.dnn.NMSBoxesBatched(boxes, scores.tolist(), classes.tolist(), 0.0, most_overlap)
    return [int(row) for row in kept]


def _whole(value: float, limit: int) -> int:
    return min(max(round(value), 0), limit)
