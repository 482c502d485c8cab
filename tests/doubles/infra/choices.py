"""Rules of the conditionals: which value of the two is taken, and when, is invisible to all other rules."""

from collections import Counter
from collections.abc import Iterator

from doubles import bicep
from doubles.bicep import Expression, Items, Value
from doubles.infra.project import Deployment

# Every conditional of each template, with how often it stands there; `[...]` is an array with items.
CHOICES = {
    "main": {
        "ownImages ? images!.outputs.id : imagesAccountId": 1,
        "ownImages ? images!.outputs.blobUrl : imagesExisting!.outputs.blobUrl": 1,
        "ownImages ? images!.outputs.queueUrl : imagesExisting!.outputs.queueUrl": 1,
        "ownVision ? vision!.outputs.id : visionAccountId": 1,
        "ownVision ? vision!.outputs.endpoint : visionExisting!.outputs.endpoint": 1,
        # A topic lies in the region of its account.
        "(ownImages || empty(imagesLocation)) ? location : imagesLocation": 1,
        "ownTopic ? events!.outputs.topicId : imagesTopicId": 1,
        "ownTopic ? events!.outputs.principalId : ''": 1,
        "!empty(visionRate) ? visionRate : visionTier == 'F0' ? '20/60' : '10/1'": 1,
        "visionTier == 'F0' ? '20/60' : '10/1'": 1,
        "closedNetwork ? network!.outputs.appSubnetId : ''": 1,
        # Another account has queues of others, too.
        "ownImages ? imagesId : ''": 1,
    },
    "images": {"closedNetwork ? 'Disabled' : 'Enabled'": 1, "closedNetwork ? 'Deny' : 'Allow'": 1},
    "host-storage": {"closedNetwork ? 'Deny' : 'Allow'": 1},
    "vision": {"closedNetwork ? 'Disabled' : 'Enabled'": 1, "closedNetwork ? 'Deny' : 'Allow'": 1},
    "app": {
        "empty(subnetId) ? null : subnetId": 1,
        "alwaysReady > 0 ? [...] : []": 1,
        "imagesWritable ? 'true' : 'false'": 1,
        # Without sign-in the app has no setting of it.
        "empty(galleryClientId) ? [] : [...]": 1,
    },
    "budget": {"empty(email) ? [] : [...]": 2},
    "alerts": {"empty(visionMonthlyLimit) ? [] : [...]": 1, "empty(alertEmail) ? [] : [...]": 3},
}


def problems(deployment: Deployment) -> Iterator[str]:
    """Yield the conditionals that are not as they have to be."""
    for template in deployment.templates.values():
        wanted = Counter(CHOICES.get(template.name.rpartition("/")[2].removesuffix(".bicep"), {}))
        found = Counter(_shown(each) for each in bicep.conditionals(template))
        for text in sorted(set(wanted) | set(found)):
            if wanted[text] != found[text]:
                yield f"{template.name} has {found[text]} of {text!r}; there have to be {wanted[text]}"


def _shown(value: Value) -> str:
    if isinstance(value, Expression) and value.condition:
        return f"{value.condition} ? {' : '.join(_shown(each) for each in value.branches)}"
    if isinstance(value, Items):
        return "[...]" if value else "[]"
    if isinstance(value, Expression):
        return value.text
    return "null" if value is None else repr(value)
