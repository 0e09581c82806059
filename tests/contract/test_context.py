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
