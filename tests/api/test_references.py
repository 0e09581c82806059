"""What references, actor classes and the context tell, without a session's processes."""

import pytest

import gnomon
from gnomon.util import get_node_ip_address

pytestmark = pytest.mark.usefixtures("inline")


@gnomon.remote
class Limited:
    limit = 10

    @staticmethod
    def twice(x):
        return 2 * x

    @classmethod
    def name(cls):
        return cls.__name__

    def get(self):
        return self.limit


def test_what_a_reference_tells():
    ref = gnomon.put(1)
    assert len(ref.binary()) == ref.size() == gnomon.ObjectRef.size() == 20
    assert ref.hex() == ref.binary().hex()
    assert not ref.is_nil()
    assert ref.binary().startswith(ref.task_id())
    assert ref.job_id() == gnomon.get_runtime_context().get_job_id()
    assert not hasattr(ref, "__array__")
    with pytest.raises(AttributeError, match="Get the value with"):
        ref.result()


@pytest.mark.parametrize(
    "operation",
    [
        lambda ref: ref + 1,
        lambda ref: 1 + ref,
        lambda ref: sum([ref]),
        lambda ref: ref * ref,
        lambda ref: -ref,
        lambda ref: ref < 2,
        lambda ref: sorted([ref, ref]),
    ],
)
def test_a_reference_is_no_value(operation):
    with pytest.raises(TypeError, match="get the value with"):
        operation(gnomon.put(1))
    assert gnomon.put(1) != 1


def test_constants_of_an_actor_class():
    assert Limited.limit == 10
    assert Limited.twice(4) == 8
    assert Limited.name() == "Limited"
    assert not hasattr(Limited, "get")
    with pytest.raises(AttributeError, match=r"get is a method of Limited's actors"):
        Limited.get()
    assert gnomon.get(Limited.remote().get.remote()) == 10


def test_where_things_are():
    context = gnomon.get_runtime_context()
    assert context.get_temp_dir() is None  # the inline engine has none
    assert context.get_accelerator_ids() == context.get_resource_ids() == {"GPU": gnomon.get_gpu_ids()}
    assert context.worker_id == context.get_worker_id()
    assert get_node_ip_address().count(".") == 3
    assert get_node_ip_address("127.0.0.1:9") == "127.0.0.1"
