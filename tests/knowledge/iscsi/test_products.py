"""The verdict on a name lists the products that refuse it although it is valid, or accept it although it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.iscsi import validate

TARGETCLI = "targetcli and ceph-iscsi (rtslib-fb)"
FREEBSD = "FreeBSD (ctld, iscsictl)"
OPEN_ISCSI = "open-iscsi up to June 2026"
TRUENAS = "TrueNAS (target names)"
MACOS = "iSCSI Initiator for macOS"


def refused_by(name: str) -> set[str]:
    verdict = validate(name)
    assert verdict.valid
    assert verdict.accepted_by == ()
    return {product.who for product in verdict.refused_by}


def accepted_by(name: str) -> set[str]:
    verdict = validate(name)
    assert not verdict.valid
    assert verdict.refused_by == ()
    return {product.who for product in verdict.accepted_by}


def test_plain_name_is_accepted_by_every_product() -> None:
    assert refused_by("iqn.2001-04.com.example:storage.disk1") == set()


def test_kubernetes_requires_a_string_after_a_colon() -> None:
    assert refused_by("iqn.2001-04.com.example") == {"Kubernetes"}


def test_64_bit_naa_name_is_refused_by_kubernetes_and_accepted_by_targetcli() -> None:
    refusers = refused_by("naa.52004567ba64678d")
    assert "Kubernetes" in refusers
    assert TARGETCLI not in refusers


@pytest.mark.parametrize("first", ["1", "2", "5", "c", "d", "e", "f"])
def test_targetcli_accepts_the_naa_types_of_its_source(first: str) -> None:
    assert TARGETCLI not in refused_by(f"naa.{first}2004567ba64678d")


def test_targetcli_refuses_a_locally_assigned_naa_name() -> None:
    assert TARGETCLI in refused_by("naa.32004567ba64678d")


def test_128_bit_naa_name_is_refused_by_targetcli_and_accepted_by_kubernetes() -> None:
    refusers = refused_by("naa.62004567ba64678d0123456789abcdef")
    assert TARGETCLI in refusers
    assert "Kubernetes" not in refusers


def test_esxi_documents_no_naa_names() -> None:
    assert "ESXi" in refused_by("naa.52004567ba64678d")
    assert "ESXi" not in refused_by("eui.02004567a425678d")


def test_freebsd_refuses_the_longest_legal_name() -> None:
    stem = "iqn.2001-04.com.example:"
    assert FREEBSD in refused_by(stem + "a" * (223 - len(stem)))
    assert FREEBSD not in refused_by(stem + "a" * (222 - len(stem)))


def test_truenas_refuses_capitals_and_letters_beyond_ascii() -> None:
    assert TRUENAS in refused_by("iqn.2001-04.com.example:Disk")
    assert TRUENAS in refused_by("iqn.2001-04.com.example:größe")


def test_single_label_authority_is_refused_by_targetcli_and_macos() -> None:
    assert refused_by("iqn.2015-01.workgroup:raid") == {TARGETCLI, MACOS}


def test_month_13_is_accepted_by_targetcli_kubernetes_and_freebsd() -> None:
    assert {TARGETCLI, "Kubernetes", FREEBSD} <= accepted_by("iqn.2001-13.com.example:disk")


def test_month_20_is_refused_by_targetcli_too() -> None:
    assert TARGETCLI not in accepted_by("iqn.2001-20.com.example:disk")


def test_path_traversal_is_accepted_by_old_open_iscsi_kubernetes_and_targetcli() -> None:
    assert {OPEN_ISCSI, "Kubernetes", TARGETCLI} <= accepted_by("iqn.2026-06.com.example:../../../escape")


def test_underscore_is_accepted_by_kubernetes_and_refused_by_targetcli() -> None:
    takers = accepted_by("iqn.2001-04.com.example:my_disk")
    assert "Kubernetes" in takers
    assert TARGETCLI not in takers


def test_eui_with_a_letter_g_is_accepted_by_kubernetes() -> None:
    takers = accepted_by("eui.02004567A425678G")
    assert "Kubernetes" in takers
    assert TARGETCLI not in takers


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_no_product_is_listed_for_an_empty_name(blank: str) -> None:
    assert accepted_by(blank) == set()


@given(name=st.text(max_size=80))
def test_every_verdict_of_a_product_has_a_reason_and_a_source(name: str) -> None:
    verdict = validate(name)
    for judge in (*verdict.refused_by, *verdict.accepted_by):
        assert judge.who
        assert judge.why
        assert judge.source
