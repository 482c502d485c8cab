"""
The start of the budget, which Azure lets no deployment change afterwards.

It has to be the first day of a month, and not a month that was over when the budget was made.
"""

from __future__ import annotations

import re

from deployment import azd
from deployment.arm import Arm
from deployment.environment import optional, required
from deployment.waiting import Clock

START_VARIABLE = "BLOBSIGHT_BUDGET_START"
VERSION = "2023-11-01"
GROUPS_VERSION = "2021-04-01"
# As infra/budget.bicep names it, after uniqueString; the user may have made others in the group.
_OWN = re.compile(r"budget-[a-z0-9]{13}")


def fix_start(arm: Arm, clock: Clock) -> None:
    """
    Write the budget's start into the azd environment: that of the budget that is there, or this month's.

    A start of the user that lies in this month or later stays, and so does any start where no budget is wanted.
    """
    if int(optional("BLOBSIGHT_MONTHLY_BUDGET", "0")) == 0:
        return
    this_month = clock.utc().strftime("%Y-%m-01")
    start = _start_in_azure(arm) or max(optional(START_VARIABLE), this_month)
    if azd.set_value(START_VARIABLE, start):
        print(f"Budget: it starts on {start}.")


def _start_in_azure(arm: Arm) -> str:
    """Return the start of the budget that this environment has in Azure; empty where it has none."""
    subscription = f"/subscriptions/{required('AZURE_SUBSCRIPTION_ID')}"
    # By its tag, because a pipeline begins with an environment that knows no outputs.
    own = f"tagName eq 'azd-env-name' and tagValue eq '{required('AZURE_ENV_NAME')}'"
    for group in arm.pages(f"{subscription}/resourcegroups", GROUPS_VERSION, query={"$filter": own}):
        budgets = f"{subscription}/resourceGroups/{group['name']}/providers/Microsoft.Consumption/budgets"
        for budget in arm.pages(budgets, VERSION):
            if _OWN.fullmatch(str(budget.get("name", ""))):
                return str(budget["properties"]["timePeriod"]["startDate"])[:10]
    return ""
