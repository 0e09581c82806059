"""The sentences of ``why``, from what was found out. Asks nobody.

    Seen ----> values.explain            why a value is, or is not, there
         ----> actors.explain_actor      why an actor does, or does not, answer
an error ----> failures.explain_failure  who failed because of whom

``words`` has what they all say: tasks, sites, times. What comes out is an ``Explanation`` (``_engine.explanation``).
"""
