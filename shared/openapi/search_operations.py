"""The operations about the search and its index."""

from shared.openapi import parameters as given
from shared.openapi import problems
from shared.openapi.operations import Operation, asked_again, json_answer

_SEARCH = "Search"


def operations() -> list[Operation]:
    """In the order of the document."""
    return [
        Operation(
            "SearchImages",
            "SearchHttp",
            "get",
            "/search",
            "Search images",
            "Finds uploaded images by their names, sentences, tags and texts, page by page, and counts all that match.",
            _SEARCH,
            {200: json_answer("One page of images that match.", "SearchResult")},
            (problems.QUERY, problems.STORAGE),
            (given.SEARCH, given.SORT, given.SEARCH_LIMIT, given.CONTINUATION),
        ),
        Operation(
            "RebuildIndex",
            "SearchHttp",
            "post",
            "/search/rebuild",
            "Make the search index anew",
            "Begins to make the search index anew from the records of all images.",
            _SEARCH,
            {202: json_answer("It has begun, or is under way.", "IndexRebuildBegun", asked_again())},
            (problems.NO_BODY, problems.STORAGE),
        ),
        Operation(
            "GetIndexRebuild",
            "SearchHttp",
            "get",
            "/search/rebuild",
            "Get the last rebuild of the search index",
            "Tells whether the search index is being made anew, and then how many images it has.",
            _SEARCH,
            {
                200: json_answer("The last rebuild.", "IndexRebuild"),
                202: json_answer("The rebuild that is under way.", "IndexRebuild", asked_again()),
            },
            (problems.STORAGE,),
        ),
    ]
