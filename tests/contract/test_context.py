"""The cluster and the context, as code anywhere sees them, on every engine."""

import json

import gnomon


def test_in_the_driver():
    context = gnomon.get_runtime_context()
    assert context.get_task_id() is None
    assert context.get_actor_id() is None
    assert len(context.get_node_id()) == 16
    assert len(context.get_job_id()) == 8
    assert context.get()["namespace"] == context.namespace


def test_in_a_task():
    @gnomon.remote
    def tell():
        context = gnomon.get_runtime_context()
        return context.get_task_id(), context.get_task_name(), context.get_job_id(), context.namespace

    ref = tell.options(name="teller").remote()
    task_id, name, job_id, namespace = gnomon.get(ref)
    assert task_id == ref.task_id().hex()
    assert name == "teller"
    assert job_id == gnomon.get_runtime_context().get_job_id()
    assert namespace == gnomon.get_runtime_context().namespace


def where():
    context = gnomon.get_runtime_context()
    return {
        "task": context.get_task_name(),
        "function": context.get_task_function_name(),
        "actor": context.get_actor_name(),
        "resources": context.get_assigned_resources(),
    }


def test_names_of_tasks():
    there = gnomon.remote(where)
    assert gnomon.get(there.remote()) == {
        "task": "where",
        "function": f"{__name__}.where",
        "actor": None,
        "resources": {"CPU": 1.0},
    }
    assert gnomon.get(there.options(name="other").remote())["task"] == "other"
    assert gnomon.get(there.options(name="other").options(name=None).remote())["task"] == "where"
    assert gnomon.get(gnomon.remote(name="given")(where).options(name="").remote())["task"] == "where"
    assert gnomon.get(there.options(name="other").remote())["function"] == f"{__name__}.where"


class Teller:
    def where(self):
        return where()

    async def later(self):
        return where()


class SyncTeller:
    def where(self):
        return where()


def test_names_in_actors():
    for cls, method in ((SyncTeller, "where"), (Teller, "where"), (Teller, "later")):
        actor = gnomon.remote(cls).remote()
        call = getattr(actor, method)
        told = gnomon.get(call.remote())
        assert told["task"] == f"{cls.__name__}.{method}"
        assert told["function"] == f"{__name__}.{cls.__name__}.{method}"
        assert told["actor"] == ""
        assert gnomon.get(call.options(name="mine").remote())["task"] == "mine"
    actor = gnomon.remote(SyncTeller).options(name="teller", num_cpus=1).remote()
    told = gnomon.get(actor.where.remote())
    assert (told["actor"], told["resources"]) == ("teller", {"CPU": 1.0})


def test_the_name_of_a_methods_calls():
    @gnomon.remote
    class Named:
        @gnomon.method(name="told")
        def where(self):
            return where()

    assert gnomon.get(Named.remote().where.remote())["task"] == "told"


def test_what_there_is_not():
    @gnomon.remote
    def tell():
        context = gnomon.get_runtime_context()
        return (
            context.get_placement_group_id(),
            context.current_placement_group_id,
            context.should_capture_child_tasks_in_placement_group,
            context.runtime_env,
            context.get_runtime_env_string(),
            context.was_current_actor_reconstructed,
        )

    assert gnomon.get(tell.remote()) == (None, None, False, {}, "{}", False)


def test_labels_and_addresses():
    @gnomon.remote
    def tell():
        context = gnomon.get_runtime_context()
        return context.get_node_labels(), context.gcs_address, context.get_session_name()

    context = gnomon.get_runtime_context()
    here = (context.get_node_labels(), context.gcs_address, context.get_session_name())
    assert gnomon.get(tell.remote()) == here
    assert here[0] == {"ray.io/node-id": context.get_node_id()}
    (node,) = gnomon.nodes()
    assert node["Labels"] == here[0]


def test_resources(until):
    has = gnomon.cluster_resources()
    assert has["CPU"] == 2.0
    assert has["gadget"] == 2.0
    assert has["memory"] > 0
    assert has["object_store_memory"] > 0
    until(lambda: gnomon.available_resources()["CPU"] == 2.0)  # an engine may keep a worker for a moment


def test_nodes():
    (node,) = gnomon.nodes()
    assert node["Alive"]
    assert node["NodeID"] == gnomon.get_runtime_context().get_node_id()
    assert node["Resources"]["CPU"] == 2.0


def test_nested_use_of_init_is_a_no_op():
    @gnomon.remote
    def nested():
        gnomon.init(ignore_reinit_error=True)
        return gnomon.is_initialized()

    assert gnomon.get(nested.remote())


def test_timeline(tmp_path):
    @gnomon.remote
    def marked():
        return 1

    gnomon.get(marked.remote())
    assert any(event.get("name") == "marked" for event in gnomon.timeline())
    path = tmp_path / "timeline.json"
    assert gnomon.timeline(str(path)) is None
    assert isinstance(json.loads(path.read_text()), list)
