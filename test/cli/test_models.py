"""`siam-track models` lists the zoo."""

from typer.testing import CliRunner

from siam_tracker_ros.cli.main import app
from siam_tracker_ros.networks.zoo import MODELS


def test_every_model_is_listed_with_its_size_input_weights_and_paper():
    result = CliRunner().invoke(app, ["models"])
    assert result.exit_code == 0, result.output
    for entry in MODELS.values():
        assert f"\n{entry.name}\n" in "\n" + result.stdout
        assert entry.summary in result.stdout
        assert entry.paper in result.stdout
        assert (entry.weights_path is None) or (entry.weights_path.name in result.stdout)
    assert "template 127x127, search 255x255 pixels, stride 16" in result.stdout
    assert "stride 8" in result.stdout
    assert result.stdout.count("parameters") == len(MODELS)
    assert "none here; train it or give --weights" in result.stdout
