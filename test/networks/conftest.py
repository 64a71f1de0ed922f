import pytest
from calibrated import calibrated

from siam_tracker_ros.networks.zoo import MODELS


@pytest.fixture(scope="module", params=sorted(MODELS))
def named_network(request):
    return request.param, calibrated(request.param)
