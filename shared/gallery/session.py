"""`GET /api/gallery/data/session`: who looks at the page and what that person may do, for everyone."""

import azure.functions as func

from shared import __version__, services
from shared.api import parameters, responses
from shared.configuration.gallery_access import GalleryAccess
from shared.gallery.admission import Caller


def answer(req: func.HttpRequest, caller: Caller, access: GalleryAccess) -> func.HttpResponse:
    """What the page shows of itself; the app's settings are for those who may see its data."""
    parameters.reject_unknown(req)
    app_settings = services.current().settings if caller.role else None
    body = {
        "role": caller.role,
        "how": caller.how,
        "person": caller.person,
        "signIn": access.sign_in,
        "key": access.key is not None,
        "writable": app_settings.images_writable and caller.role == "editor" if app_settings else False,
        "most": app_settings.max_upload_bytes if app_settings else 0,
        "version": __version__,
    }
    return responses.answer_json(body)
