"""Where the stages of avatars come from: a function that processes find by its name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from server.jobs.records import StepRecord

if TYPE_CHECKING:
    # The jobs process never loads what makes avatars.
    from precompute.order import AvatarOrder
    from precompute.parts import PartBuilder
    from precompute.stages.base import Stage

    Plan = Callable[[AvatarOrder, Sequence[PartBuilder]], tuple[Stage, ...]]

PLAN = "precompute.stages.plan:stages_of"


def plan_of(name: str) -> Plan:
    """The function that says which stages an order takes.

    Args:
        name: as ``module:function``.
    """
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def steps_of(
    plan: str, builders: Callable[[], Sequence[PartBuilder]], order: AvatarOrder
) -> list[StepRecord]:
    """The steps that an order takes, none of them begun.

    Args:
        plan: where stages come from.
        builders: of the parts that engines need.
        order: what is wished for.
    """
    stages = plan_of(plan)(order, builders())
    return [StepRecord(name=stage.name, title=stage.title, weight=stage.weight) for stage in stages]
