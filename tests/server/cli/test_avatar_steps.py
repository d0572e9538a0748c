import io

from rich.console import Console
from rich.progress import Progress

from precompute.order import AvatarOrder
from precompute.stages.plan import stages_of
from server.cli.avatar_steps import StepBars


def test_each_step_has_a_bar_and_is_ticked_off():
    file = io.StringIO()
    progress = Progress(console=Console(file=file, width=100), auto_refresh=False)
    stages = stages_of(AvatarOrder(avatar="anna", kind="photo", background="white"))
    bars = StepBars(progress, stages)
    bars.progress("open", 0.0)
    bars.progress("open", 1.0)
    bars.progress("face", 0.5)
    shown = {task.description: (task.started, task.completed) for task in progress.tasks}
    assert len(shown) == len(stages)
    assert shown["[green]✓[/green] Opening the photo"] == (True, 1.0)
    assert shown["Finding the face"] == (True, 0.5)
    assert shown["[dim]Closing the bundle"] == (False, 0)
