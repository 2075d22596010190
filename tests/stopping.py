"""A listener that ends a run in the middle, as a kill would."""

from spanbert.training.events import Listener


class Stop(Exception):
    """The run was ended."""


class StopAt(Listener):
    """Raises `Stop` after an update."""

    def __init__(self, step):
        self.step = step

    def started(self, step, steps):
        pass

    def updated(self, record):
        if record.step == self.step:
            raise Stop

    def evaluated(self, step, report, best):
        pass

    def ended(self, step, reason):
        pass
