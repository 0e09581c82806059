"""``get_runtime_context``: where the calling code runs."""

from __future__ import annotations

import json
from typing import Any

from gnomon._api import session
from gnomon._api.actor import ActorHandle
from gnomon._engine.base import ExecutionContext
from gnomon.exceptions import NotInitializedError
from gnomon.resources import to_amounts


class RuntimeContext:
    """Where the calling code runs; each getter reads the state of the moment.

    Ids are strings in hexadecimal, from the properties too. In a driver there is no task and no actor: what
    tells of them is None there (in Ray some of it raises).
    """

    def _now(self) -> ExecutionContext:
        return session.engine().context()

    def get(self) -> dict[str, Any]:
        """The context as a dict."""
        now = self._now()
        found = {"job_id": now.job_id.hex(), "node_id": now.node_id.hex(), "namespace": now.namespace}
        if now.task_id is not None:
            found["task_id"] = now.task_id.hex()
        if now.actor_id is not None:
            found["actor_id"] = now.actor_id.hex()
        return found

    def get_job_id(self) -> str:
        """The job: a driver and all that it started."""
        return self._now().job_id.hex()

    def get_node_id(self) -> str:
        """The node that this process runs on."""
        return self._now().node_id.hex()

    def get_worker_id(self) -> str:
        """This process."""
        return self._now().worker_id.hex()

    def get_task_id(self) -> str | None:
        """The task that runs here; None in a driver."""
        return _hex(self._now().task_id)

    def get_task_name(self) -> str | None:
        """Its ``name=``, or that of its function (``Class.method`` in an actor); None in a driver."""
        return self._now().task_name

    def get_task_function_name(self) -> str | None:
        """The function or method it runs, with its module; None in a driver."""
        return self._now().function_name

    def get_actor_id(self) -> str | None:
        """The actor whose method runs here; None outside of actors."""
        return _hex(self._now().actor_id)

    def get_actor_name(self) -> str | None:
        """The actor's ``name=``; "" when it has none, None outside of actors."""
        return self._now().actor_name

    def get_session_name(self) -> str:
        """The running session."""
        return session.engine().info.session

    def get_temp_dir(self) -> str | None:
        """The session's directory; None when it has none."""
        return session.engine().info.directory

    def get_assigned_resources(self) -> dict[str, float]:
        """What the task or actor that runs here holds."""
        return to_amounts(self._now().resources)

    def get_accelerator_ids(self) -> dict[str, list[str]]:
        """Accelerators by kind that the code here may use."""
        return {"GPU": [str(each) for each in self._now().gpus]}

    def get_resource_ids(self) -> dict[str, list[str]]:
        """As :meth:`get_accelerator_ids`."""
        return self.get_accelerator_ids()

    def get_node_labels(self) -> dict[str, str]:
        """The labels of this process's node: those given to ``init``, and its id as ``ray.io/node-id``."""
        return dict(self._now().node_labels)

    def get_runtime_env_string(self) -> str:
        """The runtime environment as JSON: ``"{}"``, since there are none yet."""
        return json.dumps(self.runtime_env)

    def get_placement_group_id(self) -> str | None:
        """The placement group that the task or actor here runs in: None, since there are none yet."""
        return None

    @property
    def runtime_env(self) -> dict[str, Any]:
        """The runtime environment of the code here: empty, since there are none yet."""
        return {}

    @property
    def current_placement_group_id(self) -> str | None:
        """As :meth:`get_placement_group_id`."""
        return self.get_placement_group_id()

    @property
    def should_capture_child_tasks_in_placement_group(self) -> bool:
        """Whether tasks submitted here join the placement group of their parent: there is none to join."""
        return False

    @property
    def gcs_address(self) -> str:
        """Where the head is reached: the session's directory of sockets; "" when all runs in one process."""
        return session.engine().info.directory or ""

    def is_canceled(self) -> bool:
        """Whether the task or call that runs here has been cancelled: for code that looks now and then.

        Raises:
            RuntimeError: no task runs here.
        """
        now = self._now()
        if now.task_id is None:
            raise RuntimeError(
                "is_canceled() tells of the task in which it is called, and no task runs here."
            )
        return now.is_canceled

    @property
    def namespace(self) -> str:
        """Where names of actors are looked up."""
        return self._now().namespace

    @property
    def was_current_actor_reconstructed(self) -> bool:
        """Whether the actor that runs here was restarted."""
        return self._now().was_reconstructed

    @property
    def current_actor(self) -> ActorHandle[Any]:
        """A handle on the actor that runs here; it does not keep the actor alive.

        Raises:
            RuntimeError: the code does not run in an actor.
        """
        engine = session.engine()
        binding = engine.current_actor()
        if binding is None:
            raise RuntimeError(
                "current_actor is only there inside a method of an actor; elsewhere use the handle that "
                ".remote() returned, or get_actor(name)."
            )
        return ActorHandle(binding, engine)

    job_id = property(get_job_id)
    node_id = property(get_node_id)
    worker_id = property(get_worker_id)
    task_id = property(get_task_id)
    actor_id = property(get_actor_id)


_context = RuntimeContext()


def get_runtime_context() -> RuntimeContext:
    """Where the calling code runs: its job, node, task, actor and resources."""
    session.engine()
    return _context


def get_gpu_ids() -> list[int] | list[str]:
    """GPUs that the task or actor here holds; in a driver none, as in Ray.

    Returns:
        Numbers; or names where ``CUDA_VISIBLE_DEVICES`` named them when the cluster was started.

    Raises:
        NotInitializedError: no session runs.
    """
    if session.current is None:
        raise NotInitializedError()
    return list(session.current.context().gpus)  # type: ignore[return-value]


def _hex(identity: bytes | None) -> str | None:
    return None if identity is None else identity.hex()
