"""Functions with an `eventGridTrigger`, and what all webhooks of Event Grid have in common."""
