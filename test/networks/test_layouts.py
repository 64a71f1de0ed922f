"""Names of other projects' tensors: each has its place, and none has two."""

import pytest
from filled import ocean_shapes, siamban_shapes

from siam_tracker_ros.networks.layouts import LAYOUTS, looks_like


@pytest.mark.parametrize(
    ("layout", "theirs", "ours"),
    [
        ("siamban", "backbone.layer2.0.downsample.0.weight", "backbone.layer2.0.downsample.0.weight"),
        ("siamban", "neck.downsample3.downsample.1.bias", "neck.1.1.bias"),
        ("siamban", "head.box2.cls.conv_kernel.0.weight", "heads.0.score.kernel.0.weight"),
        ("siamban", "head.box4.loc.conv_search.1.running_var", "heads.2.box.search.1.running_var"),
        ("siamban", "head.box3.cls.head.3.bias", "heads.1.score.predict.3.bias"),
        ("siamban", "head.cls_weight", "fusion.alpha"),
        ("siamban", "head.loc_weight", "fusion.beta"),
        ("siamban", "head.loc_scale", "fusion.scale"),
        ("siamban", "head.box5.cls.head.3.bias", None),
        ("siamban", "rpn_head.cls_weight", None),
        ("ocean", "features.features.bn1.weight", "backbone.bn1.weight"),
        ("ocean", "neck.downsample.0.weight", "neck.0.weight"),
        ("ocean", "connect_model.cls_encode.matrix11_k.0.weight", "score_combination.kernel.0.0.weight"),
        ("ocean", "connect_model.cls_encode.matrix12_s.1.bias", "score_combination.search.1.1.bias"),
        ("ocean", "connect_model.reg_encode.matrix21_k.0.weight", "box_combination.kernel.2.0.weight"),
        ("ocean", "connect_model.reg_dw.weight", "box_combination.weight"),
        ("ocean", "connect_model.cls_tower.9.weight", "score_tower.9.weight"),
        ("ocean", "connect_model.bbox_tower.10.running_mean", "box_tower.10.running_mean"),
        ("ocean", "connect_model.cls_pred.bias", "score.bias"),
        ("ocean", "connect_model.bbox_pred.weight", "box.weight"),
        ("ocean", "connect_model.adjust", "box_scale"),
        ("ocean", "connect_model.bias", "box_bias"),
        ("ocean", "align_head.rpn_conv.conv.weight", "alignment.weight"),
        ("ocean", "align_head.rpn_cls.bias", "object_score.bias"),
        ("ocean", "features.features.layeronline.0.conv1.weight", None),
        ("ocean_online", "features.features.layeronline.0.conv1.weight", "online_stage.0.conv1.weight"),
        ("ocean_online", "features.features.layer3.0.conv1.weight", "backbone.layer3.0.conv1.weight"),
        ("resnet50", "layer4.2.bn3.weight", "backbone.layer4.2.bn3.weight"),
        ("nanotrack", "backbone.features.0.1.weight", "backbone.features.0.1.weight"),
        ("nanotrack", "backbone.features.1.conv.3.fc.2.bias", "backbone.features.1.block.1.fc2.bias"),
        ("nanotrack", "backbone.features.2.conv.7.weight", "backbone.features.2.block.2.0.weight"),
        ("nanotrack", "backbone.features.9.conv.5.fc.0.weight", "backbone.features.9.block.2.0.fc1.weight"),
        ("nanotrack", "backbone.features.9.conv.8.running_var", "backbone.features.9.block.3.1.running_var"),
        ("nanotrack", "backbone.features.9.conv.6.weight", None),
        ("nanotrack", "ban_head.corr_pw_reg.CA_layer.fc2.bias", "deep_box.pixelwise.attention.3.bias"),
        ("nanotrack", "ban_head.corr_pw_cls.conv.4.weight", "deep_score.pixelwise.mix.4.weight"),
        ("nanotrack", "ban_head.corr_dw_cls.conv_kernel.0.bias", "deep_score.depthwise_kernel.0.bias"),
        ("nanotrack", "ban_head.bbox_tower.28.weight", "head4.regression.28.weight"),
        ("nanotrack", "neck.downsample.0.weight", None),
    ],
)
def test_names(layout, theirs, ours):
    assert LAYOUTS[layout].ours(theirs) == ours


@pytest.mark.parametrize(
    ("layout", "shapes"),
    [
        ("siamban", siamban_shapes()),
        ("ocean", ocean_shapes()),
        ("ocean_online", ocean_shapes(online=True)),
    ],
)
def test_every_name_of_the_authors_has_one_place_and_leads_back(layout, shapes):
    chosen = LAYOUTS[layout]
    ours = [chosen.ours(name) for name in shapes]
    assert None not in ours
    assert len(set(ours)) == len(ours)
    assert [chosen.theirs(name) for name in ours] == list(shapes)
    assert not any(chosen.reason_to_leave_out(name) for name in shapes)
    assert looks_like(shapes) is chosen


def test_what_is_left_out_has_a_reason():
    assert LAYOUTS["resnet50"].reason_to_leave_out("fc.weight") == "the 1000 classes of ImageNet"
    assert "never uses its neck" in LAYOUTS["nanotrack"].reason_to_leave_out("neck.downsample.0.weight")
    assert "fitted to each target" in LAYOUTS["ocean_online"].reason_to_leave_out(
        "classifier.feature_extractor.0.weight"
    )
    assert LAYOUTS["ocean"].reason_to_leave_out("classifier.feature_extractor.0.weight") is None
    assert LAYOUTS["resnet50"].reason_to_leave_out("layer1.0.conv1.weight") is None


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (["layer4.2.conv3.weight", "fc.weight"], "resnet50"),
        (["backbone.features.0.0.weight", "ban_head.cls_tower.0.weight"], "nanotrack"),
        (["encoder.weight"], None),
    ],
)
def test_what_a_checkpoint_looks_like(names, layout):
    found = looks_like(names)
    assert (found and found.name) == layout
