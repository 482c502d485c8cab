"""
Read: text out of images, PDFs and TIFFs, asked for once and fetched later.

`documents` takes a document, `question` reads what is asked, `read_queue` keeps the operations and works on them,
`store` remembers them. The calls are in `local.vision.read_api`, the reading itself in `local.vision.text`.
"""
