"""What an installed wheel says of itself, put in front of the real one's."""

from pathlib import Path


def plant_wheel(folder: Path, *tags: str, name: str = "cffi") -> Path:
    """Write the metadata of a wheel with these *tags* into *folder*, which is to come first where Python looks."""
    metadata = folder / f"{name}-99.0.dist-info"
    metadata.mkdir(parents=True)
    metadata.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 99.0\n")
    lines = ["Wheel-Version: 1.0", "Root-Is-Purelib: false", *(f"Tag: {tag}" for tag in tags)]
    metadata.joinpath("WHEEL").write_text("\n".join(lines) + "\n")
    return folder
