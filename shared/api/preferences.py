"""What a caller prefers by the header Prefer (RFC 7240). A preference that is none, or not known, is passed over."""

import re

import azure.functions as func

RESPOND_ASYNC = "respond-async"
APPLIED = {"Preference-Applied": RESPOND_ASYNC}

# Possessive throughout, so that any text takes time in proportion to its length.
_SPACE = r"[ \t]*+"
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_WORD = rf'(?:{_NAME}|"(?:[^"\\]|\\.)*+")?+'
_PARAMETER = rf"{_NAME}(?:{_SPACE}={_SPACE}{_WORD})?+"
# A preference with its parameters, up to the comma before the next one.
_PREFERENCE = re.compile(
    rf"{_SPACE}(?P<name>{_NAME})(?:{_SPACE}={_SPACE}(?P<value>{_WORD}))?+"
    rf"(?:{_SPACE};{_SPACE}(?:{_PARAMETER})?+)*+{_SPACE}(?:,|$)"
)
# Anything else, up to the next comma outside of a quotation, which may have no end.
_BROKEN = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*+(?:"|\\?$))*+,?')


def responds_async(req: func.HttpRequest) -> bool:
    """Whether the caller prefers 202 and an address to waiting for the answer; `wait` beside it changes nothing."""
    header, at = req.headers.get("Prefer") or "", 0
    while at < len(header):
        found = _PREFERENCE.match(header, at)
        if not found:
            found = _BROKEN.match(header, at)
            at = found.end() if found else len(header)
            continue
        # An empty value means the same as none (RFC 7240, 2).
        if found["name"].lower() == RESPOND_ASYNC and found["value"] in (None, "", '""'):
            return True
        at = found.end()
    return False
