"""Activity of ReconcileOrchestrator: compare or clean one page, or report the beginning or the end."""

import azure.functions as func

from shared import threads
from shared.lifecycle import reconcile_page
from shared.lifecycle.reconcile_loop import PageWork


# The worker takes plain classes only.
async def main(work: PageWork, starter: str, context: func.Context) -> object:
    """Return the outcome; see `shared.lifecycle.reconcile_loop`."""
    with threads.invocation(context):
        return await reconcile_page.page(work, starter)
