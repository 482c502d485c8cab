"""Our own addresses that answers tell callers to follow, below the host's address; `names` has the others."""

from urllib.parse import quote

# The comparison under way, and the last one.
RECONCILIATION = "/api/unfinished/reconcile"
# The rebuild of the index that is under way, and the last one.
REBUILD = "/api/search/rebuild"


def operation(instance_id: str) -> str:
    """An operation's state and result."""
    return f"/api/operations/{quote(instance_id, safe='')}"


def waiting_image(name: str) -> str:
    """An image's state that answers 202 until the image is finished."""
    return f"/api/images?name={quote(name, safe='')}&wait=true"


def thumbnail(name: str) -> tuple[str, dict[str, str]]:
    """An image's thumbnails, and what the query must have besides the size."""
    if name.startswith("/") or "//" in name:
        # No route takes an empty segment at the beginning of a name, and proxies make one slash of two.
        return "/api/thumbnail", {"name": name}
    return f"/api/thumbnail/{quote(name, safe='/')}", {}
