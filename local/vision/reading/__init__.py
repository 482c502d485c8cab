"""
Read: text out of images, PDFs and TIFFs, asked for once and fetched later.

`intake` takes a document, `question` reads what is asked, `desk` keeps the operations and works on them, `store`
remembers them. The calls are in `local.vision.reception`, the reading itself in `local.vision.text`.
"""
