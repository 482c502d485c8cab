"""Looking through all that a stack keeps in its storage accounts: containers, blobs, queues, each with its metadata."""

from azure.storage.queue import QueueServiceClient
from doubles.running_stack import RunningStack
from doubles.secret_search import SecretSearch


def look_through_storage(search: SecretSearch, stack: RunningStack) -> None:
    """Look through everything that lies in storage at this moment."""
    with stack.storage() as storage:
        for container in storage.list_containers(include_metadata=True):
            blobs = storage.get_container_client(container.name)
            search.look("container", container.name, f"{container.name} {dict(container.metadata or {})}")
            for found in blobs.list_blobs(include=["metadata", "tags"]):
                blob = blobs.get_blob_client(found.name).download_blob()
                told = f"{found.name} {found.metadata} {found.tags} {blob.properties}"
                search.look("blob", f"{container.name}/{found.name}", told.encode() + b"\n" + blob.readall())
    with QueueServiceClient.from_connection_string(stack.addresses.connection_string) as queues:
        for queue in queues.list_queues(include_metadata=True):
            waiting = [str(message) for message in queues.get_queue_client(queue.name).peek_messages(32)]
            search.look("queue", queue.name, f"{queue} {waiting}")
