"""
Where the blobs of the index lie, in the container `index` of the host account.

Lines come into tails, one for each process and five minutes. A fold moves them into shards, which the manifest lists.
"""

TAILS = "tails/"
SHARDS = "base/"
MANIFEST = "base.json"
# Written when all records have been compared with the index.
BUILT = "built.json"
# Of the flat records for Azure AI Search: when all were compared last. Missing where there are none.
COMPARED = "compared.json"


def tail(writer: str) -> str:
    """The append blob that one writer adds its lines to, JSON each."""
    return f"{TAILS}{writer}.jsonl"


def shard(identifier: str) -> str:
    """The gzipped lines of the entries of one range of stems."""
    return f"{SHARDS}{identifier}.jsonl.gz"
