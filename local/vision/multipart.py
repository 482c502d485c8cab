"""
Find the image in a multipart/form-data body.

The standard library's e-mail parser works on text lines; an image is cut out by its bytes instead.
"""

from email.message import Message

from local.vision import refusals


def file_part(body: bytes, content_type: str) -> bytes:
    """
    Return the content of the one file part of *body*.

    The contract does not name the field: a part with a filename counts as a file, and a sole part counts whatever it
    says. Raises Refusal (BadArgument) when there is none or more than one.
    """
    parts = list(_parts(body, _boundary(content_type)))
    files = [content for headers, content in parts if headers.get_param("filename", header="content-disposition")]
    if len(parts) == 1:
        return parts[0][1]
    if len(files) != 1:
        raise refusals.bad_body(f"A multipart body must hold exactly one file part; this one holds {len(files)}.")
    return files[0]


def _boundary(content_type: str) -> bytes:
    headers = Message()
    headers["Content-Type"] = content_type
    boundary = headers.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise refusals.bad_body("multipart/form-data needs a boundary parameter in Content-Type.")
    return boundary.encode("latin-1", "replace")


def _parts(body: bytes, boundary: bytes) -> list[tuple[Message, bytes]]:
    delimiter = b"\r\n--" + boundary
    sections = (b"\r\n" + body).split(delimiter)[1:]
    if not any(section.startswith(b"--") for section in sections):
        raise refusals.bad_body("The multipart body does not end with its boundary.")
    found = []
    for section in sections:
        if section.startswith(b"--"):
            break
        head, separator, content = section.partition(b"\r\n\r\n")
        if not separator:
            raise refusals.bad_body("A part of the multipart body has no end of its headers.")
        found.append((_headers(head), content))
    return found


def _headers(head: bytes) -> Message:
    headers = Message()
    for line in head.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip()] = value.strip()
    return headers
