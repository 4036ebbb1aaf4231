"""Automations of Prefect's server: a flow run without a sign of life is marked Crashed, and so is one that never
begins.

The sweeper (flows/sweep_dead_runs.py) does the same once a minute and starts crashed runs again: automations are
quicker to see a death, the sweeper is the guarantee.
"""

from datetime import timedelta

from prefect.automations import Automation
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture


def register_automations(dead_after_seconds: float, enabled: bool = True) -> None:
    """Make or update them. A server outage longer than `dead_after_seconds` marks healthy runs Crashed."""
    within = timedelta(seconds=max(10.0, dead_after_seconds))
    crash = ChangeFlowRunState(
        state=StateType.CRASHED, name="Crashed", message="no sign of life: its process or its machine is gone"
    )
    stuck = ChangeFlowRunState(
        state=StateType.CRASHED, name="Crashed", message="it was taken by a worker, but never began"
    )
    wanted = [
        Automation(
            name="packshot: no heartbeat",
            description="A running flow run has sent nothing for so long: mark it Crashed.",
            trigger=EventTrigger(
                posture=Posture.Proactive,
                after={"prefect.flow-run.heartbeat"},
                # Any event is a sign of life. The documented list of states crashes runs that are tried again.
                expect={"prefect.flow-run.*"},
                match={"prefect.resource.id": "prefect.flow-run.*"},
                for_each={"prefect.resource.id"},
                threshold=1,
                within=within,
            ),
            actions=[crash],
        ),
        Automation(
            name="packshot: stuck in Pending",
            description="A worker took a flow run and died before it began: mark it Crashed.",
            trigger=EventTrigger(
                posture=Posture.Proactive,
                after={"prefect.flow-run.Pending"},
                expect={"prefect.flow-run.*"},
                match={"prefect.resource.id": "prefect.flow-run.*"},
                for_each={"prefect.resource.id"},
                threshold=1,
                within=within,
            ),
            actions=[stuck],
        ),
    ]
    for automation in wanted:
        automation.enabled = enabled
        try:
            automation.id = Automation.read(name=automation.name).id
        except ValueError:
            automation.create()
        else:
            automation.update()
