"""
Colour profiles that are made here, and what a colour of sRGB is in them, by arithmetic alone.

The primaries of Adobe RGB (1998) and Display P3 are those of their profiles, adapted to D50 (ICC.1).
"""

import struct

Colour = tuple[int, int, int]
Matrix = tuple[tuple[float, float, float], ...]

# Rows: X, Y, Z. Columns: red, green, blue.
SRGB: Matrix = ((0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.71410))
PRIMARIES: dict[str, Matrix] = {
    "Adobe RGB": ((0.60974, 0.20528, 0.01947), (0.31111, 0.62567, 0.06087), (0.14919, 0.06909, 0.74457)),
    "Display P3": ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
}
GAMMA = 2.2


def profile(name: str) -> bytes:
    """A profile of three primaries (each a row of `PRIMARIES`) and one gamma."""
    tags = [(b"desc", _text(name)), (b"cprt", b"text\0\0\0\0none\0"), (b"wtpt", _xyz((0.9642, 1.0, 0.8249)))]
    tags += [(b"%cXYZ" % letter, _xyz(primary)) for letter, primary in zip(b"rgb", PRIMARIES[name], strict=True)]
    tags += [(b"%cTRC" % letter, _curve()) for letter in b"rgb"]
    return _of_tags(b"RGB ", tags)


def grey_profile(gamma: float) -> bytes:
    """A profile of grey with one gamma."""
    tags = [(b"desc", _text("grey")), (b"cprt", b"text\0\0\0\0none\0"), (b"wtpt", _xyz((0.9642, 1.0, 0.8249)))]
    return _of_tags(b"GRAY", [*tags, (b"kTRC", _curve(gamma))])


def from_srgb(colour: Colour, name: str) -> Colour:
    """The numbers that this colour of sRGB has in that profile."""
    light = [_linear(channel / 255) for channel in colour]
    xyz = [sum(part * value for part, value in zip(row, light, strict=True)) for row in SRGB]
    columns = PRIMARIES[name]
    matrix = tuple(zip(*columns, strict=True))
    red, green, blue = _solved(matrix, xyz)
    return tuple(round(255 * min(1.0, max(0.0, value)) ** (1 / GAMMA)) for value in (red, green, blue))


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _solved(rows: Matrix, values: list[float]) -> list[float]:
    """Cramer's rule."""

    def determinant(m: Matrix) -> float:
        (a, b, c), (d, e, f), (g, h, i) = m
        return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)

    whole, found = determinant(rows), []
    for column in range(3):
        changed = tuple(
            tuple(value if place == column else row[place] for place in range(3))
            for row, value in zip(rows, values, strict=True)
        )
        found.append(determinant(changed) / whole)
    return found


def _of_tags(space: bytes, tags: list[tuple[bytes, bytes]]) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags:
        table += struct.pack(">4sII", name, start + len(body), len(content))
        body += content.ljust(-(-len(content) // 4) * 4, b"\0")
    header = struct.pack(">I4sI4s4s4s", start + len(body), b"none", 0x02400000, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp")
    header = header.ljust(68, b"\0") + _fixed(0.9642, 1.0, 0.8249)
    return header.ljust(128, b"\0") + table + body


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*values)


def _curve(gamma: float = GAMMA) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _text(text: str) -> bytes:
    said = text.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(said)) + said + bytes(78)
