"""What the app found in the sample, as a small table."""

from __future__ import annotations

from typing import Any


def table(state: dict[str, Any], record: dict[str, Any], python: str) -> list[str]:
    """
    Return its lines.

    Args:
        state: the app's answer about the image.
        record: its analysis record.
        python: on which the app runs, such as `3.12`.
    """
    seen = state.get("analysis") or {}
    source = record.get("source") or {}
    confidence = seen.get("captionConfidence")
    caption = str(seen.get("caption") or "not asked for")
    made = [str(each["size"]) for each in state.get("thumbnails") or [] if each.get("state") == "done"]
    rows = {
        "caption": caption + (f" (confidence {confidence:.2f})" if confidence is not None else ""),
        "tags": ", ".join(seen.get("tags") or []) or "none",
        "image": f"{source.get('width')}x{source.get('height')} pixels, {source.get('bytes')} bytes",
        "thumbnails": ", ".join(made) or "none",
        "text": str((state.get("text") or {}).get("excerpt") or "none"),
        "Python": python or "unknown",
    }
    return [f"  {name:<12}{value}" for name, value in rows.items()]
