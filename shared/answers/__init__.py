"""
Answers, each paid at most once: claims in storage, and the one way to ask through them.

It knows no record and no HTTP request: uploads and callers come here alike.
"""
