"""The coach: hints on what a notebook does that costs it time or memory, each once, with the measured cost.

get-in-a-loop      each call is waited for before the next is submitted
large-argument     the same large value is passed by value many times
tiny-tasks         handing tasks out costs more than what they do
nested-get         many tasks wait, inside, for tasks of their own
pinned-outputs     outputs keep large objects that nothing else uses
"""

from gnomon.observe.coach.hints import KINDS, Hint
from gnomon.observe.coach.machine import Coach

__all__ = ["KINDS", "Coach", "Hint"]
